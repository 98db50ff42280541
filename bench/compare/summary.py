# SPDX-License-Identifier: Apache-2.0
"""Raw data to figures: what document.py prints and plot.py draws.

Every function takes the raw data that load() read and computes from them
alone. Times are in microseconds and memory in KiB, as in the raw data; None
means that nothing was measured.
"""
import collections
import math
import statistics

import programs
import store

Figures = collections.namedtuple(
    "Figures", "count failed mean sd median p99 low high")
Way = collections.namedtuple("Way", "key label kind state reason version")
Usage = collections.namedtuple(
    "Usage", "cpu_s memory_mib_s peak_kib low_kib served failed median p99")
Density = collections.namedtuple("Density", "count failed end each_kib")

STEPS = (1, 10, 50, 200, 1000, 5000)
NEAR = 2         # a step of the density is the median of so many either side
NEAR_SHARE = 20  # or of a twentieth of its number


def load(directory):
    raw = {name: store.read(directory, name) for name in store.COLUMNS}
    raw["host"] = store.read_host(directory)
    return raw


def used_programs(raw):
    seen = {line["program"] for line in raw["contenders"]}
    return [p for p in programs.ALL if p.key in seen]


def ways(raw, program, state="run"):
    """The contenders of a program in the order of the run."""
    fields = Way._fields[1:]
    return [Way(line["contender"], *(line[f] for f in fields))
            for line in raw["contenders"]
            if line["program"] == program and line["state"] == state]


def lines(raw, table, program, key):
    return [line for line in raw[table] if line["program"] == program and
            line["contender"] == key]


def nearest_rank(values, share):
    """Always one of the values: the smallest that has the share of all at
    or below it."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def figures(values, failed=0):
    """None if nothing succeeded; one value alone has no deviation."""
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Figures(len(values), failed, statistics.mean(values), sd,
                   statistics.median(values), nearest_rank(values, 0.99),
                   min(values), max(values))


def first_bytes(raw, program, key, cache):
    return [line["first_byte_us"]
            for line in lines(raw, "start", program, key)
            if line["cache"] == cache and line["first_byte_us"] is not None]


def errors(raw, program, key, cache=None):
    """What went wrong, in the words of the run."""
    return [line["error"] for line in lines(raw, "start", program, key)
            if line["error"] and cache in (None, line["cache"])]


def start(raw, program, key, cache):
    return figures(first_bytes(raw, program, key, cache),
                   len(errors(raw, program, key, cache)))


def stop(raw, program, key):
    """Of hot and cold runs together: an end reads nothing from the disk."""
    return figures([line["stop_us"]
                    for line in lines(raw, "start", program, key)
                    if line["stop_us"] is not None])


def left_in_cache(raw, program, key):
    """The most of the image that a cold start found in the page cache."""
    left = [line["resident_kib"]
            for line in lines(raw, "start", program, key)
            if line["cache"] == "cold" and line["resident_kib"] is not None]
    return max(left, default=None)


def loads(raw):
    return figures([line["load"] for line in raw["start"]
                    if line["load"] is not None])


def sizes(raw, program):
    return [line for line in raw["size"] if line["program"] == program]


def size(raw, program, key):
    """Bytes of all that this contender starts from, raw and compressed."""
    mine = [line for line in sizes(raw, program)
            if key in str(line["contenders"]).split()]
    if not mine:
        return None
    return (sum(line["raw_bytes"] for line in mine),
            sum(line["compressed_bytes"] for line in mine))


def memory(raw, program, key, count):
    """The line of so many instances, or None."""
    for line in lines(raw, "memory", program, key):
        if line["count"] == count and line["pss_kib"] is not None:
            return line
    return None


def largest(raw, program, key):
    """The line of the most instances, more than one, or None."""
    many = [line for line in lines(raw, "memory", program, key)
            if line["count"] > 1 and line["pss_kib"] is not None]
    return max(many, key=lambda line: line["count"], default=None)


def kernel_kib(line):
    """The kernel's share of one instance. A difference of two readings may
    come out below zero, which means too little to see."""
    return max(line["kernel_kib"] or 0, 0) / line["count"]


def each_kib(line):
    return line["pss_kib"] / line["count"] + kernel_kib(line)


def usage(raw, program, key):
    """Totals over the trace, or None."""
    seen = lines(raw, "usage", program, key)
    if len(seen) < 2:
        return None
    asked = lines(raw, "requests", program, key)
    served = [line["latency_us"] for line in asked if is_served(line)]
    area = sum((b["t_ms"] - a["t_ms"]) * (a["memory_kib"] + b["memory_kib"])
               for a, b in zip(seen, seen[1:]))
    held = [line["memory_kib"] for line in seen]
    latency = figures(served)
    return Usage((seen[-1]["cpu_ms"] - seen[0]["cpu_ms"]) / 1000,
                 area / 2 / 1000 / 1024, max(held), min(held), len(served),
                 len(asked) - len(served), latency and latency.median,
                 latency and latency.p99)


def is_served(line):
    return line["status"] == 200 and line["latency_us"] is not None


def starts_of_many(raw, program, key):
    """(number, microseconds) of every instance that answered."""
    return [(line["number"], line["first_byte_us"])
            for line in lines(raw, "density", program, key)
            if line["first_byte_us"] is not None]


def step(raw, program, key, number):
    """About how long the number-th start took, or None."""
    near = max(NEAR, number // NEAR_SHARE) if number > NEAR else 0
    starts = dict(starts_of_many(raw, program, key))
    if number not in starts:
        return None
    return statistics.median(us for n, us in starts.items()
                             if abs(n - number) <= near)


def density(raw, program, key):
    """How many there were and why no more, or None."""
    seen = lines(raw, "density", program, key)
    if not seen:
        return None
    starts = starts_of_many(raw, program, key)
    free = [(line["number"], line["available_kib"]) for line in seen
            if line["available_kib"] is not None]
    each = None
    if len(free) > 1 and free[-1][0] > free[0][0]:
        each = (free[0][1] - free[-1][1]) / (free[-1][0] - free[0][0])
    return Density(len(starts), len(seen) - len(starts), seen[-1]["end"],
                   each)


def measures(raw, program):
    """What was counted of the attack surface, in order."""
    return list(dict.fromkeys(line["measure"] for line in raw["surface"]
                              if line["program"] == program))


def surface(raw, program, key, measure):
    for line in lines(raw, "surface", program, key):
        if line["measure"] == measure:
            return line["value"]
    return None


def surface_keys(raw, program):
    """(key, label) of all that have a measure: contenders, and images,
    which are called by their own name."""
    labels = {way.key: way.label for way in ways(raw, program)}
    seen = dict.fromkeys(line["contender"] for line in raw["surface"]
                         if line["program"] == program)
    return [(key, labels.get(key, key)) for key in seen]
