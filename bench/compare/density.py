# SPDX-License-Identifier: Apache-2.0
"""How many instances fit beside each other, and how long the next one takes
to start when so many are there: one after the other is started and has to
answer, until there are enough, or memory or time is used up, or one fails.

available_kib is how much the available memory (memory.available) has changed
since before the first: it falls. A firstbyte that waits holds each instance;
what these cost (idle.clock_kib) is added again, so that the change is the
instances' own. So are not the network namespaces of those that insist on one
port, or share the host's network when alone: they were made beforehand, 0.3
MiB each. Containers with a published port make and count their own.
"""
import collections
import contextlib
import resource
import time

import clock
import idle
import world
from memory import available, meminfo
from world import say

Limit = collections.namedtuple("Limit", "count memory_kib seconds")
FULL = Limit(1000, 2 << 20, 15)
QUICK = Limit(8, 256 << 10, 4)

BACK_S = 10
BACK_KIB = 32 << 10  # as near as this counts as back
FILES_EACH = 3  # the pipes to a firstbyte
FILES_BESIDE = 200


def allowed(quick):
    """For host.json; of the memory at most half of what there is is used."""
    limit = QUICK if quick else FULL
    return {"instances": limit.count, "memory_mib": limit.memory_kib >> 10,
            "seconds": limit.seconds}


def measure(store, pairs, quick):
    """density.csv, of all of which there can be many. Not of the platform,
    which starts instances by itself."""
    limit = QUICK if quick else FULL
    limit = limit._replace(memory_kib=min(limit.memory_kib,
                                          available(meminfo()) // 2))
    with open_files(limit.count * FILES_EACH + FILES_BESIDE):
        for program, contender in pairs:
            if contender.many and contender.always_on:
                fill(store, program, contender, limit)


@contextlib.contextmanager
def open_files(count):
    """Lets us open so many files, as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        yield
        return
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def fill(store, program, contender, limit):
    """One contender, from none to as many as there can be, to none."""
    name = f"density: {program.key}, {contender.label}"
    running = []
    try:
        first = contender.instance(program, 0)
        if first.netns:
            world.make_netns(limit.count)
        idle.stop_all([clock.Running(first, program.body)])
        before = available(idle.quiet(limit.count == QUICK.count))
        try:
            end = start_all(store, (program, contender), limit, running)
            say(f"{name}: {len(running)}, then {end}")
        finally:
            idle.stop_all(running)
        contender.settle(program)
        tell_if_kept(name, before)
    except (world.Failed, OSError) as e:
        store.leave_out(program, contender, "density", e)


def start_all(store, who, limit, running):
    """Adds to running, and a line for each; returns why there are no more."""
    program, contender = who
    keep = {"program": program.key, "contender": contender.key}
    clock_kib = idle.clock_kib()["available"]
    before = available(meminfo())
    begin = time.monotonic()
    for number in range(limit.count):
        try:
            one = clock.Running(contender.instance(program, number),
                                program.body)
        except (world.Failed, OSError) as e:
            store.add("density", **keep, number=number + 1, end="error")
            store.leave_out(program, contender, "density",
                            f"number {number + 1}: {e}")
            return "error"
        running.append(one)
        change = available(meminfo()) - before + \
            clock_kib * len(running)
        end = reason(limit, len(running), change, time.monotonic() - begin)
        store.add("density", **keep, number=number + 1,
                  first_byte_us=one.first_byte_us,
                  available_kib=round(change), end=end)
        if end:
            break
    return end


def reason(limit, count, change_kib, seconds):
    """Why there are to be no more, or None."""
    if count >= limit.count:
        return "count"
    if -change_kib >= limit.memory_kib:
        return "memory"
    if seconds >= limit.seconds:
        return "time"
    return None


def tell_if_kept(name, before_kib):
    """Memory comes back with a delay, since the kernel frees in batches."""
    end = time.monotonic() + BACK_S
    while True:
        kept = before_kib - available(meminfo())
        if kept <= BACK_KIB:
            return
        if time.monotonic() > end:
            say(f"{name}: {kept} KiB of memory did not come back within "
                f"{BACK_S} s")
            return
        time.sleep(0.2)
