# SPDX-License-Identifier: Apache-2.0
"""Makes OCI image layouts, right and wrong ones, for the tests.

    i = Image()
    i.layer(file("a", b"text"), directory("d"), compress="zstd")
    i.write("layout")
"""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

OCI = "application/vnd.oci.image."


def entry(name, kind, **fields):
    t = tarfile.TarInfo(name)
    t.type = kind
    t.mode = 0o644
    for key, value in fields.items():
        setattr(t, key, value)
    return t, b""


def file(name, data=b"", **fields):
    t, _ = entry(name, tarfile.REGTYPE, size=len(data), **fields)
    return t, data


def directory(name, mode=0o755, **fields):
    return entry(name, tarfile.DIRTYPE, mode=mode, **fields)


def symlink(name, target):
    return entry(name, tarfile.SYMTYPE, linkname=target)


def link(name, target):
    return entry(name, tarfile.LNKTYPE, linkname=target)


def device(name, kind=tarfile.CHRTYPE):
    return entry(name, kind, devmajor=1, devminor=3)


def tar(*entries, fmt=tarfile.GNU_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=fmt,
                      encoding="utf-8", errors="surrogateescape") as t:
        for info, data in entries:
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def compressed(data, how):
    if how == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-1"], input=data, check=True,
                              stdout=subprocess.PIPE).stdout
    return data


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """The documents are dictionaries, to be changed before write()."""

    def __init__(self, arch="amd64", **config):
        self.blobs = {}
        self.config = {"architecture": arch, "os": "linux", "config": config,
                       "rootfs": {"type": "layers", "diff_ids": []}}
        self.layers = []

    def blob(self, data):
        digest = sha256(data)
        self.blobs[digest] = data
        return digest

    def descriptor(self, kind, data, **more):
        return {"mediaType": kind, "digest": self.blob(data),
                "size": len(data), **more}

    def document(self, kind, value, **more):
        return self.descriptor(kind, json.dumps(value).encode(), **more)

    def layer(self, *entries, compress="gzip", fmt=tarfile.GNU_FORMAT):
        self.raw_layer(tar(*entries, fmt=fmt), compress)
        return self

    def raw_layer(self, data, compress="gzip"):
        kind = OCI + "layer.v1.tar" + ("+" + compress if compress else "")
        self.config["rootfs"]["diff_ids"].append(sha256(data))
        self.layers.append(self.descriptor(kind, compressed(data, compress)))

    def manifest(self):
        config = self.document(OCI + "config.v1+json", self.config)
        return {"schemaVersion": 2,
                "mediaType": OCI + "manifest.v1+json",
                "config": config, "layers": self.layers}

    def entry(self, **more):
        """The descriptor of this image in an index."""
        return self.document(OCI + "manifest.v1+json", self.manifest(),
                             **more)

    def write(self, path, index=None):
        if index is None:
            index = [self.entry(annotations={
                "org.opencontainers.image.ref.name": "latest"})]
        os.makedirs(f"{path}/blobs/sha256", exist_ok=True)
        for digest, data in self.blobs.items():
            put(blob_path(path, digest), data)
        put(f"{path}/oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        put(f"{path}/index.json", json.dumps(
            {"schemaVersion": 2, "manifests": index}).encode())
        return self


def blob_path(layout, digest):
    return f"{layout}/blobs/sha256/{digest.split(':')[1]}"


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)
