# SPDX-License-Identifier: Apache-2.0
# Debian's Ruby with WEBrick.
# test: program Ruby
# test: version ruby --version
# test: timeout 90
. "$SRC/tests/programs/lib.sh"

client() {
	url=http://127.0.0.1:$PORT
	for path in / /work /none /files/server.rb /files/none /fail; do
		echo "$path"
		curl -s -S -m 20 -w '%{http_code} %{content_type}\n' \
			"$url$path" | sed 's/127.0.0.1:[0-9]*/HOST/'
	done | sed "s,$HERE,/app,g" | grep -v WEBrick/
	curl -s -S -m 20 -d 'some text' "$url/echo"
}

# The directories where Ruby looks for libraries, and the list of its gems.
set --
for dir in $(ruby -e 'puts $:') $(ruby -e 'puts Gem.path') \
	/usr/share/rubygems-integration; do
	[ ! -d "$dir" ] || set -- "$@" --add "$dir"
done
seal /usr/bin/ruby "$@" --add /usr/lib/locale/C.utf8 \
	--add /usr/share/zoneinfo/Europe --add "$HERE/server.rb:/app/server.rb"
part 'WEBrick: threads, fibers, exceptions, files, sockets, JSON, zlib'
NPORT=$(free_port)
serve_native ruby "$HERE/server.rb" "$NPORT"
serve_guest 8080 prog.img /app/server.rb 8080
both client

part 'many requests'
load 'Hello from Ruby' -n 500 -c 4
load 'Hello from Ruby' -n 200 -c 4 --close

part 'SIGTERM runs its handler'
stop_both TERM

part 'starting another program fails as an exception'
serve_guest 8080 prog.img /app/server.rb 8080
PORT=$GPORT get /spawn >spawn.out
expect_match '^Errno::|NotImplementedError' spawn.out

part 'a UTF-8 locale and a time zone that were added to the image'
names='p Encoding.default_external, "\u00e4".upcase, Time.at(0).to_s'
native env LANG=C.UTF-8 TZ=Europe/Berlin ruby -e "$names"
guest -e LANG=C.UTF-8 -e TZ=Europe/Berlin prog.img -e "$names"
agree
expect_match '^#<Encoding:UTF-8>' guest.out
