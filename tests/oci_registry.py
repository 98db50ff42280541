#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""oci_registry.py PORT LAYOUT NAME: a registry on 127.0.0.1 that serves the
image of one OCI layout, as NAME:latest and by digest, over HTTP."""
import hashlib
import http.server
import json
import os
import sys

PORT, LAYOUT, NAME = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def load(path):
    with open(f"{LAYOUT}/{path}", "rb") as f:
        return f.read()


def find(path):
    """Content and media type of what the path names, or None."""
    words = path.split("/")
    if path == "/v2/":
        return b"{}", "application/json"
    if words[:3] != ["", "v2", NAME] or len(words) != 5:
        return None
    digest = words[4]
    if digest == "latest":
        index = json.loads(load("index.json"))
        digest = index["manifests"][0]["digest"]
    blob = f"blobs/sha256/{digest.partition(':')[2]}"
    if not os.path.isfile(f"{LAYOUT}/{blob}"):
        return None
    if words[3] == "manifests":
        return load(blob), json.loads(load(blob))["mediaType"]
    return load(blob), "application/octet-stream"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = find(self.path)
        content, kind = found or (b"{}", "application/json")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Docker-Content-Digest", "sha256:" +
                         hashlib.sha256(content).hexdigest())
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
