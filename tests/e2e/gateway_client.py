#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gateway_client.py PORT: clients of the gateway that curl cannot be, towards
the function of gateway_fn.c under /fn/fn. Prints what is wrong."""
import base64
import hashlib
import os
import re
import socket
import struct
import sys
import threading
import time

PORT = int(sys.argv[1])
HOST = "Host: h\r\n"
GET = f"GET /fn/fn/count HTTP/1.1\r\n{HOST}\r\n"
failures = []


def expect(what, ok, seen=""):
    if not ok:
        failures.append(what)
        print(f"FAIL: {what}: {seen!r}"[:600])


class Client:
    """A connection, and answers as they come over it."""

    def __init__(self):
        self.s = socket.create_connection(("127.0.0.1", PORT))
        self.s.settimeout(20)
        self.left = b""

    def send(self, data):
        self.s.sendall(data.encode() if isinstance(data, str) else data)
        return self

    def more(self):
        data = self.s.recv(65536)
        self.left += data
        return data

    def until(self, end):
        while end not in self.left:
            if not self.more():
                raise EOFError(self.left)
        got, _, self.left = self.left.partition(end)
        return got

    def exactly(self, n):
        while len(self.left) < n:
            if not self.more():
                raise EOFError(self.left)
        got, self.left = self.left[:n], self.left[n:]
        return got

    def answer(self):
        """Status, head and body of the next answer."""
        head = self.until(b"\r\n\r\n").decode()
        status = int(head.split()[1])
        m = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
        if m:
            return status, head, self.exactly(int(m.group(1)))
        if not re.search(r"(?i)\r\ntransfer-encoding: chunked", head):
            return status, head, b""
        body = b""
        while True:
            n = int(self.until(b"\r\n"), 16)
            body += self.exactly(n)
            self.exactly(2)
            if n == 0:
                return status, head, body

    def rest(self):
        """What comes until the end."""
        try:
            while self.more():
                pass
        except ConnectionError:
            pass
        return self.left

    def close(self):
        self.s.close()


# ---- requests that two servers could understand differently ----------------

POST = f"POST /fn/fn/count HTTP/1.1\r\n{HOST}"
CHUNKED = "Transfer-Encoding: chunked\r\n"
HIDDEN = f"GET /fn/fn/hidden HTTP/1.1\r\n{HOST}\r\n"

SMUGGLED = [
    (400, f"{POST}Content-Length: 5\r\n{CHUNKED}\r\n0\r\n\r\n"),
    (400, f"{POST}{CHUNKED}Content-Length: 5\r\n\r\n0\r\n\r\n"),
    (400, f"{POST}Content-Length: 0\r\nContent-Length: 5\r\n\r\n"),
    (400, f"{POST}Content-Length: 0, 5\r\n\r\n"),
    (400, f"{POST}Content-Length : 5\r\n\r\n"),
    (400, f"{POST}Content-Length: +5\r\n\r\n"),
    (400, f"{POST}Content-Length: 0x5\r\n\r\n"),
    (400, f"{POST}Content-Length:\r\n 5\r\n\r\n"),
    (400, f"{POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    (400, f"{POST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
    (501, f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    (400, f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    (400, f"{POST}{CHUNKED}{CHUNKED}\r\n0\r\n\r\n"),
    (400, f"{POST}{CHUNKED}\r\n0\n\n"),
    (400, f"{POST}{CHUNKED}\r\n1\r\nxx0\r\n\r\n"),
    (400, f"{POST}{CHUNKED}\r\n0x1\r\nx\r\n0\r\n\r\n"),
    (400, f"{POST}{CHUNKED}\r\n1;a\nx\r\n0\r\n\r\n"),
    (400, f"{POST}{CHUNKED}\r\n10000000000000000\r\n"),
    (400, f"{POST}X: a\nContent-Length: 5\r\n\r\n"),
    (400, f"{POST}X: a\rContent-Length: 5\r\n\r\n"),
    (400, f"{POST}X: a\0b\r\n\r\n"),
    (400, f"GET /fn/fn/count HTTP/1.1\n{HOST}\r\n"),
    (400, f"GET /fn/fn/count HTTP/1.1\r\n{HOST}{HOST}\r\n"),
    (400, "GET /fn/fn/count HTTP/1.1\r\n\r\n"),
    (400, f"GET /fn/fn/a b HTTP/1.1\r\n{HOST}\r\n"),
    (400, f"GET http://other/fn/fn/ HTTP/1.1\r\n{HOST}\r\n"),
    (400, f"POST /fn/fn/count HTTP/1.0\r\n{CHUNKED}\r\n0\r\n\r\n"),
    (505, f"GET /fn/fn/count HTTP/2.0\r\n{HOST}\r\n"),
    (414, f"GET /fn/fn/{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n"),
    (431, f"GET /fn/fn/ HTTP/1.1\r\n{HOST}X: {'a' * 20000}\r\n\r\n"),
    (431, f"GET /fn/fn/ HTTP/1.1\r\n{HOST}{'X: a' + chr(13) + chr(10)}" +
     "Y: b\r\n" * 100 + "\r\n"),
    (417, f"{POST}Expect: much\r\n\r\n"),
    (501, f"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"),
    (501, f"TRACE /fn/fn/ HTTP/1.1\r\n{HOST}\r\n"),
]


def smuggling():
    """Refused, and what follows is not taken for a request."""
    for want, text in SMUGGLED:
        c = Client().send(text + HIDDEN)
        got = c.rest().decode(errors="replace")
        expect(f"{want} for {text!r}"[:200],
               got.startswith(f"HTTP/1.1 {want} "), got)
        expect(f"one answer for {text!r}"[:200],
               len(re.findall(r"(?m)^HTTP/1\.1 \d", got)) == 1, got)
        c.close()


def chunk_extensions():
    c = Client().send(f"{POST}{CHUNKED}\r\n3;a=\"b\"\r\nabc\r\n0;x\r\n"
                      "Content-Length: 5\r\nT: v\r\n\r\n" + GET)
    status, _, body = c.answer()
    expect("trailers and extensions are dropped",
           (status, body) == (200, b"3\n"), body)
    expect("and the next is the next", c.answer()[2] == b"0\n")
    c.close()


# ---- connections -----------------------------------------------------------

def pipelining():
    c = Client().send("".join(
        f"POST /fn/fn/count HTTP/1.1\r\n{HOST}Content-Length: {n}\r\n\r\n" +
        "x" * n for n in range(20)))
    for n in range(20):
        status, _, body = c.answer()
        expect(f"pipelined {n}", (status, body) == (200, b"%d\n" % n), body)
    c.close()


def half_closed():
    c = Client().send(GET)
    c.s.shutdown(socket.SHUT_WR)
    expect("a client that closed its half has its answer",
           c.answer()[2] == b"0\n")
    expect("and the end", c.rest() == b"")
    c.close()


def one_byte_at_a_time():
    c = Client()
    for b in f"{POST}{CHUNKED}\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n":
        c.send(b)
    expect("single bytes", c.answer()[2] == b"3\n")
    c.close()


def continues():
    c = Client().send(f"{POST}Content-Length: 3\r\n"
                      "Expect: 100-continue\r\n\r\n")
    expect("100 Continue",
           c.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue")
    c.send("abc")
    expect("after 100", c.answer()[2] == b"3\n")
    c.close()
    c = Client().send(f"POST /none HTTP/1.1\r\n{HOST}Content-Length: 3\r\n"
                      "Expect: 100-continue\r\n\r\n")
    expect("nobody asks for a body in vain", c.answer()[0] == 404)
    c.close()


def vanishing():
    """Clients that go at any time; the function stays for others."""
    for text in (GET[:9], GET, f"{POST}Content-Length: 9\r\n\r\nab",
                 f"GET /fn/fn/big?99999999 HTTP/1.1\r\n{HOST}\r\n",
                 f"GET /fn/fn/silent HTTP/1.1\r\n{HOST}\r\n"):
        for reset in (False, True):
            c = Client().send(text)
            if reset:
                c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
            c.close()
    c = Client().send(GET)
    expect("after clients that vanished", c.answer()[0] == 200)
    c.close()


def slow_reader():
    """Reads a large answer slowly, in small pieces, and gets all of it."""
    c = Client()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    c.send(f"GET /fn/fn/big?3000000 HTTP/1.1\r\n{HOST}\r\n")
    head = c.until(b"\r\n\r\n")
    n = len(c.left)
    while n < 3000000:
        got = len(c.s.recv(30000))
        if not got:
            break
        n += got
        time.sleep(0.01)
    expect("a slow reader has it all", n == 3000000, n)
    expect("with its length", b"3000000" in head, head)
    c.close()


def slow_writers():
    """Many who never finish their head are told so, and nobody suffers."""
    slow = [Client().send("GET / HTTP/1.1\r\nX: ") for _ in range(50)]
    silent = Client()
    end = time.monotonic() + 15
    while time.monotonic() < end and slow[0].left == b"":
        for c in slow:
            try:
                c.send("a")
            except ConnectionError:
                pass
        c = Client().send(GET)
        expect("beside slow ones", c.answer()[0] == 200)
        c.close()
        slow[0].s.settimeout(0.5)
        try:
            slow[0].more()
        except TimeoutError:
            pass
    expect("408", slow[0].left.startswith(b"HTTP/1.1 408 "), slow[0].left)
    expect("and a silent one is closed", silent.rest() == b"")
    for c in slow:
        c.close()


# ---- WebSocket -------------------------------------------------------------

class WebSocket(Client):
    def __init__(self, path):
        super().__init__()
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(f"GET {path} HTTP/1.1\r\n{HOST}Upgrade: websocket\r\n"
                  "Connection: keep-alive, Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key}\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n")
        self.head = self.until(b"\r\n\r\n").decode()
        want = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
            .digest()).decode()
        expect("101", self.head.startswith("HTTP/1.1 101 "), self.head)
        expect("Sec-WebSocket-Accept",
               f"Sec-WebSocket-Accept: {want}" in self.head, self.head)

    def frame(self, op, data):
        mask = os.urandom(4)
        n = len(data)
        head = bytes([0x80 | op]) + (
            bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n))
        self.send(head + mask + bytes(b ^ mask[i % 4]
                                      for i, b in enumerate(data)))

    def receive(self):
        op, n = self.exactly(2)
        if n == 126:
            n = struct.unpack(">H", self.exactly(2))[0]
        return op & 15, self.exactly(n)


def websocket():
    w = WebSocket("/fn/fn/ws")
    expect("Upgrade", "\r\nConnection: Upgrade\r\n" in w.head and
           "\r\nUpgrade: websocket" in w.head, w.head)
    for data in (b"", b"hello", os.urandom(125), os.urandom(126),
                 os.urandom(60000)):
        w.frame(2, data)
        expect(f"echo of {len(data)}", w.receive() == (2, data))
    w.frame(8, b"\x03\xe8")
    expect("close", w.receive() == (8, b"\x03\xe8"))
    expect("and the end", w.rest() == b"")
    w.close()
    WebSocket("/fn/fn/ws").close()


# A function may be crashed or ended by some of these, so one after the other.
TESTS = [smuggling, chunk_extensions, pipelining, half_closed,
         one_byte_at_a_time, continues, vanishing, slow_reader, websocket]


def run(test):
    begin = time.monotonic()
    try:
        test()
    except (OSError, EOFError, ValueError) as e:
        expect(test.__name__, False, repr(e))
    print(f"{test.__name__}: {time.monotonic() - begin:.1f} s")


slow_thread = threading.Thread(target=run, args=(slow_writers,))
slow_thread.start()
for t in TESTS:
    run(t)
slow_thread.join()
sys.exit(1 if failures else 0)
