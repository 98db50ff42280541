#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Is a report complete, and does it say what its raw data say?

`check.py DIR` prints a line for each problem and exits with 1, or says what
there is and exits with 0. It shares no code with what wrote the report: the
figures of the tables and of the plots are computed here once more, from the
CSV files, and must agree to the digits that are printed. The page must have
the same tables as the Markdown, cell by cell.
"""
import os
import sys

import check_plots
import check_tables
from checked import (letters, of, PARTS, problem, problems, read_host,
                     read_raw, read_text)

# ---- is everything there? ---------------------------------------------------

def check_samples(raw, options, ran):
    """Each round of each contender has a time or says why not."""
    for line in ran:
        program, key = line["program"], line["contender"]
        seen = of(raw, "start", program, key)
        excused = "start" in [m["part"]
                              for m in of(raw, "left_out", program, key)]
        for cache, name in (("hot", "runs"), ("cold", "cold_runs")):
            some = [s for s in seen if s["cache"] == cache]
            if cache == "cold" and excused and not some:
                continue
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
        check_tables.check_headline(raw, options, words, program)
    tables = check_tables.markdown_tables(words)
    check_tables.check_starts(raw, tables)
    check_tables.check_tables(raw, host, words)
    check_plots.check_bars(where, raw)
    check_plots.check_lines(where, raw)
    check_tables.check_page(tables, page)
    plots = check_plots.check_plots(where, raw, words, page)
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
