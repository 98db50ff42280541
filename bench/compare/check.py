#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Is a report complete, and does it say what its raw data say?

`check.py DIR` prints a line for each problem and exits with 1, or says what
there is and exits with 0. It shares no code with what wrote the report: the
figures of the tables (but not those of the attack surface and of what others
have published) and of the plots with bars are computed here once more, from
the CSV files, and must agree to the digits that are printed. The page must
have the same tables as the Markdown, cell by cell.
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
COLUMNS = {
    "contenders": "program contender label kind state reason version",
    "start": "round program contender cache load first_byte_us tries "
             "stop_us resident_kib error",
    "size": "program image contenders raw_bytes compressed_bytes files",
    "memory": "program contender count processes pss_kib private_kib "
              "kernel_kib available_kib daemon_kib",
    "usage": "program contender t_ms cpu_ms memory_kib processes",
    "requests": "program contender t_ms latency_us status",
    "density": "program contender number first_byte_us available_kib end",
    "surface": "program contender measure value how",
    "left_out": "program contender part reason",
}
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
ENDS = {"count": "the run's limit", "memory": "its memory was used up",
        "time": "its time was up", "error": "an error"}
PLOT_SLACK = 1e-5  # six digits are in a plot's table

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
    for name, columns in COLUMNS.items():
        path = os.path.join(where, "raw", name + ".csv")
        words = read_text(path)
        reader = csv.DictReader(words.splitlines())
        raw[name] = list(reader)
        if os.path.isfile(path) and reader.fieldnames != columns.split():
            problem(f"raw/{name}.csv does not begin with the line "
                    + columns.replace(" ", ","))
        elif any(None in line or None in line.values() for line in raw[name]):
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
            if some and all(s["error"] for s in some):
                problem(f"start.csv: every {cache} start of {program}, "
                        f"{key} failed")


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
    hot_form = "{} ({})" if len(hot) == 1 else "{} ({} ± {})"
    return [("{}", [sum(size) / 2**20] if size else []),
            (hot_form + failed(seen, "hot"), hot and [
                v / 1000 for v in (statistics.median(hot),
                                   sum(hot) / len(hot), *deviation(hot))]),
            ("{}", hot and [nearest_rank(hot) / 1000]),
            ("{}" + failed(seen, "cold"),
             cold and [statistics.median(cold) / 1000]),
            ("{}", stop and [statistics.median(stop) / 1000]),
            ("{}", one), (form, each)]


def failed(seen, cache):
    """What follows a median."""
    count = sum(s["cache"] == cache and s["error"] != "" for s in seen)
    return f" ({count} failed)" if count else ""


def nearest_rank(values):
    """The 99th percentile of sorted values."""
    return values[math.ceil(len(values) * 0.99) - 1]


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
        empty = NOTHING + "".join(re.findall(r" \(\d+ failed\)$", form))
        return None if cell == empty else f"{cell}, but nothing was measured"
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
            done = len(numbers(seen, "first_byte_us"))
            lost = sum(s["error"] != "" for s in seen)
            count = f"{done}, {lost} failed" if lost else str(done)
            if seen and cells[0] != count:
                problem(f"report.md, starts, {program}, {cache}, {label}: "
                        f"{cells[0]} starts, not {count}")
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
        [nearest_rank(us)], us[:1], us[-1:])]


# ---- the other tables, computed once more -----------------------------------

def tables_below(words, *titles):
    """The tables between these headings, one within the other, and the next
    heading that is as high as the last of them."""
    for level, title in enumerate(titles, 2):
        mark = "\n" + "#" * level + " "
        _, found, words = words.partition(f"{mark}{title}\n")
        if not found:
            return []
        words = words.partition(mark)[0]
    return markdown_tables(words)


def check_table(what, tables, wanted):
    """The first table has just the wanted rows. A list is one figure, or
    none where nothing was measured; a word must stand there as it is."""
    if not wanted:
        return
    table = tables[0] if tables else [[]]
    rows = {row[0]: row[1:] for row in table[1:]}
    if sorted(rows) != sorted(wanted) or len(table) != len(wanted) + 1:
        problem(f"report.md, {what}: the table is missing or has not just "
                "the rows that it must have")
        return
    for label, values in wanted.items():
        if len(values) != len(rows[label]):
            problem(f"report.md, {what}, {label}: {len(rows[label])} cells "
                    f"are there, not {len(values)}")
        for name, cell, value in zip(table[0][1:], rows[label], values):
            why = differs(cell, "{}", value) if isinstance(value, list) \
                else cell != value and f"{cell} is printed, not {value}"
            if why:
                problem(f"report.md, {what}, {label}, {name}: {why}")


def label_of(line):
    return " ".join(line["label"].split())


def of_each(raw, program, values):
    """Label to values for the contenders of a program that have some."""
    found = {label_of(line): values(raw, program, line["contender"])
             for line in raw["contenders"]
             if line["program"] == program and line["state"] == "run"}
    return {label: row for label, row in found.items() if row}


def programs_of(raw):
    seen = {line["program"] for line in raw["contenders"]}
    return [p for p in PROGRAMS if p in seen]


def check_tables(raw, host, words):
    programs = programs_of(raw)
    check_table("stop", tables_below(words, "Stop"),
                stop_rows(raw, programs))
    sizes = [[row[:1] + row[2:] if n == 0 else
              [f"{row[0]}: {row[1]}", *row[2:]] for n, row in enumerate(t)]
             for t in tables_below(words, "Size")]
    check_table("size", sizes, size_rows(raw))
    for program in programs:
        title = PROGRAMS[program]
        if raw["memory"]:
            check_table(f"memory, {program}",
                        tables_below(words, "Memory", title),
                        of_each(raw, program, memory_row))
        tables = tables_below(words, "How many at a time", title)
        steps = [int(word[6:]) for table in tables[:1] for word in table[0]
                 if re.fullmatch(r"start \d+", word)]
        check_table(f"density, {program}", tables, of_each(
            raw, program, lambda *who, steps=steps:
            density_row(host["memory_bytes"], steps, of(who[0], "density",
                                                        *who[1:]))))
        check_table(f"usage, {program}", tables_below(
            words, "Use over time: always on, and from zero", title),
            of_each(raw, program, usage_row))


def stop_rows(raw, programs):
    found = {}
    for line in raw["contenders"]:
        key, label = line["contender"], label_of(line)
        stops = [numbers(of(raw, "start", p, key), "stop_us")
                 for p in programs]
        if line["state"] == "run" and any(stops):
            found[label] = [cell for us in stops for cell in (
                [str(len(us)), [statistics.median(us) / 1000],
                 [nearest_rank(us) / 1000]] if us else [NOTHING, [], []])]
    return found


def size_rows(raw):
    return {f"{s['program']}: {s['image']}": [
        [int(s["raw_bytes"]) / 2**20], [int(s["compressed_bytes"]) / 2**20],
        s["files"], s["contenders"] or NOTHING] for s in raw["size"]}


def memory_row(raw, program, key):
    held = {int(m["count"]): m for m in of(raw, "memory", program, key)
            if m["pss_kib"]}
    row = [NOTHING, [], [], NOTHING, [], [], []]
    if 1 in held:
        row[:3] = [held[1]["processes"], mib(held[1], "pss_kib"),
                   mib(held[1], "kernel_kib")]
    n = max(held, default=0)
    if n > 1:
        most = held[n]
        kernel = max(float(most["kernel_kib"] or 0), 0.0)
        row[3:] = [str(n), mib(most, "pss_kib", n),
                   [float(most["private_kib"] or 0) / 1024 / n],
                   [kernel / 1024 / n]]
    once = mib(held[n], "daemon_kib") if held else []
    return [*row, once if any(once) else []]


def mib(line, column, count=1):
    return [float(line[column]) / 1024 / count] if line[column] else []


def density_row(memory_bytes, steps, seen):
    if not seen:
        return []
    starts = {int(s["number"]): float(s["first_byte_us"]) for s in seen
              if s["first_byte_us"]}
    free = [(int(s["number"]), float(s["available_kib"])) for s in seen
            if s["available_kib"]]
    each = []
    if len(free) > 1:
        (first, before), (last, after) = free[0], free[-1]
        each = [(before - after) / (last - first) / 1024]
    fits = f"{memory_bytes / 2**20 / each[0]:,.0f}" \
        if each and each[0] > 0 else NOTHING
    end = seen[-1]["end"]
    return [str(len(starts)), ENDS.get(end, end),
            *(near(starts, step) for step in steps), each, fits]


def near(starts, step):
    """The median of a start and its neighbours, ms."""
    if step not in starts:
        return []
    side = max(2, step // 20) if step > 2 else 0
    return [statistics.median(us for n, us in starts.items()
                              if abs(n - step) <= side) / 1000]


def usage_row(raw, program, key):
    seen = of(raw, "usage", program, key)
    if len(seen) < 2:
        return []
    at, cpu, held = ([float(s[column]) for s in seen]
                     for column in ("t_ms", "cpu_ms", "memory_kib"))
    area = sum((at[i] - at[i - 1]) * (held[i] + held[i - 1]) / 2
               for i in range(1, len(seen)))
    asked = of(raw, "requests", program, key)
    served = numbers([a for a in asked if a["status"] == "200"],
                     "latency_us")
    return ["from zero" if key.startswith("platform-") else "always",
            [(cpu[-1] - cpu[0]) / 1000], [area / 1000 / 1024],
            [max(held) / 1024], str(len(served)),
            str(len(asked) - len(served)),
            served and [statistics.median(served) / 1000],
            served and [nearest_rank(served) / 1000]]


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
    return abs(float(word) - value) <= PLOT_SLACK * max(abs(value), 1e-3)


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
    check_tables(raw, host, words)
    check_bars(where, raw)
    check_page(tables, page)
    plots = check_plots(where, raw, words, page)
    if not problems:
        print(f"complete: {len(raw['start'])} samples, {len(tables)} "
              f"tables, {len(plots)} plots")


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("check.py DIR: a directory of results is wanted")
    try:
        check(sys.argv[1])
    except ValueError as e:
        problem(f"a figure in raw/ or plots/ is none: {e}")
    for text in problems:
        print(text)
    return 1 if problems else 0


sys.exit(main())
