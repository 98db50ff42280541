# SPDX-License-Identifier: Apache-2.0
# Debian's nginx, one process, natively and in two instances.
# test: program nginx
# test: version nginx -v
# test: timeout 90
. "$SRC/tests/programs/lib.sh"

# config PORT TLSPORT SECOND: the configuration
config() {
	sed "s/@PORT@/$1/; s/@TLSPORT@/$2/; s/@SECOND@/$3/" "$HERE/nginx.conf"
}

# show CURL-ARGS: status, headers that may not differ, the body's checksum
show() {
	curl -s -S -m 20 -D head -o body "$@" || echo "curl: $?"
	grep -Eiv '^(date|last-modified|etag):' head | tr -d '\r' | sort
	cksum <body
}

files() {
	url=http://127.0.0.1:$PORT
	for path in / /small.txt /big.bin /none /dir /dir/ /old/small.txt \
		'/said?word=hello' /../../etc/passwd; do
		show --path-as-is "$url$path"
	done
	curl -s -S -I "$url/big.bin" | grep -Eiv '^(date|last-modified|etag):'
	show -r 1000000-1000999 "$url/big.bin"
	show -r 0-9,100-109 "$url/small.txt" | grep -iv boundary
	show -H 'Accept-Encoding: gzip' "$url/small.txt"
	show -d 'a body' "$url/small.txt"
	head -c 300000 html/big.bin >sent
	show -T sent "$url/said?word=put"
}

passed_on() {
	url=http://127.0.0.1:$PORT/there
	for path in / /small.txt /big.bin /none /dir '/said?word=hello'; do
		show "$url$path"
	done
	show -r 1000000-1000999 "$url/big.bin"
	show -d 'a body' "$url/small.txt"
	show -T sent "$url/said?word=put"
}

tls() {
	for path in / /big.bin /none; do
		show -k --http2 "https://127.0.0.1:$TLS$path"
		show -k --http1.1 "https://127.0.0.1:$TLS$path"
	done
}

mkdir html html/dir
echo '<p>Served by nginx' >html/index.html
awk 'BEGIN { for (i = 0; i < 200; i++) print "line", i }' >html/small.txt
head -c 5000000 /dev/zero | openssl enc -aes-128-ctr -nosalt \
	-K 00112233445566778899aabbccddeeff -iv 0 2>/dev/null >html/big.bin
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem \
	-days 30 -subj /CN=localhost 2>openssl.err
GFILES=$(free_port)
config 8080 8443 127.0.0.1:9 >nginx.conf
config 8080 8443 "host.mayfly.internal:$GFILES" >proxy.conf
seal /usr/sbin/nginx --add "$PWD/nginx.conf:/app/nginx.conf" \
	--add "$PWD/proxy.conf:/app/proxy.conf" \
	--add "$PWD/html:/app/html" --add "$PWD/cert.pem:/app/cert.pem" \
	--add "$PWD/key.pem:/app/key.pem" -- -p /app/ -c nginx.conf

part 'one process serves files: sendfile, ranges, gzip, rewrites, uploads'
NPORT=$(free_port)
NTLS=$(free_port)
GTLS=$(free_port)
config "$NPORT" "$NTLS" 127.0.0.1:9 | sed "s,/tmp/,$PWD/," >native.conf
set -- -g 'master_process off;'
serve_native nginx -p "$PWD/" -c native.conf "$@"
serve_guest "$GFILES:8080" -p "127.0.0.1:$GTLS:8443" prog.img "$@"
both files

part 'TLS, HTTP/2'
both eval 'TLS=$NTLS; [ $PORT = $NPORT ] || TLS=$GTLS; tls'

part 'many requests at a time, with keep-alive and without'
load '<p>Served by nginx' -n 2000 -c 16
load '<p>Served by nginx' -n 400 -c 8 --close

part 'passes requests on to a second instance, by name (--egress)'
files_guest=$GPID
config "$(free_port)" "$(free_port)" "127.0.0.1:$NPORT" |
	sed "s,/tmp/,$PWD/," >proxy.native.conf
NPORT=$(sed -n 's/.*listen \([0-9]*\);/\1/p' proxy.native.conf)
serve_native nginx -p "$PWD/" -c proxy.native.conf "$@"
serve_guest 8080 --egress "host.mayfly.internal:$GFILES" prog.img \
	-c proxy.conf "$@"
both passed_on
load -p /there/ '<p>Served by nginx' -n 1000 -c 16
load -p /there/ '<p>Served by nginx' -n 300 -c 8 --close
kill "$files_guest"
wait "$files_guest" || true
[ "$(PORT=$GPORT get /there/ | grep -c '502 Bad Gateway')" -gt 0 ] ||
	fail "without the second instance: $(PORT=$GPORT get /there/)"

part 'ends at SIGTERM, at once, with the status it has natively'
stop_both TERM
[ -z "$(grep '^mayfly' start.err)" ] || fail "$(cat start.err)"

part 'master_process on: a master with workers, which it forks'
start prog.img
refused start.err
# A master that waits for its first worker heeds no other signal.
kill -s KILL "$PID"
