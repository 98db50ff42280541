# SPDX-License-Identifier: Apache-2.0
"""Figures and tables as Markdown: how a number, a cell, a paragraph looks."""
import re
import textwrap

NONE = "-"
COLUMNS = 79
ALIKE = 0.05  # ratios this close to 1 are called about the same
# What is set to the right: a number, its unit x, and a remark after it.
FIGURE = re.compile(r"-|-?[\d,]+(\.\d+)?x?( \(.*|, \d+ failed)?")


def figure(value):
    """Three significant digits, more only before the point."""
    if value is None:
        return None
    size = abs(value)
    for limit, digits in ((99.95, 0), (9.995, 1), (0.9995, 2)):
        if size >= limit:
            return f"{value:,.{digits}f}"
    return f"{value:.3f}" if size else "0"


def ms(us):
    return None if us is None else figure(us / 1000)


def mib(kib):
    return None if kib is None else figure(kib / 1024)


def ratio(value):
    """8.4x; two digits, more only before the point."""
    if value is None:
        return None
    return f"{value:,.{0 if value >= 9.95 else 1 if value >= 0.95 else 2}f}x"


def times(base, value, words):
    """How value stands beside base: "2.1x as quick", "about the same",
    "1.3x as long"."""
    less, more = words
    if not base or not value or abs(value / base - 1) < ALIKE:
        return "about the same"
    if value < base:
        return f"{ratio(base / value)} {less}"
    return f"{ratio(value / base)} {more}"


def text(words):
    """Words from elsewhere in one line that Markdown leaves alone."""
    line = " ".join(str(words).split()) if words is not None else ""
    for char, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"),
                       ("*", "\\*"), ("`", "\\`")):
        line = line.replace(char, safe)
    return line


def para(words):
    """Lines of a paragraph, none if there is nothing to say."""
    return textwrap.wrap(words, COLUMNS, break_long_words=False,
                         break_on_hyphens=False)


def bullets(items):
    return [line for item in items for line in textwrap.wrap(
        item, COLUMNS, initial_indent="- ", subsequent_indent="  ",
        break_long_words=False, break_on_hyphens=False)]


def table(head, rows):
    """Columns are as wide as they must be; all but the first that hold
    figures are set to the right. No rows, no table."""
    rows = [[NONE if c in (None, "") else str(c) for c in row]
            for row in rows]
    if not rows:
        return []
    right = [all(is_figure(row[i]) for row in rows)
             for i in range(len(head))]
    widths = [max(len(row[i]) for row in [head, *rows])
              for i in range(len(head))]
    rule = ["-" * (w - 1) + (":" if r else "-")
            for w, r in zip(widths, right)]
    return [line_of(row, widths, right) for row in [head, rule, *rows]]


def line_of(row, widths, right):
    cells = [c.rjust(w) if r else c.ljust(w)
             for c, w, r in zip(row, widths, right)]
    return "| " + " | ".join(cells) + " |"


def is_figure(word):
    return bool(FIGURE.fullmatch(word))
