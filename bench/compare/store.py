# SPDX-License-Identifier: Apache-2.0
"""Raw data: CSV files below raw/, a line written as soon as it is known, so
that a run which is broken off keeps what it has seen. README.md describes
the columns."""
import csv
import json
import os
import sys

from world import say

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
TEXT = ("label", "reason", "version", "error", "how")  # never numbers


class Store:
    """Writes below one directory of results."""

    def __init__(self, directory):
        self.directory = directory
        self.files = {}
        os.makedirs(os.path.join(directory, "raw"), exist_ok=True)
        for name, columns in COLUMNS.items():
            f = open(path(directory, name), "w", newline="",
                     encoding="utf-8")
            self.files[name] = f
            csv.writer(f, lineterminator="\n").writerow(columns.split())
            f.flush()

    def add(self, table, **values):
        """One line; what is not given, or None, stays empty."""
        columns = COLUMNS[table].split()
        unknown = set(values) - set(columns)
        if unknown:
            raise KeyError(f"{table} has no column {unknown}")
        f = self.files[table]
        csv.writer(f, lineterminator="\n").writerow(
            [text_of(values.get(c)) for c in columns])
        f.flush()

    def leave_out(self, program, contender, part, reason):
        """Said aloud, and written down: what could not be measured."""
        say(f"{part}: {program.key}, {contender.label}: left out: {reason}")
        self.add("left_out", program=program.key, contender=contender.key,
                 part=part, reason=str(reason))

    def write_host(self, host):
        with open(os.path.join(self.directory, "raw", "host.json"), "w",
                  encoding="utf-8") as f:
            json.dump(host, f, indent=1)
            f.write("\n")

    def close(self):
        for f in self.files.values():
            f.close()


def text_of(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1f}"
    return " ".join(str(value).split("\n"))


def path(directory, table):
    return os.path.join(directory, "raw", table + ".csv")


def value_of(text):
    """A number where it is one; None where there is nothing."""
    if text == "":
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def read(directory, table):
    """The lines as dictionaries."""
    name, columns = path(directory, table), COLUMNS[table].split()
    with open(name, newline="", encoding="utf-8") as f:
        reader = csv.DictReader(f)
        if reader.fieldnames != columns:
            sys.exit(f"{name} is of another version: its first line is not "
                     + ",".join(columns))
        return [{k: v if k in TEXT else value_of(v) for k, v in line.items()}
                for line in reader]


def read_host(directory):
    name = os.path.join(directory, "raw", "host.json")
    with open(name, encoding="utf-8") as f:
        try:
            return json.load(f)
        except ValueError as e:
            sys.exit(f"{name} is no JSON: {e}")
