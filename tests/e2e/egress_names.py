#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server on 127.0.0.1 port 5300 for tests/e2e/egress-names.sh, and on
port 80 of three addresses servers that say their own address."""

import socket
import struct
import threading

NAMES = {
    "one.test": ["192.0.2.1"],
    "two.test": ["192.0.2.2"],
    "alias.test": ["two.test"],
    "other.test": ["198.51.100.1"],
    "a.b.wild.test": ["192.0.2.1"],
    "wild.test": ["192.0.2.1"],
    "evil.test": ["169.254.1.1"],
}
A, CNAME = 1, 5


def encode(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) \
        + b"\0"


def records(name):
    """The answer's records, with aliases followed."""
    out = []
    while True:
        value = NAMES[name][0]
        if value[0].isdigit():
            data, kind = socket.inet_aton(value), A
        else:
            data, kind = encode(value), CNAME
        out.append(encode(name) + struct.pack(">HHIH", kind, 1, 60, len(data))
                   + data)
        if kind == A:
            return out
        name = value


def answer(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += query[at] + 1
    name = ".".join(labels)
    kind, = struct.unpack(">H", query[at + 1:at + 3])
    found = records(name) if name in NAMES and kind == A else []
    code = 0 if name in NAMES else 3
    return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found), 0,
                                   0) + query[12:at + 5] + b"".join(found)


def dns_udp(s):
    while True:
        query, peer = s.recvfrom(4096)
        # Somebody else's answer comes first: it must not be believed.
        s.sendto(b"\0\0" + answer(query)[2:], peer)
        s.sendto(answer(query), peer)


def web(s, ip):
    while True:
        c, _ = s.accept()
        with c:
            c.sendall(ip.encode())


def start(fn, *args):
    threading.Thread(target=fn, args=args, daemon=True).start()


def main():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 5300))
    start(dns_udp, udp)
    for ip in ("192.0.2.1", "192.0.2.2", "198.51.100.1", "127.0.0.1"):
        start(web, socket.create_server((ip, 80)), ip)
    with open("ready", "w") as f:
        f.write("ready\n")
    threading.Event().wait(120)


main()
