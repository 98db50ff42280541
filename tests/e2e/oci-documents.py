# SPDX-License-Identifier: Apache-2.0
"""The cases of oci-documents.sh: the documents of an image."""
import json
import os
import shutil

from oci_check import UNPACK, check_refused, fail, finish, fresh, run
from oci_make import OCI, Image, blob_path, file, put

DOCKER = "application/vnd.docker."
AMD64 = {"os": "linux", "architecture": "amd64"}


def simple(**config):
    return Image(**(config or {"Cmd": ["/x"]})).layer(file("x", b"x"))


def config_of(image, index=None):
    status, _, err = run(image, index)
    if status:
        return err
    with open("t/out/config.json", encoding="utf-8") as f:
        return json.load(f)


def check_config(name, image, **want):
    got = config_of(image)
    for key, value in want.items():
        if not isinstance(got, dict) or got.get(key) != value:
            fail(name, f"{key} is {got.get(key)}" if isinstance(got, dict)
                 else got)


def bad(name, image, *words, index=None):
    status, _, err = run(image, index)
    check_refused(name, status, err, *words)


def damaged(name, change, *words):
    """A layout that was right, changed by `change`."""
    image = simple()
    run(image)
    fresh("t/out")
    change(image, "t/layout")
    import subprocess
    done = subprocess.run([UNPACK, "t/layout", "t/out"], check=False,
                          capture_output=True)
    check_refused(name, done.returncode, done.stderr.decode(), *words)


PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_config():
    check_config("all", simple(
        Entrypoint=["/bin/e", "-a"], Cmd=["b c", ""],
        Env=["A=1", "PATH=/p", "B=", "none", "=x", "HOME=/h"],
        WorkingDir="/app", ExposedPorts={
            "80/tcp": {}, "9000": {}, "53/udp": {}, "70000/tcp": {},
            "8000-8002/tcp": {}, "x": {}, "80": {}}, User="1000:33"),
        args=["/bin/e", "-a", "b c", ""], args_default=2,
        env=["A=1", "PATH=/p", "B=", "HOME=/h"], cwd="/app",
        ports=[80, 8000, 8001, 8002, 9000], user={"uid": 1000, "gid": 33},
        libraries=False)
    if not os.path.isdir("t/out/rootfs/app"):
        fail("all", "the working directory was not made")
    check_config("little", simple(Cmd=["x"]), args=["x"], args_default=1,
                 env=[PATH, "HOME=/"], cwd="/", ports=[])
    check_config("null", simple(Entrypoint=None, Cmd=None, Env=None,
                                ExposedPorts=None, WorkingDir="", User=""),
                 args=[], args_default=0, cwd="/")
    image = simple()
    image.config["config"] = None
    check_config("no config", image, args=[])
    for key in ("Entrypoint", "Cmd", "Env"):
        for value in ("text", [1], {"a": 1}):
            bad(f"{key} {value}", simple(**{key: value}),
                f"{key} of the image is no array of strings")
    bad("working directory", simple(WorkingDir="/x/y"),
        "the working directory", "x, which is no directory")
    bad("working directory up", simple(WorkingDir="/../y"),
        "the working directory", "..")


def test_users():
    files = [file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n#\nbad:x\n"
                  b"big:x:99999999999:1::/:\n"
                  b"app:x:101:102:the app:/srv/app:/bin/sh\nend:x:7:8"),
             file("etc/group", b"root:x:0:\nweb:x:103:app\n")]
    for user, uid, gid, home in (
            ("", 0, 0, "/root"), ("root", 0, 0, "/root"),
            ("app", 101, 102, "/srv/app"), ("101", 101, 102, "/srv/app"),
            ("app:web", 101, 103, "/srv/app"), ("end", 7, 8, "/"),
            ("55", 55, 0, "/"), ("55:66", 55, 66, "/"), (":web", 0, 103,
                                                        "/root")):
        image = Image(Cmd=["x"], User=user).layer(*files)
        check_config(f"user {user}", image, user={"uid": uid, "gid": gid},
                     env=[PATH, f"HOME={home}"])
    for user, words in (("none", "user none, who is not in"),
                        ("bad", "user bad"), ("big", "user big"),
                        ("app:none", "group none, which is not in"),
                        ("x" * 300, "more than 255 bytes")):
        bad(f"user {user:.9}", Image(User=user).layer(*files), words)
    bad("no passwd", simple(User="app"), "user app")


def test_stop_signal():
    for text, number in (("SIGQUIT", 3), ("int", 2), ("9", 9), ("64", 64),
                         ("SIGWINCH", 28), ("SIGRTMIN+3", 37),
                         ("RTMAX-1", 63), ("SIGRTMIN", 34), ("", None)):
        check_config(f"signal {text}", simple(Cmd=["x"], StopSignal=text),
                     stop_signal=number)
    for text in ("SIGFOO", "0", "65", "9x", "SIG", "SIGRTMIN+31", "RTMIN-1",
                 "-1", "RTMAX+1", "RTMIN+", "RTMAX-99999999999999999999"):
        bad(f"signal {text}", simple(Cmd=["x"], StopSignal=text),
            f"StopSignal of the image is {text}, which is no signal")


def test_placeholders():
    image = Image(Cmd=["x"]).layer(
        file("etc/hosts"), file("etc/hostname"), file("etc/resolv.conf"),
        file("etc/empty"))
    config_of(image)
    if os.listdir("t/out/rootfs/etc") != ["empty"]:
        fail("placeholders", str(os.listdir("t/out/rootfs/etc")))
    image = Image(Cmd=["x"]).layer(file("etc/hosts", b"::1 localhost\n"))
    config_of(image)
    if os.listdir("t/out/rootfs/etc") != ["hosts"]:
        fail("hosts", str(os.listdir("t/out/rootfs/etc")))


def test_index():
    for arch in ("arm64", "s390x"):
        image = Image(arch=arch).layer(file("x"))
        bad(f"config for {arch}", image,
            f"the image is for linux/{arch}; mayfly runs linux/amd64")
    image = simple(Cmd=["right"])
    arm = Image(arch="arm64").layer(file("y"))
    other = simple(Cmd=["second"])
    arm_entry = arm.entry(platform={
        "os": "linux", "architecture": "arm64", "variant": "v8"})
    win_entry = {**arm_entry, "platform": {"os": "windows",
                                           "architecture": "amd64"}}
    unknown = {**arm_entry, "platform": {"os": "unknown",
                                         "architecture": "unknown"}}
    strange = {**arm_entry, "mediaType": "application/x", "platform": AMD64}
    second = other.entry(platform={**AMD64, "variant": "v3"})
    image.blobs.update(arm.blobs)
    image.blobs.update(other.blobs)
    right = image.entry(platform=AMD64)
    for name, index, want in (
            ("two", [arm_entry, right], "right"),
            ("variant", [second, right], "right"),
            ("only a variant", [arm_entry, second], "second"),
            ("first", [right, {**second, "platform": AMD64}], "right"),
            ("strange", [strange, unknown, right], "right")):
        got = config_of(image, index)
        if not isinstance(got, dict) or got["args"] != [want]:
            fail(name, str(got))
    bad("none for us", image, "for linux/arm64/v8, windows/amd64; mayfly",
        index=[arm_entry, win_entry, unknown, arm_entry])
    bad("empty", image, "the index names no image", index=[])
    bad("only unknown", image, "the index names no image",
        index=[unknown, strange])
    plain = {k: v for k, v in right.items() if k != "platform"}
    bad("two names", image, "holds 2 images; name one", index=[plain, plain])
    many = [{**arm_entry, "platform": {"os": "os" + str(i),
                                       "architecture": "a" * 30}}
            for i in range(50)]
    bad("many", image, "os0/aaaa", ", ...; mayfly runs linux/amd64",
        index=many)


def test_nested_index():
    image = simple(Cmd=["nested"])
    inner = image.entry(platform=AMD64)
    for depth in range(1, 6):
        inner = image.document(OCI + "index.v1+json",
                               {"schemaVersion": 2, "manifests": [inner]})
        got = config_of(image, [inner])
        if depth <= 3 and (not isinstance(got, dict) or
                           got["args"] != ["nested"]):
            fail(f"depth {depth}", str(got))
        if depth > 3 and "indexes more than 4 deep" not in str(got):
            fail(f"depth {depth}", str(got))


def test_docker_types():
    image = simple()
    image.layers[0]["mediaType"] = DOCKER + "image.rootfs.diff.tar.gzip"
    manifest = image.manifest()
    manifest["config"]["mediaType"] = DOCKER + "container.image.v1+json"
    entry = image.document(DOCKER + "distribution.manifest.v2+json", manifest)
    got = config_of(image, [entry])
    if not isinstance(got, dict):
        fail("docker", got)


def change_manifest(name, change, *words):
    image = simple()
    manifest = image.manifest()
    change(manifest)
    bad(name, image, *words,
        index=[image.document(OCI + "manifest.v1+json", manifest)])


def test_manifest():
    def set_type(m):
        m["layers"][0]["mediaType"] = OCI + "layer.v1.tar+encrypted"
    change_manifest("type", set_type, "layer 1 is of the type", "encrypted")

    def set_config(m):
        m["config"]["mediaType"] = "application/vnd.cncf.helm"
    change_manifest("artifact", set_config, "no image to run", "helm")
    for key in ("layers", "config"):
        change_manifest(f"no {key}", lambda m: m.pop(key), "the manifest has")
    change_manifest("layers", lambda m: m.update(layers={}), "list of layers")
    change_manifest("many", lambda m: m.update(layers=m["layers"] * 513),
                    "more than 512")
    change_manifest("count", lambda m: m.update(layers=m["layers"] * 2),
                    "the manifest has 2 layers, the configuration 1")
    change_manifest("size", lambda m: m["layers"][0].update(size=7),
                    "layer 1 of 1", "but its descriptor says 7")
    change_manifest("no size", lambda m: m["layers"][0].pop("size"),
                    "has no size")
    for digest in ("md5:aa", "sha256:12", "sha256:" + "X" * 64,
                   "sha256:../../../../etc/passwd", ""):
        change_manifest(f"digest {digest:.9}", lambda m: m["layers"][0].update(
            digest=digest), "the digest")
    image = simple()
    image.config["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    bad("diff_id", image, "layer 1 of 1", "configuration says sha256:000000")
    image.config["rootfs"] = {}
    bad("no diff_ids", image, "no list of diff_ids")


def layer_path(image, layout):
    return blob_path(layout, image.layers[0]["digest"])


def flip(image, layout):
    path = layer_path(image, layout)
    with open(path, "r+b") as f:
        f.seek(40)
        byte = f.read(1)[0]
        f.seek(40)
        f.write(bytes([byte ^ 1]))


def test_damage():
    damaged("flipped", flip, "layer 1 of 1: blob sha256:",
            "is damaged: its content has the digest", "fetch the image again")
    damaged("cut", lambda i, d: os.truncate(layer_path(i, d), 60),
            "is damaged")
    damaged("missing", lambda i, d: os.unlink(layer_path(i, d)),
            "layer 1 of 1: blob sha256:", "is missing")

    def to_link(image, layout):
        shutil.copy(layer_path(image, layout), "copy")
        os.unlink(layer_path(image, layout))
        os.symlink(os.path.abspath("copy"), layer_path(image, layout))
    damaged("link", to_link, "cannot open blobs/sha256/")
    os.unlink("copy")

    def to_fifo(image, layout):
        os.unlink(layer_path(image, layout))
        os.mkfifo(layer_path(image, layout))
    damaged("fifo", to_fifo, "cannot open blobs/sha256/")
    for name in ("index.json", "oci-layout"):
        damaged(f"no {name}", lambda i, d: os.unlink(f"{d}/{name}"),
                f"no OCI image layout: it has no {name}")
    for text, words in ((b"{", "the index is no JSON: line 1"),
                        (b"[]", "no JSON object"), (b"{}", "list of manif"),
                        (b'{"manifests": 1}', "list of manifests"),
                        (b'{"a": 1, "a": 2}', "no JSON"),
                        (b"[" * 100000, "no JSON"),
                        (b" " * (5 << 20), "more than 4 MiB")):
        damaged(f"index {text[:9]}",
                lambda i, d: put(f"{d}/index.json", text), words)

    def short_config(image, layout):
        digest = image.manifest()["config"]["digest"]
        os.truncate(blob_path(layout, digest), 10)
    damaged("short configuration", short_config, "is truncated; fetch")

    def bad_config(image, layout):
        path = blob_path(layout, image.manifest()["config"]["digest"])
        put(path, b" " * os.path.getsize(path))
    damaged("wrong configuration", bad_config, "is damaged")


finish(globals())
