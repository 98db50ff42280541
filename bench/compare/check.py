#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Is a report complete, and does it say what its raw data say?

`check.py DIR` prints a line for each problem and exits with 1, or says what
there is and exits with 0. It shares no code with what wrote the report: the
figures of the headline tables and of all starts are computed here once more,
from the CSV files, and must agree to the digits that are printed. The page
must have the same tables as the Markdown, cell by cell.
"""
import csv
import html.parser
import json
import math
import os
import re
import statistics
import struct
import sys
import xml.etree.ElementTree

PROGRAMS = {"node": "A: Node.js, Hello World",
            "go": "B: Go, Serverless Unikernels!"}
TABLES = ("contenders", "start", "size", "memory", "usage", "requests",
          "density", "surface", "left_out")
PARTS = ("start", "size", "memory", "usage", "density", "surface")
HOST = {"date": str, "mayfly": str, "cpu": str, "cores": int,
        "memory_bytes": int, "kernel": str, "kvm": str,
        "load_before": (int, float), "load_after": (int, float),
        "seconds": (int, float), "options": dict, "notes": list}
OPTIONS = {"quick": bool, "runs": int, "cold_runs": int,
           "pause_s": (int, float), "count": int, "seed": int}
NUMBER = r"-?[\d,]+(?:\.\d+)?"
SVG = "{http://www.w3.org/2000/svg}"
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
WIDTH_MIN = 300
NOTHING = "-"

problems = []


def problem(text):
    problems.append(text)


# ---- reading ----------------------------------------------------------------

def read_text(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except (OSError, UnicodeDecodeError) as e:
        problem(f"{os.path.basename(path)} cannot be read: {e}")
        return ""


def read_raw(where):
    raw = {}
    for name in TABLES:
        words = read_text(os.path.join(where, "raw", name + ".csv"))
        raw[name] = list(csv.DictReader(words.splitlines()))
        if any(None in line or None in line.values() for line in raw[name]):
            problem(f"raw/{name}.csv has a line with too few or too many "
                    "columns")
    return raw


def read_host(where):
    """host.json, and whether it has what it must."""
    words = read_text(os.path.join(where, "raw", "host.json"))
    try:
        host = json.loads(words)
    except ValueError as e:
        problem(f"raw/host.json is no JSON: {e}")
        return None
    before = len(problems)
    check_keys("host.json", host, HOST)
    check_keys("host.json options", host.get("options", {}), OPTIONS)
    return host if len(problems) == before else None


def check_keys(what, values, wanted):
    for key, kind in wanted.items():
        if not isinstance(values.get(key), kind):
            problem(f"{what}: {key} is missing or of a wrong kind")


def of(raw, table, program, key):
    return [line for line in raw[table] if line.get("program") == program and
            line.get("contender") == key]


# ---- is everything there? ---------------------------------------------------

def check_samples(raw, options, ran):
    """Each round of each contender has a time or says why not."""
    for line in ran:
        program, key = line["program"], line["contender"]
        seen = of(raw, "start", program, key)
        for cache, name in (("hot", "runs"), ("cold", "cold_runs")):
            some = [s for s in seen if s["cache"] == cache]
            if len(some) != options[name]:
                problem(f"start.csv has {len(some)} {cache} samples of "
                        f"{program}, {key}, not {options[name]}")
            for s in some:
                if not s["error"] and not positive(s["first_byte_us"]):
                    problem(f"start.csv, {program}, {key}, round "
                            f"{s['round']}, {cache}: neither a time nor an "
                            "error")


def positive(word):
    try:
        return float(word) > 0
    except ValueError:
        return False


def check_rows(raw, options, parts, ran):
    """Each part has rows of each contender that it measures."""
    count = str(options["count"])
    for line in ran:
        program, key = line["program"], line["contender"]
        if line["kind"] == "other":
            continue  # a command of the user's may be unable to do more
        platform = key.startswith("platform-")
        held = {m["count"] for m in of(raw, "memory", program, key)}
        have = {
            "size": any(key in s["contenders"].split() for s in raw["size"]
                        if s["program"] == program),
            "memory": {"1", count} <= held,
            "usage": of(raw, "usage", program, key) and
            of(raw, "requests", program, key) or
            not (platform or key == "process"),
            "density": platform or of(raw, "density", program, key),
            "surface": of(raw, "surface", program, key),
        }
        excused = {m["part"] for m in of(raw, "left_out", program, key)}
        for part, there in have.items():
            if part in parts and not there and part not in excused:
                problem(f"{part}.csv lacks rows of {program}, {key}")


def check_skipped(raw, words):
    plain = letters(words)
    for line in raw["left_out"]:
        if letters(line["reason"]) not in plain:
            problem(f"report.md does not say why {line['part']} of "
                    f"{line['contender']} was left out")
    for line in raw["contenders"]:
        if line["state"] not in ("run", "skipped"):
            problem(f"contenders.csv: {line['contender']} is neither run "
                    "nor skipped")
        if line["state"] != "skipped":
            continue
        if not line["reason"]:
            problem(f"contenders.csv: {line['contender']} was skipped "
                    "without a reason")
        said = letters(line["program"] + line["label"] + line["reason"])
        if said not in plain:
            problem(f"report.md does not say why {line['contender']} was "
                    f"left out for {line['program']}")


def letters(words):
    """Without what Markdown and wrapped lines change."""
    for safe, char in (("&lt;", "<"), ("&amp;", "&")):
        words = words.replace(safe, char)
    return re.sub(r"[^A-Za-z0-9<>&]", "", words)


# ---- plots ------------------------------------------------------------------

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


# ---- tables -----------------------------------------------------------------

def markdown_tables(words):
    """All tables as lists of rows of cells, without the rule."""
    tables, rows = [], []
    for line in words.split("\n") + [""]:
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            rows.append([plain(cell) for cell in cells])
        elif rows:
            tables.append(rows[:1] + rows[2:])
            rows = []
    return tables


def plain(cell):
    cell = re.sub(r"\\([|*`])", r"\1", cell.strip())
    return cell.replace("&lt;", "<").replace("&amp;", "&")


class Page(html.parser.HTMLParser):
    """Collects the tables of the page."""

    def __init__(self):
        super().__init__()
        self.tables = []
        self.cell = None

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1].append(self.cell.strip())
            self.cell = None


def check_page(tables, page):
    reader = Page()
    reader.feed(page)
    if len(reader.tables) != len(tables):
        problem(f"report.html has {len(reader.tables)} tables, report.md "
                f"{len(tables)}")
    for n, (here, there) in enumerate(zip(tables, reader.tables), 1):
        if here != there:
            problem(f"table {n}, {here[0][0]}..., is not the same in "
                    "report.html and report.md")


# ---- the headline, computed once more ---------------------------------------

def check_headline(raw, options, words, program):
    title = PROGRAMS[program]
    at = words.find(f"\n## {title}\n")
    tables = markdown_tables(words[at:]) if at >= 0 else []
    if not tables:
        problem(f"report.md has no headline table of {program}")
        return
    ran = [line for line in raw["contenders"]
           if line["program"] == program and line["state"] == "run"]
    rows = {row[0]: row[1:] for row in tables[0][1:]}
    labels = [" ".join(line["label"].split()) for line in ran]
    if sorted(rows) != sorted(labels) or len(rows) != len(tables[0]) - 1:
        problem(f"the headline table of {program} has not just the "
                "contenders that ran")
        return
    for label, line in zip(labels, ran):
        wanted = headline_values(raw, options, program, line["contender"])
        for name, cell, (form, values) in zip(tables[0][0][1:], rows[label],
                                              wanted, strict=True):
            why = differs(cell, form, values)
            if why:
                problem(f"report.md, {program}, {label}, {name}: {why}")


def numbers(lines, column):
    return sorted(float(line[column]) for line in lines if line[column])


def headline_values(raw, options, program, key):
    """For each column the form of a cell and the values in it; no values
    where nothing was measured."""
    seen = of(raw, "start", program, key)
    hot = numbers([s for s in seen if s["cache"] == "hot"], "first_byte_us")
    cold = numbers([s for s in seen if s["cache"] == "cold"],
                   "first_byte_us")
    stop = numbers(seen, "stop_us")
    size = [int(s["compressed_bytes"]) for s in raw["size"]
            if s["program"] == program and key in s["contenders"].split()]
    one, form, each = memory_values(raw, options, program, key)
    return [("{}", [sum(size) / 2**20] if size else []),
            ("{} ({})" if len(hot) == 1 else "{} ({} ± {})", hot and [
                v / 1000 for v in (statistics.median(hot),
                                   sum(hot) / len(hot), *deviation(hot))]),
            ("{}", hot and [hot[math.ceil(len(hot) * 0.99) - 1] / 1000]),
            ("{}", cold and [statistics.median(cold) / 1000]),
            ("{}", stop and [statistics.median(stop) / 1000]),
            ("{}", one), (form, each)]


def deviation(values):
    """Of the sample, in a list; of one value alone there is none."""
    if len(values) < 2:
        return []
    mean = sum(values) / len(values)
    return [math.sqrt(sum((v - mean) ** 2 for v in values) /
                      (len(values) - 1))]


def memory_values(raw, options, program, key):
    """Alone, the form of the last cell, and each among many; MiB."""
    held = {int(m["count"]): m for m in of(raw, "memory", program, key)
            if m["pss_kib"]}
    one = [float(held[1]["pss_kib"]) / 1024] if 1 in held else []
    most = max(held, default=0)
    if most < 2:
        return one, "{}", []
    kernel = max(float(held[most]["kernel_kib"] or 0), 0.0)
    each = (float(held[most]["pss_kib"]) + kernel) / most / 1024
    form = "{}" if most == options["count"] else "{} (of %d)" % most
    return one, form, [each]


def differs(cell, form, values):
    """Why the cell does not say this, or None."""
    if not values:
        return None if cell == NOTHING else f"{cell}, but nothing was measured"
    pattern = re.escape(form).replace(r"\{\}", f"({NUMBER})")
    found = re.fullmatch(pattern, cell)
    if not found:
        return f"{cell} does not have the form {form}"
    for word, value in zip(found.groups(), values):
        digits = len(word.partition(".")[2])
        slack = 0.5 * 10 ** -digits + 1e-9 * abs(value)
        if abs(float(word.replace(",", "")) - value) > slack:
            return f"{word} is printed, {value:.6g} is right"
        if len(re.sub(r"\D", "", word)) < 3 and value:
            return f"{word} has fewer than three digits"
    return None


def check_starts(raw, tables):
    """The tables of all starts: hot, then cold, of each program."""
    found = [t for t in tables if t[0][1:2] == ["starts"]]
    wanted = [(p, cache) for p in PROGRAMS for cache in ("hot", "cold")
              if any(s["program"] == p and s["cache"] == cache
                     for s in raw["start"])]
    if len(found) != len(wanted):
        problem(f"report.md has {len(found)} tables of starts, not "
                f"{len(wanted)}")
        return
    for (program, cache), table in zip(wanted, found):
        keys = {" ".join(line["label"].split()): line["contender"]
                for line in raw["contenders"] if line["program"] == program}
        for label, *cells in table[1:]:
            seen = [s for s in of(raw, "start", program, keys.get(label))
                    if s["cache"] == cache]
            for name, cell, values in zip(table[0][2:8], cells[1:7],
                                          start_values(seen)):
                why = differs(cell, "{}", values)
                if why:
                    problem(f"report.md, starts, {program}, {cache}, "
                            f"{label}, {name}: {why}")


def start_values(seen):
    """mean, sd, median, p99, min and max in ms, as differs takes them."""
    us = numbers(seen, "first_byte_us")
    if not us:
        return [[]] * 6
    return [[v / 1000 for v in values] for values in (
        [sum(us) / len(us)], deviation(us), [statistics.median(us)],
        [us[math.ceil(len(us) * 0.99) - 1]], us[:1], us[-1:])]


# ---- all of it --------------------------------------------------------------

def check(where):
    raw, host = read_raw(where), read_host(where)
    words = read_text(os.path.join(where, "report.md"))
    page = read_text(os.path.join(where, "report.html"))
    if problems:
        return
    options = host["options"]
    parts = options.get("parts", PARTS)
    ran = [line for line in raw["contenders"] if line["state"] == "run"]
    if not ran:
        problem("contenders.csv: nothing ran")
    if "start" in parts:
        check_samples(raw, options, ran)
    check_rows(raw, options, parts, ran)
    check_skipped(raw, words)
    for program in dict.fromkeys(line["program"]
                                 for line in raw["contenders"]):
        check_headline(raw, options, words, program)
    tables = markdown_tables(words)
    check_starts(raw, tables)
    check_page(tables, page)
    plots = check_plots(where, raw, words, page)
    if not problems:
        print(f"complete: {len(raw['start'])} samples, {len(tables)} "
              f"tables, {len(plots)} plots")


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("check.py DIR: a directory of results is wanted")
    check(sys.argv[1])
    for text in problems:
        print(text)
    return 1 if problems else 0


sys.exit(main())
