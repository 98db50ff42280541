# SPDX-License-Identifier: Apache-2.0
"""Finds the tests of the tree and reads their directives.

tests/README.md describes both. Used by gen-tests-mk, which tells make how to
build the programs, and by run-tests, which runs them.
"""
import glob
import os
import re
import shlex

DIRECTIVE = re.compile(r"^\s*(?:\*|//|#)\s*test:\s*(\S+)\s*(.*?)\s*$")
WORDS = {
    "flavours", "cflags", "args", "flags", "status", "native-only",
    "no-hardware", "hardware", "timeout", "alone", "once", "substrates",
    "may-skip", "no-san", "sources", "full", "program", "version",
}
STATIC_FLAVOURS = ("musl", "musl-pie", "glibc", "glibc-pie")
C_FLAVOURS = STATIC_FLAVOURS + ("glibc-dyn", "musl-dyn")
BY_SUFFIX = {".go": "go", ".rs": "rust", ".S": "asm"}


class TreeError(Exception):
    """A test whose files say something that cannot be understood."""


class Program:
    """One test source: where it is and what its directives say."""

    def __init__(self, layer, name, path):
        self.layer = layer
        self.name = name
        self.path = path  # the main source file, a script or a Makefile
        self.dir = os.path.dirname(path)
        self.words = {}
        self.read_directives(path)
        script = os.path.join(self.dir, "run.sh")
        if layer == "guest" and os.path.exists(script):
            self.read_directives(script)

    def read_directives(self, path):
        with open(path, encoding="utf-8") as f:
            head = [line for _, line in zip(range(30), f)]
        for line in head:
            m = DIRECTIVE.match(line)
            if not m:
                continue
            word, value = m.groups()
            if word not in WORDS:
                raise TreeError(f"{path}: unknown directive: {word}")
            if word == "sources" and word in self.words:
                value = self.words[word] + " " + value
            self.words[word] = value

    def has(self, word):
        return word in self.words

    def text(self, word, default=""):
        return self.words.get(word, default)

    def list(self, word, default=""):
        return shlex.split(self.words.get(word, default))

    def number(self, word, default):
        try:
            return int(self.words.get(word, default))
        except ValueError as e:
            raise TreeError(f"{self.path}: {word}: not a number") from e

    def flavours(self):
        base = os.path.basename(self.path)
        if base == "Makefile":
            return ["make"]
        suffix = os.path.splitext(base)[1]
        if suffix in BY_SUFFIX:
            return [BY_SUFFIX[suffix]]
        default = "musl glibc" if self.layer == "abi" else "musl"
        names = self.list("flavours", default)
        for n in names:
            if n not in C_FLAVOURS:
                raise TreeError(f"{self.path}: unknown flavour: {n}")
        return names

    def binary(self, build, flavour):
        return f"{build}/tests/{self.layer}/{self.name}.{flavour}"


def guest_main(directory):
    for base in ("Makefile", "prog.c", "prog.go", "prog.rs", "prog.S"):
        path = os.path.join(directory, base)
        if os.path.exists(path):
            return path
    raise TreeError(f"{directory}: no Makefile and no prog.*")


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def guest_programs():
    dirs = sorted(glob.glob("tests/guest/*/"))
    return [Program("guest", os.path.basename(d[:-1]), guest_main(d))
            for d in dirs]


def program_programs():
    """tests/programs/NAME/: programs of others, run as they are."""
    found = [Program("programs", os.path.basename(d[:-1]), f"{d}run.sh")
             for d in sorted(glob.glob("tests/programs/*/"))]
    for p in found:
        for word in ("program", "version"):
            if not p.text(word):
                raise TreeError(f"{p.path}: no directive {word}")
    return found


def abi_programs():
    paths = glob.glob("tests/abi/*.c") + glob.glob("tests/abi/*.go")
    return [Program("abi", stem(p), p) for p in sorted(paths)]


def plain_programs(layer, pattern):
    return [Program(layer, stem(p), p) for p in sorted(glob.glob(pattern))]


def unit_programs():
    return plain_programs("unit", "tests/unit/t_*.c")


def fuzz_programs():
    return plain_programs("fuzz", "tests/fuzz/f_*.c")


def e2e_programs():
    return plain_programs("e2e", "tests/e2e/*.sh")
