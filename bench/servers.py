# SPDX-License-Identifier: Apache-2.0
"""The servers the benchmarks load: how each is sealed and how the same
program is started natively. A server whose program this machine lacks is
left out, with a line that says so."""
import collections
import os
import shutil
import subprocess
import sys

import report

NODE_PORT = 8002  # fixed in examples/hello-node, as in what it repeats
GUEST_PORT = 8080

# source, options: of `mayfly build`; argv: native; port: a fixed one, or
# None where PORT chooses it; guest_port: where the guest listens.
Server = collections.namedtuple(
    "Server", "name needs source options argv port guest_port")

NGINX_CONF = """daemon off;
master_process off;
worker_processes 1;
pid /tmp/bench-nginx.pid;
error_log stderr error;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path /tmp/bench-nginx-body;
    proxy_temp_path /tmp/bench-nginx-proxy;
    fastcgi_temp_path /tmp/bench-nginx-fastcgi;
    uwsgi_temp_path /tmp/bench-nginx-uwsgi;
    scgi_temp_path /tmp/bench-nginx-scgi;
    keepalive_requests 1000000000;
    server { listen 127.0.0.1:%d; location / { return 200 "Hello\\n"; } }
}
"""


def example(name):
    return os.path.join(report.ROOT, "examples", name)


def nginx():
    """nginx answers from its configuration: its own part, no file's."""
    port = report.free_port()
    text = NGINX_CONF % port
    conf = os.path.join(report.OUT, "nginx.conf")
    with open(conf, "w") as f:
        f.write(text)
    with open(conf + ".guest", "w") as f:
        f.write(text.replace(f"127.0.0.1:{port}", str(GUEST_PORT)))
    argv = ["/usr/sbin/nginx", "-c", conf]
    return Server("nginx", "/usr/sbin/nginx", argv[0],
                  ["--add", f"{conf}.guest:/etc/nginx/bench.conf", "--",
                   "-c", "/etc/nginx/bench.conf"], argv, port, GUEST_PORT)


def redis():
    port = report.free_port()
    common = ["--save", "", "--appendonly", "no", "--protected-mode", "no"]
    path = shutil.which("redis-server") or "redis-server"
    return Server("redis", path, path,
                  ["--", "--port", str(GUEST_PORT), *common],
                  [path, "--port", str(port), "--bind", "127.0.0.1",
                   *common], port, GUEST_PORT)


def built(name):
    path = report.program(name)
    return Server(name, path, path, [], [path], None, GUEST_PORT)


def all_servers():
    node = os.path.join(example("hello-node"), "server.js")
    python = os.path.join(example("hello-python"), "main.py")
    return [
        built("hello-c"), built("epoll"), built("hello-go"),
        Server("hello-node", "node", example("hello-node"), [],
               ["node", node], NODE_PORT, NODE_PORT),
        Server("hello-python", "/usr/bin/python3", example("hello-python"),
               [], ["/usr/bin/python3", python], None, GUEST_PORT),
        nginx(), redis(),
    ]


def available():
    """Name to server, of those whose program is here."""
    os.makedirs(report.OUT, exist_ok=True)
    found = {}
    for s in all_servers():
        if shutil.which(s.needs):
            found[s.name] = s
        else:
            print(f"{s.name}: {s.needs} is not installed, left out",
                  file=sys.stderr)
    return found


def image(server):
    """Seals it; the path of the image."""
    path = os.path.join(report.OUT, server.name + ".img")
    r = subprocess.run([report.MAYFLY, "build", server.source, "-o", path,
                        *server.options], capture_output=True, text=True)
    if r.returncode != 0:
        report.die(f"cannot seal {server.name}: {r.stderr.strip()}")
    return path


def command(server, place, port):
    """argv of a start that listens on `port` of loopback, and its
    environment; natively a fixed port goes before."""
    if place == "native":
        return server.argv, dict(os.environ, PORT=str(port))
    path = os.path.join(report.OUT, server.name + ".img")
    return [report.MAYFLY, "run", "--stats", "--substrate", place, "-e",
            f"PORT={server.guest_port}", "-p",
            f"127.0.0.1:{port}:{server.guest_port}", path], os.environ


def port_of(server, place):
    """Where it will listen: a free port, or the one it insists on."""
    if place == "native" and server.port:
        return server.port
    return report.free_port()
