# SPDX-License-Identifier: Apache-2.0
# Debian's Python: http.server from the command line, then a script.
# test: program Python
# test: version /usr/bin/python3 --version
# test: timeout 90
. "$SRC/tests/programs/lib.sh"

library=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')

# show CURL-ARGS: status, headers that may not differ, the body's checksum
show() {
	curl -s -S -m 20 -D head -o body "$@" || echo "curl: $?"
	grep -Eiv '^(date|last-modified):' head | tr -d '\r'
	cksum <body
}

files() {
	url=http://127.0.0.1:$PORT
	for path in / /index.txt /big.bin /none /dir /dir/; do
		show --path-as-is "$url$path"
	done
	curl -s -S -I "$url/big.bin" | grep -Eiv '^(date|last-modified):'
	show -d 'a body' "$url/"
}

mkdir -p www/dir
echo 'Served by Python' >www/index.txt
cp www/index.txt www/dir/index.html
head -c 3000000 /dev/zero >www/big.bin
echo 'from stdin' >in

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem \
	-days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	2>openssl.err
cat key.pem cert.pem >both.pem
seal /usr/bin/python3 --add "$library" --add "$HERE/work.py:/app/work.py" \
	--add "$PWD/www:/app/www" --add "$PWD/both.pem:/app/both.pem"
part 'asyncio, threads, sqlite3, json, ssl, ctypes, zlib, mmap, urllib'
native env WORD=yes CERT="$PWD/both.pem" /usr/bin/python3 "$HERE/work.py" <in
guest -e WORD=yes -e CERT=/app/both.pem prog.img /app/work.py <in
sed -i "s,$HERE/,/app/,g" native.out
agree

part 'subprocess fails with an OSError'
expect_match '^subprocess: \[Errno [0-9]+\]' guest.err

part 'http.server: directory, files, HEAD, errors'
NPORT=$(free_port)
serve_native /usr/bin/python3 -m http.server -d www "$NPORT"
serve_guest 8000 prog.img -m http.server -d /app/www 8000
both files

part 'many requests'
rm -f www/dir/index.html
load '(?s).*<title>Directory listing for /</title>.*' -n 300 -c 4 --close
stop_both TERM
