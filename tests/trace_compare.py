#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""trace_compare.py STRACE MAYFLY: whether two traces of one program, natively
by strace -f -o and in the guest by mayfly trace -o, show the same calls.

What must differ between two systems is evened out first: addresses, process
numbers, time that is left, sizes of directories, ports, random names. Lines
of calls whose result is the system's own are left out (DROP). Prints the
difference and ends with status 1 if there is one, else the number of lines.
"""
import difflib
import re
import sys

# What only the native system, the C library or the clock decides.
DROP = re.compile(
    r"(execve|getrandom|uname|sysinfo|times|getrusage|gettimeofday|time|rseq|"
    r"clock_gettime|clock_getres|sched_getaffinity|getcpu|futex|alarm|"
    r"getpgid|getsid|getpgrp|getppid|getitimer|timerfd_gettime)\(|"
    r"readlink\(\"/proc|prlimit64\(0, RLIMIT_NOFILE|"
    r"ioctl\([012], |fstat\([012], |newfstatat\([012], |"
    # The order in a directory decides in which a test cleans up.
    r"unlinkat\(\d+, ")
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
    return line


def read(path):
    with open(path, encoding="utf-8") as f:
        threads = calls(f.read())
    return [line for t in threads
            for line in map(even, t) if not DROP.match(line)]


def main():
    native, guest = read(sys.argv[1]), read(sys.argv[2])
    diff = list(difflib.unified_diff(native, guest, "strace", "mayfly trace",
                                     n=0, lineterm=""))
    if diff:
        print("\n".join(diff[:100]))
        sys.exit(1)
    print(f"{len(native)} lines agree")


main()
