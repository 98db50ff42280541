# SPDX-License-Identifier: Apache-2.0
# The web server that is built into Debian's PHP.
# test: program PHP
# test: version php -v
# test: timeout 120
. "$SRC/tests/programs/lib.sh"

pages() {
	url=http://127.0.0.1:$PORT
	for path in / /work /files /error /memory /page.txt /none; do
		echo "$path"
		curl -s -S -m 20 -w '%{http_code} %{content_type}\n' \
			"$url$path" | sed "s,$PWD,/app,g"
	done
	rm -f jar
	curl -s -S -m 20 -c jar -b jar "$url/session" "$url/session" \
		"$url/session"
	curl -s -S -m 20 -F "file=@upload.bin" -F word=text "$url/upload"
}

cp "$HERE/index.php" .
echo 'a file beside it' >page.txt
awk 'BEGIN { for (i = 0; i < 100000; i++) print i }' >upload.bin
extensions=$(php -r 'echo PHP_EXTENSION_DIR;')
iconv=/usr/lib/x86_64-linux-gnu/gconv
config=$(php -r 'echo PHP_CONFIG_FILE_PATH;')
modules=$(dirname "$config")/mods-available
seal /usr/bin/php --add "$extensions" --add "$config" --add "$modules" \
	--add "$iconv" --add /usr/share/zoneinfo \
	--add "$HERE/index.php:/app/index.php" \
	--add "$PWD/page.txt:/app/page.txt" \
	-- -d session.save_path=/tmp -S 0.0.0.0:8080 -t /app /app/index.php
part 'built-in server: JSON, PCRE, OpenSSL, sessions, uploads, exceptions'
NPORT=$(free_port)
serve_native php -d session.save_path="$TMPDIR" -S "0.0.0.0:$NPORT" \
	-t "$PWD" "$PWD/index.php"
serve_guest 8080 prog.img
both pages

part 'many requests'
load 'Hello from PHP' -n 1000 -c 8 --close

part 'starting another program fails as an error of PHP'
[ "$(PORT=$GPORT get /exec)" = 'not started' ] ||
	fail "shell_exec: $(PORT=$GPORT get /exec)"
stop_both TERM
