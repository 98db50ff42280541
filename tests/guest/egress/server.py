#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The servers that tests/guest/egress speaks to, all on 127.0.0.1. Writes
their ports to FILE: echo, one that resets, one that answers nobody, UDP echo,
one where nobody listens."""

import os
import socket
import struct
import sys
import threading

HERE = "127.0.0.1"


def listener(backlog):
    s = socket.socket()
    s.bind((HERE, 0))
    s.listen(backlog)
    return s


def echo(c):
    with c:
        try:
            while data := c.recv(65536):
                c.sendall(data)
            c.sendall(b"bye\n")
        except OSError:
            pass  # the other end has closed


def reset(c):
    c.send(b"x")
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    threading.Event().wait(0.2)
    c.close()


def serve(s, handle):
    while True:
        c, _ = s.accept()
        threading.Thread(target=handle, args=(c,), daemon=True).start()


def udp_echo(s):
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def main():
    tcp, rst, full, closed = (listener(128), listener(128), listener(0),
                              socket.socket())
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((HERE, 0))
    closed.bind((HERE, 0))  # bound, so that nobody else gets it
    # Fill the backlog of the one that answers nobody.
    fill = [socket.socket() for _ in range(4)]
    for s in fill:
        s.setblocking(False)
        s.connect_ex(full.getsockname())
    for s, handle in ((tcp, echo), (rst, reset)):
        threading.Thread(target=serve, args=(s, handle), daemon=True).start()
    threading.Thread(target=udp_echo, args=(udp,), daemon=True).start()
    with open(sys.argv[1] + ".new", "w") as f:
        print(*(s.getsockname()[1] for s in (tcp, rst, full, udp, closed)),
              file=f)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    threading.Event().wait(120)


main()
