# SPDX-License-Identifier: Apache-2.0
"""What processes cost the host, in kilobytes: theirs, and the kernel's."""
import contextlib
import os

KERNEL = ("Slab", "PageTables", "SecPageTables", "Percpu",
          "VmallocUsed")  # the last has the kernel's stacks, too


PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def meminfo():
    """Kilobytes by name; Kept are free pages that each processor has laid
    aside for itself, up to hundreds of MiB, which MemAvailable leaves out."""
    with open("/proc/meminfo") as f:
        found = {line.split(":")[0]: int(line.split()[1]) for line in f}
    found["Kept"] = 0
    with contextlib.suppress(OSError), open("/proc/zoneinfo") as f:
        found["Kept"] = PAGE_KIB * sum(
            int(line.split()[1]) for line in f
            if line.lstrip().startswith("count:"))
    return found


def available(info):
    """Kilobytes that programs could have, by meminfo()."""
    return info["MemAvailable"] + info["Kept"]


def rollup(pid):
    """Kilobytes of one process: Pss, and what nobody shares."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            name, _, value = line.partition(":")
            if value.strip().endswith("kB"):
                found[name] = int(value.split()[0])
    return {"pss": found["Pss"], "rss": found["Rss"],
            "private": found["Private_Clean"] + found["Private_Dirty"],
            "dirty": found["Private_Dirty"]}


def children(pid):
    """Of all its threads: a Go program forks from any of them. None if it
    has ended."""
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as f:
                found += [int(v) for v in f.read().split()]
    return found


def descendants(pid):
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def total(pids):
    """Kilobytes of all of them; one that has ended meanwhile has none."""
    found = {"pss": 0, "private": 0, "processes": 0}
    for pid in set(pids):
        with contextlib.suppress(OSError, KeyError):
            one = rollup(pid)
            found["pss"] += one["pss"]
            found["private"] += one["private"]
            found["processes"] += 1
    return found


def kernel_delta(before, after, count):
    found = {name: (after[name] - before[name]) / count
             for name in KERNEL if name in after}
    found["MemAvailable"] = (available(before) - available(after)) / count
    return found
