# SPDX-License-Identifier: Apache-2.0
"""What of the host a workload can reach, counted while an instance runs, and
what lies in its image. Looked at is the process that executes the workload:
the program itself, or, where the program runs in a virtual machine, the
processes of the monitor, which a guest would have to break into first. Of
several the largest count is taken.
"""
import json
import os
import re
import shutil
import stat
import subprocess
import time

import idle
import images
import lines
import places
import world
from world import say

# From abi/: what a guest can ask of the host.
DOORBELL = re.compile(r"^\tMF_DB_\w+ = \d+,", re.M)
RING_OP = re.compile(r"^\tMF_OP_(?!COUNT|NOP)\w+ = \d+,", re.M)
GUEST_CALL = re.compile(r"^SYSCALL\(\d+, \w+\)", re.M)
GATE_CALLS = 4  # process: map, unmap, protect, discard of struct mf_gate

SETTLE_S = 0.5  # until what only started it has gone
SHELLS = {"sh", "bash", "dash", "ash", "busybox", "csh", "fish", "ksh",
          "mksh", "rbash", "tcsh", "toybox", "zsh"}
INTERPRETER = re.compile(r"(node|python|perl|ruby|lua|luajit|php|tclsh|awk|"
                         r"gawk|mawk|original-awk|java|guile)[0-9.-]*")
LIBRARY = re.compile(r".*\.so(\.[0-9.]+)?")


def measure(store, pairs):
    """surface.csv: of every pair, then of the images."""
    linux = lines.linux() if places.IN_TREE else None
    tell_what_is_left_out(linux)
    for program, contender in pairs:
        say(f"surface: {program.key}, {contender.label}")
        rows = static(contender, linux)
        try:
            rows += look(program, contender)
        except (world.Failed, OSError) as e:
            store.leave_out(program, contender, "surface", e)
        write(store, program, contender.key, rows)
    for program in dict.fromkeys(p for p, _ in pairs):
        for title, rows in image_rows(program, pairs):
            write(store, program, title, rows)


def tell_what_is_left_out(linux):
    if not places.IN_TREE:
        say("surface: lines of code are counted in a source tree only")
    elif not linux:
        say("surface: the lines of Linux are left out, nobody has counted "
            "them; a run without --quick does")


def write(store, program, column, rows):
    """Rows are (measure, value, how)."""
    for name, value, how in rows:
        store.add("surface", program=program.key, contender=column,
                  measure=name, value=value, how=how)


# ---- running instances ------------------------------------------------------

def look(program, contender):
    """Rows of one instance that has answered."""
    with idle.instances(contender, program, 1) as pids:
        time.sleep(SETTLE_S)
        everyone = sorted(set(pids()))
        workload = workload_of(program, contender, everyone)
        found = [look_at(pid) for pid in workload]
    rows = [("looked_at", "the monitor" if contender.kind == "mayfly" else
             "the program", "the process whose rights are counted: what "
             "executes the workload, seen from the host"),
            ("processes", len(everyone), "of an instance, with what holds "
             "it")]
    for name, (_, how) in found[0].items():
        rows.append((name, max(one[name][0] for one in found), how))
    return rows


def workload_of(program, contender, pids):
    """The processes that execute it, without what only started it."""
    if contender.kind == "mayfly":
        wanted = [p for p in pids if comm(p).startswith(
            ("mayfly-monitor", "mayfly-guest"))]
    else:
        name = os.path.basename(images.command(program)[0])
        wanted = [p for p in pids if executes(p) == name] or pids
    if not wanted:
        raise world.Failed("no process that runs the workload was found")
    return wanted


def comm(pid):
    try:
        return read(pid, "comm")
    except OSError:  # it has ended
        return ""


def executes(pid):
    """The name of its program, or None if it has ended."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def look_at(pid):
    """A dictionary of one process: (value, how it was counted)."""
    status = fields(read(pid, "status"))
    mounts = [line.split(" - ") for line in
              read(pid, "mountinfo").splitlines()]
    return {
        **system_calls(pid),
        "capabilities": (bin(int(status["CapEff"], 16)).count("1"),
                         "bits of CapEff"),
        "uid0": (int(status["Uid"].split()[1] == "0"),
                 "1: its user is the host's root"),
        "open_fds": (len(os.listdir(f"/proc/{pid}/fd")), "/proc/PID/fd"),
        "mounts": (len(mounts), "/proc/PID/mountinfo"),
        "writable_mounts": (sum(map(writable, mounts)),
                            "/proc/PID/mountinfo, mount and file system "
                            "writable"),
        "devices": (count_devices(f"/proc/{pid}/root/dev"),
                    "device nodes in its /dev"),
        "listening": (count_listening(pid), "its TCP sockets in LISTEN"),
        "host_pids": (int(same_namespace(pid, "pid")),
                      "1: it is in the process namespace of the host"),
        "host_network": (int(same_namespace(pid, "net")),
                         "1: it is in the network namespace of the host, "
                         "as it was started here"),
    }


def read(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8",
              errors="replace") as f:
        return f.read()


def fields(text):
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def system_calls(pid):
    """Of the thread that may make the most."""
    seen = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        r = subprocess.run([places.tool("seccomp"), thread],
                           capture_output=True, text=True, check=False,
                           timeout=60)
        if r.returncode == 0:
            seen.append(json.loads(r.stdout))
        elif os.path.exists(f"/proc/{pid}/task/{thread}"):
            raise world.Failed(r.stderr.strip())
    if not seen:
        raise world.Failed(f"process {pid} ended")
    most = max(seen, key=lambda s: (s["allowed"], s["conditional"]))
    how = f"of {most['known']} of x86-64, by its seccomp filters"
    return {"seccomp_filters": (most["filters"], "fetched with ptrace"),
            "syscalls": (most["allowed"], how),
            "syscalls_conditional": (most["conditional"],
                                     how + ", with some arguments only")}


def writable(mount):
    """A line of mountinfo, split at its dash."""
    options = mount[0].split()[5].split(",")
    return "rw" in options and "rw" in mount[1].split()[-1].split(",")


def count_devices(directory):
    found = 0
    for base, _, names in os.walk(directory):
        for name in names:
            mode = os.lstat(os.path.join(base, name)).st_mode
            found += stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
    return found


def count_listening(pid):
    own = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        if target.startswith("socket:["):
            own.add(target[8:-1])
    found = 0
    for name in ("net/tcp", "net/tcp6"):
        for line in read(pid, name).splitlines()[1:]:
            words = line.split()
            found += words[3] == "0A" and words[9] in own
    return found


def same_namespace(pid, kind):
    """As ours, which stands for the host's."""
    return os.readlink(f"/proc/{pid}/ns/{kind}") == \
        os.readlink(f"/proc/self/ns/{kind}")


# ---- what the sources say ---------------------------------------------------

def static(contender, linux):
    """Rows that need no instance."""
    if contender.kind == "mayfly":
        return of_mayfly(contender, linux) if places.IN_TREE else []
    if not linux:
        return []
    return [("lines", linux["core"], "C of the " + core_of(linux))]


def core_of(linux):
    return (f"core of Linux {linux['version']}: without drivers, single "
            "file systems and most protocols")


def of_mayfly(contender, linux):
    gate = contender.substrate == "process"
    asked = source_count("abi/guest.h", DOORBELL) + \
        source_count("abi/ring.h", RING_OP) + (GATE_CALLS if gate else 0)
    rows = [
        ("guest_syscalls", source_count("kernel/sys/syscalls.def",
                                        GUEST_CALL),
         "what the guest kernel has a handler for, inside the wall"),
        ("guest_host_calls", asked, "doorbells and operations of the rings"
         + (", mappings" if gate else "") + ", from abi/"),
        ("lines", lines.monitor(), "C of the monitor"),
        *behind_monitor(linux),
        ("kernel_lines", lines.guest_kernel(),
         "C of the guest kernel, inside the wall"),
    ]
    if linux and not gate:
        rows.append(("kvm_lines", linux["kvm"], "C of KVM in Linux "
                     f"{linux['version']}, which a guest meets as well"))
    return rows


def behind_monitor(linux):
    """Who has broken into the monitor stands before the same Linux."""
    if not linux:
        return []
    return [("lines_behind", linux["core"], "C of the " + core_of(linux) +
             "; who has broken into the monitor meets it, through the "
             "system calls that the monitor has left")]


def source_count(path, pattern):
    with open(os.path.join(places.TREE, path), encoding="utf-8") as f:
        found = len(pattern.findall(f.read()))
    if not found:
        raise world.Failed(f"{path} has nothing to count")
    return found


# ---- images -----------------------------------------------------------------

def image_rows(program, pairs):
    """(title, rows) of each image that somebody runs."""
    for title, tree in images.trees(program):
        yield title, tree_rows(tree, "files of the tree")
    if not any(p is program and c.kind == "mayfly" for p, c in pairs):
        return
    tree = images.place("surface", program.key)
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(os.path.dirname(tree), exist_ok=True)
    try:
        world.run(["fsck.erofs", f"--extract={tree}", "--no-preserve-owner",
                   images.image(program)])
        yield "Mayfly image", tree_rows(tree, "files in the image's EROFS")
    except (world.Failed, OSError) as e:
        say(f"surface: Mayfly's image is left out: {e}")
    shutil.rmtree(tree, ignore_errors=True)


def tree_rows(tree, how):
    files = images.files_below(tree)
    names = SHELLS | listed_shells(tree)
    runs = [f for f in files if executable(f)]
    return [
        ("files", len(files), how),
        ("setuid", sum(map(privileged, files)),
         "files with setuid, setgid or capabilities"),
        ("executables", len(runs), "files with an execute bit, without "
         "shared libraries"),
        ("shells", sum(os.path.basename(f) in names for f in runs),
         "executables with a shell's name, or in its /etc/shells"),
        ("interpreters", sum(bool(INTERPRETER.fullmatch(
            os.path.basename(f))) for f in runs),
         "executables with the name of a language's interpreter"),
    ]


def listed_shells(tree):
    path = os.path.join(tree, "etc", "shells")
    if not os.path.isfile(path):
        return set()
    with open(path, encoding="utf-8") as f:
        return {os.path.basename(line.strip()) for line in f
                if line.startswith("/")}


def executable(path):
    return os.stat(path).st_mode & 0o111 and \
        not LIBRARY.fullmatch(os.path.basename(path))


def privileged(path):
    if os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID):
        return True
    return "security.capability" in os.listxattr(path)
