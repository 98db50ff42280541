# SPDX-License-Identifier: Apache-2.0
"""Files of this machine as entries of a layer, as a distribution would have
them in one: at their own paths, /lib and /lib64 links into /usr."""
import os
import subprocess

from oci_make import directory, file, symlink

MERGED = ("bin", "sbin", "lib", "lib64")


def base():
    """The directories and links that every image of Debian has."""
    found = [directory(f"usr/{name}") for name in MERGED]
    found += [symlink(name, f"usr/{name}") for name in MERGED]
    return found + [
        directory("tmp", 0o1777), directory("var"), directory("run"),
        symlink("var/run", "/run"),
        file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"
             b"nobody:x:65534:65534:nobody:/:/bin/false\n"),
        file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")]


def libraries(path):
    """The interpreter and the shared libraries of a program."""
    lines = subprocess.run(["ldd", path], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split("\n")
    words = [w for line in lines for w in line.split()]
    return sorted({w for w in words if w.startswith("/")})


def one(path):
    with open(path, "rb") as f:
        mode = 0o755 if os.access(path, os.X_OK) else 0o644
        return file(path.lstrip("/"), f.read(), mode=mode)


def program(path):
    """A program and its libraries, under the names they are asked for."""
    return [one(p) for p in [path, *libraries(path)]]


def tree(top, leave=()):
    found = []
    for where, dirs, names in os.walk(top):
        dirs[:] = sorted(d for d in dirs if d not in leave)
        for name in sorted(names):
            path = f"{where}/{name}"
            if os.path.isfile(path):
                found.append(one(path))
    return found
