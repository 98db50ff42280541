# SPDX-License-Identifier: Apache-2.0
# The life of a function by the commands: deployed, asked, looked at, replaced,
# rolled back, shared between versions, taken away.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

musl-gcc -static -O2 -o hello "$SRC/tests/platform_fn.c"
export MAYFLY_STATE="$STATE"

expect_status 125 "$MAYFLY" ls
expect_match 'no mayflyd answers .*start one with mayfly up' err

platform_start
"$MAYFLY" deploy ./hello >out 2>err || fail "deploy: $(cat err)"
[ "$(cat out)" = "http://localhost:$GATEWAY/fn/hello/" ] ||
	fail "the URL is $(cat out)"
expect_match 'version 1 of hello is deployed' err
[ "$(curl -sS -m 20 "$(cat out)")" = here ] || fail 'no answer at the URL'
[ "$("$MAYFLY" invoke hello)" = here ] || fail 'no answer to invoke'
"$MAYFLY" invoke -i hello/some/path -d '{"a":1}' >out
expect_match '^HTTP/1.1 200 OK' out
"$MAYFLY" invoke -X PUT -H 'X-A: b' hello >out
[ "$(cat out)" = here ] || fail 'no answer to PUT'
"$MAYFLY" invoke hello -d @- <hello >out

# What is there.
"$MAYFLY" ls >out
expect_match '^hello +1 +ok ' out
[ "$("$MAYFLY" ls -q)" = hello ] || fail 'ls -q'
"$MAYFLY" ls --json | python3 -c 'import json, sys
assert json.load(sys.stdin)[0]["name"] == "hello"'
"$MAYFLY" inspect hello >out
expect_match '^live +version 1 \(100\)' out
"$MAYFLY" inspect --json hello | python3 -c 'import json, sys
f = json.load(sys.stdin)
assert f["versions"][0]["spec"]["port"] == 8080, f
assert f["versions"][0]["snapshot"] is True, f'
"$MAYFLY" logs hello >out
expect_match '^asked for GET /some/path|^asked for POST /some/path' out
[ "$("$MAYFLY" logs -n 1 --grep PUT hello)" = 'asked for PUT / HTTP/1.1' ] ||
	fail 'logs -n 1 --grep PUT'
"$MAYFLY" logs -t --since 1h hello >out
expect_match '^2[0-9-]+T[0-9:.]+Z [0-9a-f]{12} asked' out
"$MAYFLY" history hello >out
expect_match 'hello +1 +probe ' out
"$MAYFLY" history --csv hello >out
expect_match '^seq,' out
"$MAYFLY" history --json -n 1 | python3 -c 'import json, sys
assert len(json.load(sys.stdin)["instances"]) == 1'
"$MAYFLY" top >out
expect_match '^hello +ok ' out
"$MAYFLY" ps >out
expect_match '^INSTANCE' out

# Logs that are followed.
"$MAYFLY" logs -f --grep /later hello >followed &
PIDS="$PIDS $!"
"$MAYFLY" invoke hello/later >out
wait_line followed 'asked for GET /later'

# Another version, the one before, both.
"$MAYFLY" deploy ./hello -e SAY=two >out 2>err || fail "deploy: $(cat err)"
[ "$("$MAYFLY" invoke hello)" = two ] || fail 'the new version does not answer'
[ "$("$MAYFLY" invoke hello@1)" = here ] || fail 'version 1 is not there'
[ "$("$MAYFLY" rollback hello)" = 'live 1=100' ] || fail 'rollback'
[ "$("$MAYFLY" invoke hello)" = here ] || fail 'rolled back, it says two'
expect_status 1 "$MAYFLY" rollback hello
expect_match 'no version before version 1' err
"$MAYFLY" deploy ./hello -e SAY=three --canary 50% >out 2>&1
"$MAYFLY" alias hello >out
expect_match '^live 1=50 3=50$' out
: >answers
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
	"$MAYFLY" invoke hello >>answers
done
[ "$(sort -u answers | tr '\n' ' ')" = 'here three ' ] ||
	fail "the canary's share: $(sort answers | uniq -c)"
"$MAYFLY" promote hello 3
[ "$("$MAYFLY" invoke hello)" = three ] || fail 'promoted, it does not answer'
"$MAYFLY" alias hello beta 2 >out
[ "$("$MAYFLY" invoke hello@beta)" = two ] || fail 'alias beta'
"$MAYFLY" alias --remove hello beta
expect_status 1 "$MAYFLY" invoke hello@beta
expect_status 1 "$MAYFLY" alias hello live 9

# With a token only.
"$MAYFLY" deploy ./hello -n safe --token-protected >out 2>&1
[ "$(curl -s -o body -w '%{http_code}' "$URL/fn/safe/")" = 401 ] ||
	fail 'it answers everybody'
[ "$("$MAYFLY" invoke safe)" = here ] || fail 'invoke needs a token'
token=$("$MAYFLY" token create web --invoke=safe)
[ "$(curl -s -H "Authorization: Bearer $token" "$URL/fn/safe/")" = here ] ||
	fail 'the token is not good enough'
"$MAYFLY" token ls >out
expect_match '^web +invoke +safe' out
"$MAYFLY" token rm web
[ "$(curl -s -o body -w '%{http_code}' -H "Authorization: Bearer $token" \
	"$URL/fn/safe/")" = 401 ] || fail 'the token that is gone is good'

# Versions from before it was protected, and those that were replaced.
"$MAYFLY" deploy ./hello -n later >out 2>&1
[ "$(fn later@1 /)" = 200 ] || fail 'the version that is live is not public'
"$MAYFLY" deploy ./hello -n later --token-protected >out 2>&1
[ "$(fn later@1 /)" = 401 ] || fail 'the old version answers everybody'
"$MAYFLY" rollback later >out
[ "$(fn later@1 /)" = 200 ] || fail 'rolled back, it is not public'
[ "$(fn hello@2 /)" = 401 ] || fail 'no alias leads there, and it answers'
"$MAYFLY" rm later

# A program for each request.
cat >shout.c <<'C'
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
	const char *path = getenv("PATH_INFO");
	int c;

	while ((c = getchar()) != EOF)
		putchar(toupper(c));
	return path && strcmp(path, "/fails") == 0;
}
C
musl-gcc -static -O2 -o shout shout.c
"$MAYFLY" deploy ./shout --mode stdio >out 2>err || fail "stdio: $(cat err)"
[ "$("$MAYFLY" invoke shout -d 'what is it')" = 'WHAT IS IT' ] ||
	fail 'mode stdio does not answer'
expect_status 1 "$MAYFLY" invoke shout/fails
"$MAYFLY" rm shout

# A directory with mayfly.yaml.
mkdir app
cp "$SRC/tests/platform_fn.c" app/hello.c
cat >app/mayfly.yaml <<'YAML'
function:
  name: From-Yaml
YAML
expect_status 1 "$MAYFLY" deploy app
expect_match 'From-Yaml is not a name' err
cat >app/mayfly.yaml <<'YAML'
function:
  name: from-yaml
  isolation: reuse
  timeout: 2s
  cpu: 0.5
  env: { SAY: yaml }
  route: [/declared]
YAML
"$MAYFLY" deploy app >out 2>err || fail "deploy app: $(cat err)"
[ "$(curl -sS -m 20 "$URL/declared/x")" = yaml ] || fail 'the declared route'
"$MAYFLY" inspect --json from-yaml | python3 -c 'import json, sys
s = json.load(sys.stdin)["versions"][0]["spec"]
assert s["isolation"] == "reuse" and s["total_ms"] == 2000, s
assert s["cpu_milli"] == 500 and s["concurrency"] == 16, s'
id=$("$MAYFLY" ps -q from-yaml | head -n 1)
[ -n "$id" ] || fail 'no instance of reuse is there'
"$MAYFLY" stop "$id"
expect_status 1 "$MAYFLY" stop 00000000
expect_status 1 "$MAYFLY" deploy ./hello -n other --route /declared
expect_match "route /declared is from-yaml's already" err

# Gone.
"$MAYFLY" rm hello safe from-yaml >out
expect_status 1 "$MAYFLY" rm hello
[ "$(curl -s -o body -w '%{http_code}' "$URL/fn/hello/")" = 404 ] ||
	fail 'it still answers'
[ -z "$("$MAYFLY" ls -q)" ] || fail "still there: $("$MAYFLY" ls -q)"
nothing_left() {
	[ -z "$(find state/versions state/images -type f)" ]
}
until_true 10 nothing_left
