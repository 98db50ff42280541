# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# The gateway with TLS: the same as without, a certificate that is renewed,
# and files that are no certificates.
. "$LIB"
. "$SRC/tests/platform.sh"

# certificate NAME: a certificate for localhost, NAME.crt and NAME.key
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj "/CN=localhost" -addext \
		subjectAltName=DNS:localhost -keyout "$1.key" -out "$1.crt" \
		2>openssl.err || fail "$(cat openssl.err)"
}

# secure PATH [CURL OPTION...]: a request with TLS
secure() {
	path=$1
	shift
	curl -sS --max-time 30 --cacert "$CA" \
		--resolve "localhost:$GATEWAY:127.0.0.1" "$@" \
		"https://localhost:$GATEWAY$path"
}

certificate one
certificate two
cp one.crt now.crt
cp one.key now.key
musl-gcc -static -O2 -D_GNU_SOURCE -o fn "$SRC/tests/e2e/gateway_fn.c"
"$MAYFLY" build ./fn -o fn.img >/dev/null

port=$(free_port)
echo "no certificate" >bad.crt
expect_status 125 "${MAYFLY%/*}/mayflyd" --state "$TMP/other" \
	--listen "127.0.0.1:$port" --tls-cert bad.crt --tls-key one.key
expect_match 'cannot use the certificate bad.crt' err
expect_status 125 "${MAYFLY%/*}/mayflyd" --state "$TMP/other" \
	--listen "127.0.0.1:$port" --tls-cert one.crt --tls-key two.key
expect_match 'cannot use the key two.key' err

platform_start --tls-cert now.crt --tls-key now.key
deploy fn fn.img '{"isolation":"reuse"}'
CA=one.crt
secure /fn/fn/ >out
expect_match '^X-Forwarded-Proto: https.$' out
expect_match ';proto=https.$' out
head -c 2000000 /dev/urandom >data
secure /fn/fn/echo --data-binary @data -o got
cmp data got
secure '/fn/fn/big?3000000' --http1.0 -o got
[ "$(wc -c <got)" = 3000000 ] || fail "$(wc -c <got) bytes of 3000000"
secure '/fn/fn/big?[1-3]' -v >out 2>err
[ "$(cat out)" = bbbbbb ] || fail "answers are mixed up"
[ "$(grep -c 'Connected to' err)" = 1 ] || fail "no connection was kept"
status=0
secure /fn/fn/short >out 2>err || status=$?
[ "$status" = 18 ] || fail "curl says $status, not cut off"

# Without TLS, or with one that is too old, there is no answer.
status=0
gate /fn/fn/ >out 2>err || status=$?
[ "$status" != 0 ] || fail "an answer without TLS"
! openssl s_client -connect "127.0.0.1:$GATEWAY" -tls1_1 \
	-cipher ALL:@SECLEVEL=0 </dev/null >out 2>&1 ||
	fail "TLS 1.1 is spoken"

# A new certificate, and then files that are none.
cp two.crt now.crt
cp two.key now.key
kill -HUP "$DAEMON"
wait_line mayflyd.err 'certificates were read again'
CA=two.crt
secure /fn/fn/count -d abc >out
expect_match '^3$' out
cp bad.crt now.crt
kill -HUP "$DAEMON"
wait_line mayflyd.err 'certificates stay as they were: cannot use the'
secure /fn/fn/count -d abc >out
expect_match '^3$' out
