# SPDX-License-Identifier: Apache-2.0
# Debian's nginx with Debian's configuration, by one command: it finds the
# directories of its package, and the links of its configuration that lead to
# files that were not given are left out.
. "$LIB"

export XDG_CACHE_HOME="$TMP/cache"

expect_status 0 "$MAYFLY" build /usr/sbin/nginx --add /etc/nginx -- \
	-g 'daemon off; master_process off;'
expect_match '^sha256:[0-9a-f]{64}  nginx.img  [0-9]+ bytes$' out
port=$(free_port)
start -p "$port:80" nginx.img
wait_port "$port"
# The default site's files were not given.
status=$(curl -s -o page -w '%{http_code} %header{server}' \
	"http://127.0.0.1:$port/")
expect_match '^404 nginx/' - <<END
$status
END
expect_match '<h1>404 Not Found</h1>' page
kill -TERM "$PID"
wait "$PID" || fail "SIGTERM ends it with $?: $(cat start.err)"

mkdir html
echo '<p>Hello</p>' >html/index.html
expect_status 0 "$MAYFLY" build /usr/sbin/nginx --add /etc/nginx \
	--add html:/var/www/html -- -g 'daemon off; master_process off;'
port=$(free_port)
start -p "$port:80" nginx.img
wait_port "$port"
for path in / /index.html /?again; do
	curl -s -S "http://127.0.0.1:$port$path" >page
	cmp page html/index.html
done
"$MAYFLY" inspect --json nginx.img | python3 -c 'import json, os, sys
for f in json.load(sys.stdin)["files"]:
    if f["type"] == "l" and f["path"].startswith("/etc/nginx/modules-enabled"):
        sys.exit("kept " + f["path"])'
