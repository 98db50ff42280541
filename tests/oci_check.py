# SPDX-License-Identifier: Apache-2.0
"""Runs mayfly-unpack on images of oci_make and notes what is wrong."""
import os
import shutil
import stat
import subprocess
import sys

UNPACK = os.environ["UNPACK"]
failures = []


def listing(root):
    """Lines "mode name", for links "name -> target", sorted."""
    lines = []
    for base, dirs, names in os.walk(os.fsencode(root)):
        for name in dirs + names:
            path = os.path.join(base, name)
            st = os.lstat(path)
            show = os.path.relpath(path, os.fsencode(root)).decode(
                errors="surrogateescape")
            if stat.S_ISLNK(st.st_mode):
                target = os.readlink(path).decode(errors="surrogateescape")
                lines.append(f"{show} -> {target}")
            elif stat.S_ISDIR(st.st_mode):
                lines.append(f"{st.st_mode & 0o7777:o} {show}/")
            else:
                with open(path, "rb") as f:
                    data = f.read(20)
                lines.append(f"{st.st_mode & 0o7777:o} {show} "
                             f"{st.st_nlink} {data!r}")
    return sorted(lines, key=lambda x: x.encode(errors="surrogateescape"))


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path)


def run(image, index=None):
    fresh("t")
    fresh("t/layout")
    fresh("t/out")
    image.write("t/layout", index)
    done = subprocess.run([UNPACK, "t/layout", "t/out"], check=False,
                          capture_output=True, umask=0o27)
    return (done.returncode, done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"))


def fail(name, text):
    failures.append(name)
    print(f"{name}: {text}")


def check_refused(name, status, err, *words):
    if status != 1:
        fail(name, f"status {status}")
    if err.count("\n") != 1 or not err.startswith("mayfly-unpack: "):
        fail(name, f"not one sentence: {err!r}")
    for word in words:
        if word not in err:
            fail(name, f"{word!r} is not in {err!r}")
    if os.listdir("t/out") or sorted(os.listdir("t")) != ["layout", "out"]:
        fail(name, f"left {os.listdir('t')} {os.listdir('t/out')}")


def finish(tests):
    """Calls the functions named test_*, and ends the program."""
    for name, test in sorted(tests.items()):
        if name.startswith("test_"):
            test()
    shutil.rmtree("t")
    if failures:
        sys.exit(f"{len(failures)} failed: {' '.join(failures)}")
