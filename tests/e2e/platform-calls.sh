# SPDX-License-Identifier: Apache-2.0
# What functions may reach: each other by name if a rule says so, and nothing
# that none does; what was refused is in the log and counted.
# test: timeout 90
# test: no-san
. "$LIB"
. "$SRC/tests/platform.sh"

mkdir ask
cat >ask/main.py <<'PY'
import http.server
import os
import urllib.error
import urllib.request


class Ask(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, text = 200, b"well\n"
        if "?" in self.path:
            try:
                with urllib.request.urlopen(self.path.partition("?")[2],
                                            timeout=10) as r:
                    text = r.read()
            except urllib.error.HTTPError as e:
                status, text = 299, f"status {e.code}\n".encode()
            except OSError as e:
                status, text = 298, f"no answer: {e}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


http.server.HTTPServer(("", int(os.environ["PORT"])), Ask).serve_forever()
PY
expect_status 0 "$MAYFLY" build ask -o ask.img
make -s -C "$SRC/examples/hello-c" OUT="$PWD" >/dev/null
expect_status 0 "$MAYFLY" build ./hello-c -o hello.img
platform_start
deploy back hello.img '{}'
deploy other hello.img '{}'
deploy guarded hello.img '{"needs_token":true}'
deploy ask ask.img '{"egress":["back.fn.mayfly.internal",
	"guarded.fn.mayfly.internal"]}'
deploy mute ask.img '{}'

# says FUNCTION URL STATUS REGEX
says() {
	got=$(fn "$1" "/?$2")
	[ "$got" = "$3" ] || fail "$1 asked $2: $got: $(cat body)"
	expect_match "$4" body
}
says ask http://back.fn.mayfly.internal/ 200 '^Hello from Mayfly!$'
# A rule is as good as a token.
says ask http://guarded.fn.mayfly.internal/ 200 '^Hello from Mayfly!$'
says ask http://other.fn.mayfly.internal/ 298 'no answer'
says ask http://example.org/ 298 'no answer'
says mute http://back.fn.mayfly.internal/ 298 'no answer'
# Not by the address either, under whatever name.
says mute http://169.254.1.4/ 298 'no answer'
says ask http://169.254.1.4/ 299 'status (403|404)'
says mute http://127.0.0.1:1/ 298 'no answer'
says mute "http://169.254.1.1:$GATEWAY/fn/back/" 298 'no answer'

MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" logs ask
expect_match 'looked up other.fn.mayfly.internal, which is not allowed' err
expect_match 'looked up example.org, which is not allowed' err
MAYFLY_STATE=$STATE expect_status 0 "$MAYFLY" logs mute
expect_match 'tried to reach NAME.fn.mayfly.internal port 80, which is' err
api GET /v1/metrics >/dev/null
expect_match '^mayfly_egress_denied_total\{function="mute"\} [1-9]' body
