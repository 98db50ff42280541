# SPDX-License-Identifier: Apache-2.0
"""Containers: crun and runc by themselves, podman, containerd. All run the
same root file system; podman and containerd import it as one OCI image."""
import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import time

import images
import world
from contenders import Contender, Instance

PUBLISHED = 20000  # the first of the ports that podman publishes


def sure_limit(which, most):
    """Without CAP_SYS_RESOURCE no limit may exceed our own."""
    hard = world.hard_limit(which)
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


class Container(Contender):
    kind = "container"
    program_name = ""

    def missing(self, program):
        if not shutil.which(self.program_name, path=world.PATH):
            return f"{self.program_name} is not installed"
        if not world.is_root():
            return "needs root"
        return None

    def version(self):
        return world.run([self.program_name, "--version"]).splitlines()[0]

    def files(self, program):
        return images.files_below(images.rootfs(program))


class Runtime(Container):
    """runc or crun, without anything around it."""

    def __init__(self, name):
        self.key = self.program_name = name
        self.label = name
        self.spec = None

    def prepare(self, program):
        images.rootfs(program)
        if self.spec:
            return
        where = images.place("spec", self.key)
        os.makedirs(where, exist_ok=True)
        path = os.path.join(where, "config.json")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        world.run([self.program_name, "spec"], cwd=where)
        with open(path, encoding="utf-8") as f:
            self.spec = json.load(f)

    def bundle(self, program, name, netns):
        """Its own default configuration, with our program in it."""
        spec = json.loads(json.dumps(self.spec))
        spec["process"].update(terminal=False, cwd="/", rlimits=[],
                               args=images.command(program))
        spec["root"] = {"path": images.rootfs(program), "readonly": True}
        spaces = [n for n in spec["linux"]["namespaces"]
                  if n["type"] != "network"]
        if netns:
            spaces.append({"type": "network", "path": netns})
        spec["linux"]["namespaces"] = spaces
        spec["linux"]["cgroupsPath"] = f"/{world.CGROUP}/{name}"
        where = images.place("bundles", name)
        os.makedirs(where, exist_ok=True)
        with open(os.path.join(where, "config.json"), "w",
                  encoding="utf-8") as f:
            json.dump(spec, f)
        return where

    def instance(self, program, number=None):
        name = f"{self.key}-{program.key}-{number or 0}"
        netns = "" if number is None else world.netns(number)
        return Instance(
            port=program.port, netns=netns,
            argv=[self.program_name, "run", "-d", "--bundle",
                  self.bundle(program, name, netns), name],
            stops=[[self.program_name, "delete", "-f", name]])


class Podman(Container):
    """The everyday container. Its storage is our own, and removed; what it
    keeps while it runs is in our /run, as podman takes no long path there."""
    program_name = "podman"

    def __init__(self, publish, notes):
        self.publish = publish
        self.key = "podman-port" if publish else "podman-host"
        self.label = "podman run -p" if publish else \
            "podman run, host network"
        self.notes = notes

    def base(self):
        return ["podman", "--root", images.place("podman", "root"),
                "--runroot", "/run/compare-podman", "--cgroup-manager",
                "cgroupfs", "--events-backend", "file"]

    def missing(self, program):
        return super().missing(program) or (
            "conmon is not installed" if not shutil.which(
                "conmon", path=world.PATH) else None)

    def version(self):
        runtime = world.run([*self.base(), "info", "--format",
                             "{{.Host.OCIRuntime.Name}} "
                             "{{.Host.NetworkBackend}}"])
        return f"{super().version()}, {runtime.strip()}"

    def prepare(self, program):
        os.makedirs(images.place("podman"), exist_ok=True)
        r = subprocess.run([*self.base(), "image", "exists",
                            images.name(program)], check=False,
                           env=world.environment(), capture_output=True)
        if r.returncode != 0:
            world.run([*self.base(), "load", "-q", "-i",
                       images.archive(program)])
        if self.publish:
            # The bridge is made by the first container; netavark's goes
            # with the last one, CNI's stays.
            one = self.instance(program)
            world.run(one.argv)
            world.run(one.stops[0])
            for _, device in socket.if_nameindex():
                if device.startswith("cni-podman"):
                    world.quick_neighbours(device, self.notes)

    def network(self, program, number):
        """The port, the namespace, and podman's options for them."""
        if self.publish:
            port = program.port if number is None else PUBLISHED + number
            return port, "", ["-p", f"127.0.0.1:{port}:{program.port}"]
        if number is None:
            return program.port, "", ["--network", "host"]
        netns = world.netns(number)
        return program.port, netns, ["--network", f"ns:{netns}"]

    def instance(self, program, number=None):
        name = f"{self.key}-{program.key}-{number or 0}"
        port, netns, options = self.network(program, number)
        files = sure_limit(resource.RLIMIT_NOFILE, 1048576)
        processes = sure_limit(resource.RLIMIT_NPROC, 4096)
        return Instance(
            port=port, netns=netns,
            argv=[*self.base(), "run", "-d", "--name", name,
                  "--ulimit", f"nofile={files}:{files}",
                  "--ulimit", f"nproc={processes}:{processes}",
                  "--cgroup-parent", f"/{world.CGROUP}", *options,
                  images.name(program)],
            stops=[[*self.base(), "rm", "-f", "-t", "0", name]])

    def files(self, program):
        return [f for f in images.files_below(os.path.join(
            images.place("podman"), "root"))
            if not f.endswith((".db", ".lock", ".json"))]

    def close(self):
        if os.path.exists(images.place("podman")):
            world.run([*self.base(), "rm", "-f", "-t", "0", "-a"])


CONTAINERD = """version = 2
root = "{0}/root"
state = "{1}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{1}/sock"
[ttrpc]
address = "{1}/sock.ttrpc"
"""
CONTAINERD_RUN = "/run/compare-containerd"  # the path of a socket is short


class Containerd(Container):
    """containerd as its own client drives it; the daemon is ours."""
    program_name = "containerd"
    key = "containerd"
    label = "containerd (ctr run)"
    daemon = None

    def missing(self, program):
        return super().missing(program) or (
            "runc is not installed" if not shutil.which(
                "runc", path=world.PATH) else None)

    def ctr(self, *words):
        return ["ctr", "-a", CONTAINERD_RUN + "/sock", *words]

    def start_daemon(self):
        where = images.place("containerd")
        os.makedirs(where, exist_ok=True)
        config = os.path.join(where, "config.toml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONTAINERD.format(where, CONTAINERD_RUN))
        with open(os.path.join(where, "log"), "wb") as log:
            self.daemon = subprocess.Popen(
                ["containerd", "-c", config], env=world.environment(),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        world.known.add(self.daemon.pid)
        end = time.monotonic() + 20
        while subprocess.run(self.ctr("version"), check=False,
                             env=world.environment(),
                             capture_output=True).returncode != 0:
            if time.monotonic() > end or self.daemon.poll() is not None:
                raise world.Failed("containerd did not come up: " +
                                   world.last_words(where + "/log"))
            time.sleep(0.05)

    def prepare(self, program):
        if not self.daemon:
            self.start_daemon()
        world.run(self.ctr("image", "import", images.archive(program)))

    def instance(self, program, number=None):
        name = f"{self.key}-{program.key}-{number or 0}"
        netns = "" if number is None else world.netns(number)
        network = ["--with-ns", f"network:{netns}"] if netns else \
            ["--net-host"]
        return Instance(
            port=program.port, netns=netns,
            argv=self.ctr("run", "-d", "--cgroup", f"/{world.CGROUP}/{name}",
                          *network, images.name(program), name),
            stops=[self.ctr("task", "rm", "-f", name),
                   self.ctr("container", "rm", name)])

    def files(self, program):
        return [f for f in images.files_below(os.path.join(
            images.place("containerd"), "root"))
            if not f.endswith((".db", "/etc/hosts", "/etc/resolv.conf"))]

    def daemons(self):
        return [self.daemon.pid] if self.daemon else []

    def more_pids(self, program, instance):
        """The shim is the daemon's child, the program the shim's."""
        return world.with_words("-id", instance.stops[1][-1])

    def close(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(20)
            world.known.discard(self.daemon.pid)


def all_of(notes):
    return [Runtime("crun"), Runtime("runc"), Podman(False, notes),
            Podman(True, notes), Containerd()]
