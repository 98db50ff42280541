# SPDX-License-Identifier: Apache-2.0
"""The comparison's own little world: mount, network and process namespaces,
in which containers' bridges, rules and mounts come and go without touching
the host's, where ports 8002 and 8080 are free, and which the kernel clears
away, processes included, when the run ends in whatever manner.

Without root there are no namespaces; what needs none still runs.
"""
import contextlib
import ctypes
import glob
import os
import resource
import signal
import subprocess
import sys
import traceback

import places  # finds memory.py
from memory import descendants

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 0x40000, 2
PR_SET_PDEATHSIG = 1
NETNS_DIR = "/run/netns"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GROUPS = "mayfly-compare-"
CGROUP = f"{GROUPS}{os.getpid()}"  # above those of all containers
SIGNALS = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
           if signal.getsignal(n) != signal.SIG_IGN]  # nohup ignores one
DAMON = "/sys/kernel/mm/damon/admin/kdamonds"
GRACE_S = 10  # for what is ended, to clear up
libc = ctypes.CDLL(None, use_errno=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def is_root():
    return os.geteuid() == 0


def environment(**more):
    """The same few variables for all: what else a shell exports can slow a
    program's start, NODE_EXTRA_CA_CERTS by tens of milliseconds."""
    return {"PATH": PATH, "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8", **more}


def run(argv, **options):
    """A command of the preparation; the last line of its complaint is the
    error's text."""
    options = {"env": environment(), "stdin": subprocess.DEVNULL,
               "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "text": True, **options}
    status, out, complaint = finish(argv, options.pop("timeout", 600),
                                    **options)
    if status != 0:
        lines = [line for line in (complaint or "").strip().splitlines()
                 if not line.startswith("make")]
        said = lines[-1] if lines else f"ended with status {status}"
        name = os.path.basename(argv[0])
        raise Failed(said if said.startswith(name) else f"{name}: {said}")
    return out


def sentence(e):
    """An error without Python's number."""
    if isinstance(e, OSError) and e.strerror:
        return f"{e.filename}: {e.strerror}" if e.filename else e.strerror
    return str(e)


def finish(argv, seconds, **options):
    """Runs a command to its end: its status, and what was read from it.
    What breaks us off, or takes too long, ends it with all that it started
    in its session, by a signal that it can clear up after."""
    with subprocess.Popen(argv, start_new_session=True, **options) as p:
        try:
            out, complaint = p.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            end(p)
            raise Failed(f"{os.path.basename(argv[0])} took longer than "
                         f"{seconds} s") from None
        except BaseException:
            end(p)
            raise
    return p.returncode, out, complaint


def end(process):
    """A session that is its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        os.killpg(process.pid, signal.SIGKILL)


class Failed(Exception):
    """Something could not be prepared or measured; the text says why."""


def last_words(path):
    """The last line of a log that says something."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = [line.strip() for line in f if line.strip()]
    except OSError:
        lines = []
    return lines[-1] if lines else "it said nothing"


# ---- entering ---------------------------------------------------------------

def call(name, *args):
    if getattr(libc, name)(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def mounts(kind):
    with open("/proc/self/mounts", encoding="utf-8") as f:
        return [w[1] for w in map(str.split, f) if w[2] == kind]


def drop_hybrid_mount(notes):
    """crun refuses cgroups of version 1 with version 2 mounted beside."""
    if not mounts("cgroup"):
        return
    for place in mounts("cgroup2"):
        call("umount2", place.encode(), MNT_DETACH)
        notes.append(f"The cgroup v2 mount at {place} was taken out of the "
                     "comparison's own mount namespace, for all contenders, "
                     "because crun refuses it beside version 1.")


def quick_neighbours(device, notes):
    """A fresh veth pair that misses one ARP answer waits a second for the
    next: half of the runs would measure that."""
    place = f"/proc/sys/net/ipv4/neigh/{device}/retrans_time_ms"
    with open(place, "w", encoding="utf-8") as f:
        f.write("10")
    note = (f"Neighbours behind {device} are asked for every 10 ms instead "
            "of every second, in favour of containers with a published port.")
    if note not in notes:
        notes.append(note)


def note_reclaim(notes):
    """DAMON, where somebody told the kernel to use it; only root can see."""
    for place in glob.glob(DAMON + "/*/state"):
        actions = glob.glob(os.path.dirname(place) +
                            "/contexts/*/schemes/*/action")
        if first_word(place) == "on" and "pageout" in map(first_word, actions):
            notes.append("The kernel pages out what has not been used for a "
                         "while (DAMON, pageout): files leave the page cache "
                         "within seconds, also those of idle instances.")


def first_word(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.readline().strip()
    except OSError:
        return ""


def furnish(notes):
    """In the new namespaces, as their first process."""
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    call("mount", b"proc", b"/proc", b"proc", 0, None)
    call("mount", b"tmpfs", b"/run", b"tmpfs", 0, b"mode=755")
    for place in ("/etc/cni", "/var/lib/cni"):
        if os.path.isdir(place):
            cover(place)
    drop_hybrid_mount(notes)
    run(["ip", "link", "set", "lo", "up"])


def cover(place):
    """What is written there, by podman with CNI, stays in a copy."""
    copy = "/run/compare" + place
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    run(["cp", "-a", place, copy])
    call("mount", copy.encode(), place.encode(), None, MS_BIND, None)


def heed_signals():
    for number in SIGNALS:
        signal.signal(number, stop)


def stop(number, _):
    """Unwinds, once: a terminal's ^C comes from several sides. What does
    nothing is no SIG_IGN, which the programs that clear up would inherit."""
    for other in SIGNALS:
        signal.signal(other, lambda *_: None)
    raise SystemExit(128 + number)


def status_of(ended):
    """Of a SystemExit; the sentence that it may have instead is said."""
    if isinstance(ended.code, str):
        say(f"mayfly bench compare: {ended.code}")
        return 1
    return ended.code or 0


def watch_over(child):
    """What ends us ends the child, which takes its whole world along."""
    def forward(number, _):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in SIGNALS:
        signal.signal(number, forward)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        heed_signals()


def fork(body):
    """Runs body() in a child; returns its exit status."""
    child = os.fork()
    if child:
        status = watch_over(child)
        return status if status >= 0 else 128 - status
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    status = 1
    try:
        status = body()
    except SystemExit as e:
        status = status_of(e)
    except (Failed, OSError) as e:
        say(f"mayfly bench compare: {sentence(e)}")
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def enter(body):
    """Runs body(notes) in a world of its own; returns its exit status. The
    notes say what is different there from the host."""
    notes = []
    note_reclaim(notes)
    if not is_root():
        notes.append("Not run as root: no namespaces, no containers.")
        try:
            return body(notes)
        except SystemExit as e:
            return status_of(e)
        finally:
            heed_signals()

    def inside():
        furnish(notes)
        return body(notes)

    def outside():
        call("unshare", CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID)
        return fork(inside)
    status = fork(outside)
    sweep()
    return status


def sweep():
    """Cgroups are in no namespace: those of containers that were broken off
    are still there, empty, below the one that is ours, or that was of a run
    which lives no more."""
    for top in mounts("cgroup") + mounts("cgroup2"):
        for path in glob.glob(os.path.join(top, GROUPS + "*")):
            pid = path.rpartition("-")[2]
            if os.path.basename(path) == CGROUP or \
                    not os.path.exists(f"/proc/{pid}"):
                remove_groups(path)


def remove_groups(path):
    for base, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(base)


# ---- inside -----------------------------------------------------------------

def make_netns(count):
    """Network namespaces with a loopback device, for instances that insist
    on one port; made beforehand, so that no start pays for them."""
    if not is_root():
        raise Failed("a network namespace of its own needs root")
    for number in range(count):
        if not os.path.exists(netns(number)):
            run(["ip", "netns", "add", f"c{number}"])
            run(["ip", "-n", f"c{number}", "link", "set", "lo", "up"])


def netns(number):
    return os.path.join(NETNS_DIR, f"c{number}")


def hard_limit(which):
    return resource.getrlimit(which)[1]


def reap():
    """As the first process we inherit what daemons leave behind."""
    with open(f"/proc/self/task/{os.getpid()}/children",
              encoding="ascii") as f:
        pids = [int(x) for x in f.read().split()]
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii",
                      errors="replace") as f:
                state = f.read().rpartition(")")[2].split()[0]
            if state == "Z" and pid not in known:
                os.waitpid(pid, os.WNOHANG)
        except (OSError, ChildProcessError):
            pass


known = set()  # children that a subprocess.Popen waits for itself


def with_words(*words):
    """Pids of the processes that have these words in their command line,
    one after the other, and of all that descend from them."""
    wanted = b"\0".join(w.encode() for w in words)
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                if wanted + b"\0" in f.read():
                    found += [int(entry), *descendants(int(entry))]
        except OSError:
            pass
    return found
