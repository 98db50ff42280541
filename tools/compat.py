# SPDX-License-Identifier: Apache-2.0
"""The table of docs/compatibility.md: reading, comparing and writing it.

The tests of tests/programs/ report rows: which program was run, what was
exercised, what became of it. A run leaves them in build/test-results/, from
which tools/compatibility makes the table; run-tests compares the two.
"""
import glob
import json
import os
import re

DOC = "docs/compatibility.md"
RESULTS = "build/test-results"
SUBSTRATES = ("kvm", "process")
BEGIN = "<!-- The tests make what follows: tools/compatibility -->"
END = "<!-- end of what the tests make -->"
HEAD = ["| program | version | what was exercised | kvm | process |",
        "|---|---|---|---|---|"]
WORKS = "works"


class Program:
    """What is known of one program: parts maps what was exercised to the
    result on each substrate, in the order of the test."""

    def __init__(self, title):
        self.title = title
        self.version = ""
        self.seals = []
        self.parts = {}

    def results(self, substrate):
        """[(part, result)] of one substrate."""
        return [(part, by[substrate]) for part, by in self.parts.items()
                if substrate in by]

    def lines(self):
        rows = []
        for part, by in self.parts.items():
            first = not rows
            cells = [self.title if first else "", self.version if first
                     else "", part] + [by.get(s, "not run")
                                       for s in SUBSTRATES]
            rows.append("| " + " | ".join(cells) + " |")
        return rows


def read_rows(path):
    """What a test wrote: lines `result<TAB>text`, and `sealed<TAB>command`.
    Returns ([(part, result)], [command])."""
    rows, seals = [], []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f.read().splitlines():
                word, text = line.split("\t", 1)
                if word == "sealed":
                    seals.append(text)
                else:
                    rows.append((text, word))
    return rows, seals


def save(name, substrate, record):
    """Keeps the record of one test for tools/compatibility."""
    os.makedirs(RESULTS, exist_ok=True)
    with open(f"{RESULTS}/{name}.{substrate}.json", "w",
              encoding="utf-8") as f:
        json.dump(record, f, indent=1)


def load():
    """The saved records, {directory name: {substrate: record}}."""
    found = {}
    for path in sorted(glob.glob(f"{RESULTS}/*.json")):
        name, substrate = os.path.basename(path)[:-5].rsplit(".", 1)
        with open(path, encoding="utf-8") as f:
            found.setdefault(name, {})[substrate] = json.load(f)
    return found


def merge(by_substrate):
    """One Program out of the records of one test."""
    records = [by_substrate[s] for s in SUBSTRATES if s in by_substrate]
    program = Program(records[0]["title"])
    program.version = records[0]["version"]
    program.seals = records[0]["seals"]
    for substrate, record in by_substrate.items():
        for part, result in record["rows"]:
            program.parts.setdefault(part, {})[substrate] = result
    return program


def parse(text):
    """The programs of the page, {title: Program}."""
    programs = {}
    program = None
    made = text.split(BEGIN, 1)[-1].split(END, 1)[0]
    for line in made.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
        if line.startswith("## "):
            program = programs.get(line[3:])
        elif program and line.startswith("    mayfly "):
            program.seals.append(line.strip().rstrip("\\").strip())
        elif program and line.startswith("        "):
            program.seals[-1] += " " + line.strip().rstrip("\\").strip()
        elif line.startswith("| ") and len(cells) == 5 and line != HEAD[0]:
            if cells[0]:
                program = programs[cells[0]] = Program(cells[0])
                program.version = cells[1]
            program.parts[cells[2]] = {
                s: c for s, c in zip(SUBSTRATES, cells[3:])
                if c != "not run"}
    return programs


def read_page():
    if not os.path.exists(DOC):
        return ""
    with open(DOC, encoding="utf-8") as f:
        return f.read()


def folded(command):
    """The command in lines of at most 80 columns, as a shell reads it."""
    lines = [""]
    for words in re.split(r" (?=--add |-- )", command):
        if len(lines[-1]) + len(words) > 70:
            lines.append("")
        lines[-1] = (lines[-1] + " " + words).strip()
    return [("    " if n == 0 else "        ") + line +
            (" \\" if n + 1 < len(lines) else "")
            for n, line in enumerate(lines)]


def page(text, programs):
    """The page with the table of these programs."""
    made = [BEGIN, ""] + HEAD
    for p in programs:
        made += p.lines()
    made.append("")
    for p in programs:
        if p.seals:
            made += [f"## {p.title}", ""]
            made += [line for s in p.seals for line in folded(s)] + [""]
    made.append(END)
    new = "\n".join(made)
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    if not re.search(pattern, text, re.S):
        return text + new + "\n"
    return re.sub(pattern, lambda _: new, text, flags=re.S)


def disagreement(title, substrate, rows):
    """None if the page tells the same as the rows of a run, else what it
    does not. Versions may differ from machine to machine."""
    program = parse(read_page()).get(title)
    if not program:
        return f"{DOC} does not have {title}"
    told = program.results(substrate)
    for row in rows:
        if row not in told:
            return f"{DOC} does not say of {title}: {row[0]}: {row[1]}"
    for row in told:
        if row not in rows:
            return f"{DOC} says of {title}, but it was not so: " \
                   f"{row[0]}: {row[1]}"
    return None
