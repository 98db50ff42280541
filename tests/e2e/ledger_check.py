# SPDX-License-Identifier: Apache-2.0
"""ledger_check.py sums HISTORY TOTALS: a month is the sum of its lives.
ledger_check.py csv HISTORY CSV: both formats say the same.
ledger_check.py has HISTORY KEY=VALUE...: some instance is so; prints its id.

HISTORY and TOTALS are answers of the API, with all requests. Status 1 and a
line if something is otherwise.
"""
import csv
import json
import math
import sys

SUMS = ["cpu_us", "run_us", "bytes_in", "bytes_out", "syscalls"]


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def need(ok, *what):
    if not ok:
        sys.exit("ledger_check: " + " ".join(str(w) for w in what))


def expected(instances):
    """What the totals of these lives are, by function."""
    all_totals = {}
    for i in instances:
        t = all_totals.setdefault(i["function"], {
            "instances": 0, "invocations": 0, "errors": 0, "gb_seconds": 0.0,
            "response_bytes": 0, "deaths": {}, **dict.fromkeys(SUMS, 0)})
        need(i["runs"] == len(i["requests"]), "requests of", i["id"])
        t["invocations"] += i["runs"]
        t["errors"] += sum(r["status"] >= 500 for r in i["requests"])
        t["response_bytes"] += sum(r["bytes_out"] for r in i["requests"])
        if i["died"] is None:
            continue
        t["instances"] += 1
        t["gb_seconds"] += i["gb_seconds"]
        t["deaths"][i["reason"]] = t["deaths"].get(i["reason"], 0) + 1
        for key in SUMS:
            t[key] += i[key]
    return all_totals


def sums(history, totals):
    found = {t["function"]: t for t in totals["totals"]}
    need(history["next"] is None, "the history is not complete")
    want = expected(history["instances"])
    need(set(found) == set(want), set(found), "and not", set(want))
    for name, w in want.items():
        t = found[name]
        for key in ("instances", "invocations", "errors", "response_bytes",
                    "bytes_in", "bytes_out", "syscalls", "deaths"):
            need(t[key] == w[key], name, key, t[key], "is not", w[key])
        for key, value in (("gb_seconds", w["gb_seconds"]),
                           ("cpu_seconds", w["cpu_us"] / 1e6),
                           ("run_seconds", w["run_us"] / 1e6)):
            need(math.isclose(t[key], value, rel_tol=1e-9), name, key, t[key],
                 "is not", value)


def same(history, rows):
    need(len(rows) == len(history["instances"]), "other numbers of rows")
    for row, i in zip(rows, history["instances"]):
        for key, value in i.items():
            if key == "requests":
                value = " ".join(r["request"] for r in value)
            if isinstance(value, float):
                need(math.isclose(float(row[key]), value), key, row[key])
                continue
            value = "" if value is None else str(value)
            need(row[key] == value, key, row[key], "is not", value)


def has(history, conditions):
    for i in history["instances"]:
        if all(str(i[k]) == v for k, v in
               (c.split("=", 1) for c in conditions)):
            print(i["id"])
            return
    sys.exit(f"no instance has {' '.join(conditions)}: " +
             json.dumps(history, indent=1))


if sys.argv[1] == "sums":
    sums(load(sys.argv[2]), load(sys.argv[3]))
elif sys.argv[1] == "csv":
    with open(sys.argv[3], encoding="utf-8", newline="") as table:
        same(load(sys.argv[2]), list(csv.DictReader(table)))
else:
    has(load(sys.argv[2]), sys.argv[3:])
