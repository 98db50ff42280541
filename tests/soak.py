#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets the platform live a hard life and then looks whether it kept account
of every request and every instance:

    soak.py MAYFLYD SUBSTRATE IMAGE SECONDS [SEED]

Clients ask four functions for answers and for trouble; monitors are killed,
functions deployed again and rolled back, mayflyd killed and started again.
Each request has an id. At the end:

- an answer of a function is the one to its request;
- each answered request has exactly one run in the ledger, if an instance had
  it, and none if not; each has one line in the access log;
- every instance has an end, and its reason is one that was asked for;
- nothing is left: no process, no socket, no cgroup of ours.
"""
import collections
import glob
import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

CLIENTS = 6
SPECS = {
    "pristine": {"isolation": "request", "max_instances": 8},
    "shared": {"isolation": "reuse", "concurrency": 4, "max_instances": 3},
    "zero": {"isolation": "request", "keep_ms": 0, "max_instances": 4},
    "booted": {"isolation": "reuse", "concurrency": 1, "max_instances": 2,
               "keep_ms": 300},
}
COMMON = {"memory_bytes": 64 << 20, "first_byte_ms": 1000, "start_ms": 5000,
          "queue_max": 50, "total_ms": 10000}
# How often which path: most are well.
PATHS = (["/echo/"] * 30 + ["/slow/"] * 3 + ["/crash", "/exit", "/half",
                                             "/garbage", "/leak"])
RARE = "/hang"
GOOD = ("/echo/", "/slow/")


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, program, substrate, state):
        self.state = state
        self.argv = [program, "--state", state, "--listen", "127.0.0.1:0",
                     "--drain", "20s"]
        if substrate == "process":
            self.argv += ["--substrate", "process"]
        self.lock = threading.Lock()
        self.kills = 0
        self.start()

    def start(self):
        self.log = open("mayflyd.log", "ab")
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                self.port = int(self.api("GET", "/v1/info")[1]["url"]
                                .rpartition(":")[2])
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.02)
        sys.exit("mayflyd does not start, see mayflyd.log")

    def api(self, method, path, body=None, kind="application/json"):
        c = Unix(os.path.join(self.state, "api.sock"))
        try:
            data = json.dumps(body) if isinstance(body, dict) else body
            c.request(method, path, data,
                      {"Content-Type": kind} if data else {})
            r = c.getresponse()
            text = r.read()
        finally:
            c.close()
        lines = [json.loads(x) for x in text.splitlines() if x] \
            if b"\n{" in text.strip() else [json.loads(text or b"null")]
        return r.status, lines[-1]

    def kill(self):
        with self.lock:
            self.kills += 1  # odd: it is not there
            self.process.kill()
            self.process.wait()
            self.start()
            self.kills += 1

    def end(self):
        self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "no end within 60 s of SIGTERM"


class Life:
    """The state of a soak, and its verdict."""

    def __init__(self, daemon, image, seed):
        self.daemon = daemon
        self.image = image
        self.random = random.Random(seed)
        self.until = 0
        self.lock = threading.Lock()
        self.number = 0
        self.answers = {}  # request id: (function, path, status, instance)
        self.uncertain = set()  # begun when mayflyd was killed, or given up
        self.problems = []
        self.counts = collections.Counter()

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def deploy(self, name, digest=None):
        if digest is None:
            with open(self.image, "rb") as f:
                digest = self.daemon.api("POST", "/v1/images", f.read(),
                                         "application/octet-stream")[1]
            digest = digest["digest"]
        spec = dict(COMMON, **SPECS[name])
        status, last = self.daemon.api(
            "POST", f"/v1/functions/{name}/versions",
            {"digest": digest, "spec": spec})
        if last.get("event") != "done":
            raise OSError(f"deploy of {name}: {status} {last}")
        return digest

    # ---- clients ------------------------------------------------------------

    def one(self, rng):
        name = rng.choice(list(SPECS))
        path = RARE if rng.random() < 0.003 else rng.choice(PATHS)
        with self.lock:
            self.number += 1
            ident = f"soak-{self.number}"
        full = path + ident if path in GOOD else path
        kills = self.daemon.kills
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.daemon.port,
                                           timeout=30)
            c.request("GET", f"/fn/{name}{full}",
                      headers={"X-Request-Id": ident})
            if rng.random() < 0.02:
                c.close()
                with self.lock:
                    self.uncertain.add(ident)
                    self.counts["given up"] += 1
                return
            r = c.getresponse()
            try:
                body = r.read()
            except http.client.IncompleteRead:
                body = None
            except ConnectionResetError:
                body = None
            c.close()
        except (OSError, http.client.HTTPException) as e:
            with self.lock:
                self.uncertain.add(ident)
            if kills % 2 == 0 and kills == self.daemon.kills:
                self.problem(f"{ident} {name}{full}: {e!r}")
            self.counts["no connection"] += 1
            return
        self.note(ident, name, path, r, body)
        if kills % 2 or kills != self.daemon.kills:
            with self.lock:
                self.uncertain.add(ident)

    def note(self, ident, name, path, r, body):
        with self.lock:
            self.answers[ident] = (name, path, r.status,
                                   r.getheader("X-Mayfly-Instance"))
            self.counts[r.status] += 1
        if r.getheader("X-Request-Id") != ident:
            self.problem(f"{ident}: the answer is to "
                         f"{r.getheader('X-Request-Id')}")
        if r.status == 200 and path in GOOD and body is not None and \
                body != ident.encode():
            self.problem(f"{ident}: the answer says {body[:60]!r}")
        if r.status == 200 and path in ("/crash", "/exit", "/garbage",
                                        "/hang"):
            self.problem(f"{ident}: {path} was answered 200")
        if r.status not in (200, 429, 502, 503, 504):
            self.problem(f"{ident}: {path} of {name} has status {r.status}: "
                         f"{body!r}")

    def client(self, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.until:
            self.one(rng)
            time.sleep(rng.random() * 0.01)

    # ---- trouble ------------------------------------------------------------

    def kill_monitor(self):
        found = self.daemon.api("GET", "/v1/instances")[1]["instances"]
        pids = [i["pid"] for i in found if i["pid"]]
        if pids:
            try:
                os.kill(self.random.choice(pids), signal.SIGKILL)
                self.counts["monitors killed"] += 1
            except ProcessLookupError:
                pass

    def trouble(self, digest, kill_every):
        begin = time.monotonic()
        kills = 1
        while time.monotonic() < self.until:
            time.sleep(0.5)
            try:
                if time.monotonic() - begin > kills * kill_every:
                    kills += 1
                    self.daemon.kill()
                    self.counts["mayflyd killed"] += 1
                elif self.random.random() < 0.2:
                    name = self.random.choice(list(SPECS))
                    self.deploy(name, digest)
                    self.counts["deployed"] += 1
                elif self.random.random() < 0.1:
                    name = self.random.choice(list(SPECS))
                    self.daemon.api("POST", f"/v1/functions/{name}/rollback",
                                    {})
                else:
                    self.kill_monitor()
            except OSError as e:
                self.problem(f"trouble: {e!r}")

    # ---- the account --------------------------------------------------------

    def check_ledger(self):
        db = sqlite3.connect(os.path.join(self.daemon.state, "ledger.db"))
        runs = collections.Counter(
            x for (x,) in db.execute("SELECT request FROM runs"))
        for ident, (name, path, status, instance) in self.answers.items():
            if ident in self.uncertain:
                if runs[ident] > 1:
                    self.problem(f"{ident}: {runs[ident]} runs")
            elif instance and runs[ident] != 1:
                self.problem(f"{ident} {name}{path} {status}: "
                             f"{runs[ident]} runs in the ledger, want 1")
            elif not instance and runs[ident] > 1:
                self.problem(f"{ident}: {runs[ident]} runs")
        alive = db.execute("SELECT count(*) FROM instances "
                           "WHERE died_ms IS NULL").fetchone()[0]
        if alive:
            self.problem(f"{alive} instances have no end")
        deaths = dict(db.execute("SELECT reason, count(*) FROM instances "
                                 "GROUP BY reason"))
        self.counts["instances"] = sum(deaths.values())
        total = db.execute("SELECT sum(invocations) FROM totals").fetchone()[0]
        if total < sum(runs.values()):
            self.problem(f"totals count {total} invocations, the ledger has "
                         f"{sum(runs.values())} runs")
        db.close()

    def check_access(self):
        seen = collections.Counter()
        for path in glob.glob(os.path.join(self.daemon.state,
                                           "access.log*")):
            with open(path, "rb") as f:
                for line in f:
                    if not line.endswith(b"\n"):
                        continue  # cut by a kill
                    seen[json.loads(line).get("request")] += 1
        if os.path.exists(os.path.join(self.daemon.state, "access.log.4")):
            return  # the oldest lines are gone
        for ident in self.answers:
            if ident not in self.uncertain and seen[ident] != 1:
                self.problem(f"{ident}: {seen[ident]} lines in access.log")

    def check_left(self):
        left = os.listdir(os.path.join(self.daemon.state, "run"))
        if left:
            self.problem(f"sockets are left: {left[:5]}")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read()
                if self.daemon.state.encode() in words and \
                        int(pid) != os.getpid():
                    self.problem(f"process {pid} is left: {words!r}")
            except OSError:
                pass

    def live(self, seconds):
        digest = None
        for name in SPECS:
            digest = self.deploy(name, digest)
        self.until = time.monotonic() + seconds
        threads = [threading.Thread(target=self.client,
                                    args=(self.random.random(),))
                   for _ in range(CLIENTS)]
        threads.append(threading.Thread(
            target=self.trouble, args=(digest, max(6, seconds / 8))))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        status = self.daemon.end()
        if status != 0:
            self.problem(f"mayflyd ended with {status}")
        self.check_ledger()
        self.check_access()
        self.check_left()


def main():
    program, substrate, image, seconds = sys.argv[1:5]
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    state = os.path.abspath("soak-state")
    life = Life(Daemon(program, substrate, state), image, seed)
    life.live(float(seconds))
    print(json.dumps({str(k): v for k, v in sorted(
        life.counts.items(), key=lambda x: str(x[0]))}))
    for text in life.problems[:40]:
        print("PROBLEM:", text)
    good = life.counts[200]
    if good < 50 * float(seconds) / 15:
        print(f"PROBLEM: only {good} good answers")
        life.problems.append("few")
    sys.exit(1 if life.problems else 0)


if __name__ == "__main__":
    main()
