# SPDX-License-Identifier: Apache-2.0
"""The cases of oci-layers.sh: layers in, a listing of the tree out."""
import os
import subprocess
import tarfile

from oci_check import check_refused, fail, finish, listing, run
from oci_make import (Image, compressed, device, directory, entry, file,
                      link, symlink, tar)

def image_of(layers):
    image = Image(Cmd=["/x"])
    for layer in layers:
        if isinstance(layer, bytes):
            image.raw_layer(layer)
        else:
            image.layer(*layer)
    return image


def good(name, layers, want, said=()):
    """The layers make the tree `want`; `said` is in the output."""
    status, out, err = run(image_of(layers))
    if status:
        fail(name, f"status {status}: {err}")
        return
    got = listing("t/out/rootfs")
    if got != want:
        fail(name, "got\n  " + "\n  ".join(got))
    for text in said:
        if text not in out:
            fail(name, f"does not say {text!r}: {out}")
    if not said and "warning" in out:
        fail(name, f"says {out}")


def bad(name, layers, *words):
    """The layers are refused; the sentence has the words."""
    status, _, err = run(image_of(layers))
    check_refused(name, status, err, *words)


def test_files():
    good("plain", [[file("a", b"1"), directory("./d/"), file("./d/b", b"2"),
                    file("c/d/e", b"3"), symlink("l", "a"),
                    symlink("abs", "/etc/passwd"), symlink("up", "../../x")]],
         ["644 a 1 b'1'", "644 c/d/e 1 b'3'", "644 d/b 1 b'2'",
          "755 c/", "755 c/d/", "755 d/",
          "abs -> /etc/passwd", "l -> a", "up -> ../../x"])
    good("modes", [[directory("./", 0o500), file("a", mode=0o0),
                    file("x", mode=0o555), directory("d", 0o0),
                    file("d/f"), directory("t", 0o1777)]],
         ["1777 t/", "600 a 1 b''", "644 d/f 1 b''", "700 d/",
          "755 x 1 b''"])
    good("replaced", [[file("a", b"1"), directory("d"), file("d/x"),
                       symlink("l", "d"), file("f")],
                      [file("a", b"2"), file("d", b"3"), directory("l"),
                       symlink("f", "a")]],
         ["644 a 1 b'2'", "644 d 1 b'3'", "755 l/", "f -> a"])
    good("merged", [[directory("d", 0o700), file("d/x")],
                    [directory("d", 0o755), file("d/y")]],
         ["644 d/x 1 b''", "644 d/y 1 b''", "755 d/"])
    good("hard links", [[file("a", b"1"), link("b", "a"),
                         link("d/c", "/a")],
                        [link("e", "./b"), file("a", b"2")]],
         ["644 a 1 b'2'", "644 b 3 b'1'", "644 d/c 3 b'1'", "644 e 3 b'1'",
          "755 d/"])
    good("names", [[file("sp ace\n", b""), file("\udcff\udcfe"),
                    file("ü/" + "n" * 250, b"")]],
         ["644 sp ace\n 1 b''", "644 ü/" + "n" * 250 + " 1 b''",
          "644 \udcff\udcfe 1 b''", "755 ü/"])
    good("nothing", [[], b""], [])
    good("no layers", [], [])


def test_formats():
    for fmt in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        for how in ("", "gzip", "zstd"):
            name = "ü" * 80 if fmt != tarfile.USTAR_FORMAT else "short"
            image = Image(Cmd=["/x"])
            image.layer(file(name, b"x" * 200000), compress=how, fmt=fmt)
            status, _, err = run(image)
            path = f"t/out/rootfs/{name}"
            if status or os.path.getsize(path) != 200000:
                fail(f"format {fmt} {how}", err)
    image = Image(Cmd=["/x"])
    data = tar(file("a", b"1"))
    image.raw_layer(data, "gzip")
    # Two gzip members, as stargz has them.
    image.layers[0] = image.descriptor(
        image.layers[0]["mediaType"], gzip_twice(data))
    status, _, err = run(image)
    if status or listing("t/out/rootfs") != ["644 a 1 b'1'"]:
        fail("gzip members", err)


def gzip_twice(data):
    return compressed(data[:700], "gzip") + compressed(data[700:], "gzip")


def test_whiteouts():
    lower = [directory("d"), file("d/a"), file("d/b"), directory("d/s"),
             file("d/s/c"), file("e")]
    good("whiteout", [lower, [file("d/.wh.a"), file(".wh.e"),
                              file(".wh.none"), file("none/.wh.x")]],
         ["644 d/b 1 b''", "644 d/s/c 1 b''", "755 d/", "755 d/s/"])
    good("whiteout of a directory", [lower, [file(".wh.d")]], ["644 e 1 b''"])
    new = [directory("d"), file("d/new")]
    opaque = file("d/.wh..wh..opq")
    want = ["644 d/new 1 b''", "644 e 1 b''", "755 d/"]
    good("opaque first", [lower, [opaque] + new], want)
    good("opaque last", [lower, new + [opaque]], want)
    good("opaque keeps what is below",
         [lower, [file("d/s/n"), opaque]],
         ["644 d/s/n 1 b''", "644 e 1 b''", "755 d/", "755 d/s/"])
    good("opaque root", [lower, [file(".wh..wh..opq"), file("r")]],
         ["644 r 1 b''"])
    good("whiteouts hide earlier layers only",
         [lower, [file("d/a", b"2"), file("d/.wh.a"), file("d/s/n"),
                  file("d/.wh.s"), file("f"), file(".wh.f")]],
         ["644 d/a 1 b'2'", "644 d/b 1 b''", "644 d/s/n 1 b''",
          "644 e 1 b''", "644 f 1 b''", "755 d/", "755 d/s/"])
    good("whiteout of a link", [lower + [symlink("l", "d")],
                                [file(".wh.l")], [file("l/x")]],
         ["644 d/a 1 b''", "644 d/b 1 b''", "644 d/s/c 1 b''", "644 e 1 b''",
          "644 l/x 1 b''", "755 d/", "755 d/s/", "755 l/"])
    good("aufs", [[directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.2"),
                   file(".wh..wh.aufs"), file("a")]], ["644 a 1 b''"])
    for name in (".wh.", ".wh..", ".wh...", "d/.wh...", "d/.wh."):
        bad(f"whiteout {name}", [lower, [file(name)]], "layer 2 of 2",
            "names no file")


def test_links_on_the_way():
    good("through links", [[directory("usr/lib"), symlink("lib", "usr/lib"),
                            symlink("abs", "/usr/lib"),
                            symlink("a/b", "../usr")],
                           [file("lib/1"), file("abs/2"),
                            file("a/b/lib/3"), file("lib/.wh.x")],
                           [file("lib/.wh.2")]],
         ["644 usr/lib/1 1 b''", "644 usr/lib/3 1 b''", "755 a/",
          "755 usr/", "755 usr/lib/", "a/b -> ../usr", "abs -> /usr/lib",
          "lib -> usr/lib"])
    good("to nothing yet", [[symlink("run", "/var/run"), file("run/x")]],
         ["644 var/run/x 1 b''", "755 var/", "755 var/run/",
          "run -> /var/run"])
    good("the last name is not followed",
         [[symlink("l", "/etc"), directory("l")],
          [symlink("m", "t")], [file("m", b"1")]],
         ["644 m 1 b'1'", "755 l/"])
    bad("loop", [[symlink("a", "b"), symlink("b", "a"), file("a/x")]],
        "a/x", "loop of symbolic links")
    bad("loop with itself", [[symlink("a", "a"), file("a/x")]], "loop")
    bad("growing loop", [[symlink("a", "a/" + "x/" * 50), file("a/x")]],
        "loop")
    bad("climbing", [[symlink("a", "../.."), file("a/x")]],
        "a/x", "would leave the image through a symbolic link")
    bad("climbing later", [[symlink("d/a", "../../etc")], [file("d/a/x")]],
        "layer 2 of 2", "would leave the image")
    bad("climbing from /", [[symlink("a", "/.."), file("a/x")]],
        "would leave the image")
    bad("climbing to the side",
        [[symlink("a", "/../" + os.path.basename(os.getcwd())),
          file("a/x")]], "would leave the image")
    bad("hard link through one", [[symlink("a", ".."),
                                   link("b", "a/layout/index.json")]],
        "hard link b", "would leave the image")
    bad("in a file", [[file("a"), file("a/b")]], "a/b cannot be in a")


def test_escapes():
    for name in ("../x", "a/../../x", "a/..", "..", "./../x"):
        bad(name, [[file(name)]], name, "has .. in its name")
        bad(name + " link", [[symlink(name, "x")]], "has .. in its name")
        bad(name + " dir", [[directory(name)]], "has .. in its name")
    for name in ("/etc/x", "//x"):
        bad(name, [[file(name)]], name, "absolute name")
    bad("hard link up", [[link("a", "../../../etc/passwd")]],
        "hard link a", "has .. in its name")
    bad("hard link to the host", [[link("a", "/etc/passwd")]],
        "hard link a", "etc")
    bad("hard link to nothing", [[link("a", "b")]],
        "hard link a: its target b is no file")
    bad("hard link to itself", [[file("a"), link("a", "a")]],
        "hard link a")
    bad("hard link to a directory", [[directory("d"), link("a", "d")]],
        "its target d is no file")
    bad("hard link to a later layer", [[link("a", "b")], [file("b")]],
        "layer 1 of 2")
    bad("root as a file", [[file(".")]], "root, which must be a directory")
    bad("long name", [[file("x" * 256)]], "more than 255 bytes")
    bad("long path", [[file("x" * 100 + ("/" + "x" * 100) * 41)]],
        "more than 4095 bytes")
    bad("deep", [[file("x/" * 100 + "x")]], "more than 100 directories deep")
    bad("deep through links", [[symlink("a", "x/" * 60),
                                file("a/" + "y/" * 60 + "z")]], "too long")


def test_dropped():
    good("devices", [[file("null", b"1")],
                     [device("null"), device("sda", tarfile.BLKTYPE),
                      device("fifo", tarfile.FIFOTYPE), file("a")]],
         ["644 a 1 b''"],
         ["holds no devices, sockets or pipes: /null and 2 more\n"])
    good("set-user-ID", [[file("su", mode=0o4755), file("x", mode=0o755)],
                         [file("wall", mode=0o2755),
                          directory("mail", 0o2775)]],
         ["755 su 1 b''", "755 wall 1 b''", "755 x 1 b''", "775 mail/"],
         ["warning: setuid and setgid bits are dropped: /su and 1 more\n"])
    info, data = file("a")
    info.pax_headers = {"SCHILY.xattr.security.capability": "x"}
    image = Image(Cmd=["/x"])
    image.layer((info, data), fmt=tarfile.PAX_FORMAT)
    _, out, err = run(image)
    if "warning: extended attributes are dropped: /a\n" not in out:
        fail("xattrs", out + err)


def test_sparse():
    with open("sparse", "wb") as f:
        f.truncate(3 << 20)
        f.seek(1 << 20)
        f.write(b"data")
    data = subprocess.run(["tar", "-S", "-cf", "-", "sparse"], check=True,
                          stdout=subprocess.PIPE).stdout
    status, _, err = run(image_of([data]))
    path = "t/out/rootfs/sparse"
    with open(path, "rb") as got, open("sparse", "rb") as want:
        same = not status and got.read() == want.read()
    if not same or os.stat(path).st_blocks * 512 > 1 << 20:
        fail("sparse", err)
    # A hole of 64 GiB in 10 KiB of archive.
    with open("sparse", "wb") as f:
        f.truncate(64 << 30)
    data = subprocess.run(["tar", "-S", "-cf", "-", "sparse"], check=True,
                          stdout=subprocess.PIPE).stdout
    bad("a large hole", [data], "unpacks to more than 32 GiB")
    os.unlink("sparse")


def test_damage():
    whole = tar(file("a", b"x" * 5000), file("b", b"y"))
    bad("cut in a file", [whole[:3000]], "layer 1 of 1", "damaged",
        "Truncated")
    bad("cut in a header", [whole[:700]], "layer 1 of 1", "damaged")
    bad("no archive", [b"x" * 2000], "damaged")
    changed = bytearray(whole)
    changed[5632 + 5] ^= 1
    bad("header changed", [bytes(changed)], "damaged")
    # Digests fit, the compression does not.
    for how in ("gzip", "zstd"):
        image = image_of([whole])
        kind = image.layers[0]["mediaType"]
        image.layers[0] = image.descriptor(
            kind, compressed(whole, how)[:-6])
        status, _, err = run(image)
        check_refused(f"cut {how}", status, err, "layer 1 of 1")
    bad("unknown entry", [[entry("a", b"Z", size=0), file("../b")]], "..")


finish(globals())
