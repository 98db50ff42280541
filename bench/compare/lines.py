# SPDX-License-Identifier: Apache-2.0
"""Lines of C between a workload and the host: of Mayfly's monitor and guest
kernel in this tree, and of Linux as Debian packs its source. Counted are the
lines of .c files that are neither blank nor a comment only."""
import glob
import importlib
import json
import lzma
import os
import re
import shutil
import sys
import tarfile

import images
import places
import world

LINUX = "/usr/src/linux-source-*.tar.xz"
PACKAGE = "linux-source-6.1"  # of Debian 12
KERNEL = ("core", "fs", "net", "dev", "sys", "arch/x86_64")
MONITOR_RULE = re.compile(r"^\$\(B\)/bin/mayfly-monitor:((?:.*\\\n)*.*)$",
                          re.M)
# What lies behind the system calls of a container: no drivers, of the file
# systems what they share, of the protocols those that every host has.
LINUX_CORE = re.compile(
    r"(kernel|mm|ipc|block|security|lib|net/core|net/ipv4|net/unix|"
    r"arch/x86/entry|arch/x86/kernel|arch/x86/mm)/.*\.c|fs/[^/]*\.c|"
    r"net/socket\.c")
LINUX_KVM = re.compile(r"(arch/x86|virt)/kvm/.*\.c")


def count(text):
    return sum(1 for line in cscan().without_literals(text).split("\n")
               if line.strip())


def cscan():
    """The scanner of tools/lint, which knows what is a comment."""
    tools = os.path.join(places.TREE, "tools")
    if tools not in sys.path:
        sys.path.append(tools)
    return importlib.import_module("cscan")


def count_files(patterns):
    """Of the sources of this tree that match."""
    total = 0
    for pattern in patterns:
        paths = glob.glob(os.path.join(places.TREE, pattern))
        if not paths:
            raise world.Failed(f"there is no {pattern} in the source tree")
        for path in paths:
            with open(path, encoding="utf-8") as f:
                total += count(f.read())
    return total


def monitor():
    """What the Makefile links into mayfly-monitor."""
    with open(os.path.join(places.TREE, "Makefile"), encoding="utf-8") as f:
        rule = MONITOR_RULE.search(f.read())
    if not rule:
        raise world.Failed("the Makefile does not say what the monitor is "
                           "made of")
    return count_files(["monitor/*.c", "monitor/substrates/*.c",
                        *re.findall(r"host/\w+\.c", rule.group(1))])


def guest_kernel():
    return count_files([f"kernel/{part}/*.c" for part in KERNEL] +
                       ["lib/*.c"])


def kept():
    return images.fetched("linux-lines.json")


def linux():
    """A dictionary: version, core, kvm; None if nobody has counted."""
    if not os.path.exists(kept()):
        return None
    with open(kept(), encoding="utf-8") as f:
        return json.load(f)


def fetch():
    """Counts Linux's lines, once: of the source that is installed, or that
    Debian's archive has (140 MB, not kept)."""
    if os.path.exists(kept()):
        return
    installed = sorted(glob.glob(LINUX))
    where = images.fetched("linux")
    os.makedirs(where, exist_ok=True)
    try:
        counts = count_archive(installed[-1] if installed
                               else download(where))
    except (IndexError, EOFError, tarfile.TarError, lzma.LZMAError) as e:
        raise world.Failed(f"{PACKAGE} is not what it should be: {e}") \
            from None
    finally:
        shutil.rmtree(where)
    with open(kept(), "w", encoding="utf-8") as f:
        json.dump(counts, f)


def download(where):
    """The path of the sources, which are an archive in the package."""
    world.say(f"fetching {PACKAGE}, to count its lines")
    world.run(["apt-get", "-q", "download", PACKAGE], cwd=where,
              env=dict(os.environ))
    package = glob.glob(os.path.join(where, "*.deb"))[0]
    world.run(["dpkg-deb", "-x", package, where])
    return glob.glob(where + LINUX)[0]


def count_archive(path):
    found = {"core": 0, "kvm": 0}
    with tarfile.open(path, "r|xz") as tar:
        for member in tar:
            top, _, name = member.name.partition("/")
            found["version"] = top.rpartition("-")[2]
            for part, pattern in (("core", LINUX_CORE), ("kvm", LINUX_KVM)):
                if member.isfile() and pattern.fullmatch(name):
                    text = tar.extractfile(member).read()
                    found[part] += count(text.decode(errors="replace"))
    return found
