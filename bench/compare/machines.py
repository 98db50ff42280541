# SPDX-License-Identifier: Apache-2.0
"""Mayfly: a boot of the image, a copy of a snapshot, and the platform, which
has no instance of a function until a request comes to its gateway."""
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess

import clock
import images
import places
import world
from contenders import Contender, Instance
from memory import descendants

PUBLISHED = 21000  # the first port of many instances
GATEWAY = {"kvm": 7001, "process": 7002}
KEEP_MS = 100  # of start.py: then there is no instance again
KEEP_TRACE_MS = 1000  # of usage.py


class Mayfly(Contender):
    kind = "mayfly"
    substrate = ""

    def missing(self, program):
        return works(self.substrate)

    def version(self):
        return world.run([places.mayfly(), "version"]).splitlines()[0]


def works(substrate):
    """Why not, or None; asked once, of mayfly itself."""
    if substrate not in answers:
        try:
            world.run([places.mayfly(), "run", "--substrate", substrate,
                       "/bin/true"], timeout=60)
            answers[substrate] = None
        except (world.Failed, subprocess.SubprocessError, OSError) as e:
            answers[substrate] = str(e)
    return answers[substrate]


answers = {}


class Run(Mayfly):
    """One VM, from its image or from a snapshot."""

    def __init__(self, substrate, cloned):
        self.substrate = substrate
        self.cloned = cloned
        self.key = f"mayfly-{'clone' if cloned else 'run'}-{substrate}"
        self.label = f"mayfly {'clone' if cloned else 'run'} ({substrate})"

    def source(self, program):
        return images.snapshot(program, self.substrate) if self.cloned \
            else images.image(program)

    def prepare(self, program):
        self.source(program)

    def instance(self, program, number=None):
        port = program.port if number is None else PUBLISHED + number
        return Instance(port=port, argv=[
            places.mayfly(), "run", "--substrate", self.substrate, "-p",
            f"127.0.0.1:{port}:{program.port}", self.source(program)])

    def files(self, program):
        files = [images.image(program)]
        return files + [self.source(program)] if self.cloned else files


class Platform(Mayfly):
    """From zero: no instance until the request is there. mayflyd runs, and
    its snapshot was taken by the deploy."""
    always_on = False
    many = False
    process = None

    def __init__(self, substrate):
        self.substrate = substrate
        self.key = f"platform-{substrate}"
        self.label = f"platform from zero ({substrate})"
        self.port = GATEWAY[substrate]
        self.state = ""

    def env(self):
        return world.environment(MAYFLY_STATE=self.state)

    def start(self):
        self.state = images.place(self.key)
        shutil.rmtree(self.state, ignore_errors=True)
        os.makedirs(self.state)
        with open(images.place(self.key + ".log"), "wb") as log:
            self.process = subprocess.Popen(
                [places.mayfly(), "up", "--listen", f"127.0.0.1:{self.port}",
                 "--substrate", "process" if self.substrate == "process"
                 else "auto"], env=self.env(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        world.known.add(self.process.pid)
        if not clock.wait_for(self.answers, 20):
            raise world.Failed("mayfly up did not come up: " +
                               world.last_words(self.state + ".log"))

    def answers(self):
        try:
            return self.api("health") is not None
        except OSError:
            return False

    def api(self, what):
        """A GET of the API, over its socket."""
        c = http.client.HTTPConnection("localhost", timeout=10)
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(os.path.join(self.state, "api.sock"))
        try:
            c.request("GET", f"/v1/{what}")
            return json.load(c.getresponse())
        finally:
            c.close()

    def deploy(self, program, name, *options):
        world.run([places.mayfly(), "deploy", "--name", name, "--port",
                   str(program.port), "--warm-up", str(program.warm_up),
                   *options, images.image(program)], env=self.env())

    def prepare(self, program):
        if not self.process:
            self.start()
        self.deploy(program, program.key, "--keep", f"{KEEP_MS}ms")
        self.deploy(program, f"{program.key}-trace", "--keep",
                    f"{KEEP_TRACE_MS}ms", "--isolation", "reuse",
                    "--concurrency", "16")

    def instance(self, program, number=None):
        return Instance(port=self.port, path=f"/fn/{program.key}/")

    def trace_instance(self, program):
        """As usage.py asks for it: an instance serves a burst."""
        return Instance(port=self.port, path=f"/fn/{program.key}-trace/")

    def instances(self, name):
        return [i for i in self.api("instances")["instances"]
                if i["function"] == name]

    def settle(self, program):
        """Nothing left of the last request, in this world or the next."""
        if not clock.wait_for(lambda: not self.instances(program.key), 20):
            raise world.Failed(f"{self.key} does not scale to zero")

    def files(self, program):
        return [f for f in images.files_below(self.state)
                if os.path.relpath(f, self.state).split("/")[0] in
                ("images", "versions")]

    def daemons(self):
        """mayflyd and the spawner, which start everything else."""
        if not self.process:
            return []
        monitors = {d for i in self.api("instances")["instances"]
                    for d in [i["pid"], *descendants(i["pid"])]}
        return [p for p in [self.process.pid,
                            *descendants(self.process.pid)]
                if p not in monitors]

    @contextlib.contextmanager
    def hold(self, program, count):
        """So many instances that wait for work; yields the pids of all of
        their processes."""
        name = f"{program.key}-hold"
        self.deploy(program, name, "--isolation", "reuse", "--min",
                    str(count), "--max", str(count))
        try:
            def ready():
                return [i for i in self.instances(name)
                        if i["state"] == "ready"]
            if not clock.wait_for(lambda: len(ready()) == count, 120):
                raise world.Failed(f"{self.key} has {len(ready())} of "
                                   f"{count} instances")
            yield [p for i in ready()
                   for p in [i["pid"], *descendants(i["pid"])]]
        finally:
            world.run([places.mayfly(), "rm", name], env=self.env())
            clock.wait_for(lambda: not self.instances(name), 60)

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            world.known.discard(self.process.pid)


def all_of():
    return [*(Run(s, cloned) for cloned in (False, True)
              for s in images.SUBSTRATES),
            *(Platform(s) for s in images.SUBSTRATES)]
