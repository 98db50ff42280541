# SPDX-License-Identifier: Apache-2.0
# Debian's Perl: a script, then libhttp-daemon-perl.
# test: program Perl
# test: version perl -e 'print $^V'
# test: timeout 120
. "$SRC/tests/programs/lib.sh"

client() {
	get /
	get /file | cksum
	get '/none?x=1'
	curl -s -m 20 -d some-text "http://127.0.0.1:$PORT/"
	curl -s -m 20 -o /dev/null -w '%{http_code} %{size_download}\n' \
		"http://127.0.0.1:$PORT/" "http://127.0.0.1:$PORT/file"
}

echo 'the only line' >in
seal /usr/bin/perl --add /usr/share/perl --add /usr/share/perl5 \
	--add /usr/lib/x86_64-linux-gnu/perl \
	--add /usr/lib/x86_64-linux-gnu/perl5 \
	--add /usr/lib/x86_64-linux-gnu/perl-base \
	--add "$HERE/work.pl:/app/work.pl" \
	--add "$HERE/server.pl:/app/server.pl"
part 'modules of C and Perl, files, signals, sockets, JSON, locks'
native perl "$HERE/work.pl" <in
guest prog.img /app/work.pl <in
sed -i "s,$HERE/,/app/,g" native.out
agree

part 'fork fails with an error that the program sees'
expect_match '^fork: ' guest.err

part 'HTTP::Daemon: GET, POST, files, keep-alive, errors'
NPORT=$(free_port)
serve_native perl "$HERE/server.pl" "$NPORT"
serve_guest 8080 prog.img /app/server.pl 8080
both client
load 'Hello from Perl' -n 500
load 'Hello from Perl' -n 100 --close
stop_both TERM
