# SPDX-License-Identifier: Apache-2.0
# Dynamic programs in the tree of a distribution: directories that are links,
# files put in through them by later layers, a Python program, and nginx from
# a Dockerfile.
# test: timeout 240
# test: no-san
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1

/usr/bin/python3 - <<'PY'
import sysconfig
from oci_copy import base, one, program, tree
from oci_make import Image, file
lib = sysconfig.get_path("stdlib")
python = "/usr/bin/python3"
i = Image(Cmd=["python3", "/srv/server.py"], WorkingDir="/srv",
          Env=["PYTHONUNBUFFERED=1"])
i.layer(*base(), compress="")
i.layer(*program(python), *tree(lib, ("test", "__pycache__", "idlelib",
                                      "tkinter", "ensurepip")), compress="")
i.layer(file("srv/server.py", b"""
import http.server, os, threading
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/var/run/word") as f:
            body = f.read().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("", 8080), H).serve_forever()
"""), file("var/run/word", b"through a link\n"), compress="gzip")
i.write("python")

n = Image(Cmd=["nginx"]).layer(*base(), compress="")
n.layer(*program("/usr/sbin/nginx"), file("var/log/nginx/.keep"),
        file("var/lib/nginx/.keep"), compress="")
n.write("nginx")
PY
expect_status 0 "$MAYFLY" build oci:python -o python.img
[ ! -s err ] || fail "building says $(cat err)"
port=$(free_port)
start -p "$port:8080" python.img
wait_port "$port"
python3 "$SRC/tests/http_load.py" "$port" 'through a link' -n 20
kill -TERM "$PID"
wait "$PID" || true

mkdir app
cat >app/nginx.conf <<'END'
daemon off;
master_process off;
events {}
http {
	access_log off;
	server {
		listen 8080;
		root /srv;
	}
}
END
echo 'nginx from a Dockerfile' >app/index.html
cat >app/Dockerfile <<END
FROM oci:$PWD/nginx
COPY nginx.conf /etc/nginx/nginx.conf
COPY index.html /srv/
EXPOSE 8080
CMD ["nginx", "-c", "/etc/nginx/nginx.conf"]
END
expect_status 0 "$MAYFLY" build ./app
expect_match '^sha256:[0-9a-f]{64}  app\.img ' out
digest=$(cut -d ' ' -f 1 out)
expect_status 0 "$MAYFLY" build ./app
[ "$(cut -d ' ' -f 1 out)" = "$digest" ] || fail "another digest"
port=$(free_port)
start -p "$port:8080" app.img
wait_port "$port"
python3 "$SRC/tests/http_load.py" "$port" 'nginx from a Dockerfile' -n 20
