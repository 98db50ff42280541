# SPDX-License-Identifier: Apache-2.0
"""What the two published comparisons say, to stand beside our figures.

Sizes and memory are in MB of 10^6 bytes, times in ms, as published.
"""
import collections

import images
import summary

# What was measured; program; unit; the published figures of the container
# and the unikernel; how ours are got from the raw data.
Figure = collections.namedtuple(
    "Figure", "what program unit container unikernel ours")

EVERYDAY = ("podman-port", "podman-host", "containerd", "runc", "crun")
OURS = (("mayfly-run-kvm", "mayfly-run-process"),
        ("mayfly-clone-kvm", "mayfly-clone-process"),
        ("platform-kvm", "platform-process"))


def hot(raw, program, key):
    f = summary.start(raw, program, key, "hot")
    return f and f.mean / 1000


def cold(raw, program, key):
    f = summary.start(raw, program, key, "cold")
    return f and f.mean / 1000


def size(raw, program, key):
    found = summary.size(raw, program, key)
    return found and found[0] / 1e6


def everyday_size(raw, program):
    """Of the program on top of Debian, as most images have it."""
    for line in summary.sizes(raw, program):
        if line["image"] == images.WITH_DEBIAN:
            return line["raw_bytes"] / 1e6
    return None


def memory(raw, program, key):
    line = summary.memory(raw, program, key, 1)
    return line and line["pss_kib"] * 1024 / 1e6


FIGURES = (
    Figure("start", "node", "ms", 1130, 483, hot),
    Figure("image", "node", "MB", 53.48, 27.8, size),
    Figure("memory", "node", "MB", 274.4, 619, memory),
    Figure("start, hot", "go", "ms", 1004, 684, hot),
    Figure("start, cold", "go", "ms", 1085, 760, cold),
    Figure("image", "go", "MB", 704, 39, size),
)

DIFFERENCES = (
    "The published runs are of 2016 and 2017, on the hardware of then. Their "
    "unikernels ran under VirtualBox and QEMU, which bring up a whole "
    "machine with its devices; Mayfly's monitor has no devices to bring up.",
    "The published container of A is built on Alpine. Ours hold the "
    "program and what it needs, nothing else, and no Docker daemon starts "
    "them.",
    "The published memory of A is under QEMU for the unikernel. Ours is the "
    "PSS of all processes of one idle instance, monitors and runtimes "
    "included.",
    "The published image of the container of B has 704 MB. That is probably "
    "an image with a whole Go tool chain in it; we cannot know. Ours is the "
    "program alone, or the program with Debian.",
    "B was measured with images built beforehand, two seconds between runs, "
    "on one machine with nothing else running. Ours wait {pause} s between "
    "runs. Standard deviations: hot "
    "29 ms for the unikernel and 23 ms for the container, cold 34 ms and "
    "25 ms. For A one figure each is published. Ours are averages too, of "
    "runs in turns; the tables above have the medians.",
    "Security and observability were described there. Here the attack "
    "surface is counted.",
)


def differences(pause_s):
    """In sentences; we wait pause_s seconds between two starts."""
    return [said.replace("{pause}", f"{pause_s:g}") for said in DIFFERENCES]


def first(ways, keys, values):
    """The first of these contenders that has a value."""
    known = {way.key: way for way in ways}
    return next((known[key] for key in keys
                 if key in known and values.get(key)), None)


def rows(raw):
    """(program, what, unit, who against whom, container, unikernel), the
    published figures and then ours; what has no figure is not there."""
    present = [p.key for p in summary.used_programs(raw)]
    for f in FIGURES:
        if f.program not in present:
            continue
        yield (f.program, f.what, f.unit, "published", f.container,
               f.unikernel)
        ways = summary.ways(raw, f.program)
        ours = {way.key: f.ours(raw, f.program, way.key) for way in ways}
        one = first(ways, EVERYDAY, ours)
        for other in [first(ways, keys, ours) for keys in OURS]:
            if one and other:
                yield (f.program, f.what, f.unit,
                       f"{one.label}; {other.label}", ours[one.key],
                       ours[other.key])
        other = first(ways, OURS[0], ours)
        everyday = everyday_size(raw, f.program)
        if f.ours is size and other and everyday:
            yield (f.program, f.what, f.unit,
                   f"{images.WITH_DEBIAN}; {other.label}", everyday,
                   ours[other.key])
