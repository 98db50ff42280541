# SPDX-License-Identifier: Apache-2.0
"""Tests the linter: each case is a small tree with one thing wrong.

A case is a file of cases/: `--- RULE or ok` opens an expectation, `=== PATH`
opens a file of the tree, a line `@repeat N TEXT` stands for N lines TEXT.
The linter must report exactly that rule, or nothing for `ok`.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
LINT = os.path.join(HERE, "../../tools/lint")


def expand(line):
    m = re.match(r"@repeat (\d+) (.*)", line)
    return [m.group(2)] * int(m.group(1)) if m else [line]


def read_case(path):
    """(rule, {path: lines})"""
    rule, files, current = None, {}, None
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            if line.startswith("--- "):
                rule = line[4:]
            elif line.startswith("=== "):
                current = files.setdefault(line[4:], [])
            else:
                current += expand(line)
    return rule, files


def lint(files):
    with tempfile.TemporaryDirectory() as root:
        for path, lines in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
        got = subprocess.run([LINT, "--root", root], text=True,
                             capture_output=True, check=False)
        return got.stdout


def reported(output):
    rules = set(re.findall(r"\[([a-z-]+)\]$", output, re.M))
    if "tools/lint-exceptions:" in output:
        rules.add("exceptions")
    return rules


def main():
    covered = set()
    for path in sorted(glob.glob(f"{HERE}/cases/*.case")):
        name = os.path.basename(path)[:-5]
        rule, files = read_case(path)
        output = lint(files)
        want = set() if rule == "ok" else {rule}
        covered |= want
        if reported(output) == want:
            print(f"RESULT pass {name}")
        else:
            print(output)
            print(f"RESULT fail {name} want {rule}, got {reported(output)}")
    sys.path.insert(0, os.path.join(HERE, "../../tools"))
    import lintrules
    for rule in sorted(set(lintrules.RULES) - covered):
        print(f"RESULT fail rule-{rule} no case covers it")


main()
