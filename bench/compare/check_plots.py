# SPDX-License-Identifier: Apache-2.0
"""For check.py: are the plots of a report there, and drawn from its raw
data?"""
import csv
import os
import re
import struct
import xml.etree.ElementTree

from checked import (deviation, differs, label_of, memory_row, near, NOTHING,
                     numbers, of, of_each, problem, programs_of, read_text,
                     size_rows)

SVG = "{http://www.w3.org/2000/svg}"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
WIDTH_MIN = 300
SLACK = 1e-5  # six digits are in a plot's table


# ---- pictures ---------------------------------------------------------------

def wanted_plots(raw):
    """What there are raw data for."""
    found = set()
    ran = {(line["program"], line["contender"]) for line in raw["contenders"]
           if line["state"] == "run"}

    def some(table, true):
        return {line["program"] for line in raw[table] if true(line) and
                (line["program"], line.get("contender")) in ran}
    times = some("start", lambda s: s["first_byte_us"])
    found |= {f"start-{p}" for p in times}
    found |= {f"cdf-{p}" for p in some(
        "start", lambda s: s["cache"] == "hot" and s["first_byte_us"])}
    found |= {f"density-{p}" for p in some(
        "density", lambda s: s["first_byte_us"])}
    for p in some("usage", lambda s: True):
        found |= {f"usage-memory-{p}", f"usage-cpu-{p}"}
    if some("start", lambda s: s["stop_us"]):
        found.add("stop")
    if some("memory", lambda s: int(s["count"]) > 1 and s["pss_kib"]):
        found.add("memory")
    return found | ({"size"} if raw["size"] else set())


def check_plots(where, raw, words, page):
    wanted = wanted_plots(raw)
    shown = set(re.findall(r"\]\(plots/([\w-]+)\.svg\)", words))
    for name in sorted(wanted | shown):
        if name not in shown:
            problem(f"report.md does not show the plot {name}")
        if f'href="plots/{name}.svg"' not in page:
            problem(f"report.html does not show the plot {name}")
        for suffix in ("gp", "tsv"):
            path = os.path.join(where, "plots", f"{name}.{suffix}")
            if not os.path.isfile(path) or not os.path.getsize(path):
                problem(f"plots/{name}.{suffix} is missing or empty")
        check_svg(where, f"plots/{name}.svg")
        check_png(where, f"plots/{name}.png")
    return wanted | shown


def check_svg(where, name):
    try:
        root = xml.etree.ElementTree.parse(os.path.join(where, name))
    except (OSError, xml.etree.ElementTree.ParseError) as e:
        problem(f"{name} is no picture: {e}")
        return
    top = root.getroot()
    if top.tag != SVG + "svg" or not list(top.iter(SVG + "path")):
        problem(f"{name} is empty")


def check_png(where, name):
    try:
        with open(os.path.join(where, name), "rb") as f:
            data = f.read()
    except OSError as e:
        problem(f"{name} cannot be read: {e}")
        return
    if not data.startswith(PNG_HEAD) or not data.endswith(PNG_END):
        problem(f"{name} is not a whole PNG")
    elif struct.unpack(">I", data[16:20])[0] < WIDTH_MIN:
        problem(f"{name} is narrower than {WIDTH_MIN} pixels")


# ---- what the bars are drawn from -------------------------------------------

def check_bars(where, raw):
    """Each table of a plot with bars has just these rows and figures."""
    programs = programs_of(raw)
    for program in programs:
        check_tsv(where, f"start-{program}", of_each(raw, program, start_bar))
    both = ("node", "go")
    labels = {label_of(line): line["contender"] for line in
              raw["contenders"] if line["state"] == "run"}
    stops = {label: bars(*(numbers(of(raw, "start", p, key), "stop_us")
                           for p in both)) for label, key in labels.items()}
    check_tsv(where, "stop", {k: v for k, v in stops.items() if v})
    held = {label: {**memory_bar(raw, "node", key),
                    **memory_bar(raw, "go", key)}
            for label, key in labels.items()}
    check_tsv(where, "memory", {k: v for k, v in held.items() if v})
    check_tsv(where, "size", {
        label: {"raw": row[0][0], "compressed": row[1][0]}
        for label, row in size_rows(raw).items()})


def start_bar(raw, program, key):
    seen = of(raw, "start", program, key)
    return bars(*(numbers([s for s in seen if s["cache"] == cache],
                          "first_byte_us") for cache in ("hot", "cold")))


def bars(*pair):
    """Mean and deviation in ms, by the names of their columns."""
    found = {}
    for name, us in zip(("first", "second"), pair):
        if us:
            found[name] = sum(us) / len(us) / 1000
            found[name + "_sd"] = sum(deviation(us)) / 1000
    return found


def memory_bar(raw, program, key):
    row = memory_row(raw, program, key)
    if row[3] == NOTHING:
        return {}
    pss, private, kernel = (cell[0] for cell in row[4:7])
    return {f"{program}_private": private, f"{program}_pss": pss,
            f"{program}_all": pss + kernel}


def check_tsv(where, name, wanted):
    if not wanted:
        return
    text = read_text(os.path.join(where, "plots", name + ".tsv"))
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    labels = [" ".join(row.get("label", "").split()) for row in rows]
    if sorted(labels) != sorted(wanted):
        problem(f"plots/{name}.tsv has not just the rows that it must have")
        return
    for label, row in zip(labels, rows):
        for column, word in row.items():
            if column in ("row", "label", "full", "pale", "shared"):
                continue
            value = wanted[label].get(column.replace(
                "node_text", "node_all").replace("go_text", "go_all")
                .replace("_text", ""))
            if not drawn_right(column, word, value):
                problem(f"plots/{name}.tsv, {label}, {column}: {word} is "
                        f"drawn, {value} is right")


def drawn_right(column, word, value):
    if value is None:
        return word in ("NaN", "")
    if column.endswith("_text"):
        return not differs(word, "{}", [value])
    return abs(float(word) - value) <= SLACK * max(abs(value), 1e-3)


# ---- what the lines are drawn from ------------------------------------------

def check_lines(where, raw):
    """The points of each line are points of the raw data, with the first and
    the last of them; where there are many, not all are drawn."""
    for program in programs_of(raw):
        asked = {(float(s["t_ms"]) / 1000, 0.0) for s in raw["requests"]
                 if s["program"] == program}
        check_curves(where, f"cdf-{program}",
                     of_each(raw, program, distribution))
        check_curves(where, f"density-{program}",
                     of_each(raw, program, density_line))
        for name, line in (("memory", memory_line), ("cpu", cpu_line)):
            check_curves(where, f"usage-{name}-{program}",
                         of_each(raw, program, line), asked)


def distribution(raw, program, key):
    us = numbers([s for s in of(raw, "start", program, key)
                  if s["cache"] == "hot"], "first_byte_us")
    return us and [(us[0] / 1000, 0.0)] + [
        (v / 1000, n / len(us)) for n, v in enumerate(us, 1)]


def density_line(raw, program, key):
    starts = {int(s["number"]): float(s["first_byte_us"])
              for s in of(raw, "density", program, key) if s["first_byte_us"]}
    return [(float(n), near(starts, n)[0]) for n in sorted(starts)]


def memory_line(raw, program, key):
    return [(float(s["t_ms"]) / 1000, float(s["memory_kib"]) / 1024)
            for s in of(raw, "usage", program, key)]


def cpu_line(raw, program, key):
    seen = of(raw, "usage", program, key)
    return [(float(s["t_ms"]) / 1000,
             (float(s["cpu_ms"]) - float(seen[0]["cpu_ms"])) / 1000)
            for s in seen]


def read_curves(where, name):
    """Label to points; each block begins with its label."""
    rows = csv.reader(read_text(os.path.join(
        where, "plots", name + ".tsv")).splitlines(), delimiter="\t")
    curves, points = {}, None
    for row in rows:
        if not row:
            points = None
        elif points is None:
            points = curves.setdefault(" ".join(row[0].split()), [])
        else:
            points.append((float(row[0]), float(row[1])))
    return curves


def check_curves(where, name, wanted, marks=()):
    if not wanted:
        return
    drawn = read_curves(where, name)
    requests = drawn.pop("requests", [])
    if sorted(drawn) != sorted(wanted):
        problem(f"plots/{name}.tsv has not just the lines that it must have")
        return
    drawn["requests"], wanted["requests"] = requests, marks
    for label, points in drawn.items():
        right = wanted[label]
        strange = [point for point in points
                   if not any(same(point, other) for other in right)]
        ends = label == "requests" or same(points[0], right[0]) and \
            same(points[-1], right[-1])
        if strange or not ends:
            problem(f"plots/{name}.tsv, {label}: it is not drawn from raw/"
                    + "".join(f"; {x}, {y}" for x, y in strange[:1]))


def same(point, other):
    return all(abs(a - b) <= SLACK * max(abs(b), 1e-3)
               for a, b in zip(point, other))
