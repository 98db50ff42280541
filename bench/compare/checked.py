# SPDX-License-Identifier: Apache-2.0
"""For check.py and its parts: what a report is to have, raw data as they are
in the files, and the few figures that are computed from them. Nothing of it
is shared with what writes a report."""
import csv
import json
import math
import os
import re
import statistics

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
           "pause_s": (int, float), "count": int, "seed": int,
           "density": dict}
NUMBER = r"-?[\d,]+(?:\.\d+)?"
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


def programs_of(raw):
    seen = {line["program"] for line in raw["contenders"]}
    return [p for p in PROGRAMS if p in seen]


def label_of(line):
    return " ".join(line["label"].split())


def of_each(raw, program, values):
    """Label to values for the contenders of a program that have some."""
    found = {label_of(line): values(raw, program, line["contender"])
             for line in raw["contenders"]
             if line["program"] == program and line["state"] == "run"}
    return {label: row for label, row in found.items() if row}


def letters(words):
    """Without what Markdown and wrapped lines change."""
    for safe, char in (("&lt;", "<"), ("&amp;", "&")):
        words = words.replace(safe, char)
    return re.sub(r"[^A-Za-z0-9<>&]", "", words)


# ---- figures ----------------------------------------------------------------

def numbers(lines, column):
    return sorted(float(line[column]) for line in lines if line[column])


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


def mib(line, column, count=1):
    return [float(line[column]) / 1024 / count] if line[column] else []


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


def size_rows(raw):
    return {f"{s['program']}: {s['image']}": [
        [int(s["raw_bytes"]) / 2**20], [int(s["compressed_bytes"]) / 2**20],
        s["files"], s["contenders"] or NOTHING] for s in raw["size"]}


def near(starts, step):
    """The median of a start and its neighbours, ms."""
    if step not in starts:
        return []
    side = max(2, step // 20) if step > 2 else 0
    return [statistics.median(us for n, us in starts.items()
                              if abs(n - step) <= side) / 1000]


def differs(cell, form, values, least=3):
    """Why the cell does not say this in at least so many digits, or None."""
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
        if len(re.sub(r"\D", "", word)) < least and value:
            return f"{word} has fewer than {least} digits"
    return None
