#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""trace_compare.py STRACE MAYFLY [CALLS]: whether two traces of one program,
natively by strace -f -o and in the guest by mayfly trace -o, show the same
calls, and all of those that the file CALLS names.

What must differ between two systems is evened out first: addresses, process
numbers, time that is left, sizes of directories, ports, random names. Lines
of calls whose result is the system's own are left out (DROP). Prints the
difference and ends with status 1 if there is one, else the number of lines.
"""
import difflib
import re
import sys

# What only the C library or chance decides, and what the system is given
# from the start: mkstemp, for one, asks for bytes until it likes them. Of our
# own programs futexes have the value 77, rseq is at 1, and 5 bytes are random.
DROP = re.compile(
    r"(execve|time|alarm|"
    r"getpgid|getsid|getpgrp|getppid|getitimer|timerfd_gettime)\(|"
    r"rseq\((?!0x1,)|getrandom\((?!.*, 5, )|"
    r"futex\((?!.*, 77[,)])|"
    r"readlink\(\"/proc|"
    r"ioctl\([012], |fstat\([012], |newfstatat\([012], |"
    # The order in a directory decides in which a test cleans up.
    r"unlinkat\(\d+, ")
# Of these calls only the words are compared, not the numbers and strings
# that the system, the clock or chance tells.
WORDS = re.compile(
    r"(getrandom|uname|sysinfo|times|getrusage|gettimeofday|rseq|"
    r"clock_getres|clock_gettime|sched_getaffinity|getcpu|capget|"
    r"prlimit64)\(")
NUMBERS = (
    # strace says what ticks are in seconds, but not of 0.
    (r" /\*.*?\*/", ""),
    (r"1<<CAP_\w+(\|1<<CAP_\w+)*", "0"),
    (r'"[^"]*"', "TEXT"),
    (r"\b(0x[0-9a-f]+|\d+(\.\d+)?)(\*1024)?\b|ADDR|RLIM64_INFINITY", "N"),
    (r"\[N([, ]+N)*\]", "[N]"),
)
EVEN = (
    (r" +<\d+\.\d+>$", ""),
    (r" +=", " ="),
    (r"0x[0-9a-f]{5,}", "ADDR"),
    (r"\? ERESTART\w+ \(.*\)$", "-1 EINTR (Interrupted system call)"),
    (r"left \{[^}]*\}", "left"),
    (r"(st_mode=S_IFDIR\|[0-7]+, st_size=)\d+", r"\1N"),
    (r"abi[A-Za-z0-9]{6}", "abiNAME"),
    (r"htons\((\d{5})\)", "htons(PORT)"),
    (r"si_pid=\d+", "si_pid=PID"),
    (r"stx_mask=[A-Z_|]+", "stx_mask=MASK"),
    (r"^(rseq\(.*\) =) .*", r"\1 RESULT"),  # a guest has none
    (r"nl_pid=\d+", "nl_pid=PID"),
    (r"^(t?kill|rt_sigqueueinfo)\(\d+", r"\1(PID"),
    (r"^(tgkill|rt_tgsigqueueinfo)\(\d+, \d+", r"\1(PID, PID"),
    (r"^(getpid|gettid|set_tid_address)\((\w*)\) = \d+", r"\1(\2) = PID"),
    (r"parent_tid=\[\d+\]", "parent_tid=[TID]"),
    (r"^(clone.*) = \d+$", r"\1 = TID"),
    # A resumed sleep: what remained is the clock's business.
    (r"^((?:clock_)?nanosleep\(.*), (?:\{[^}]*\}|ADDR|NULL)\)", r"\1, REM)"),
    (r"TIMER_ABSTIME, \{.*", "TIMER_ABSTIME"),
)


def calls(text):
    """Whole calls in the order of their ends, by thread as it appears."""
    begun, order, done = {}, [], {}
    for line in text.splitlines():
        m = re.match(r"(\d+) +(.*)$", line)
        if not m:
            sys.exit(f"not a line of a trace: {line}")
        tid, line = m.groups()
        if tid not in done:
            done[tid] = []
            order.append(tid)
        if line.endswith(" <unfinished ...>"):
            begun[tid] = line[:-len("<unfinished ...>")]
            continue
        m = re.match(r"<\.\.\. \w+ resumed>(.*)$", line)
        if m:
            before, rest = begun.pop(tid, ""), m.group(1)
            if before.endswith(",  "):
                line = before[:-1] + rest
            else:
                line = before.rstrip(" ") + rest
        done[tid].append(line)
    return [done[tid] for tid in order]


def even(line):
    for pattern, by in EVEN:
        line = re.sub(pattern, by, line)
    if WORDS.match(line) and " = -1 " not in line:
        for pattern, by in NUMBERS:
            line = re.sub(pattern, by, line)
    return line


def check_names(path, threads):
    """Every call that the file at `path` names was traced."""
    with open(path, encoding="utf-8") as f:
        wanted = set(f.read().split())
    seen = {line.split("(")[0] for t in threads for line in t}
    if wanted - seen:
        sys.exit("not traced: " + " ".join(sorted(wanted - seen)))


def read(path, names):
    with open(path, encoding="utf-8") as f:
        threads = calls(f.read())
    if names:
        check_names(names, threads)
    return [line for t in threads
            for line in map(even, t) if not DROP.match(line)]


def main():
    names = sys.argv[3] if len(sys.argv) > 3 else None
    native, guest = read(sys.argv[1], names), read(sys.argv[2], names)
    diff = list(difflib.unified_diff(native, guest, "strace", "mayfly trace",
                                     n=0, lineterm=""))
    if diff:
        print("\n".join(diff[:100]))
        sys.exit(1)
    print(f"{len(native)} lines agree")


main()
