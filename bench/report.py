# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the host's description, statistics, results.

Results are one JSON object per benchmark, build/bench/NAME.json, and the
same figures as a table, on stdout and in build/bench/NAME.md.
bench/README.md describes the format.
"""
import argparse
import datetime
import json
import os
import platform
import socket
import subprocess
import sys
import time

FORMAT = 1
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("B", "build"))
OUT = os.path.join(BUILD, "bench")
MAYFLY = os.path.join(BUILD, "bin", "mayfly")
QUIET_LOAD = 0.5  # above it, figures are marked as disturbed
SUBSTRATES = ("kvm", "process")


def die(text):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {text}")


def program(name):
    """The path of something that `make bench` built."""
    path = os.path.join(OUT, name)
    if not os.path.exists(path):
        die(f"{path} is missing; make bench builds it")
    return path


# ---- the host ---------------------------------------------------------------

def read_first(path, key):
    try:
        with open(path) as f:
            for line in f:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return ""


def kvm_kind():
    """What /dev/kvm rests on."""
    if not os.path.exists("/dev/kvm"):
        return "absent"
    flags = read_first("/proc/cpuinfo", "flags").split()
    for flag in ("vmx", "svm"):
        if flag in flags:
            return f"hardware virtualization ({flag})"
    return "without hardware virtualization"


def version():
    try:
        return subprocess.run(
            ["git", "-C", ROOT, "describe", "--always", "--dirty"],
            capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def host():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": read_first("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "kernel": platform.release().split("-")[0],
        "kvm": kvm_kind(),
        "load_before": os.getloadavg()[0],
    }


def substrates(wanted=None):
    """The substrates that work here."""
    found = []
    for name in SUBSTRATES:
        if wanted and name not in wanted:
            continue
        r = subprocess.run([MAYFLY, "run", "--substrate", name,
                            program("hello")], capture_output=True,
                           timeout=60)
        if r.returncode == 0 and r.stdout == b"Hello\n":
            found.append(name)
        else:
            print(f"{name}: does not work here, left out: "
                  f"{r.stderr.decode(errors='replace').strip()}",
                  file=sys.stderr)
    return found


# ---- statistics -------------------------------------------------------------

def quantile(values, q):
    """The nearest-rank quantile: always a value that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def case(name, unit, samples, **facts):
    """One line of results; its samples are kept."""
    return {
        "name": name, "unit": unit, "count": len(samples),
        "min": min(samples), "median": quantile(samples, 0.5),
        "p99": quantile(samples, 0.99), **facts, "samples": samples,
    }


# ---- output -----------------------------------------------------------------

def text_of(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)


def table(heads, rows):
    """A Markdown table: the first column is text, the others are numbers."""
    rows = [[text_of(v) for v in row] for row in [heads] + rows]
    widths = [max(3, *(len(r[i]) for r in rows)) for i in range(len(heads))]
    rows.insert(1, ["-" * w if i == 0 else "-" * (w - 1) + ":"
                    for i, w in enumerate(widths)])
    return "".join(
        "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w)
                          for i, (c, w) in enumerate(zip(row, widths))) +
        " |\n" for row in rows)


def case_rows(cases):
    """min, median, p99 and how much slower than the baseline."""
    medians = {c["name"]: c["median"] for c in cases}
    rows = []
    for c in cases:
        base = medians.get(c.get("baseline"))
        rows.append([c["name"], c["unit"], c["count"], c["min"], c["median"],
                     c["p99"], c["median"] / base if base else None])
    return rows


CASE_HEADS = ["", "unit", "samples", "min", "median", "p99", "x native"]


class Bench:
    """One run of one benchmark: describes the host before and after."""

    def __init__(self, name, options):
        self.started = time.monotonic()
        self.result = {
            "bench": name, "format": FORMAT,
            "date": datetime.datetime.now(datetime.timezone.utc)
                    .isoformat(timespec="seconds"),
            "version": version(), "quick": options.quick, "host": host(),
            "cases": [],
        }
        os.makedirs(OUT, exist_ok=True)

    def add(self, *args, **facts):
        self.result["cases"].append(case(*args, **facts))

    def finish(self, heads, rows_of):
        """Writes the results, prints the table rows_of(cases)."""
        r = self.result
        r["host"]["load_after"] = os.getloadavg()[0]
        r["seconds"] = round(time.monotonic() - self.started, 1)
        text = self.description() + "\n" + table(heads, rows_of(r["cases"]))
        self.write(".json", json.dumps(r, indent=1) + "\n")
        self.write(".md", text)
        print(f"{r['bench']}: {text}")

    def write(self, suffix, text):
        path = os.path.join(OUT, self.result["bench"] + suffix)
        with open(path + ".new", "w") as f:
            f.write(text)
        os.replace(path + ".new", path)

    def description(self):
        r, h = self.result, self.result["host"]
        lines = [
            f"{r['date'][:16].replace('T', ' ')} UTC, mayfly {r['version']}"
            f"{', quick' if r['quick'] else ''}; {h['cpu']}, {h['cores']} "
            f"cores,",
            f"{h['memory_bytes'] / 2**30:.0f} GiB, Linux {h['kernel']}, kvm "
            f"{h['kvm']}; load {h['load_before']:.2f} before, "
            f"{h['load_after']:.2f} after."]
        if h["load_before"] > QUIET_LOAD:
            lines.append("The machine was not quiet: these figures are "
                         "disturbed.")
        return "\n".join(lines) + "\n"


def options(description, *more):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--quick", action="store_true",
                   help="fewer and shorter runs")
    for args, kwargs in more:
        p.add_argument(*args, **kwargs)
    return p.parse_args()


# ---- servers ----------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=20):
    """Until something listens; False if the process ended before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    return False


def stop(process, seconds=10):
    """Ends one process that we started, by its own handle."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
