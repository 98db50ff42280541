#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the comparison, writes its report; README.md is about all of it."""
import argparse
import datetime
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time

import places
import containers
import density
import document
import idle
import images
import lines
import machines
import others
import programs
import start
import store as raw
import surface
import usage
import world
import report as bench

PARTS = ("start", "size", "memory", "usage", "density", "surface")
COUNT, QUICK_COUNT = 20, 5  # instances beside each other, for memory
NEEDED = {"gnuplot": "gnuplot-nox", "zstd": "zstd", "ip": "iproute2",
          "fincore": "util-linux-extra"}  # and their packages
QUIET_S = 120


def parse(argv):
    p = argparse.ArgumentParser(
        prog="mayfly bench compare", description="Compares Mayfly with a "
        "process, containers and isolates, in turns on this machine, and "
        "writes a report.")
    p.add_argument("-q", "--quick", action="store_true",
                   help="five runs of each, and short traces")
    p.add_argument("-o", "--output", type=directory, metavar="DIR",
                   help="where the report goes, default results/compare-DATE")
    p.add_argument("--runs", type=count, metavar="N",
                   help="hot starts of each, default 30 (quick: 5)")
    p.add_argument("--cold-runs", type=count, metavar="N",
                   help="cold starts of each, default 10 (quick: 5)")
    p.add_argument("--pause", type=pause, metavar="SECONDS",
                   help="between two starts, default 0.2 (quick: 0)")
    p.add_argument("--programs", metavar="KEY,...", help="of " +
                   ",".join(x.key for x in programs.ALL))
    p.add_argument("--only", metavar="KEY,...", help="these contenders")
    p.add_argument("--parts", metavar="PART,...",
                   help="of " + ",".join(PARTS))
    p.add_argument("--also", metavar="PROGRAM:NAME=COMMAND",
                   action="append", type=other, default=[], help="one more "
                   "contender; {port} in COMMAND is where it is to listen")
    p.add_argument("--seed", type=count, default=1, metavar="N",
                   help="of the order and of the trace")
    p.add_argument("--work", type=directory, metavar="DIR",
                   help="for images and storage, on a disk; default below "
                   "the build directory")
    p.add_argument("--no-install", action="store_true",
                   help="fetch nothing: what is missing is left out")
    return defaults(p, p.parse_args(argv))


def count(text):
    value = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= value <= 100000:
        raise argparse.ArgumentTypeError(
            f"{text} is no whole number from 1 to 100000")
    return value


def pause(text):
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 60:
        raise argparse.ArgumentTypeError(
            f"{text} is no number of seconds from 0 to 60")
    return value


def directory(text):
    if not text:
        raise argparse.ArgumentTypeError("the name of a directory is empty")
    return text


def other(text):
    try:
        return others.also(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def chosen(parser, words, known, what):
    """A list of words with commas; all that is known if there is none."""
    found = list(known) if words is None else \
        [word for word in words.split(",") if word]
    if not found:
        parser.error(f"no {what} is named; there are: {', '.join(known)}")
    for word in found:
        if word not in known:
            parser.error(f"there is no {what} {word}; there are: "
                         f"{', '.join(known)}")
    return found


def defaults(parser, o):
    o.runs = o.runs or (5 if o.quick else 30)
    o.cold_runs = o.cold_runs or (5 if o.quick else 10)
    if o.pause is None:
        o.pause = 0.0 if o.quick else 0.2
    o.count = QUICK_COUNT if o.quick else COUNT
    o.notes = []
    o.contenders = [others.Process(), *containers.all_of(o.notes),
                    others.Workerd(), others.Unikernel(),
                    *machines.all_of(), *o.also]
    known = [c.key for c in o.contenders]
    for key in {c.key for c in o.also if known.count(c.key) > 1}:
        parser.error(f"--also: there is a contender {key} already")
    keys = chosen(parser, o.only, known, "contender")
    o.contenders = [c for c in o.contenders if c.key in keys]
    keys = chosen(parser, o.programs, [p.key for p in programs.ALL],
                  "program")
    o.programs = [p for p in programs.ALL if p.key in keys]
    o.parts = chosen(parser, o.parts, PARTS, "part")
    now = datetime.datetime.now(datetime.timezone.utc)
    o.date = now.isoformat(timespec="seconds")
    o.named = os.path.abspath(o.output) if o.output else None
    o.output = o.named or os.path.abspath(os.path.join(
        "results", "compare-" + now.strftime("%Y-%m-%d-%H%M")))
    o.work = os.path.abspath(o.work or places.work())
    return o


def look_first(o):
    """What would be noticed late, or destroy something."""
    lacking = {tool: package for tool, package in NEEDED.items()
               if not shutil.which(tool, path=world.PATH)}
    if not importlib.util.find_spec("markdown"):
        lacking["Markdown for Python"] = "python3-markdown"
    if lacking:
        raise world.Failed(
            f"{', '.join(lacking)}: not installed, but needed: apt-get "
            f"install {' '.join(lacking.values())}")
    if o.named and os.path.isdir(o.named) and os.listdir(o.named):
        raise world.Failed(f"the directory {o.named} is not empty: name "
                           "another with -o")


def make_output(o):
    """The directory that was named, or one that nobody has yet."""
    if o.named:
        os.makedirs(o.named, exist_ok=True)
        return
    first = o.output
    os.makedirs(os.path.dirname(first), exist_ok=True)
    for number in itertools.count(2):
        try:
            os.mkdir(o.output)
            return
        except FileExistsError:
            o.output = f"{first}-{number}"


def fetch(o):
    """Before the world is entered, which has no network."""
    if o.no_install:
        return
    for c in o.contenders:
        c.fetch()
    why = images.fetch_debian()
    if why:
        world.say(f"left out, a root file system with Debian: {why}")
    if not o.quick and "surface" in o.parts and places.IN_TREE:
        try:
            lines.fetch()
        except (world.Failed, OSError) as e:
            world.say(f"left out, the lines of Linux: {e}")


def prepare(o, store):
    """(program, contender) of all that runs; what does not is said aloud
    and written down."""
    pairs = []
    for program in o.programs:
        for c in o.contenders:
            line = {"program": program.key, "contender": c.key,
                    "label": c.label, "kind": c.kind}
            why = images.missing(program) or c.missing(program)
            if not why:
                world.say(f"preparing {program.key}: {c.label}")
                try:
                    c.prepare(program)
                    line["version"] = c.version()
                except (world.Failed, OSError) as e:
                    why = str(e)
            if why:
                world.say(f"left out, {program.key}: {c.label}: {why}")
            else:
                pairs.append((program, c))
            store.add("contenders", state="skipped" if why else "run",
                      reason=why or "", **line)
    return pairs


def measure(o, store, pairs):
    if "size" in o.parts:
        images.measure(store, pairs)
    if "surface" in o.parts:
        surface.measure(store, pairs)
    if "start" in o.parts:
        start.measure(store, pairs, o)
    if "memory" in o.parts:
        idle.measure(store, pairs, (1, o.count), o.quick)
    if "usage" in o.parts:
        usage.measure(store, pairs, o.quick, o.seed)
    if "density" in o.parts:
        density.measure(store, pairs, o.quick)


def version():
    """The release, and in a source tree the commit."""
    release = world.run([places.mayfly(), "version"]).split()[1]
    return f"{release}, {bench.version()}" if places.IN_TREE else release


def wait_for_quiet():
    """What was done before, a build for instance, is still in the load."""
    if os.getloadavg()[0] < bench.QUIET_LOAD:
        return
    world.say(f"waiting up to {QUIET_S} s for a load below "
              f"{bench.QUIET_LOAD}")
    end = time.monotonic() + QUIET_S
    while os.getloadavg()[0] >= bench.QUIET_LOAD and time.monotonic() < end:
        time.sleep(1)


def run(o, notes):
    """In the comparison's own world."""
    store = raw.Store(o.output)
    begin = time.monotonic()
    host = {"date": o.date, "mayfly": version(), **bench.host(),
            "options": {"quick": o.quick, "runs": o.runs,
                        "cold_runs": o.cold_runs, "pause_s": o.pause,
                        "count": o.count, "seed": o.seed, "parts": o.parts,
                        "density": density.allowed(o.quick)}}

    def keep():
        host.update(load_after=os.getloadavg()[0], notes=notes + o.notes,
                    seconds=round(time.monotonic() - begin, 1))
        store.write_host(host)
    try:
        keep()
        if not o.quick:
            wait_for_quiet()
            host["load_before"] = os.getloadavg()[0]
        pairs = prepare(o, store)
        if machines.answers.get("kvm"):  # why it does not work
            host["kvm"] = "there, but of no use"
        if not pairs:
            world.say("nothing can be compared here")
            return 1
        measure(o, store, pairs)
    finally:
        try:
            keep()
        finally:
            close(o)
        keep()
        store.close()
    document.write(o.output)
    if "start" in o.parts and not any(
            line["first_byte_us"] for line in raw.read(o.output, "start")):
        world.say("no start succeeded; the report says why")
        return 1
    return 0


def close(o):
    for c in o.contenders:
        try:
            c.close()
        except (world.Failed, OSError, subprocess.SubprocessError) as e:
            world.say(f"{c.label}: {e}")


def all_of_it(o):
    look_first(o)
    with images.open_place(o.work):
        make_output(o)
        fetch(o)
        status = world.enter(lambda notes: run(o, notes))
        images.clear()
        return status


def main():
    o = parse(sys.argv[1:])
    world.heed_signals()
    try:
        status = all_of_it(o)
    except (OSError, world.Failed) as e:
        hint = "; --work names another directory" if isinstance(
            e, OSError) and o.work in str(e) else ""
        world.say(f"mayfly bench compare: {world.sentence(e)}{hint}")
        return 1
    except SystemExit as e:
        status = world.status_of(e)
    if status - 128 in world.SIGNALS:
        world.say("mayfly bench compare: ended by "
                  f"{signal.Signals(status - 128).name}")
    if status == 0:
        print(f"{os.path.relpath(o.output)}/report.md")
    return status


sys.exit(main())
