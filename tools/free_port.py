# SPDX-License-Identifier: Apache-2.0
"""Prints a free TCP and UDP port of 127.0.0.1, another one at each call.

free_port.py STATE: STATE is a file with the port given last. Ports come from
below the range that the system gives to clients, so that nothing takes one
by chance between this answer and its use.
"""
import fcntl
import os
import socket
import sys

FIRST, LAST = 18000, 31999


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def next_port(last):
    for step in range(1, LAST - FIRST + 2):
        port = FIRST + (last - FIRST + step) % (LAST - FIRST + 1)
        if is_free(port):
            return port
    sys.exit("free_port.py: no free port")


def main():
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(fd, fcntl.LOCK_EX)
    text = os.read(fd, 16)
    start = FIRST + os.getpid() * 7 % (LAST - FIRST + 1)
    port = next_port(int(text) if text.strip() else start)
    os.ftruncate(fd, 0)
    os.pwrite(fd, b"%d\n" % port, 0)
    print(port)


main()
