#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""instance_client.py NAME WHAT...: talks to a running instance as a client of
docs/formats/instance-socket.md, well-behaved or not.

  trace FILE SECONDS   traces into FILE for a while, prints the answer
  hold SECONDS         traces into a pipe that nobody reads, then goes
  vanish               asks for a trace and goes at once
  version              asks in another version, prints the answer
  short                sends three bytes, prints the answer
  nothing              asks for a trace without a descriptor
  blocked              opens connections until one is refused, prints how many
"""
import array
import os
import select
import socket
import struct
import sys
import time

VERSION = 1
TRACE = 1
ON = 1


def directory():
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base.startswith("/") and os.stat(base).st_uid == os.geteuid():
        return os.path.join(base, "mayfly")
    return f"/tmp/mayfly-{os.geteuid()}"


def connect(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(os.path.join(directory(), name))
    return s


def request(version=VERSION, kind=TRACE):
    return struct.pack("<IIII8Q", version, kind, ON, 32, *[2**64 - 1] * 8)


def send(s, message, fd=None):
    rights = []
    if fd is not None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", [fd]))]
    s.sendmsg([message], rights)


def print_answer(s):
    answer = s.recv(1024)
    if not answer:
        print("closed")
        return
    version, error, text = struct.unpack("<Ii248s", answer)
    print(version, error, text.split(b"\0")[0].decode())


def start(s):
    r, w = os.pipe()
    os.set_blocking(w, False)
    send(s, request(), w)
    os.close(w)
    return r


def record(s, path, seconds):
    r = start(s)
    print_answer(s)
    end = time.monotonic() + seconds
    with open(path, "wb") as f:
        while time.monotonic() < end:
            if not select.select([r], [], [], 0.1)[0]:
                continue
            data = os.read(r, 65536)
            if not data:
                break
            f.write(data)


def count_connections(name):
    held = []
    for _ in range(64):
        s = connect(name)
        s.settimeout(0.5)
        held.append(s)
        try:
            if s.recv(1) == b"":
                break
        except socket.timeout:
            pass
    print(len(held) - 1)


def main():
    name, what, args = sys.argv[1], sys.argv[2], sys.argv[3:]
    if what == "blocked":
        count_connections(name)
        return
    s = connect(name)
    if what == "trace":
        record(s, args[0], float(args[1]))
    elif what == "hold":
        held = start(s)
        time.sleep(float(args[0]))
        os.close(held)
    elif what == "vanish":
        start(s)
    elif what == "version":
        send(s, request(version=VERSION + 1))
        print_answer(s)
    elif what == "short":
        send(s, b"abc")
        print_answer(s)
    elif what == "nothing":
        send(s, request())
        print_answer(s)
    else:
        sys.exit(__doc__)


main()
