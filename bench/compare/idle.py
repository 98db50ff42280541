# SPDX-License-Identifier: Apache-2.0
"""Memory of instances that have answered once and wait for the next request:
one alone, and several.

What processes have is their PSS: a page that several share counts in parts.
What the kernel has for them, and how much less memory is available, are
differences of the whole machine's figures, so that a quiet second is waited
for before. A firstbyte holds each instance, which costs the kernel something
too: that is measured once, with nothing to hold, and taken off. What runs
once a host, instance or not, is counted apart.
"""
import concurrent.futures
import contextlib
import functools
import http.server
import statistics
import threading
import time

import clock
import world
from contenders import Instance
from memory import (KERNEL, available, descendants, kernel_delta, meminfo,
                    total)
from world import say

SETTLE_S, QUICK_SETTLE_S = 1.0, 0.5
ALONE_STARTS = 3
RESTLESS_KIB = 4096
RESTLESS_TRIES = 3
STOPS_AT_ONCE = 4
CLOCKS, CLOCK_ROUNDS, CLOCK_SETTLE_S = 50, 3, 1.0  # to see what one costs
BODY = "clock\n"


def measure(store, pairs, counts, quick):
    """memory.csv: of every pair of program and contender."""
    for program, contender in pairs:
        for count in counts:
            if count > 1 and contender.always_on and not contender.many:
                continue
            say(f"memory: {program.key}, {contender.label}, {count}")
            try:
                store.add("memory", program=program.key,
                          contender=contender.key, count=count,
                          **look(contender, program, count, quick))
            except (world.Failed, OSError) as e:
                store.leave_out(program, contender, "memory",
                                f"{count} at a time: {e}")


def look(contender, program, count, quick):
    """Kilobytes of `count` instances; of one alone the median of several
    starts, since the kernel's figures are mostly noise then."""
    if count > 1 and contender.instance(program, 0).netns:
        world.make_netns(count)
    starts = ALONE_STARTS if count == 1 and not quick else 1
    seen = [look_once(contender, program, count, quick)
            for _ in range(starts)]
    return {name: int(statistics.median(one[name] for one in seen))
            for name in seen[0]}


def look_once(contender, program, count, quick):
    clocks = count if contender.always_on else 0
    cost = clock_kib() if clocks else {"kernel": 0, "available": 0}
    before = quiet(quick)
    with instances(contender, program, count) as pids:
        time.sleep(QUICK_SETTLE_S if quick else SETTLE_S)
        after = meminfo()
        mine = total(pids())
        daemons = total(contender.daemons())
    taken = kernel_delta(before, after, 1)
    return {
        "processes": mine["processes"], "pss_kib": mine["pss"],
        "private_kib": mine["private"],
        "kernel_kib": kernel_of(taken) - clocks * cost["kernel"],
        "available_kib": taken["MemAvailable"] - clocks * cost["available"],
        "daemon_kib": daemons["pss"],
    }


@contextlib.contextmanager
def instances(contender, program, count):
    """So many that have answered and wait, started one after the other;
    yields a function that says which processes they are."""
    if not contender.always_on:
        with contender.hold(program, count) as pids:
            yield lambda: pids
        return
    held = []
    try:
        for number in range(count):
            one = contender.instance(program, None if count == 1 else number)
            held.append((clock.Running(one, program.body), one))
        yield lambda: {p for running, one in held
                       for p in pids_of(contender, program, running, one)}
    finally:
        stop_all(running for running, _ in held)
    contender.settle(program)


def stop_all(running):
    """A few at a time: all at once would be a load of its own."""
    with concurrent.futures.ThreadPoolExecutor(STOPS_AT_ONCE) as pool:
        stops = [pool.submit(one.stop) for one in running]
    for stop in stops:
        stop.result()


def pids_of(contender, program, running, one):
    """Of one instance, wherever its processes hang."""
    more = contender.more_pids(program, one)
    return [*running.pids(), *more, *(d for p in more
                                      for d in descendants(p))]


def kernel_of(taken):
    return sum(taken.get(name, 0) for name in KERNEL)


def quiet(quick=False):
    """meminfo(), after a second in which memory hardly moved by itself; if
    there is none, a line says so. A quick run takes it as it is."""
    if quick:
        return meminfo()
    for _ in range(RESTLESS_TRIES):
        before = meminfo()
        time.sleep(1)
        after = meminfo()
        moved = abs(available(after) - available(before))
        if moved <= RESTLESS_KIB:
            return after
    say(f"the machine's memory moves by itself, {moved} KiB in the last "
        "second: the kernel's figures are disturbed")
    return after


class Answer(http.server.BaseHTTPRequestHandler):
    """Says the same to everyone."""

    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY.encode())

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@functools.cache
def clock_kib():
    """What one waiting firstbyte, and our end of its pipes, cost, in
    kilobytes: the kernel, and the whole machine."""
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        nothing = Instance(port=server.server_port)
        hold_clocks(nothing)  # what is made once is there from now on
        rounds = [hold_clocks(nothing) for _ in range(CLOCK_ROUNDS)]
        server.shutdown()
    kernel, private = map(statistics.median, zip(*rounds))
    say(f"memory: a firstbyte that waits costs {kernel + private:.0f} KiB, "
        f"{kernel:.0f} of them the kernel's, which are taken off")
    return {"kernel": kernel, "available": kernel + private}


def hold_clocks(nothing):
    """The kernel's kilobytes and its own of each of many firstbytes."""
    time.sleep(CLOCK_SETTLE_S)  # the kernel frees with a delay
    before = meminfo()
    with contextlib.ExitStack() as all_of_them:
        held = [all_of_them.enter_context(clock.Running(nothing, BODY))
                for _ in range(CLOCKS)]
        time.sleep(CLOCK_SETTLE_S)
        kernel = kernel_of(kernel_delta(before, meminfo(), CLOCKS))
        return kernel, total(r.pid for r in held)["private"] / CLOCKS
