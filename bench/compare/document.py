#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Figures to a report: report.md, report.html and the plots, from raw data
alone. `document.py DIR` makes them anew."""
import os
import re
import sys

import page
import plot
import published
import summary
import unfair
from words import (NONE, bullets, figure, mib, ms, para, ratio, table, text,
                   times)

IMAGES = {
    "start": "Start to first byte, hot and cold",
    "cdf": "Start to first byte, every hot sample",
    "stop": "Time to end an instance",
    "size": "Sizes, as they are and compressed",
    "memory": "Memory of one instance among many",
    "density": "Start to first byte beside other instances",
    "usage-memory": "Memory over time under the same requests",
    "usage-cpu": "Processor time under the same requests",
}
ENDS = {"count": "the run's limit", "memory": "its memory was used up",
        "time": "its time was up", "error": "an error"}
DENSITY_COLUMNS = 5
ERRORS_SHOWN = 3
STARTS = (("hot", "Hot: the image's files are in the page cache."),
          ("cold", "Cold: they were dropped from it before each start."))
QUIET_LOAD = 0.5  # above this the machine was busy before the run
# Measures of the attack surface, a table each; what is not here comes last.
SURFACES = (
    ("What the host's kernel grants the process that runs the workload",
     "looked_at syscalls syscalls_conditional capabilities uid0 host_pids "
     "host_network"),
    ("What that process sees",
     "processes seccomp_filters open_fds mounts writable_mounts devices "
     "listening"),
    ("What a guest can ask, and the walls between a workload and the host",
     "guest_syscalls guest_host_calls lines lines_behind kernel_lines "
     "kvm_lines"),
    ("What lies in the image",
     "files setuid executables shells interpreters"),
)
MORE_COLUMNS = 6
MEASURES = {
    "looked_at": "looked at", "seccomp_filters": "seccomp filters",
    "syscalls": "system calls", "syscalls_conditional": "in part",
    "uid0": "host's root", "host_pids": "host's processes",
    "host_network": "host's network", "open_fds": "open files",
    "writable_mounts": "writable mounts", "listening": "listening sockets",
    "guest_syscalls": "calls of the guest", "guest_host_calls":
    "calls of the host", "lines": "first wall, lines of C",
    "lines_behind": "behind it", "kernel_lines": "lines of the guest kernel",
    "kvm_lines": "lines of KVM",
}
WHO = re.compile(r", of ([^,]*)$")  # at the end of how it was counted


class Report:
    """Raw data, the plots that could be drawn, and the lines so far."""

    def __init__(self, raw, plots):
        self.raw = raw
        self.plots = plots
        self.lines = []

    def add(self, *blocks):
        for block in blocks:
            if block:
                self.lines += [*block, ""]

    def head(self, title, level=2):
        self.add(["#" * level + " " + title])

    def plot(self, kind, program=None):
        name = f"{kind}-{program}" if program else kind
        if name in self.plots:
            self.add([f"![{IMAGES[kind]}](plots/{name}.svg)"])

    def ways(self, program):
        return summary.ways(self.raw, program.key)

    def options(self):
        return self.raw["host"]["options"]

    def is_part(self, name):
        """Was this measured at all?"""
        return bool(self.raw[name])


# ---- headline ---------------------------------------------------------------

def headline(r):
    count = r.options()["count"]
    for p in summary.used_programs(r.raw):
        r.head(p.title)
        r.add(table(["contender", "image, zstd, MiB",
                     "first byte, hot, ms: median (mean ± sd)", "hot p99, ms",
                     "cold, ms", "stop, ms", "alone, MiB",
                     f"each of {count}, MiB"],
                    [headline_row(r, p.key, way) for way in r.ways(p)]),
              bullets(claims(r.raw, p.key)))
    r.add(para(
        "Times are from the command or the request to the first byte of the "
        "right answer; hot, cold and stop are medians. Memory alone is the "
        "PSS of all processes of an idle instance; beside others the "
        "kernel's share is in it too. Which figures rest on how many "
        "samples, and what is unfair, is said below."))


def headline_row(r, program, way):
    hot = summary.start(r.raw, program, way.key, "hot")
    cold = summary.start(r.raw, program, way.key, "cold")
    size = summary.size(r.raw, program, way.key)
    stop = summary.stop(r.raw, program, way.key)
    alone = summary.memory(r.raw, program, way.key, 1)
    return [text(way.label), mib(size and size[1] / 1024),
            with_failed(hot and f"{ms(hot.median)} ({spread(hot)})",
                        summary.errors(r.raw, program, way.key, "hot")),
            ms(hot and hot.p99),
            with_failed(ms(cold and cold.median),
                        summary.errors(r.raw, program, way.key, "cold")),
            ms(stop and stop.median), mib(alone and alone["pss_kib"]),
            each_cell(r, program, way)]


def with_failed(cell, errors):
    """A median says of how many failed starts it knows nothing."""
    if not errors:
        return cell
    return f"{cell or NONE} ({len(errors)} failed)"


def spread(f):
    """Mean and standard deviation, if there is one."""
    return ms(f.mean) + (f" ± {ms(f.sd)}" if f.sd is not None else "")


def each_cell(r, program, way):
    line = summary.largest(r.raw, program, way.key)
    if line is None:
        return None
    of = "" if line["count"] == r.options()["count"] else \
        f" (of {line['count']})"
    return mib(summary.each_kib(line)) + of


def claims(raw, program):
    """What the headline says, in a sentence for each measure."""
    ways = summary.ways(raw, program)
    start, each = {}, {}
    for way in ways:
        f = summary.start(raw, program, way.key, "hot")
        line = summary.largest(raw, program, way.key)
        if f:
            start[way.key] = f.median
        if line:
            each[way.key] = summary.each_kib(line)
    return [line for line in (
        compare(ways, start, lambda v: ms(v) + " ms",
                "To the first byte, hot", ("as quick", "as long")),
        compare(ways, each, lambda v: mib(v) + " MiB",
                "Memory of one among many", ("less", "as much"))) if line]


def compare(ways, values, show, what, words):
    """The best container, or the process where there is none, and beside
    it the process and one each of ours: on kvm where that ran."""
    process = published.first(ways, ("process",), values)
    containers = [w for w in ways if w.kind == "container" and
                  w.key in values]
    base = min(containers, key=lambda w: values[w.key], default=process)
    others = [process] + [published.first(ways, keys, values)
                          for keys in published.OURS]
    said = [f"{text(w.label)} {show(values[w.key])} "
            f"({times(values[base.key], values[w.key], words)})"
            for w in others if base and w and w is not base]
    if not said:
        return ""
    name = "the best container is" if containers else \
        "no container was measured;"
    return (f"{what}: {name} {text(base.label)}, "
            f"{show(values[base.key])}. Beside it: {'; '.join(said)}.")


# ---- what ran, and where ----------------------------------------------------

def who(r):
    r.head("What ran, and what did not")
    ran = {}
    for p in summary.used_programs(r.raw):
        for w in r.ways(p):
            ran.setdefault((w.label, w.kind, w.version), []).append(p.key)
    r.add(table(["contender", "kind", "programs", "version"],
                [[text(label), kind, ", ".join(keys), text(version)]
                 for (label, kind, version), keys in ran.items()]))
    skipped = [f"{p.key}: {text(w.label)}: {sentence(w.reason)}"
               for p in summary.used_programs(r.raw)
               for w in summary.ways(r.raw, p.key, "skipped")]
    if skipped:
        r.add(["Left out:"], bullets(skipped))
    skipped = [f"{p.key}: {text(w.label)}: {line['part']}: "
               + sentence(line["reason"])
               for p in summary.used_programs(r.raw) for w in r.ways(p)
               for line in summary.lines(r.raw, "left_out", p.key, w.key)]
    if skipped:
        r.add(["Ran, but could not be measured at everything:"],
              bullets(skipped))
    missing = [f"{name}" for name in ("start", "size", "memory", "usage",
                                      "density", "surface")
               if not r.is_part(name)]
    if missing:
        r.add(para(f"Not measured in this run: {', '.join(missing)}."))


def sentence(words):
    words = text(words)
    return words if words.endswith(".") else words + "."


def machine(r):
    host, o = r.raw["host"], r.options()
    load = summary.loads(r.raw)
    rows = [["date", host["date"]], ["Mayfly", text(host["mayfly"])],
            ["processor", f"{text(host['cpu'])}, {host['cores']} cores"],
            ["memory", f"{host['memory_bytes'] / 2**30:.1f} GiB"],
            ["kernel", text(host["kernel"])], ["KVM", text(host["kvm"])],
            ["load before and after",
             f"{host['load_before']:.2f}, {host['load_after']:.2f}"],
            ["load at the starts", load and
             f"median {load.median:.1f}, p99 {load.p99:.1f}, "
             f"most {load.high:.1f}"],
            ["starts of each", f"{o['runs']} hot, {o['cold_runs']} cold, "
             f"{o['pause_s']} s between them"],
            ["seed", str(o["seed"])], ["quick", "yes" if o["quick"] else "no"],
            ["it took", f"{host['seconds'] / 60:.1f} minutes"]]
    r.head("The machine and the run")
    r.add(table(["what", "here"], rows), para(
        "The load is the average of the last minute, which the measurements "
        "themselves raise. The contenders take turns, in a new order each "
        "round, so that what disturbs one disturbs all."))
    r.add(bullets(sentence(note) for note in host["notes"]))


# ---- start and end ----------------------------------------------------------

def starts(r):
    r.head("Start to the first byte")
    r.add(para(
        "From before fork and exec of the command, or from the request where "
        "the service is there already, to the first byte of the answer, "
        "which is compared. Just before each start that counts "
        f"{'in the first round ' if r.options()['quick'] else ''}there is "
        "one that does not. Milliseconds. sd is the standard deviation of "
        "the samples (n - 1); p99 is the nearest rank, always a measured "
        "value: with fewer than 100 samples it is the largest. The last "
        "column is the median as a multiple of the bare process's."))
    for p in summary.used_programs(r.raw):
        r.head(p.title, 3)
        r.plot("start", p.key)
        for cache, title in STARTS:
            rows = [start_row(r.raw, p.key, way, cache) for way in r.ways(p)]
            if any(row[2] for row in rows):
                r.add([title], table(["contender", "starts", "mean", "sd",
                                      "median", "p99", "min", "max",
                                      "of process"], rows))
        r.plot("cdf", p.key)
        r.add(bullets([*failures(r, p), *warm(r, p)]))


def start_row(raw, program, way, cache):
    f = summary.start(raw, program, way.key, cache)
    failed = len(summary.errors(raw, program, way.key, cache))
    count = str(f.count if f else 0) + (f", {failed} failed" if failed else "")
    if f is None:
        return [text(way.label), count if failed else None] + [None] * 7
    base = summary.start(raw, program, "process", cache)
    return [text(way.label), count, *(ms(v) for v in (
        f.mean, f.sd, f.median, f.p99, f.low, f.high)),
        base and ratio(f.median / base.median)]


def failures(r, program):
    for way in r.ways(program):
        said = summary.errors(r.raw, program.key, way.key)
        for error in list(dict.fromkeys(said))[:ERRORS_SHOWN]:
            yield (f"{text(way.label)}: {said.count(error)} starts failed: "
                   + sentence(error))


def warm(r, program):
    for way in r.ways(program):
        left = summary.left_in_cache(r.raw, program.key, way.key)
        if left:
            yield (f"{text(way.label)}: up to {mib(left)} MiB of its files "
                   "stayed in the page cache before a cold start, because "
                   "something had them mapped.")


def stops(r):
    used = summary.used_programs(r.raw)
    rows = []
    for way in plot.all_ways(r.raw):
        found = [summary.stop(r.raw, p.key, way.key) for p in used]
        if any(found):
            rows.append([text(way.label), *(cell for f in found for cell in (
                f and str(f.count), ms(f and f.median), ms(f and f.p99)))])
    if not rows:
        return
    r.head("Stop")
    r.add(para("From the signal, or from the start of the command that stops "
               "it, until no process of the instance is left. Milliseconds, "
               "hot and cold starts together. containerd's shim is its "
               "daemon's child: there it ends with the client, ctr. The "
               "platform ends its instances itself and is not in the "
               "table."),
          table(["contender", *(f"{p.key} {what}" for p in used for what in
                                ("stops", "median", "p99"))], rows))
    r.plot("stop")


# ---- size and memory --------------------------------------------------------

def sizes(r):
    if not r.is_part("size"):
        return
    r.head("Size")
    r.add(para("What each starts from, as it lies on the disk and compressed "
               "by zstd at its default level. MiB. A contender that needs "
               "several has their sum in the tables above."),
          table(["program", "what", "as it is", "compressed", "files",
                 "used by"],
                [[p.key, text(line["image"]), mib(line["raw_bytes"] / 1024),
                  mib(line["compressed_bytes"] / 1024), str(line["files"]),
                  text(line["contenders"] or "") or None]
                 for p in summary.used_programs(r.raw)
                 for line in summary.sizes(r.raw, p.key)]))
    r.plot("size")


def memories(r):
    if not r.is_part("memory"):
        return
    r.head("Memory")
    r.add(para(
        "Of instances that have answered once and wait. MiB. PSS counts a "
        "page that several share in parts; monitors and runtime processes "
        "that belong to one instance are in it. The kernel's share is the "
        "difference of /proc/meminfo (slab, stacks, page tables) and noise "
        "at one instance. What runs once a host is in the last column."))
    for p in summary.used_programs(r.raw):
        r.head(p.title, 3)
        r.add(table(
            ["contender", "alone: processes", "PSS", "kernel", "many",
             "each: PSS", "private", "kernel", "once a host"],
            [memory_row(r.raw, p.key, way) for way in r.ways(p)]))
    r.plot("memory")


def memory_row(raw, program, way):
    one = summary.memory(raw, program, way.key, 1)
    many = summary.largest(raw, program, way.key)
    row = [text(way.label)] + [None] * 8
    if one:
        row[1:4] = [str(one["processes"]), mib(one["pss_kib"]),
                    mib(one["kernel_kib"])]
    if many:
        n = many["count"]
        row[4:8] = [str(n), mib(many["pss_kib"] / n),
                    mib((many["private_kib"] or 0) / n),
                    mib(summary.kernel_kib(many))]
    daemon = (many or one or {}).get("daemon_kib")
    row[8] = mib(daemon) if daemon else None
    return row


def densities(r):
    if not r.is_part("density"):
        return
    o = r.options()["density"]
    r.head("How many at a time")
    r.add(para(
        "After one that does not count, one after the other is started and "
        f"kept, until there are {o['instances']:,}, or {o['memory_mib']:,} "
        f"MiB or {o['seconds']} seconds are used up. Milliseconds to the "
        "first byte of the start with that number, from the third on the "
        "median of its neighbours, two or a twentieth either side; MiB each "
        "is what the available memory lost from the first to the last, "
        "divided by their number, and the last column how many of that fill "
        "this machine's memory: computed, not tried. Where the time ended "
        "it, their number says how quickly they start, and not how many "
        "fit. The platform starts instances by itself and is not in the "
        "table."))
    for p in summary.used_programs(r.raw):
        found = [(way, summary.density(r.raw, p.key, way.key))
                 for way in r.ways(p)]
        found = [(way, d) for way, d in found if d]
        steps = reached(d.count for _, d in found)
        if found:
            r.head(p.title, 3)
            r.add(table(
                ["contender", "instances", "no more because of",
                 *(f"start {n}" for n in steps), "MiB each", "fill it"],
                [[text(way.label), str(d.count), ENDS.get(d.end, d.end),
                  *(ms(summary.step(r.raw, p.key, way.key, n))
                    for n in steps), mib(d.each_kib), fill(r, d)]
                 for way, d in found]))
        r.plot("density", p.key)


def fill(r, d):
    if not d.each_kib or d.each_kib <= 0:
        return None
    return f"{r.raw['host']['memory_bytes'] / 1024 / d.each_kib:,.0f}"


def reached(counts):
    """The steps that somebody has reached, the first ones of them."""
    most = max(counts, default=0)
    return [n for n in summary.STEPS if n <= most][:DENSITY_COLUMNS]


# ---- use over time ----------------------------------------------------------

def uses(r):
    if not r.is_part("usage"):
        return
    r.head("Use over time: always on, and from zero")
    r.add(para(
        "The same bursts of requests for each. An instance that is always on "
        "waits between them; the platform then has no instance of the "
        "function. One container stands for all. Daemons are counted, and "
        "what they keep ready. "
        "Memory-seconds are the area below the memory line."))
    for p in summary.used_programs(r.raw):
        rows = [use_row(way, u) for way in r.ways(p)
                for u in [summary.usage(r.raw, p.key, way.key)] if u]
        if not rows:
            continue
        r.head(p.title, 3)
        r.add(table(["contender", "runs", "cpu-seconds", "memory, MiB s",
                     "peak, MiB", "served", "failed", "latency median, ms",
                     "p99, ms"], rows), bullets(held(r.raw, p.key)))
        r.plot("usage-memory", p.key)
        r.plot("usage-cpu", p.key)


def from_zero(way):
    return way.key.startswith("platform-")


def use_row(way, u):
    return [text(way.label), "from zero" if from_zero(way) else "always",
            figure(u.cpu_s), figure(u.memory_mib_s), mib(u.peak_kib),
            str(u.served), str(u.failed), ms(u.median), ms(u.p99)]


def held(raw, program):
    """The platform's memory-seconds and processor time as a multiple of
    those of each that is always on."""
    used = [(way, u) for way in summary.ways(raw, program)
            for u in [summary.usage(raw, program, way.key)] if u]
    for zero, z in used:
        said = [f"{text(way.label)} {ratio(z.memory_mib_s / u.memory_mib_s)}"
                + (f" and {ratio(z.cpu_s / u.cpu_s)}" if u.cpu_s else "")
                for way, u in used if from_zero(zero) and not from_zero(way)
                and u.memory_mib_s]
        if said:
            yield (f"{text(zero.label)} took, as multiples of the "
                   "memory-seconds and of the processor time of others: "
                   f"{'; '.join(said)}.")


# ---- surface, others' figures, fairness -------------------------------------

def surfaces(r):
    if not r.is_part("surface"):
        return
    r.head("Attack surface")
    r.add(para("Counted on what ran here, not claimed. Each name of a column "
               "is explained below the tables. Of Mayfly the monitor is "
               "looked at, with the guest's process where there is one, and "
               "of both the larger figure is shown. The monitor may be in "
               "the host's network; its guest reaches of it only what the "
               "monitor was told to pass."))
    for p in summary.used_programs(r.raw):
        r.head(p.title, 3)
        for title, names in groups(summary.measures(r.raw, p.key)):
            rows = [[text(label), *(cell(summary.surface(
                r.raw, p.key, key, name)) for name in names)]
                for key, label in summary.surface_keys(r.raw, p.key)]
            rows = [row for row in rows if any(row[1:])]
            heads = [MEASURES.get(name, text(name)) for name in names]
            r.add([title + ":"], table(["of", *heads], rows))
    r.add(["How each was counted:"], bullets(hows(r.raw)))


def groups(measures):
    """(title, measures) of each table."""
    left = list(measures)
    for title, names in SURFACES:
        here = [name for name in names.split() if name in left]
        left = [name for name in left if name not in here]
        if here:
            yield title, here
    for at in range(0, len(left), MORE_COLUMNS):
        yield "More", left[at:at + MORE_COLUMNS]


def cell(value):
    if value is None:
        return None
    return f"{value:,}" if isinstance(value, (int, float)) else text(value)


def hows(raw):
    """A line for each measure, with whom it was counted so, and one for
    what was looked at."""
    said, who = {}, {}
    for line in raw["surface"]:
        how, key = line["how"], line["contender"]
        of = WHO.search(how)
        if of:
            who.setdefault(of[1], {})[key] = True
            how = how[:of.start()]
        said.setdefault(line["measure"], {}).setdefault(how, {})[key] = True
    for measure, ways in said.items():
        yield (f"{MEASURES.get(measure, text(measure))}: "
               + sentence(by_whom(ways)))
    if who:
        yield f"looked at: {sentence(by_whom(who))}"


def by_whom(ways):
    if len(ways) == 1:
        return next(iter(ways))
    return "; ".join(f"{how} ({', '.join(keys)})"
                     for how, keys in ways.items() if how)


def others(r):
    rows = list(published.rows(r.raw))
    if not rows:
        return
    r.head("Published figures beside ours")
    r.add(table(["program", "what", "container; unikernel or Mayfly",
                 "container", "unikernel or Mayfly", "ratio"],
                [[program, f"{what}, {unit}", text(which), figure(a),
                  figure(b), ratio(a / b)]
                 for program, what, unit, which, a, b in rows]),
          para("The ratio is the container's figure divided by the other: "
               "above 1, the unikernel or Mayfly needs less. MB are 10^6 "
               "bytes here, sizes are not compressed, and times are means, "
               "as published. Size counts a snapshot and its image. What "
               "differs:"),
          bullets(published.differences(r.options()["pause_s"])))


def fairness(r):
    r.head("What is unfair")
    r.add(bullets(f"Helps {helps}: {said}"
                  for helps, said in unfair.sentences(r.raw)))


def again(r):
    o = r.options()
    quick = "--quick " if o["quick"] else ""
    options = (f"{quick}--runs {o['runs']} --cold-runs {o['cold_runs']} "
               f"--pause {o['pause_s']} --seed {o['seed']}")
    r.head("How to run it again")
    r.add(["```", f"mayfly bench compare {options}",
           "cd DIR/plots && gnuplot start-node.gp   # one plot", "```"],
          ["In a source tree:"],
          ["```", f"./compare {options}",
           "python3 bench/compare/document.py DIR   # this report, from raw/",
           "python3 bench/compare/check.py DIR      # is it true to raw/?",
           "```"],
          para("DIR is where this report is. Beside it, `raw/` has every "
               "sample, `plots/` each plot with its script and its table. "
               "`bench/compare/README.md` in the source tree describes the "
               "columns and how the clock works."))


SECTIONS = (headline, who, machine, starts, stops, sizes, memories, densities,
            uses, surfaces, others, fairness, again)


def busy(host):
    if host["load_before"] <= QUIET_LOAD:
        return []
    return para("The machine was not quiet: its load was "
                f"{host['load_before']:.2f} before the run. These figures "
                "are to be read with care.")


def write(directory):
    """plots/, report.md and report.html from raw/."""
    page.need()
    plots = plot.draw(directory)
    r = Report(summary.load(directory), plots)
    host = r.raw["host"]
    r.head("Processes, containers, isolates and Mayfly, compared", 1)
    r.add(para(f"Measured on {host['date'][:10]} by Mayfly "
               f"{text(host['mayfly'])} on {text(host['cpu'])}, "
               f"{host['cores']} cores, Linux {text(host['kernel'])}, KVM: "
               f"{text(host['kvm'])}."), busy(host))
    for section in SECTIONS:
        section(r)
    words = "\n".join(r.lines).rstrip("\n") + "\n"
    with open(os.path.join(directory, "report.md"), "w",
              encoding="utf-8") as f:
        f.write(words)
    page.write(directory, words)


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        sys.exit("document.py DIR: a directory of results, with raw/ in it, "
                 "is wanted")
    try:
        write(sys.argv[1])
    except OSError as e:
        sys.exit(f"document.py: {e}")
    print(os.path.join(sys.argv[1], "report.md"))


if __name__ == "__main__":
    main()
