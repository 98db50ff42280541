# SPDX-License-Identifier: Apache-2.0
"""openmetrics_check.py FILE: is it OpenMetrics text 1.0, strictly?

Follows the ABNF and the rules of the specification for the types that
exist: names and labels, order and uniqueness of families and samples,
suffixes of each type, units, cumulative histograms, # EOF. Prints what is
wrong with its line, status 1; nothing, status 0. Also a module: parse(text)
returns {sample name: {sorted labels: value}}.
"""
import math
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
VALUE = r'"((?:[^"\\\n]|\\["\\n])*)"'
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
                    r"(?:[eE][+-]?[0-9]+)?$|[+-]?Inf$|NaN$")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)(?: (\S+))?$")
LABEL = re.compile(rf"({LABEL_NAME})={VALUE}")
SUFFIXES = {
    "counter": {"_total", "_created"},
    "gauge": {""},
    "histogram": {"_bucket", "_count", "_sum", "_created"},
    "summary": {"_count", "_sum", "_created", ""},
    "info": {"_info"},
    "stateset": {""},
    "unknown": {""},
}


class Wrong(Exception):
    """A line that is not as it should be."""


def need(ok, text):
    if not ok:
        raise Wrong(text)


class Family:
    """What is said of one metric family so far."""

    def __init__(self, name):
        self.name = name
        self.meta = {}
        self.samples = []
        self.seen = set()

    def type(self):
        return self.meta.get("TYPE", "unknown")

    def suffix(self, sample):
        """The suffix of a sample's name, or None: it is of another one."""
        if not sample.startswith(self.name):
            return None
        rest = sample[len(self.name):]
        return rest if rest in SUFFIXES[self.type()] else None


def number(text):
    need(NUMBER.match(text), f"no number: {text}")
    return float(text)


def labels_of(text):
    labels = {}
    at = 0
    while text and at < len(text):
        m = LABEL.match(text, at)
        need(m, f"no label at: {text[at:]}")
        need(m.group(1) not in labels, f"label {m.group(1)} twice")
        labels[m.group(1)] = m.group(2)
        at = m.end()
        if at < len(text):
            need(text[at] == "," and at + 1 < len(text), "no comma")
            at += 1
    return labels


def meta_line(family, kind, value):
    need(kind in ("TYPE", "UNIT", "HELP"), f"# {kind}")
    need(kind not in family.meta, f"{kind} of {family.name} twice")
    need(not family.samples, f"{kind} of {family.name} after its samples")
    if kind == "TYPE":
        need(value in SUFFIXES, f"no type: {value}")
    if kind == "UNIT" and value:
        need(family.name.endswith("_" + value),
             f"{family.name} does not end in its unit {value}")
    if kind == "HELP":
        need(not re.search(r"\\(?![\\n\"])", value), "bad escape in HELP")
    family.meta[kind] = value


def check_value(family, suffix, labels, value):
    kind = family.type()
    if kind == "counter" or suffix in ("_bucket", "_count"):
        need(value >= 0 and not math.isnan(value), f"{value} of a {kind}")
    if suffix in ("_bucket", "_count"):
        need(value == int(value), "a count that is not whole")
    if kind == "info":
        need(value == 1, "an info that is not 1")
    need((suffix == "_bucket") == ("le" in labels), "le and _bucket")


def sample_line(family, line):
    m = SAMPLE.match(line)
    need(m, f"no sample: {line}")
    suffix = family.suffix(m.group(1)) if family else None
    need(suffix is not None, f"{m.group(1)} is of no family before it")
    need(m.group(2) != "", "empty braces")
    labels = labels_of(m.group(2))
    value = number(m.group(3))
    if m.group(4):
        number(m.group(4))
    key = (m.group(1), tuple(sorted(labels.items())))
    need(key not in family.seen, f"sample twice: {line}")
    family.seen.add(key)
    check_value(family, suffix, labels, value)
    family.samples.append((m.group(1), suffix, labels, value))


def check_histogram(family):
    groups = {}
    for _, suffix, labels, value in family.samples:
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        group = groups.setdefault(rest, {"buckets": []})
        if suffix == "_bucket":
            group["buckets"].append((number(labels["le"]), value))
        else:
            group[suffix] = value
    for rest, group in groups.items():
        where = f"{family.name}{dict(rest)}"
        bounds = [b for b, _ in group["buckets"]]
        counts = [c for _, c in group["buckets"]]
        need(bounds and bounds[-1] == math.inf, f"{where}: no +Inf bucket")
        need(bounds == sorted(set(bounds)), f"{where}: order of buckets")
        need(counts == sorted(counts), f"{where}: buckets do not add up")
        need(("_sum" in group) == ("_count" in group), f"{where}: sum, count")
        need(group.get("_count", counts[-1]) == counts[-1],
             f"{where}: count is not the last bucket's")


def check_interleaving(family):
    """All samples of one set of labels stand together."""
    done, last = set(), None
    for _, _, labels, _ in family.samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        if key == last:
            continue
        need(key not in done, f"{family.name}: samples are mixed")
        done.add(key)
        last = key


def parse(text):
    need(text.endswith("# EOF\n"), "the last line is not # EOF")
    families, family = {}, None
    for n, line in enumerate(text[:-len("# EOF\n")].splitlines(), 1):
        try:
            m = re.match(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)$", line)
            if m:
                if not family or family.name != m.group(2):
                    need(m.group(2) not in families,
                         f"{m.group(2)} in two places")
                    family = families[m.group(2)] = Family(m.group(2))
                meta_line(family, m.group(1), m.group(3))
            else:
                need(not line.startswith("#"), f"no comment may be: {line}")
                sample_line(family, line)
        except Wrong as e:
            raise Wrong(f"line {n}: {e}") from None
    for family in families.values():
        check_interleaving(family)
        if family.type() == "histogram":
            check_histogram(family)
    return families


def samples(text):
    found = {}
    for family in parse(text).values():
        for name, _, labels, value in family.samples:
            found.setdefault(name, {})[tuple(sorted(labels.items()))] = value
    return found


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", newline="\n") as f:
        try:
            parse(f.read())
        except Wrong as e:
            sys.exit(f"{sys.argv[1]}: {e}")
