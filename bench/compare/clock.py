# SPDX-License-Identifier: Apache-2.0
"""Drives firstbyte, which starts an instance, times its first byte and its
end, and holds it meanwhile; README.md says what it measures."""
import json
import select
import subprocess
import time

import places
import world
from memory import descendants

TIMEOUT_S = 30
STOP_S = 60


class Failed(world.Failed):
    """An instance did not answer, or not rightly; the text says how."""


def command(instance, body, *options):
    argv = [places.tool("firstbyte"), *options, "-t", str(TIMEOUT_S),
            "-p", str(instance.port), "-u", instance.path, "-b", body]
    if instance.netns:
        argv += ["-n", instance.netns]
    if instance.argv:
        argv += ["--", *instance.argv]
    for words in instance.stops:
        argv += ["::", *words]
    return argv


def once(instance, body):
    """Starts, asks, ends: a dictionary of what was measured."""
    r = subprocess.run(command(instance, body), capture_output=True,
                       text=True, check=False, stdin=subprocess.DEVNULL,
                       env=world.environment(**instance.env),
                       timeout=TIMEOUT_S + STOP_S)
    found = {}
    for line in r.stdout.splitlines():
        found.update(json.loads(line))
    if r.returncode != 0 or "first_byte_us" not in found:
        raise Failed(reason(r.stderr, r.returncode))
    return found


def reason(said, status):
    said = said.strip().splitlines()
    return said[-1] if said else f"firstbyte ended with status {status}"


class Running:
    """One instance that has answered, until stop() or the end of `with`."""

    def __init__(self, instance, body):
        self.process = subprocess.Popen(
            command(instance, body, "-k"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=world.environment(**instance.env))
        self.pid = self.process.pid
        world.known.add(self.pid)
        line = self.read_line(TIMEOUT_S + STOP_S)
        if not line:
            said = self.process.communicate()[1]
            raise Failed(reason(said, self.process.returncode))
        found = json.loads(line)
        self.first_byte_us = found["first_byte_us"]
        self.tries = found["tries"]

    def read_line(self, seconds):
        poll = select.poll()  # knows more files than select()
        poll.register(self.process.stdout, select.POLLIN)
        ready = poll.poll(seconds * 1000)
        return self.process.stdout.readline() if ready else ""

    def pids(self):
        """Of all its processes, without firstbyte's."""
        return descendants(self.pid)

    def stop(self):
        """Ends it; microseconds until the last of its processes was gone,
        None if it had nothing to end."""
        if self.process.stdin.closed:
            return None
        self.process.stdin.close()
        line = self.read_line(STOP_S)
        self.process.stdout.close()
        self.process.stderr.close()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        world.known.discard(self.pid)
        return json.loads(line).get("stop_us") if line else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def wait_for(true, seconds):
    """Until true() is; False if it did not become so in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
