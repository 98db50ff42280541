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
STOP_S = 60  # of each command that ends it, and of the processes
BESIDE_S = 30


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
    status, said, complaint = world.finish(
        command(instance, body), TIMEOUT_S + stop_s(instance) + BESIDE_S,
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=world.environment(**instance.env))
    found = {}
    for line in said.splitlines():
        found.update(json.loads(line))
    if status != 0 or "first_byte_us" not in found:
        raise Failed(reason(complaint, status))
    return found


def stop_s(instance):
    return STOP_S * (1 + len(instance.stops))


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
        self.stop_s = stop_s(instance)
        world.known.add(self.pid)
        try:
            line = self.read_line(TIMEOUT_S + BESIDE_S)
            if not line:
                self.fail()
            self.first_byte_us = json.loads(line)["first_byte_us"]
        except BaseException:  # nobody has us yet who would stop it
            self.process.terminate()
            self.stop()
            world.known.discard(self.pid)
            raise

    def fail(self):
        """It ended, or is silent; Failed says what it said."""
        self.process.terminate()
        try:
            said = self.process.communicate(timeout=self.stop_s)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            said = "firstbyte says nothing"
        raise Failed(reason(said, self.process.returncode))

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
        line = self.read_line(self.stop_s)
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
