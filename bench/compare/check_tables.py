# SPDX-License-Identifier: Apache-2.0
"""For check.py: the tables of a report, computed once more."""
import html.parser
import re
import statistics

from checked import (deviation, differs, label_of, letters, memory_row,
                     near, nearest_rank, NOTHING, numbers, of, of_each,
                     problem, PROGRAMS, programs_of, size_rows)

ENDS = {"count": "the run's limit", "memory": "its memory was used up",
        "time": "its time was up", "error": "an error"}
# How the report calls what surface.csv counts, where that is another word.
MEASURES = {
    "looked at": "looked_at", "system calls": "syscalls",
    "in part": "syscalls_conditional", "host's root": "uid0",
    "host's processes": "host_pids", "host's network": "host_network",
    "seccomp filters": "seccomp_filters", "open files": "open_fds",
    "writable mounts": "writable_mounts", "listening sockets": "listening",
    "calls of the guest": "guest_syscalls",
    "calls of the host": "guest_host_calls",
    "first wall, lines of C": "lines", "behind it": "lines_behind",
    "lines of the guest kernel": "kernel_lines", "lines of KVM": "kvm_lines",
}
# Of the two comparisons: the container's figure, the unikernel's.
PUBLISHED = {
    ("node", "start, ms"): (1130, 483),
    ("node", "image, MB"): (53.48, 27.8),
    ("node", "memory, MB"): (274.4, 619),
    ("go", "start, hot, ms"): (1004, 684),
    ("go", "start, cold, ms"): (1085, 760),
    ("go", "image, MB"): (704, 39),
}


# ---- reading ----------------------------------------------------------------

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


# ---- the headline -----------------------------------------------------------

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


# ---- the others -------------------------------------------------------------

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


def check_tables(raw, host, words):
    programs = programs_of(raw)
    check_surface(raw, words)
    check_published(raw, words)
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


# ---- the attack surface, and what others have published ---------------------

def check_surface(raw, words):
    """What the tables show is what surface.csv has, cell by cell."""
    for program in programs_of(raw):
        labels = {line["contender"]: label_of(line)
                  for line in raw["contenders"] if line["program"] == program}
        wanted = {(labels.get(s["contender"], s["contender"]), s["measure"]):
                  s["value"] for s in raw["surface"]
                  if s["program"] == program}
        shown = {(label, MEASURES.get(name, name)): cell
                 for heads, *rows in tables_below(words, "Attack surface",
                                                  PROGRAMS[program])
                 for label, *cells in rows
                 for name, cell in zip(heads[1:], cells) if cell != NOTHING}
        for what in sorted(wanted.keys() | shown.keys()):
            if letters(wanted.get(what, "")) != letters(shown.get(what, "")):
                problem(f"report.md, attack surface, {program}, "
                        f"{', '.join(what)}: {shown.get(what, NOTHING)} is "
                        f"printed, not {wanted.get(what, NOTHING)}")
    plain_words = letters(words)
    for how in {re.sub(", of [^,]*$", "", s["how"]) for s in raw["surface"]}:
        if letters(how) not in plain_words:
            problem(f"report.md does not say: {how}")


def check_published(raw, words):
    """The figures of others as we know them, and ours from the raw data."""
    tables = tables_below(words, "Published figures beside ours")
    found = set()
    for program, what, which, *cells in tables[0][1:] if tables else []:
        if which == "published":
            found.add((program, what))
            pair = PUBLISHED.get((program, what), (0, 0))
        else:
            pair = [ours(raw, program, what, label)
                    for label in which.split("; ")]
        known = len(pair) == 2 and all(pair)
        values = [[v] for v in (*pair, pair[0] / pair[1])] if known else \
            [[], [], []]
        for cell, value, (form, least) in zip(
                cells, values, (("{}", 3), ("{}", 3), ("{}x", 2)),
                strict=True):
            why = differs(cell, form, value, least)
            if why:
                problem(f"report.md, published figures, {program}, {what}, "
                        f"{which}: {why}")
    for program, what in PUBLISHED:
        if program in programs_of(raw) and (program, what) not in found:
            problem(f"report.md lacks what is published of {program}, {what}")


def ours(raw, program, what, label):
    """What the published figure `what` is of the contender, or of the image,
    with this label; None: it has not been measured."""
    key = next((line["contender"] for line in raw["contenders"]
                if line["program"] == program and label_of(line) == label),
               None)
    if what.startswith("start"):
        cache = "cold" if "cold" in what else "hot"
        us = numbers([s for s in of(raw, "start", program, key)
                      if s["cache"] == cache], "first_byte_us")
        return sum(us) / len(us) / 1000 if us else None
    if what.startswith("memory"):
        return next((float(m["pss_kib"]) * 1024 / 1e6
                     for m in of(raw, "memory", program, key)
                     if m["count"] == "1" and m["pss_kib"]), None)
    return sum(int(s["raw_bytes"]) for s in raw["size"]
               if s["program"] == program and
               (s["image"] == label or key in s["contenders"].split())) / 1e6
