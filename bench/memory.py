# SPDX-License-Identifier: Apache-2.0
"""What processes cost the host, in kilobytes: theirs, and the kernel's."""

KERNEL = ("Slab", "PageTables", "SecPageTables", "Percpu",
          "VmallocUsed")  # the last has the kernel's stacks, too


def meminfo():
    """Kilobytes by name."""
    with open("/proc/meminfo") as f:
        return {line.split(":")[0]: int(line.split()[1]) for line in f}


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
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(v) for v in f.read().split()]


def descendants(pid):
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def kernel_delta(before, after, count):
    found = {name: (after[name] - before[name]) / count
             for name in KERNEL if name in after}
    found["MemAvailable"] = (before["MemAvailable"] -
                             after["MemAvailable"]) / count
    return found
