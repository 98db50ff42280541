# SPDX-License-Identifier: Apache-2.0
"""Contenders that are neither containers nor ours: the program as a plain
process, workerd, unikernels that are installed, and what --also names."""
import os
import re
import shlex
import shutil
import subprocess

import images
import programs
import world
from contenders import Contender, Instance

OWN_PORT = 22000  # the first port of many instances
WORKERD = "1.20261117.1"  # the release that npm fetches
FETCH_S = 600
UNIKERNELS = ("solo5-hvt", "solo5-spt", "ops", "kraft")


class Process(Contender):
    """The program, started by fork and exec, in the host's network."""
    key = "process"
    kind = "process"
    label = "bare process"

    def missing(self, program):
        return None

    def version(self):
        return f"Linux {os.uname().release.split('-')[0]}"

    def prepare(self, program):
        images.rootfs(program)

    def instance(self, program, number=None):
        argv = images.bare(program)
        if number is None:
            return Instance(port=program.port, argv=argv)
        if program.takes_port:
            port = OWN_PORT + number
            return Instance(port=port, argv=argv, env={"PORT": str(port)})
        netns = world.netns(number)
        return Instance(port=program.port, netns=netns,
                        argv=["nsenter", f"--net={netns}", *argv])

    def files(self, program):
        libraries = images.libraries(images.node()) \
            if program.key == "node" else []
        return [*images.files_below(images.rootfs(program)), *libraries]


WORKERD_CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (),
              service = "main")]
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2024-01-01"
);
"""
WORKER = """export default {{
  async fetch(request) {{ return new Response({body}); }}
}};
"""


def npm_reason(said):
    """The first sentence of what npm complains of."""
    lines = [re.sub(r"^npm (ERR!|error) ?", "", line).strip()
             for line in said.splitlines()]
    return next((line for line in lines if line and
                 line.split()[0] not in ("code", "errno", "syscall")),
                "it does not say why")


class Workerd(Contender):
    """Cloudflare's runtime of isolates. It runs no Node server, so this is
    the same answer as a worker."""
    key = "workerd"
    kind = "isolate"
    label = "workerd"

    failure = None

    def binary(self):
        return images.fetched("workerd", "node_modules", "@cloudflare",
                              "workerd-linux-64", "bin", "workerd")

    def missing(self, program):
        if program.key != "node":
            return "runs JavaScript only"
        if os.path.exists(self.binary()):
            return None
        return self.failure or "it is not there, and --no-install was given"

    def fetch(self):
        if os.path.exists(self.binary()):
            return
        where = images.fetched("workerd")
        os.makedirs(where, exist_ok=True)
        world.say("fetching workerd with npm")
        try:
            status, _, said = world.finish(
                ["npm", "install", "--loglevel=error", "--no-save",
                 "--ignore-scripts", "--no-audit", "--no-fund", "--prefix",
                 where, f"workerd@{WORKERD}"], FETCH_S, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, env=dict(os.environ))
        except (world.Failed, OSError) as e:
            status, said = 1, str(e)
        if status:
            self.failure = f"npm could not fetch it: {npm_reason(said)}"

    def version(self):
        return world.run([self.binary(), "--version"]).strip()

    def prepare(self, program):
        where = images.place("worker", program.key)
        os.makedirs(where, exist_ok=True)
        files = {"worker.js": WORKER.format(body=repr(program.body)),
                 "config.capnp": WORKERD_CONFIG.format(port=program.port)}
        for name, text in files.items():
            with open(os.path.join(where, name), "w",
                      encoding="utf-8") as f:
                f.write(text)

    def instance(self, program, number=None):
        port = program.port if number is None else OWN_PORT + number
        return Instance(port=port, argv=[
            self.binary(), "serve",
            images.place("worker", program.key, "config.capnp"),
            "--socket-addr", f"http=127.0.0.1:{port}"])

    def files(self, program):
        return [self.binary(),
                *images.files_below(images.place("worker", program.key))]


class Unikernel(Contender):
    """Another unikernel. None of them takes a Node or Go program as it is
    without a tool chain or an image of its own, so that what is installed is
    named, and --also runs it."""
    key = "unikernel"
    kind = "other"
    label = "another unikernel"

    def missing(self, program):
        here = [u for u in UNIKERNELS if shutil.which(u)]
        if not here:
            return f"none of {', '.join(UNIKERNELS)} is installed"
        return (f"{', '.join(here)} is installed, but needs an image built "
                "for it; name a command that starts one with --also "
                f"{program.key}:NAME=COMMAND")


class Also(Contender):
    """What the user wants to see beside: a command in which {port} stands
    for the port to listen on."""
    kind = "other"

    def __init__(self, program_key, name, command):
        self.program_key = program_key
        self.key = self.label = name
        self.words = shlex.split(command)
        self.many = "{port}" in command

    def missing(self, program):
        if program.key != self.program_key:
            return f"was given for {self.program_key}"
        if not shutil.which(self.words[0], path=world.PATH):
            return f"there is no program {self.words[0]}"
        return None

    def instance(self, program, number=None):
        port = program.port if number is None else OWN_PORT + number
        return Instance(port=port, env={"PORT": str(port)}, argv=[
            w.replace("{port}", str(port)) for w in self.words])


def also(text):
    """PROGRAM:NAME=COMMAND, as --also takes it."""
    program, colon, rest = text.partition(":")
    name, equals, command = rest.partition("=")
    known = [p.key for p in programs.ALL]
    if colon and program not in known:
        raise ValueError(f"--also {text}: there is no program {program}; "
                         f"there are: {', '.join(known)}")
    if not colon or not equals or not name or not command.strip():
        raise ValueError(f"--also {text}: PROGRAM:NAME=COMMAND is wanted, "
                         "such as go:mine='./server --port {port}'")
    return Also(program, name, command)
