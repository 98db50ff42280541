# SPDX-License-Identifier: Apache-2.0
# Debian's Apache: as one process with threads it serves, its usual master
# with children it cannot start.
# test: program Apache httpd
# test: version apache2 -v
# test: timeout 120
. "$SRC/tests/programs/lib.sh"

PATH=$PATH:/usr/sbin

# config ROOT PORT TMP: the configuration
config() {
	sed "s,@ROOT@,$1,; s,@PORT@,$2,; s,@TMP@,$3," "$HERE/apache.conf"
}

# show CURL-ARGS: status, headers that may not differ, the body's checksum
show() {
	curl -s -S -m 20 -D head -o body "$@" || echo "curl: $?"
	grep -Eiv '^(date|last-modified|etag|allow):' head |
		sed "s/127.0.0.1:$PORT/HOST/" | tr -d '\r'
	sed "s/$PORT/PORT/" body | cksum
}

files() {
	url=http://127.0.0.1:$PORT
	for path in / /text.txt /big.bin /none /dir /dir/ /old/text.txt \
		/../../etc/passwd; do
		show --path-as-is "$url$path"
	done
	show -r 1000000-1000999 "$url/big.bin"
	show -H 'Accept-Encoding: gzip' "$url/text.txt"
	show -d 'a body' "$url/text.txt"
	show -X DELETE "$url/text.txt"
}

mkdir html html/dir
echo '<p>Served by Apache' >html/index.html
awk 'BEGIN { for (i = 0; i < 200; i++) print "line", i }' >html/text.txt
cp html/text.txt html/dir/more.txt
head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -nosalt \
	-K 00112233445566778899aabbccddeeff -iv 0 2>/dev/null >html/big.bin
printf 'text/html html\ntext/plain txt\n' >mime.types
config /app 8080 /tmp >apache.conf
seal /usr/sbin/apache2 --add /usr/lib/apache2/modules \
	--add "$PWD/apache.conf:/app/apache.conf" \
	--add "$PWD/mime.types:/app/mime.types" --add "$PWD/html:/app/html" \
	-- -f /app/apache.conf

part 'one process with threads (-X): files, ranges, gzip, rewrites, errors'
NPORT=$(free_port)
config "$PWD" "$NPORT" "$TMPDIR" >native.conf
serve_native apache2 -f "$PWD/native.conf" -X
serve_guest 8080 prog.img -X
both files

part 'many requests at a time, with keep-alive and without'
load '<p>Served by Apache' -n 1000 -c 8
load '<p>Served by Apache' -n 200 -c 4 --close
stop_both TERM

part 'its usual master with children, which it forks'
guest prog.img
refused guest.err
