# SPDX-License-Identifier: Apache-2.0
# Express, from npm, on Node.
# test: program Express
# test: version grep '"version"' "$OUT/app/node_modules/express/package.json"
# test: timeout 120
. "$SRC/tests/programs/lib.sh"

client() {
	url=http://127.0.0.1:$PORT
	for path in / '/user/some%20one?a=1&b[]=2&b[]=3' /files/static.txt \
		/files/none /none /fail; do
		curl -s -S -m 20 -i "$url$path"
	done | grep -Eiv '^(date|last-modified|etag):'
	curl -s -S -m 20 -H 'Content-Type: application/json' \
		-d '{"numbers": [1, 2, 39]}' "$url/sum"
	curl -s -S -m 20 -H 'Content-Type: application/json' \
		-d '{"numbers": [' "$url/sum"
}

seal "$(command -v node)" --add "$OUT/app:/app" -- /app/server.js
part 'routes, JSON bodies, static files, errors'
NPORT=$(free_port)
serve_native env PORT="$NPORT" node "$OUT/app/server.js"
serve_guest 8080 prog.img
both client

part 'many requests'
load 'Hello from Express' -n 1000 -c 8
load 'Hello from Express' -n 200 -c 4 --close

part 'SIGTERM runs its handler'
stop_both TERM
