# SPDX-License-Identifier: Apache-2.0
"""Makes the test cases of each layer out of the files that testtree finds.

A Case runs one command in an empty directory under a time limit and judges
it; its subclasses say what the command is and what its output must be.
"""
import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import compat
import testtree

LAYERS = ["unit", "guest", "abi", "e2e", "programs", "san", "fuzz", "lint",
          "hardware"]
ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
BUILD = f"{ROOT}/build"
MAYFLY = f"{BUILD}/bin/mayfly"
MAYFLY_SAN = f"{BUILD}/san/bin/mayfly"
MAYFLYD_TESTS = r"e2e/(platform|gateway|ledger|logs|metrics)"
KVM_CREATE_VM = 0xAE01
SKIP_STATUS = 77


def kvm_problem():
    """None if /dev/kvm works here, else why it does not."""
    try:
        fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        try:
            os.close(fcntl.ioctl(fd, KVM_CREATE_VM, 0))
        finally:
            os.close(fd)
    except OSError as e:
        return f"/dev/kvm: {e.strerror}"
    return None


KVM_PROBLEM = kvm_problem()


class Result:
    """What became of one test."""

    def __init__(self, name, verdict, reason="", log=None, seconds=None):
        self.name = name
        self.verdict = verdict  # pass, fail or skip
        self.reason = reason
        self.log = log
        self.seconds = seconds


class Verdict(Exception):
    """Ends a test; one argument: why it failed."""


class Case:
    """One test. Subclasses define judge()."""

    def __init__(self, prog, name, substrate=None, goals=()):
        self.prog = prog
        self.name = name
        self.substrate = substrate
        self.goals = set(goals)
        if substrate:
            self.goals.add("all")
        self.timeout = prog.number("timeout", 30) if prog else 30
        self.alone = bool(prog) and prog.has("alone")
        self.full = bool(prog) and prog.has("full")
        self.rename(name)
        self.tmp = None
        self.mayfly = MAYFLY

    def rename(self, name):
        self.name = name
        log = re.sub(r"[^A-Za-z0-9.+-]", "_", name)
        self.log_path = f"{BUILD}/test-logs/{log}.log"

    def run(self):
        """Returns a list of results."""
        if self.substrate == "kvm" and KVM_PROBLEM:
            return [Result(self.name, "skip", KVM_PROBLEM)]
        start = time.monotonic()
        # Letters and digits only: names of images are made of this one.
        self.tmp = f"{tempfile.gettempdir()}/mayfly-test-{secrets.token_hex(6)}"
        os.mkdir(self.tmp)
        os.chmod(self.tmp, 0o755)
        os.mkdir(f"{self.tmp}/t")
        os.mkdir(f"{self.tmp}/run", 0o700)
        verdict, reason = "pass", ""
        with open(self.log_path, "wb") as self.log:
            try:
                self.judge()
            except Verdict as v:
                verdict, reason = "fail", v.args[0]
            except subprocess.TimeoutExpired:
                verdict, reason = "fail", f"not done in {self.timeout} s"
            except SkipTest as s:
                verdict, reason = "skip", s.args[0]
            if verdict == "fail":
                self.log.write(f"\nverdict: {reason}\n".encode())
        shutil.rmtree(self.tmp, ignore_errors=True)
        return [Result(self.name, verdict, reason,
                       os.path.relpath(self.log_path, ROOT),
                       time.monotonic() - start)]

    def judge(self):
        raise NotImplementedError

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("MAYFLY", "XDG_"))}
        env.update({
            "MAYFLY": self.mayfly, "SRC": ROOT, "BUILD": BUILD,
            "PROGS": f"{BUILD}/tests/guest", "TMP": f"{self.tmp}/t",
            "LIB": f"{ROOT}/tests/lib.sh", "HOME": self.tmp,
            "XDG_RUNTIME_DIR": f"{self.tmp}/run",
            "XDG_CACHE_HOME": f"{BUILD}/test-cache", "LC_ALL": "C.UTF-8",
            "MF_TEST_NAME": self.mark(),
        })
        env.setdefault("GOCACHE", f"{BUILD}/go-cache")  # as in tests.mk
        if self.substrate:
            env["SUBSTRATE"] = self.substrate
        return env

    def mark(self):
        """Tells the processes of this test from those of any other, also
        of another run beside this one."""
        return f"{self.name} {os.getpid()} {self.tmp}"

    def say(self, text):
        self.log.write(text.encode())
        self.log.flush()

    def execute(self, cmd, stdin=None, more_env=None):
        """Runs cmd; returns (status, stdout, stderr) as of a shell."""
        self.say("+ " + " ".join(cmd) + "\n")
        env = self.environment()
        env.update(more_env or {})
        out_path, err_path = f"{self.tmp}/stdout", f"{self.tmp}/stderr"
        with open(out_path, "wb") as out, open(err_path, "wb") as err, \
                open(stdin or os.devnull, "rb") as inp:
            child = subprocess.Popen(
                cmd, cwd=f"{self.tmp}/t", env=env, stdin=inp, stdout=out,
                stderr=err, start_new_session=True)
            timed_out = wait_child(child, self.timeout)
        left = end_session(child.pid, self.mark())
        stdout, stderr = read(out_path), read(err_path)
        for text in (stdout, stderr):
            self.log.write(text)
        if timed_out:
            raise subprocess.TimeoutExpired(cmd, self.timeout)
        status = child.returncode
        status = 128 - status if status < 0 else status
        self.say(f"\nstatus {status}\n")
        if status == SKIP_STATUS:
            self.skipped(stdout + stderr)
        if left:
            raise Verdict("left running: " + ", ".join(left))
        return status, stdout, stderr

    def skipped(self, output):
        lines = output.decode(errors="replace").strip().splitlines()
        why = lines[-1] if lines else "status 77"
        if self.prog and self.prog.has("may-skip"):
            raise SkipTest(why)
        raise Verdict(f"may not be skipped, but says: {why}")

    def need(self, path):
        if not os.path.exists(path):
            raise Verdict("missing, see build/test-logs/build.log: " +
                          os.path.relpath(path, ROOT))


class SkipTest(Exception):
    """Ends a test that cannot run here; one argument: why."""


def read(path):
    with open(path, "rb") as f:
        return f.read()


def wait_child(child, timeout):
    try:
        child.wait(timeout)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(3)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return True


def session_members(session, mark):
    """Pids and names of living processes that belong to a test: those of
    its session, and those with its mark in their environment."""
    mark = b"MF_TEST_NAME=" + mark.encode() + b"\0"
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = read(f"/proc/{pid}/stat").decode(errors="replace")
            comm, rest = stat.split("(", 1)[1].rsplit(")", 1)
            fields = rest.split()
            if fields[0] in "ZX":
                continue
            if int(fields[3]) != session and \
                    mark not in read(f"/proc/{pid}/environ") + b"\0":
                continue
            found[int(pid)] = comm
        except (OSError, IndexError):
            continue
    return found


def end_session(session, mark):
    """Waits a moment for the last processes of a test, then kills them;
    returns the names of those that had to be killed."""
    for _ in range(20):
        left = session_members(session, mark)
        if not left:
            # A process is not to be seen while it is in exec.
            time.sleep(0.01)
            left = session_members(session, mark)
        if not left:
            return []
        time.sleep(0.1)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    return sorted(f"{comm} ({pid})" for pid, comm in left.items())


def compare_text(got, want, what):
    if got == want:
        return
    import difflib
    diff = difflib.unified_diff(
        want.decode(errors="replace").splitlines(),
        got.decode(errors="replace").splitlines(),
        f"{what} wanted", f"{what} got", lineterm="", n=1)
    text = "\n".join(list(diff)[:60])
    raise Mismatch(f"{what} differs", text)


class Mismatch(Verdict):
    """A Verdict with a diff for the log as second argument."""


class PlainCase(Case):
    """A program that judges itself: status 0 passes."""

    def __init__(self, prog, name, cmd, **kw):
        super().__init__(prog, name, **kw)
        self.cmd = cmd
        self.needs = [cmd[0]]

    def judge(self):
        for path in self.needs:
            self.need(path)
        status, _, _ = self.execute(self.cmd)
        if status:
            raise Verdict(f"status {status}")


class GuestCase(Case):
    """tests/guest/NAME: run in the guest, compared with expect.*."""

    def __init__(self, prog, flavour, substrate):
        name = f"guest/{prog.name}.{flavour}:{substrate}"
        self.binary = prog.binary(BUILD, flavour)
        super().__init__(prog, name, substrate,
                         [prog.binary("build", flavour)])

    def judge(self):
        self.need(self.binary)
        home = f"{ROOT}/{self.prog.dir}"
        if os.path.exists(f"{home}/run.sh"):
            self.judge_script(f"{home}/run.sh")
            return
        cmd = mayfly_run(self)
        stdin = f"{home}/stdin"
        status, out, err = self.execute(
            cmd, stdin if os.path.exists(stdin) else None)
        want = self.prog.number("status", 0)
        if status != want:
            raise Verdict(f"status {status}, want {want}")
        try:
            if os.path.exists(f"{home}/expect.out"):
                compare_text(out, read(f"{home}/expect.out"), "stdout")
        except Mismatch as m:
            self.say(m.args[1] + "\n")
            raise
        check_stderr(err, f"{home}/expect.err", status)

    def judge_script(self, script):
        status, _, _ = self.execute(["sh", "-eu", script],
                                    more_env={"PROG": self.binary})
        if status:
            raise Verdict(f"status {status}")


def mayfly_run(case):
    return [case.mayfly, "run", "--substrate", case.substrate,
            *case.prog.list("flags"), case.binary, *case.prog.list("args")]


def check_stderr(err, path, status):
    if not os.path.exists(path):
        if err and status == 0:
            raise Verdict("stderr is not empty")
        return
    lines = err.decode(errors="replace").splitlines()
    for pattern in read(path).decode().splitlines():
        if not any(re.search(pattern, line) for line in lines):
            raise Verdict(f"no line of stderr matches: {pattern}")


class AbiCase(Case):
    """tests/abi/NAME: native and in the guest, compared."""

    def __init__(self, prog, flavour, substrate):
        name = f"abi/{prog.name}.{flavour}:{substrate}"
        self.binary = prog.binary(BUILD, flavour)
        super().__init__(prog, name, substrate,
                         [prog.binary("build", flavour)])

    def judge(self):
        self.need(self.binary)
        args = self.prog.list("args")
        status, out, _ = self.execute([self.binary, *args])
        if not out:
            raise Verdict("the native run prints nothing")
        for entry in os.listdir(f"{self.tmp}/t"):
            shutil.rmtree(f"{self.tmp}/t/{entry}", ignore_errors=True)
        got_status, got, _ = self.execute(mayfly_run(self))
        try:
            compare_text(got, out, "stdout")
        except Mismatch as m:
            self.say(m.args[1] + "\n")
            raise
        if got_status != status:
            raise Verdict(f"status {got_status}, natively {status}")


class ProgramCase(Case):
    """tests/programs/NAME: a program of others, natively and in the guest.
    What its script reports must be what docs/compatibility.md says."""

    VERSION = re.compile(r"\d+(?:\.\d+)+")

    def __init__(self, prog, substrate):
        super().__init__(prog, f"programs/{prog.name}:{substrate}", substrate)
        self.made = None
        self.env = {}
        if os.path.exists(f"{ROOT}/{prog.dir}/Makefile"):
            self.made = f"{BUILD}/tests/programs/{prog.name}"
            self.goals.add(f"build/tests/programs/{prog.name}.made")

    def judge(self):
        if self.made:
            self.need(f"{self.made}.made")
        rows_path = f"{self.tmp}/rows"
        self.env = {"HERE": f"{ROOT}/{self.prog.dir}", "ROWS": rows_path,
                    "OUT": self.made or ""}
        status, _, _ = self.execute(["sh", "-eu", f"{ROOT}/{self.prog.path}"],
                                    more_env=self.env)
        rows, seals = compat.read_rows(rows_path)
        title = self.prog.text("program")
        compat.save(self.prog.name, self.substrate, {
            "title": title, "version": self.version(), "rows": rows,
            "seals": seals})
        if status:
            raise Verdict(f"status {status}")
        if not rows:
            raise Verdict("reports nothing that was exercised")
        problem = compat.disagreement(title, self.substrate, rows)
        if problem:
            raise Verdict(f"{problem}; if that is right, run "
                          "tools/compatibility")

    def version(self):
        _, out, err = self.execute(["sh", "-c", self.prog.text("version")],
                                   more_env=self.env)
        m = self.VERSION.search((out + err).decode(errors="replace"))
        if not m:
            raise Verdict("no version: " + self.prog.text("version"))
        return m.group(0)


class ManyCase(Case):
    """One command that reports many tests, each with a line on stdout:
    `RESULT pass|fail|skip NAME [why]`."""

    LINE = re.compile(rb"^RESULT (pass|fail|skip) (\S+) ?(.*?)\r?$", re.M)

    def __init__(self, name, cmd, timeout, goals=()):
        super().__init__(None, name, goals=goals)
        self.cmd = cmd
        self.timeout = timeout
        self.found = []

    def judge(self):
        status, out, _ = self.execute(self.cmd)
        self.found = [tuple(x.decode(errors="replace") for x in m.groups())
                      for m in self.LINE.finditer(out)]
        failed = any(f[0] == "fail" for f in self.found)
        if status and not failed:
            raise Verdict(f"status {status}")
        if not self.found:
            raise Verdict("reports no result")

    def run(self):
        whole = super().run()[0]
        results = [Result(f"{self.name}/{name}", verdict, why, whole.log)
                   for verdict, name, why in self.found]
        if whole.verdict != "pass":
            results.append(whole)
        return results


def substrates(prog):
    return prog.list("substrates", "process kvm")


def unit_cases():
    cases = []
    for prog in testtree.unit_programs():
        for kind, sub in (("unit", ""), ("unit-san", "/san")):
            binary = f"{BUILD}{sub}/tests/unit/{prog.name}"
            cases.append(PlainCase(prog, f"{kind}/{prog.name}", [binary],
                                   goals=[kind]))
    return cases


def guest_cases():
    return [GuestCase(p, f, s) for p in testtree.guest_programs()
            for f in p.flavours() for s in substrates(p)]


def san_cases():
    """Each guest program in one flavour, and e2e but for what runs next to
    nothing of Mayfly, with Mayfly's own programs built with sanitizers: on
    kvm if it works, else on process. Without --full, of e2e only what drives
    mayflyd, which reads what the network sends."""
    best = "process" if KVM_PROBLEM else "kvm"
    cases = [GuestCase(p, p.flavours()[0], best)
             for p in testtree.guest_programs() if best in substrates(p)]
    cases += [c for c in e2e_cases() if not c.prog.has("no-san") and
              (c.substrate == best or c.prog.has("once"))]
    for case in cases:
        case.full |= case.name.startswith("e2e/") and \
            not re.match(MAYFLYD_TESTS, case.name)
        case.rename("san/" + case.name)
        case.mayfly = MAYFLY_SAN
        case.goals.add("programs-san")
        case.timeout *= 2
    return cases


def abi_cases():
    return [AbiCase(p, f, s) for p in testtree.abi_programs()
            if not p.has("native-only")
            for f in p.flavours() for s in substrates(p)]


def e2e_cases():
    cases = []
    for p in testtree.e2e_programs():
        for s in ["process"] if p.has("once") else substrates(p):
            name = f"e2e/{p.name}" + ("" if p.has("once") else f":{s}")
            case = PlainCase(p, name, ["/bin/sh", "-eu", f"{ROOT}/{p.path}"],
                             substrate=s, goals=["test-programs"])
            cases.append(case)
    return cases


def program_cases():
    cases = [ProgramCase(p, s) for p in testtree.program_programs()
             for s in substrates(p)]
    table = PlainCase(None, "programs/table",
                      [f"{ROOT}/tools/compatibility", "--check"])
    return cases + [table]


def fuzz_cases():
    cases = []
    for p in testtree.fuzz_programs():
        corpus = f"{ROOT}/tests/fuzz/corpus/{p.name[2:]}"
        binary = f"{BUILD}/tests/fuzz/{p.name}"
        case = PlainCase(p, f"fuzz/{p.name}",
                         [binary, "-runs=0", "-timeout=10", corpus],
                         goals=["fuzz-programs"])
        case.needs.append(corpus)
        cases.append(case)
    return cases


def lint_cases():
    here = f"{ROOT}/tests/lint"
    return [ManyCase("lint", [f"{ROOT}/tools/lint-all"], 1500),
            ManyCase("linter", [sys.executable, f"{here}/run.py"], 60),
            ManyCase("runner", [sys.executable, f"{here}/runner.py"], 60)]


def hardware_cases():
    """Emulating a whole machine takes a core for minutes: --full only."""
    case = ManyCase("hardware", [f"{ROOT}/tests/hardware/run"], 600,
                    goals=["all", "test-programs"])
    case.full = True
    return [case]


def all_cases(layers):
    makers = {
        "unit": unit_cases, "guest": guest_cases, "abi": abi_cases,
        "e2e": e2e_cases, "programs": program_cases, "san": san_cases,
        "fuzz": fuzz_cases, "lint": lint_cases, "hardware": hardware_cases,
    }
    return [case for layer in LAYERS if layer in layers
            for case in makers[layer]()]
