# SPDX-License-Identifier: Apache-2.0
"""What a Python program uses of the standard library."""
import asyncio
import collections
import concurrent.futures
import ctypes
import datetime
import decimal
import gc
import gzip
import hashlib
import io
import json
import logging
import lzma
import mmap
import os
import pathlib
import pickle
import queue
import re
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unicodedata
import urllib.error
import urllib.request
import uuid
import xml.etree.ElementTree as ET
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def data():
    text = json.dumps({"b": [1, 2.5, None, "ä€"], "a": {"x": True}},
                      sort_keys=True, indent=1)
    print(text, json.loads(text)["b"][3])
    print(hashlib.sha256(b"mayfly").hexdigest(),
          hashlib.scrypt(b"p", salt=b"s", n=1024, r=8, p=1).hex()[:16])
    raw = b"some text " * 5000
    for module in (zlib, gzip, lzma):
        print(module.__name__, module.decompress(module.compress(raw)) == raw)
    print(pickle.loads(pickle.dumps({1: [2, {3}]})),
          struct.unpack("<hI", struct.pack("<hI", -2, 7)))
    print(decimal.Decimal(2).sqrt(), 3 ** 200,
          datetime.datetime(2024, 2, 29) + datetime.timedelta(days=1))
    print(re.sub(r"(\w+)@(\w+)", r"\2 at \1", "me@here"),
          unicodedata.name("ä"), uuid.uuid4() != uuid.uuid4())
    root = ET.fromstring("<a><b c='1'>text</b></a>")
    print(root.find("b").attrib, root.find("b").text)
    print(collections.Counter("abracadabra").most_common(2))
    print(ctypes.CDLL(None).strlen(b"four"))


def threads():
    q = queue.Queue(10)
    total = []

    def work():
        while (item := q.get()) is not None:
            total.append(item * item)

    pool = [threading.Thread(target=work) for _ in range(8)]
    for t in pool:
        t.start()
    for i in range(2000):
        q.put(i)
    for _ in pool:
        q.put(None)
    for t in pool:
        t.join()
    print("threads", sum(total), threading.active_count())
    with concurrent.futures.ThreadPoolExecutor(4) as ex:
        digests = ex.map(lambda n: hashlib.md5(b"x" * n).hexdigest()[:4],
                         range(200000, 200004))
        print("pool", list(digests))
    done = threading.Event()
    threading.Timer(0.02, done.set).start()
    print("event", done.wait(5), done.wait(0))


async def ticker(n, results):
    for i in range(n):
        await asyncio.sleep(0.001)
        results.append(i)


async def serve_once(reader, writer):
    line = await reader.readline()
    writer.write(line[::-1])
    await writer.drain()
    writer.close()


async def asynchronous():
    results = []
    await asyncio.gather(*(ticker(10, results) for _ in range(20)))
    print("asyncio", len(results), sum(results))
    server = await asyncio.start_server(serve_once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(n):
        r, w = await asyncio.open_connection("localhost", port,
                                             family=socket.AF_INET)
        w.write(b"%d0\n" % n)
        answer = await r.read()
        w.close()
        return answer.strip()

    answers = await asyncio.gather(*(ask(n) for n in range(1, 51)))
    print("streams", answers[:3], len(set(answers)))
    server.close()
    loop = asyncio.get_running_loop()
    print("executor", await loop.run_in_executor(None, sum, range(1000)))
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.02)
    except asyncio.TimeoutError:
        print("timeout")
    got = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 5)
    print("signal")


def database():
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "test.db")
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)")
        with db:
            db.executemany("INSERT INTO t(v) VALUES (?)",
                           ((f"value {i}",) for i in range(5000)))
        other = sqlite3.connect(path)
        print("sqlite3", other.execute(
            "SELECT count(*), max(v) FROM t").fetchone())
        try:
            with db:
                db.execute("DELETE FROM t")
                db.execute("INSERT INTO t(id) VALUES (1), (1)")
        except sqlite3.IntegrityError as e:
            print(e, db.execute("SELECT count(*) FROM t").fetchone())
        db.create_function("twice", 1, lambda s: s * 2)
        print(db.execute("SELECT twice('ab')").fetchone())
        db.close()
        other.close()


def files():
    tmp = pathlib.Path(tempfile.mkdtemp())
    (tmp / "a" / "b").mkdir(parents=True)
    (tmp / "a" / "f.txt").write_text("line\n" * 1000)
    os.symlink("f.txt", tmp / "a" / "link")
    print(sorted(str(p.relative_to(tmp)) for p in tmp.rglob("*")))
    with open(tmp / "a" / "f.txt", "r+b") as f:
        with mmap.mmap(f.fileno(), 0) as m:
            m[0:4] = b"LINE"
    print((tmp / "a" / "link").read_text()[:9].split(),
          os.stat(tmp / "a" / "f.txt").st_size)
    with zipfile.ZipFile(tmp / "z.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.write(tmp / "a" / "f.txt", "f.txt")
    print(zipfile.ZipFile(tmp / "z.zip").testzip(),
          zipfile.ZipFile(tmp / "z.zip").namelist())
    shutil.copytree(tmp / "a", tmp / "c", symlinks=True)
    print(os.readlink(tmp / "c" / "link"), shutil.disk_usage(tmp).total > 0)
    shutil.rmtree(tmp)
    try:
        tmp.stat()
    except FileNotFoundError as e:
        print(e.strerror)
    r, w = os.pipe()
    os.write(w, b"x")
    print(select.select([r], [], [], 1)[0] == [r])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path[::-1].encode())

    def log_message(self, *args):
        pass


def network():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    url = f"http://localhost:{server.server_port}"
    print([urllib.request.urlopen(f"{url}/{n}").read() for n in range(5)])
    server.shutdown()
    server.server_close()
    print(sorted({a[4][0] for a in socket.getaddrinfo(
        "localhost", 80, socket.AF_INET, socket.SOCK_STREAM)}))
    context = ssl.create_default_context()
    print(ssl.OPENSSL_VERSION.split()[0], context.verify_mode.name,
          len(ssl.RAND_bytes(16)), context.check_hostname)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="x.org")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        print("hello", outgoing.pending > 100)


def encrypted():
    cert = os.environ["CERT"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
    url = f"https://localhost:{server.server_port}/abc"
    trusting = ssl.create_default_context(cafile=cert)
    print(urllib.request.urlopen(url, context=trusting).read())
    try:
        urllib.request.urlopen(url, context=ssl.create_default_context())
    except urllib.error.URLError as e:
        print(e.reason.verify_message)
    server.shutdown()
    server.server_close()


def limits():
    def forever(n):
        return forever(n + 1)

    try:
        forever(0)
    except RecursionError as e:
        print(str(e).split(" while")[0])
    try:
        bytearray(1 << 50)
    except MemoryError:
        print("MemoryError")
    for _ in range(300):
        ring = [[] for _ in range(1000)]
        for i, cell in enumerate(ring):
            cell.append(ring[i - 1])
    del ring, cell
    print("collected", gc.collect() >= 0)
    signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    time.sleep(0.05)
    out = io.StringIO()
    logging.basicConfig(stream=out, format="%(levelname)s %(message)s")
    logging.getLogger("x").warning("logged %d", 1)
    print(out.getvalue().strip())
    try:
        raise ValueError("told")
    except ValueError:
        print(traceback.format_exc().splitlines()[-1])


def process():
    try:
        subprocess.run(["/bin/true"], check=False)
    except OSError as e:
        print("subprocess:", e, file=sys.stderr)


data()
threads()
asyncio.run(asynchronous())
database()
files()
network()
encrypted()
limits()
print(sys.stdin.read().strip(), sys.version_info[:2], os.environ["WORD"])
sys.stdout.flush()
process()
sys.exit(9)
