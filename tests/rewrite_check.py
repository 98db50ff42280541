#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rewrite_check.py BEFORE AFTER REPORT PATH: is AFTER what BEFORE was?

Compares an ELF file with what mayfly-rewrite made of it. objdump decodes both,
so that one disassembler checks the other. Nothing may differ but the headers
and the windows of sites; each window must have become a jump to a stub that
does the same, and nothing may branch into it; each `syscall` must be accounted
for in REPORT, the program's JSON, under PATH. Prints a summary, or what is
wrong and exits with 1.
"""
import json
import re
import struct
import subprocess
import sys

SYSCALL_VA = 0x707f00100040
MAGIC = b"MAYfstub"
EHDR = 64
LINE = re.compile(r"^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(?:\t(.*))?$")


def fail(text):
    sys.exit(f"rewrite_check: {text}")


class Elf:
    """Headers, and bytes by address."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            self.data = f.read()
        (self.type, self.entry, self.phoff, self.shoff, self.phnum,
         self.shnum, self.shstrndx) = struct.unpack_from(
             "<16xH6xQQQ8xH2xHH", self.data)
        self.phdrs = [struct.unpack_from("<IIQQQQQQ", self.data,
                                         self.phoff + 56 * i)
                      for i in range(self.phnum)]
        self.loads = [p for p in self.phdrs if p[0] == 1]

    def at(self, va, size):
        for p in self.loads:
            if p[3] <= va and va + size <= p[3] + p[5]:
                off = p[2] + va - p[3]
                return self.data[off:off + size]
        return None

    def offset(self, va):
        for p in self.loads:
            if p[3] <= va < p[3] + p[5]:
                return p[2] + va - p[3]
        fail(f"{self.path}: nothing is loaded at {va:#x}")
        return 0

    def sections(self):
        table = [struct.unpack_from("<IIQQQQIIQQ", self.data,
                                    self.shoff + 64 * i)
                 for i in range(self.shnum)]
        if not table:
            return []
        names = table[self.shstrndx][4]

        def name(off):
            at = names + off
            return self.data[at:self.data.index(b"\0", at)].decode()
        return [(name(s[0]), s) for s in table]


def disassemble(path, *options):
    """{address: (length, text)} of everything executable."""
    out = subprocess.run(["objdump", "-dw", *options, path],
                         stdout=subprocess.PIPE, check=True).stdout
    found = {}
    for line in out.decode(errors="replace").splitlines():
        m = LINE.match(line)
        if m:
            found[int(m[1], 16)] = (len(m[2]) // 3, (m[3] or "").strip())
    return found


def meaning(text):
    """An instruction without what depends on where it stands."""
    text = re.sub(r"<[^>]*>", "", text)
    m = re.match(r"(.*?)-?(?:0x)?[0-9a-f]+\(%rip\)(.*?)"
                 r"#\s*(?:0x)?([0-9a-f]+)", text)
    if m:
        text = f"{m[1]}{m[3]}(%rip){m[2]}"
    text = re.sub(r"\.d(8|32)\b", "", text)
    return re.sub(r"^(j\w+) 0x", r"\1 ", " ".join(text.split()))


def table(after):
    """The header's address and the entries of the table."""
    last = after.loads[-1]
    head = after.data[last[2]:last[2] + 24]
    if head[:8] != MAGIC:
        fail(f"{after.path}: its last segment has no stubs")
    count, off, size, reserved = struct.unpack("<IIII", head[8:])
    if size != last[5] or last[5] != last[6] or last[1] != 5 or reserved:
        fail(f"{after.path}: the header of its stubs is wrong")
    entries = []
    for i in range(count):
        back, code, length, n = struct.unpack_from(
            "<IIBB", after.data, last[2] + off + 24 * i)
        pairs = struct.unpack_from("12B", after.data,
                                   last[2] + off + 24 * i + 10)
        entries.append((last[3] - back, last[3] + code, length,
                        list(zip(pairs[0:2 * n:2], pairs[1:2 * n:2]))))
    return last[3], entries


def check_stub(entry, old, new):
    """Instruction by instruction; returns where the window ends and the
    address of its `syscall`."""
    site, code, length, pairs = entry
    call = None
    end = site
    ended = False
    for i, (site_off, stub_off) in enumerate(pairs):
        if site + site_off != end:
            fail(f"site {site:#x}: the table skips from {end:#x}")
        was, now = old.get(site + site_off), new.get(code + stub_off)
        if i == len(pairs) - 1 and i and call is not None and \
                now and now[1].startswith("jmp") and \
                meaning(now[1]) == f"jmp {end:x}" and \
                stub_off + now[0] == length:
            ended = True
            break
        if not was or not now:
            fail(f"site {site:#x}: no instruction at +{site_off}")
        end += was[0]
        if was[1] == "syscall":
            call = site + site_off
            back = end if i == len(pairs) - 1 else code + pairs[i + 1][1]
            check_call(new, code + stub_off, back)
        elif meaning(was[1]) != meaning(now[1]):
            fail(f"site {site:#x}: {was[1]!r} became {now[1]!r}")
        else:
            ended = re.match(r"(bnd )?(ret|jmp|ud2|hlt)", was[1])
    if call is None:
        fail(f"site {site:#x} has no syscall")
    if call != site + pairs[-1][0] and not ended:
        fail(f"site {site:#x}: the stub does not return")
    return end, call


def check_call(new, at, back):
    texts = []
    for _ in range(3):
        if at not in new:
            fail(f"no instruction at {at:#x}")
        texts.append(meaning(new[at][1]))
        at += new[at][0]
    want = [f"movabs ${SYSCALL_VA:#x},%r11", f"lea {back:x}(%rip),%rcx",
            "jmp *%r11"]
    if texts != want:
        fail(f"the call before {at:#x} is {texts}, not {want}")


def check_window(before, after, entry, end, call):
    """The jump, int3 behind it; returns the bytes that gave way."""
    site, code = entry[0], entry[1]
    jump = after.at(site, 5)
    if jump[0] != 0xe9 or \
            site + 5 + struct.unpack("<i", jump[1:])[0] != code:
        fail(f"no jump to its stub at {site:#x}")
    length = 5
    while after.at(site + length, 1) == b"\xcc" and \
            before.at(site + length, 1) != b"\xcc":
        length += 1
    intact = after.at(call, 2) == b"\x0f\x05"
    if not intact and site + length < end:
        fail(f"site {site:#x}: bytes of the window are left")
    if intact and site + length > call:
        fail(f"site {site:#x}: the window is too long")
    return length


def check_bytes(before, after, windows):
    """No byte of the old file differs outside of header and windows."""
    allowed = [(0, EHDR)]
    for lo, length in windows:
        at = before.offset(lo)
        allowed.append((at, at + length))
    at = 0
    for lo, hi in sorted(allowed):
        if lo < at:
            fail(f"windows overlap at offset {lo:#x}")
        if before.data[at:lo] != after.data[at:lo]:
            fail(f"something differs between {at:#x} and {lo:#x}")
        at = hi
    if before.data[at:] != after.data[at:len(before.data)]:
        fail(f"something differs behind {at:#x}")


def check_headers(before, after):
    old, new = list(before.phdrs), list(after.phdrs)
    added = after.loads[-1]
    new.remove(added)
    if len(old) != len(new) or before.entry != after.entry:
        fail("the program headers are not the same")
    for a, b in zip(old, new):
        if a[0] != 6 and a != b:
            fail(f"program header {a} became {b}")
        if b[0] == 6 and (b[2] != after.phoff or b[5] != 56 * after.phnum or
                          after.offset(b[3]) != after.phoff):
            fail("PT_PHDR is wrong")
    if any(p[3] + p[6] > added[3] for p in before.loads):
        fail("the new segment is not the last")
    if after.offset(added[3] + after.phoff - added[2]) != after.phoff:
        fail("the program headers are not loaded")
    a, b = before.sections(), after.sections()
    if a and (len(b) != len(a) + 1 or b[-1][0] != ".mayfly.stubs" or
              [n for n, _ in a] != [n for n, _ in b[:-1]]):
        fail("the sections are not the same")
    for (name, x), (_, y) in zip(a, b):
        if name != ".shstrtab" and x != y:
            fail(f"the section {name} has changed")


def check_branches(old, windows):
    """What objdump takes for a branch leads into no window."""
    inside = {lo + i: lo for lo, length in windows
              for i in range(1, length)}
    for va, (_, text) in old.items():
        m = re.match(r"(?:bnd |notrack )?(?:j\w+|call|loop\w*|xbegin)\s+"
                     r"(?:0x)?([0-9a-f]+)\b", text)
        if m and int(m[1], 16) in inside:
            fail(f"{va:#x} branches into the window at "
                 f"{inside[int(m[1], 16)]:#x}")
    return inside


def check_symbols(path, inside):
    for options in ["-a"], ["-D"]:
        out = subprocess.run(["nm", *options, path], text=True,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
        for line in out.splitlines():
            word = line.split()
            if len(word) == 3 and word[1] in "tTwWiu" and \
                    int(word[0], 16) in inside:
                fail(f"the symbol {word[2]} is inside a window")


def check_report(report, old, calls):
    """Each `syscall` that objdump sees has been found, and the other way."""
    rows = {int(s["address"], 16): s["how"] for s in report["sites"]}
    left = {va for va, how in rows.items()
            if how not in ("number", "before", "after")}
    seen = {va for va, (_, text) in old.items() if text == "syscall"}
    if set(calls) != set(rows) - left:
        fail("the report does not agree with the table")
    if not set(rows) <= seen:
        fail(f"{[hex(v) for v in set(rows) - seen]} is no syscall")
    # What objdump sees in data is not reported: it loses its way there.
    missed = seen - set(rows)
    if len(missed) > 1:
        fail(f"missed: {[hex(v) for v in sorted(missed)]}")
    return len(rows), len(left)


def main():
    before, after = Elf(sys.argv[1]), Elf(sys.argv[2])
    with open(sys.argv[3], encoding="utf-8") as f:
        files = {r["path"]: r for r in json.load(f)["files"]}
    report = files[sys.argv[4]]
    va, entries = table(after)
    old = disassemble(before.path)
    new = disassemble(after.path, f"--start-address={va:#x}")
    windows, calls = [], []
    for entry in entries:
        end, call = check_stub(entry, old, new)
        windows.append((entry[0],
                        check_window(before, after, entry, end, call)))
        calls.append(call)
    if sorted(calls) != calls or \
            sorted(e[1] for e in entries) != [e[1] for e in entries]:
        fail("the table is not in order")
    check_bytes(before, after, windows)
    check_headers(before, after)
    check_symbols(before.path, check_branches(old, windows))
    found, left = check_report(report, old, calls)
    print(f"{sys.argv[4]}: {found} found, {left} left")


main()
