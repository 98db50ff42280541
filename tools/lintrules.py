# SPDX-License-Identifier: Apache-2.0
"""The rules that need no compiler; tools/lint applies them to the tree.

A rule is a function that takes a SourceFile and yields (line, name, text);
name is what an exception names besides the file, or "".
"""
import os
import re

import cscan

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
PARAMS_MAX = 5
NESTING_MAX = 4
COLUMNS_MAX = 80
HEAD_LINES = (3, 15)

BANNED = ("strcpy strcat sprintf vsprintf strncpy strtok atoi gets alloca "
          "system popen sscanf").split()
BANNED_CALL = re.compile(r"\b(" + "|".join(BANNED) + r")\s*\(")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
CONDITIONAL = re.compile(r"^[ \t]*#[ \t]*(ifdef|ifndef|if|elif)\b(.*)$", re.M)
ASM = re.compile(r"\b(?:asm|__asm__|__asm)\b")
SPDX = "SPDX-License-Identifier: Apache-2.0"
# Put together from pieces, or this file would break its own rules.
MARKERS = re.compile(r"\b(" + "|".join(
    ("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK")) + r")\b")
MACHINE = re.compile(r"(?<![\w.$}/])/(?:wor" r"k|roo" r"t|home/\w+)/")

CODE = (".c", ".h", ".S", ".py", ".sh", ".go", ".rs", ".js", ".mk", ".ld",
        ".def")
ASM_PLACES = ("kernel/arch/", "monitor/substrates/", "tests/guest/",
              "tests/abi/", "bench/")
KERNEL_DIRS = ("core", "fs", "net", "dev", "sys", "arch", "vdso")
MAY_INCLUDE = {
    "abi": {"abi"},
    "lib": {"abi", "lib"},
    "kernel": {"abi", "lib", "kernel"},
    "host": {"abi", "lib", "host"},
    "monitor": {"abi", "lib", "host", "monitor"},
    "image": {"abi", "lib", "host", "image"},
    "unpack": {"abi", "lib", "host", "unpack"},
    "rewrite": {"abi", "lib", "host", "rewrite"},
    "launch": {"abi", "lib", "host", "image", "launch"},
    "http": {"lib", "host", "http"},
    "cli": {"abi", "lib", "host", "image", "launch", "http", "cli"},
    "spawner": {"abi", "lib", "host", "spawner"},
    "daemon": {"abi", "lib", "host", "image", "launch", "http", "spawner",
               "daemon"},
    "bench": {"abi", "lib", "host", "bench"},
    "examples": set(),
}
FREESTANDING = re.compile(
    r"^(std(arg|bool|def|int|atomic)|limits|elf)\.h$|^(linux|asm|asm-generic)/")
GUEST_TOPS = ("abi", "lib", "kernel")


class SourceFile:
    """A text file of the tree with what several rules want to know."""

    def __init__(self, root, path):
        self.root = root
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8",
                  errors="replace") as f:
            self.text = f.read()
        self.lines = self.text.split("\n")
        self.suffix = os.path.splitext(path)[1]
        self.top = path.split("/")[0] if "/" in path else ""
        self.is_c = self.suffix in (".c", ".h")
        self.is_script = self.text.startswith("#!")
        self.is_code = (self.suffix in CODE or self.is_script or
                        os.path.basename(path) == "Makefile")
        self.code = cscan.strip(self.text) if self.is_c else ""

    def line_of(self, pos):
        return self.text.count("\n", 0, pos) + 1


def rule_function_length(f):
    for fn in cscan.functions(f.code) if f.is_c else ():
        if fn.line_count > FUNCTION_LINES_MAX:
            yield (fn.line, fn.name,
                   f"{fn.name} has {fn.line_count} lines, at most "
                   f"{FUNCTION_LINES_MAX}")


def rule_parameters(f):
    for fn in cscan.functions(f.code) if f.is_c else ():
        if fn.param_count > PARAMS_MAX:
            yield (fn.line, fn.name,
                   f"{fn.name} has {fn.param_count} parameters, at most "
                   f"{PARAMS_MAX}; pass a struct")


def rule_nesting(f):
    for fn in cscan.functions(f.code) if f.is_c else ():
        if fn.nesting > NESTING_MAX:
            yield (fn.line, fn.name,
                   f"{fn.name} nests {fn.nesting} statements, at most "
                   f"{NESTING_MAX}")


def rule_file_length(f):
    count = len(f.lines) - 1
    if f.is_code and count > FILE_LINES_MAX:
        yield 1, "", f"{count} lines, at most {FILE_LINES_MAX}"


def rule_columns(f):
    if not f.is_code or f.suffix in (".go", ".rs"):
        return
    for n, line in enumerate(f.lines, 1):
        width = len(line.expandtabs(8))
        if width > COLUMNS_MAX:
            yield n, "", f"{width} columns, at most {COLUMNS_MAX}"


def rule_spdx(f):
    head = f.lines[1 if f.is_script else 0] if len(f.lines) > 1 else ""
    if f.is_code and SPDX not in head:
        yield 1, "", f"the file does not open with {SPDX}"


def rule_head_comment(f):
    """A .c file tells in 3 to 15 lines what it owns, a header anything."""
    if not f.is_c or len(f.lines) < 2:
        return
    m = re.match(r"\n*/\*.*?\*/", "\n".join(f.lines[1:]), re.S)
    if not m:
        yield 2, "", "no comment after the SPDX line says what the file owns"
        return
    count = m.group(0).strip().count("\n") + 1
    text = len(re.findall(r"\w[^\n]*", m.group(0)))
    if f.suffix == ".c" and (count < HEAD_LINES[0] or text > HEAD_LINES[1]):
        yield (2, "", f"the head comment has {count} lines, should have "
               f"{HEAD_LINES[0]} to {HEAD_LINES[1]}")


def rule_banned(f):
    for m in BANNED_CALL.finditer(f.code):
        yield (f.line_of(m.start()), m.group(1),
               f"{m.group(1)} is not used here")


def guard_position(f):
    """Where the include guard's #ifndef is, or -1."""
    m = re.search(r"^#ifndef (\w+)\n#define (\w+)\n", f.text, re.M)
    if f.suffix == ".h" and m and m.group(1) == m.group(2):
        return m.start()
    return -1


def rule_conditional(f):
    if not f.is_c:
        return
    guard = guard_position(f)
    for m in CONDITIONAL.finditer(cscan.without_literals(f.text)):
        if m.start() != guard:
            yield (f.line_of(m.start()), "",
                   f"#{m.group(1)} outside a platform header")


def rule_guard(f):
    if f.suffix != ".h":
        return
    want = re.sub(r"\W", "_", f.path).upper()
    if guard_position(f) < 0 or f"#ifndef {want}\n" not in f.text:
        yield 1, "", f"the include guard is not {want}"


def rule_asm(f):
    if f.path.startswith(ASM_PLACES):
        return
    if f.suffix == ".S":
        yield 1, "", "assembly outside " + " ".join(ASM_PLACES)
    for m in ASM.finditer(f.code):
        yield (f.line_of(m.start()), "",
               "inline assembly outside " + " ".join(ASM_PLACES))


def include_problem(f, kind, path):
    """Why f may not include path, or None."""
    if kind == "<":
        if f.top in GUEST_TOPS and not FREESTANDING.match(path):
            return f"guest code includes <{path}>"
        return None
    top = path.split("/")[0]
    if f.top == "kernel" and top in KERNEL_DIRS + ("arch.h",):
        return None
    here = os.path.join(os.path.dirname(f.path), path)
    if "/" not in path and os.path.exists(here) and f.top == "examples":
        return None
    if f.top in MAY_INCLUDE and top not in MAY_INCLUDE[f.top]:
        return f"{f.top} may not depend on \"{path}\""
    return None


def rule_dependency(f):
    if not f.is_c and f.suffix != ".S":
        return
    for m in INCLUDE.finditer(f.text):
        problem = include_problem(f, m.group(1), m.group(2))
        if problem:
            yield f.line_of(m.start()), m.group(2), problem


def rule_markers(f):
    for m in MARKERS.finditer(f.text):
        yield (f.line_of(m.start()), "",
               f"{m.group(0)}: finish it, or file an issue")


def rule_machine_path(f):
    for m in MACHINE.finditer(f.text):
        yield (f.line_of(m.start()), "",
               f"a path of one machine: {m.group(0)}")


def rule_whitespace(f):
    for n, line in enumerate(f.lines, 1):
        if line != line.rstrip():
            yield n, "", "white space at the end of the line"
    if f.text and (not f.text.endswith("\n") or f.text.endswith("\n\n")):
        yield len(f.lines), "", "the file must end with one newline"


def rule_link(f):
    """Links inside the tree lead somewhere."""
    if f.suffix != ".md":
        return
    for m in re.finditer(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", f.text):
        target = os.path.join(f.root, os.path.dirname(f.path), m.group(1))
        if "://" not in m.group(1) and not os.path.exists(target):
            yield f.line_of(m.start()), "", f"no such file: {m.group(1)}"


def rule_die(f):
    """die() ends the process: only a main may."""
    if os.path.basename(f.path) == "main.c" or f.top in ("tests", "bench"):
        return
    for m in re.finditer(r"\bdie\s*\(", f.code):
        yield f.line_of(m.start()), "", "die() outside a main.c"


RULES = {name[5:].replace("_", "-"): fn for name, fn in
         sorted(globals().items()) if name.startswith("rule_")}
