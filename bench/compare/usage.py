# SPDX-License-Identifier: Apache-2.0
"""Processor time and memory over time, while one bursty trace of requests is
served: by a service that is always on, and by one that scales to zero.

Every contender gets the same requests at the same times, each on a connection
of its own, none waiting for another. A latency runs from before connect to
the last byte of the answer. A service that is always on was started
beforehand and has answered once; of the platform nothing runs but itself.
Counted are all processes of the service, the daemons that it cannot do
without included, but not the client.

To look costs 0.6 ms of processor time for the times and 0.5 ms (Go) to 1.5 ms
(Node) for the PSS, ten times a second, which nobody is charged for. Reading a
PSS holds a lock that the process needs for its own mappings.
"""
import collections
import contextlib
import http.client
import multiprocessing
import os
import random
import threading
import time

import clock
import world
from memory import descendants, total
from world import say

FIRST_S = 1.0  # the first burst
BURST_S = 2.0
PER_SECOND = (5, 20)  # requests in a burst
SILENCE_S = (8, 20)
TIMEOUT_S = 10  # of one request
CLIENT_READY_S = 0.5
ZERO_S = 20
AGREE_TRIES = 5
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")

Span = collections.namedtuple("Span", "seconds sample_s")
FULL, QUICK = Span(45, 0.1), Span(6, 0.2)
CPUCLOCK_SCHED = 2  # of linux/posix-timers.h: what the scheduler counts


# ---- what is asked, and of whom ---------------------------------------------

def trace(seconds, seed):
    """Times of requests in seconds since the start. In a burst they come
    independently of each other, at a rate drawn for the burst."""
    rng = random.Random(seed)
    times = []
    begin = FIRST_S
    while begin < seconds:
        rate = rng.uniform(*PER_SECOND)
        end = min(begin + BURST_S, seconds)
        at = begin + rng.expovariate(rate)
        while at < end:
            times.append(round(at, 4))
            at += rng.expovariate(rate)
        begin += BURST_S + rng.uniform(*SILENCE_S)
    return times


def chosen(pairs, quick):
    """The few that are worth the time: of each program a process, an
    everyday container and, unless it is to be quick, a machine that are
    always on, and the platform."""
    found = []
    for program in dict.fromkeys(p for p, _ in pairs):
        able = {c.key: c for p, c in pairs if p is program}
        container = able.get("podman-port") or next(
            (c for c in able.values() if c.kind == "container"), None)
        machine = None if quick else able.get("mayfly-clone-kvm")
        few = [able.get("process"), container, machine,
               able.get("platform-kvm"), able.get("platform-process")]
        found += [(program, c) for c in few if c]
    return found


def measure(store, pairs, quick, seed):
    """usage.csv and requests.csv, of those that are chosen."""
    span = QUICK if quick else FULL
    times = trace(span.seconds, seed)
    for program, contender in chosen(pairs, quick):
        name = f"usage: {program.key}, {contender.label}"
        say(f"{name}, {len(times)} requests in {span.seconds} s")
        try:
            with service(contender, program) as (instance, account):
                seen, answers = serve(instance, program.body, account,
                                      times, span)
        except (world.Failed, OSError) as e:
            store.leave_out(program, contender, "usage", e)
            continue
        tell_failures(name, answers)
        keep = {"program": program.key, "contender": contender.key}
        for line in seen:
            store.add("usage", **keep, **line)
        for line in answers:
            del line["why"]
            store.add("requests", **keep, **line)


def tell_failures(name, answers):
    failed = [line["why"] for line in answers if line["why"]]
    if failed:
        say(f"{name}: {len(failed)} of {len(answers)} requests were not "
            f"answered rightly, such as: {failed[0]}")


@contextlib.contextmanager
def service(contender, program):
    """A service that has answered once, or the platform that has nothing
    left of that; yields an instance to ask, and the account."""
    if contender.always_on:
        instance = contender.instance(program)
        with clock.Running(instance, program.body) as running:
            yield instance, Account(
                [*contender.daemons(),
                 *contender.more_pids(program, instance)], running.pid)
        contender.settle(program)
        return
    instance = contender.trace_instance(program)
    clock.once(instance, program.body)
    if not clock.wait_for(lambda: at_zero(contender.daemons()), ZERO_S):
        raise world.Failed("it does not scale to zero")
    yield instance, Account(contender.daemons())


def at_zero(daemons):
    """Has the platform nothing but itself?"""
    return {d for p in daemons for d in descendants(p)} <= set(daemons)


# ---- serving it -------------------------------------------------------------

def serve(instance, body, account, times, span):
    """Asks at those times and looks meanwhile; the lines of usage.csv and
    of requests.csv."""
    ours, theirs = multiprocessing.Pipe()
    start = time.monotonic() + CLIENT_READY_S
    client = multiprocessing.get_context("fork").Process(
        target=ask_all, args=(theirs, instance, body, times, start))
    client.start()
    world.known.add(client.pid)
    try:
        seen = watch(account, start, span)
        if not ours.poll(2 * TIMEOUT_S):
            raise world.Failed("the client did not come to an end")
        return seen, ours.recv()
    finally:
        client.kill()
        client.join()
        world.known.discard(client.pid)


def ask_all(pipe, instance, body, times, start):
    """The client, in a process of its own so that looking does not disturb
    it."""
    found = [None] * len(times)

    def ask_one(number):
        found[number] = {"t_ms": times[number] * 1000,
                         **ask(instance, body)}

    threads = [threading.Thread(target=ask_one, args=(number,))
               for number in range(len(times))]
    for at, thread in zip(times, threads):
        time.sleep(max(0.0, start + at - time.monotonic()))
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send(found)


def ask(instance, body):
    """One request. No latency if it was not answered rightly, and why."""
    connection = http.client.HTTPConnection("127.0.0.1", instance.port,
                                            timeout=TIMEOUT_S)
    begin = time.perf_counter_ns()
    try:
        connection.request("GET", instance.path,
                           headers={"Connection": "close"})
        answer = connection.getresponse()
        got = answer.read()
    except (OSError, http.client.HTTPException) as e:
        return {"latency_us": None, "status": 0, "why": repr(e)}
    finally:
        connection.close()
    us = (time.perf_counter_ns() - begin) / 1000
    if answer.status != 200 or got != body.encode():
        return {"latency_us": None, "why": repr(got[:60]),
                "status": 0 if answer.status == 200 else answer.status}
    return {"latency_us": us, "status": 200, "why": ""}


def watch(account, start, span):
    """What the service has used and has, from the start on."""
    seen = []
    at = 0.0
    while at <= span.seconds:
        time.sleep(max(0.0, start + at - time.monotonic()))
        t_ms = (time.monotonic() - start) * 1000
        used_ms, pids = account.look()
        has = total(pids)
        seen.append({"t_ms": t_ms, "cpu_ms": used_ms,
                     "memory_kib": has["pss"],
                     "processes": has["processes"]})
        late = time.monotonic() - start - at
        at += span.sample_s * (int(late / span.sample_s) + 1)
    return [{**one, "cpu_ms": one["cpu_ms"] - seen[0]["cpu_ms"]}
            for one in seen]


# ---- whose time it is -------------------------------------------------------

class Account:
    """The processes of a service: roots and all that descend from them, and
    from what holds them, a firstbyte, which does not count itself.

    The kernel says to the nanosecond what a process has used that lives, and
    in ticks of 10 ms what those have used that a process has waited for. So
    we keep what was seen last of one that has ended; if the ticks say more,
    which is its last moments, they count. That is right to within two ticks
    and never falls."""

    def __init__(self, roots, holder=None):
        self.roots = set(roots)
        self.holder = holder
        self.used = {}  # by pid, of the living, milliseconds
        self.gone = 0.0  # of those that have ended since
        self.ticks = sum(self.read().values())

    def read(self):
        """Ticks of those that each of ours has waited for."""
        parents, ticks = table()
        below = collections.defaultdict(list)
        for pid, parent in parents.items():
            below[parent].append(pid)
        mine, todo = {}, [self.holder, *self.roots]
        while todo:
            pid = todo.pop()
            if pid in ticks and pid not in mine:
                mine[pid] = ticks[pid]
                todo += below[pid]
        return mine

    def look(self):
        """Milliseconds of all processes so far, and those that live. If one
        is waited for while we read, its time may be missing, or there twice,
        so two readings have to agree on who is there."""
        now = self.read()
        for _ in range(AGREE_TRIES):
            last, now = now, self.read()
            if last == now:
                break
        living = set(now) - {self.holder}
        used = {pid: cpu_ms(pid, self.used.get(pid, 0.0)) for pid in living}
        self.gone += sum(ms for pid, ms in self.used.items()
                         if pid not in used)
        self.gone = max(self.gone, (sum(now.values()) - self.ticks) * TICK_MS)
        self.used = used
        return self.gone + sum(used.values()), living


def cpu_ms(pid, last):
    """What its own threads have used; what was seen last if it ends just
    now. The clock's number is made as in clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime_ns(~pid << 3 | CPUCLOCK_SCHED) / 1e6
    except OSError:
        return last


def table():
    """Of every process its parent, and the ticks of those that it has waited
    for."""
    parents, ticks = {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError), \
                open(f"/proc/{entry}/stat", "rb") as f:
            fields = f.read().rpartition(b")")[2].split()
            parents[int(entry)] = int(fields[1])
            ticks[int(entry)] = int(fields[13]) + int(fields[14])
    return parents, ticks
