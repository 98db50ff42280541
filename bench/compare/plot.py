# SPDX-License-Identifier: Apache-2.0
"""Figures to plots: writes the table that each plot is drawn from beside the
gnuplot script that draws it, below plots/ of the results, and runs gnuplot
there, once for SVG and once for PNG.

One script of plots/ may draw several plots: its copy has the name of the
plot, and by that name it finds its table.
"""
import csv
import os
import shutil
import subprocess
import sys

import places
import summary

SCRIPTS = os.path.join(places.HERE, "plots")
MISSING = ("gnuplot is not installed; it draws the plots: "
           "apt-get install gnuplot-nox")
SHARED = ("common", "lines", "pairs")  # what the scripts load
TIMEOUT_S = 60
CURVE_POINTS = 100     # of a distribution
LINE_POINTS = 300      # of something over time
DENSITY_POINTS = 60
TICKS = 450            # request marks below a time line, at most

COLOURS = {
    "process": 0x7F7F7F,
    "crun": 0x0B3C78, "runc": 0x1F77B4, "podman-host": 0x62AEE3,
    "podman-port": 0x17A0B4, "containerd": 0x9DB9E8,
    "workerd": 0x8E44AD,
    "mayfly-run-kvm": 0xD95F02, "mayfly-run-process": 0xF5A961,
    "mayfly-clone-kvm": 0x1B7837, "mayfly-clone-process": 0x6FC276,
    "platform-kvm": 0xB5271C, "platform-process": 0xE88A80,
}
KINDS = {"process": 0x7F7F7F, "container": 0x1F77B4, "isolate": 0x8E44AD,
         "mayfly": 0x1B7837}
OTHER = 0x444444


def colour(way):
    return COLOURS.get(way.key, KINDS.get(way.kind, OTHER))


def paler(rgb, share):
    """Mixed with white; a share of 1 leaves it as it is."""
    parts = [(rgb >> shift) & 255 for shift in (16, 8, 0)]
    mixed = [round(255 - (255 - part) * share) for part in parts]
    return mixed[0] << 16 | mixed[1] << 8 | mixed[2]


def dash(way):
    """What runs without /dev/kvm is dashed, so that pairs are seen."""
    return 2 if way.key.endswith("-process") else 1


def number(value, unit=1):
    return "NaN" if value is None else f"{value / unit:.6g}"


def short(value):
    """A figure beside a bar."""
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def all_ways(raw):
    """Each contender once, though it may run several programs."""
    return list({way.key: way for p in summary.used_programs(raw)
                 for way in summary.ways(raw, p.key)}.values())


def bars(figures, unit):
    """mean, sd and the figure to print; three columns."""
    if figures is None:
        return ["NaN", "NaN", ""]
    return [number(figures.mean, unit), number(figures.sd or 0, unit),
            short(figures.mean / unit)]


def colours(way, *shares):
    return [paler(colour(way), share) for share in shares]


BAR_HEAD = ("label full pale first first_sd first_text second second_sd "
            "second_text")


def start_rows(raw, program):
    for way in summary.ways(raw, program):
        pair = [summary.start(raw, program, way.key, cache)
                for cache in ("hot", "cold")]
        if any(pair):
            yield [way.label, *colours(way, 1, 0.4), *bars(pair[0], 1000),
                   *bars(pair[1], 1000)]


def stop_rows(raw):
    for way in all_ways(raw):
        pair = [summary.stop(raw, p, way.key) for p in ("node", "go")]
        if any(pair):
            yield [way.label, *colours(way, 1, 0.4), *bars(pair[0], 1000),
                   *bars(pair[1], 1000)]


def memory_rows(raw):
    """Private, shared and kernel of one among many, MiB; node, then go."""
    for way in all_ways(raw):
        found = [summary.largest(raw, p, way.key) for p in ("node", "go")]
        if any(found):
            yield [way.label, *colours(way, 1, 0.55, 0.2),
                   *memory_parts(found[0]), *memory_parts(found[1])]


def memory_parts(line):
    """Each part ends where the next begins."""
    if line is None:
        return ["NaN"] * 3 + [""]
    private = (line["private_kib"] or 0) / line["count"]
    ends = [private, line["pss_kib"] / line["count"], summary.each_kib(line)]
    return [number(end, 1024) for end in ends] + [short(ends[2] / 1024)]


def size_rows(raw):
    for p in summary.used_programs(raw):
        for line in summary.sizes(raw, p.key):
            mib = [line[f] / 2**20 for f in ("raw_bytes", "compressed_bytes")]
            users = str(line["contenders"] or "").split()
            shade = next((colour(w) for w in all_ways(raw)
                          if w.key in users), OTHER)
            yield [f"{p.key}: {line['image']}", shade, paler(shade, 0.4),
                   number(mib[0]), short(mib[0]), number(mib[1]),
                   short(mib[1])]


def thin(points, most):
    """At most so many, evenly, always with the first and the last."""
    if len(points) <= most:
        return points
    return [points[round(i * (len(points) - 1) / (most - 1))]
            for i in range(most)]


def start_curves(raw, program):
    """The share of hot starts that had answered by then."""
    for way in summary.ways(raw, program):
        seen = sorted(summary.first_bytes(raw, program, way.key, "hot"))
        foot = [(seen[0] / 1000, 0)] if seen else []
        yield way, foot + thin([(us / 1000, (i + 1) / len(seen))
                                for i, us in enumerate(seen)], CURVE_POINTS)


def usage_curves(raw, program, column, unit):
    for way in summary.ways(raw, program):
        seen = summary.lines(raw, "usage", program, way.key)
        first = seen[0][column] if seen and column == "cpu_ms" else 0
        yield way, thin([(line["t_ms"] / 1000, (line[column] - first) / unit)
                         for line in seen], LINE_POINTS)


def request_marks(raw, program):
    """When something was asked; the trace is the same for everyone."""
    for way in summary.ways(raw, program):
        seen = summary.lines(raw, "requests", program, way.key)
        if seen:
            times = sorted(line["t_ms"] / 1000 for line in seen)
            width = max(times[-1], 1) / TICKS
            return list({round(t / width): t for t in times}.values())
    return []


def density_curves(raw, program):
    for way in summary.ways(raw, program):
        count = max((n for n, _ in
                     summary.starts_of_many(raw, program, way.key)), default=0)
        numbers = sorted({round(count ** (i / (DENSITY_POINTS - 1)))
                          for i in range(DENSITY_POINTS)}) if count else []
        found = [(n, summary.step(raw, program, way.key, n)) for n in numbers]
        yield way, [(n, us / 1000) for n, us in found if us is not None]


def write_rows(path, head, rows):
    """A line for each bar, numbered from the top."""
    rows = list(rows)
    if rows:
        with open(path, "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f, "excel-tab", lineterminator="\n")
            out.writerow(["row", *head.split()])
            out.writerows([i, *row] for i, row in enumerate(rows))
    return bool(rows)


def write_curves(path, curves, marks=()):
    """A block for each curve, headed by its label; marks come last."""
    curves = [(way, points) for way, points in curves if points]
    if not curves:
        return False
    blocks = [(way.label, [(x, y, colour(way), dash(way)) for x, y in points])
              for way, points in curves]
    if marks:
        blocks.append(("requests", [(x, 0, OTHER, 1) for x in marks]))
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, "excel-tab", lineterminator="\n")
        for i, (label, points) in enumerate(blocks):
            f.write("\n\n" if i else "")
            out.writerow([label, "value", "colour", "dash"])
            out.writerows([f"{x:.6g}", f"{y:.6g}", *how]
                          for x, y, *how in points)
    return True


def tables(raw):
    """(plot, its script, a function that writes its table and says whether
    there is anything to draw)."""
    for p in (p.key for p in summary.used_programs(raw)):
        marks = request_marks(raw, p)
        yield (f"start-{p}", "start",
               lambda path, p=p: write_rows(path, BAR_HEAD,
                                            start_rows(raw, p)))
        for name, script, curves, more in (
                (f"cdf-{p}", "cdf", start_curves(raw, p), ()),
                (f"usage-memory-{p}", "usage",
                 usage_curves(raw, p, "memory_kib", 1024), marks),
                (f"usage-cpu-{p}", "usage",
                 usage_curves(raw, p, "cpu_ms", 1000), marks),
                (f"density-{p}", "density", density_curves(raw, p), ())):
            yield (name, script, lambda path, curves=curves, more=more:
                   write_curves(path, curves, more))
    yield ("stop", "stop",
           lambda path: write_rows(path, BAR_HEAD, stop_rows(raw)))
    yield ("memory", "memory", lambda path: write_rows(
        path, "label full shared pale node_private node_pss node_all "
        "node_text go_private go_pss go_all go_text", memory_rows(raw)))
    yield ("size", "size", lambda path: write_rows(
        path, "label full pale raw raw_text compressed compressed_text",
        size_rows(raw)))


def gnuplot(where, name):
    for term in ("svg", "png"):
        done = subprocess.run(
            ["gnuplot", "-e", f"term='{term}'", f"{name}.gp"], cwd=where,
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        if done.returncode or not os.path.getsize(
                os.path.join(where, f"{name}.{term}")):
            why = done.stderr.strip() if shutil.disk_usage(where).free \
                else f"there is no space left in {where}"
            sys.exit(f"gnuplot could not draw {name}.{term}: {why}")


def draw(directory):
    """Draws what the raw data allow; the names of the plots."""
    if not shutil.which("gnuplot"):
        sys.exit(MISSING)
    raw = summary.load(directory)
    where = os.path.join(directory, "plots")
    shutil.rmtree(where, ignore_errors=True)
    os.makedirs(where)
    for shared in SHARED:
        shutil.copy(os.path.join(SCRIPTS, shared + ".gp"), where)
    drawn = []
    for name, script, write in tables(raw):
        if write(os.path.join(where, name + ".tsv")):
            shutil.copy(os.path.join(SCRIPTS, script + ".gp"),
                        os.path.join(where, name + ".gp"))
            gnuplot(where, name)
            drawn.append(name)
    return drawn
