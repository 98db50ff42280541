# SPDX-License-Identifier: Apache-2.0
"""What the contenders start from, made once before any clock runs: a root
file system made by hand, the same as an OCI archive, one with Debian around
it as most images have, Mayfly's image and its snapshots; and their sizes."""
import fcntl
import functools
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile

import places
import world

DEBIAN = "bookworm"
WITH_DEBIAN = "root file system with Debian"
SUBSTRATES = ("kvm", "process")
OWN = "mayfly-compare"  # what is ours of a directory that others may use
KEPT = ("fetched", "lock")
work = ""  # the directory of all this, set by open_place()


def open_place(directory):
    """Empty but for what was fetched, and ours alone until the file that is
    returned is closed, which is at our end."""
    global work  # pylint: disable=global-statement
    work = os.path.join(directory, OWN)
    if os.path.islink(work):
        raise world.Failed(f"{work} is a symbolic link")
    os.makedirs(fetched(), exist_ok=True)
    lock = open(place("lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise world.Failed(f"another comparison works in {directory}; name "
                           "another directory with --work") from None
    clear()
    return lock


def clear():
    for entry in os.listdir(work):
        if entry not in KEPT:
            world.run(["rm", "-rf", place(entry)])


def place(*names):
    return os.path.join(work, *names)


def fetched(*names):
    """What came over the network, kept for the next run."""
    return place("fetched", *names)


def name(program):
    return f"localhost/compare-{program.key}:latest"


# ---- root file systems ------------------------------------------------------

def node():
    """The node program itself, behind whatever starts it."""
    path = shutil.which("node")
    if not path:
        return None
    return world.run([path, "-p", "process.execPath"]).strip()


def missing(program):
    """Why nothing can be made of this program here, or None."""
    if program.key == "node" and not node():
        return "node is not installed"
    if program.key == "go" and not shutil.which("go"):
        return "go is not installed"
    return None


def libraries(path):
    """What the loader will ask for, and the loader, as ldd says."""
    said = world.run(["ldd", path])
    return re.findall(r"(/\S+) \(0x", said)


# As in builders/node/package.js.
BUILTINS = r"""((process.config.target_defaults || {}).defines || [])
    .map(d => (/^NODE_SHARED_BUILTIN_.*_PATH=(\/.*)$/.exec(d) || [])[1])
    .filter(Boolean).join("\n")"""


def builtins(binary):
    """Debian's node reads modules of its own from files as it starts."""
    said = world.run([binary, "-p", BUILTINS])
    return [p for p in said.split() if os.path.exists(p)]


def copy_in(tree, source, target=None):
    target = tree + (target or source)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)


@functools.lru_cache(maxsize=None)
def rootfs(program):
    """The program and what it needs, nothing else."""
    tree = place("rootfs", program.key)
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    source = places.example(program.example)
    if program.key == "node":
        binary = node()
        copy_in(tree, binary, "/usr/bin/node")
        for path in (*libraries(binary), *builtins(binary)):
            copy_in(tree, path)
        # As Mayfly's builder does.
        world.run(["strip", "--strip-all", tree + "/usr/bin/node"])
        copy_in(tree, os.path.join(source, "server.js"), "/app/server.js")
    else:
        # As the Makefile there does, which cannot have spaces in paths.
        world.run(["go", "build", "-trimpath", "-buildvcs=false",
                   "-ldflags=-s -w -buildid=", "-o", tree + "/hello-go",
                   "."], cwd=source,
                  env={**os.environ, "CGO_ENABLED": "0"})
    for directory in ("proc", "dev", "sys", "tmp"):
        os.makedirs(os.path.join(tree, directory), exist_ok=True)
    return tree


def command(program):
    """What is executed inside the root file system."""
    return ["/usr/bin/node", "/app/server.js"] if program.key == "node" \
        else ["/hello-go"]


def bare(program):
    """The same command outside it."""
    return [rootfs(program) + word if word.startswith("/") else word
            for word in command(program)]


def fetch_debian():
    """Debian's smallest system; a reason why there is none, or None."""
    tree = fetched("debian")
    if os.path.isdir(tree):
        return None
    if not world.is_root() or not shutil.which("debootstrap"):
        return "making one needs root and debootstrap"
    new = tree + ".new"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(os.path.dirname(tree), exist_ok=True)
    world.say(f"making a root file system of Debian {DEBIAN}")
    try:
        world.run(["debootstrap", "--variant=minbase", DEBIAN, new],
                  timeout=1200)
    except world.Failed as e:
        return str(e)
    os.rename(new, tree)
    return None


@functools.lru_cache(maxsize=None)
def debian(program):
    """The same program on top of Debian's smallest system."""
    tree = place("debian", program.key)
    os.makedirs(os.path.dirname(tree), exist_ok=True)
    shutil.rmtree(tree, ignore_errors=True)
    world.run(["cp", "-a", fetched("debian"), tree])
    with subprocess.Popen(["tar", "-C", rootfs(program), "-c", "."],
                          stdout=subprocess.PIPE) as tar:
        world.run(["tar", "-C", tree, "-x", "--keep-directory-symlink"],
                  stdin=tar.stdout)
    shutil.rmtree(os.path.join(tree, "var", "cache", "apt", "archives"),
                  ignore_errors=True)
    return tree


def trees(program):
    """Root file systems by name."""
    yield "root file system", rootfs(program)
    if os.path.isdir(fetched("debian")):
        yield WITH_DEBIAN, debian(program)


def files_below(directory):
    found = []
    for base, _, names in os.walk(directory):
        for n in names:
            path = os.path.join(base, n)
            if os.path.isfile(path) and not os.path.islink(path):
                found.append(path)
    return found


# ---- the OCI archive --------------------------------------------------------

def add_bytes(archive, path, data):
    info = tarfile.TarInfo(path)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def add_blob(archive, data):
    digest = hashlib.sha256(data).hexdigest()
    add_bytes(archive, f"blobs/sha256/{digest}", data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def own_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    return info


def layer(tree):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(tree, arcname=".", filter=own_root)
    return buffer.getvalue()


@functools.lru_cache(maxsize=None)
def archive(program):
    """An OCI image of one layer, as an archive that podman and containerd
    import. Format: the OCI image specification, image-layout.md."""
    path = place(f"{program.key}.oci.tar")
    data = layer(rootfs(program))
    kind = "application/vnd.oci.image."
    with tarfile.open(path, "w") as tar:
        add_bytes(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        blob = add_blob(tar, data)
        config = add_blob(tar, json.dumps({
            "architecture": "amd64", "os": "linux",
            "config": {"Cmd": command(program)},
            "rootfs": {"type": "layers", "diff_ids": [blob["digest"]]},
        }).encode())
        manifest = add_blob(tar, json.dumps({
            "schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
            "config": {"mediaType": kind + "config.v1+json", **config},
            "layers": [{"mediaType": kind + "layer.v1.tar", **blob}],
        }).encode())
        add_bytes(tar, "index.json", json.dumps({
            "schemaVersion": 2, "manifests": [{
                "mediaType": kind + "manifest.v1+json", **manifest,
                "annotations": {
                    "org.opencontainers.image.ref.name": name(program),
                    "io.containerd.image.name": name(program)},
            }]}).encode())
    return path


# ---- Mayfly's ---------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def image(program):
    """Of the same Go binary; of Node's example as it stands, for which
    mayfly takes the node that the other images have, too."""
    source = os.path.join(rootfs(program), "hello-go") \
        if program.key == "go" else places.example(program.example)
    path = place(f"{program.key}.img")
    world.run([places.mayfly(), "build", source, "-o", path],
              env=dict(os.environ))
    return path


@functools.lru_cache(maxsize=None)
def snapshot(program, substrate):
    """Taken after the program has answered some requests, as a deploy to
    the platform with --warm-up does."""
    path = place(f"{program.key}-{substrate}.snap")
    world.run([places.mayfly(), "snapshot", "--substrate", substrate,
               "--warm-up", str(program.warm_up), image(program),
               "-o", path])
    return path


# ---- sizes ------------------------------------------------------------------

def compressed(feed):
    """Bytes that zstd at its default level makes of what feed(pipe)
    writes."""
    with subprocess.Popen(["zstd", "-q", "-3", "-c"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as zstd:
        counter = subprocess.Popen(["wc", "-c"], stdin=zstd.stdout,
                                   stdout=subprocess.PIPE, text=True)
        feed(zstd.stdin)
        zstd.stdin.close()
        zstd.stdout.close()
        return int(counter.communicate()[0])


def tree_sizes(tree):
    """Bytes of its files, and of a tar of it compressed."""
    files = files_below(tree)

    def feed(pipe):
        with tarfile.open(fileobj=pipe, mode="w|") as tar:
            tar.add(tree, arcname=".", filter=own_root)
    return sum(os.path.getsize(f) for f in files), compressed(feed), len(files)


def file_sizes(path):
    """Bytes on disk: a snapshot has holes."""
    def feed(pipe):
        with open(path, "rb") as f:
            shutil.copyfileobj(f, pipe)
    stat = os.stat(path)
    return min(stat.st_size, stat.st_blocks * 512), compressed(feed), 1


def measure(store, pairs):
    """size.csv, of all images that somebody runs."""
    for program in dict.fromkeys(p for p, _ in pairs):
        own = [c for p, c in pairs if p is program]

        def names(true):
            return " ".join(c.key for c in own if true(c))
        for title, tree in trees(program):
            users = names(lambda c: c.kind in ("process", "container")) \
                if tree == rootfs(program) else ""
            add(store, program, title, users, tree_sizes(tree))
        users = names(lambda c: c.kind == "mayfly")
        if users:
            add(store, program, "Mayfly image", users,
                file_sizes(image(program)))
        for substrate in SUBSTRATES:
            users = names(lambda c: c.key in (f"mayfly-clone-{substrate}",
                                              f"platform-{substrate}"))
            if users:
                add(store, program, f"Mayfly snapshot ({substrate})", users,
                    file_sizes(snapshot(program, substrate)))
        measure_isolates(store, program, own)


def measure_isolates(store, program, own):
    for c in own:
        if c.kind == "isolate":
            files = c.files(program)
            add(store, program, f"{c.label} and the worker", c.key, (
                sum(os.path.getsize(f) for f in files),
                sum(file_sizes(f)[1] for f in files), len(files)))


def add(store, program, title, contenders, sizes):
    raw, small, files = sizes
    store.add("size", program=program.key, image=title,
              contenders=contenders, raw_bytes=raw, compressed_bytes=small,
              files=files)


# ---- the page cache ---------------------------------------------------------

def drop(files):
    """Takes the files out of the page cache; kilobytes that stayed, because
    something has them mapped."""
    there = []
    for path in files:
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:  # the last instance's, going
            continue
        there.append(path)
        try:
            os.fdatasync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
    return resident_kib(there)


def resident_kib(files):
    """As fincore (util-linux) counts."""
    total = 0
    for at in range(0, len(files), 500):
        said = world.run(["fincore", "-n", "-b", "-o", "RES",
                          *files[at:at + 500]])
        total += sum(int(x) for x in said.split())
    return total // 1024
