# SPDX-License-Identifier: Apache-2.0
# What functions write comes out of `mayfly logs`, with whose it is; a flood
# does not drown anything.
# test: timeout 120
. "$LIB"
. "$SRC/tests/platform.sh"

# lines FILTER: how many lines of lines.txt, which are JSON, fit
lines() {
	python3 -c 'import json, sys
keys = [a.split("=", 1) for a in sys.argv[1:]]
found = [json.loads(line) for line in open("lines.txt")]
print(sum(all(str(l.get(k)) == v for k, v in keys) for l in found))' "$@"
}

logged_now() {
	get "/v1/functions/$logged_name/logs" >lines.txt
	[ "$(lines "$@")" = "$logged_count" ]
}

# logged NAME COUNT KEY=VALUE...: so many lines are so, by and by
logged() {
	logged_name=$1
	logged_count=$2
	shift 2
	until_true 10 logged_now "$@"
}

platform_start
server_deploy talk '{}'

# ---- whose a line is
[ "$(fn talk '/say?first' -D head)" = 200 ] || fail "$(cat body)"
request=$(sed -n 's/^X-Request-Id: \([^\r]*\).*/\1/Ip' head)
instance=$(sed -n 's/^X-Mayfly-Instance: \([^\r]*\).*/\1/Ip' head)
[ -n "$request" ] && [ -n "$instance" ] || fail "$(cat head)"
logged talk 1 function=talk version=1 stream=stdout text=first \
	"request=$request" "instance=$instance"
logged talk 1 stream=stderr 'text=err first' "request=$request"

# ---- nothing that a terminal obeys comes through
fn talk /escape >status
logged talk 1 stream=stdout "text=$(printf 'a\033[31mb\302\233c\357\277\275')"
! grep -q "$(printf '\033\|\302\233')" state/logs/talk.log ||
	fail 'an escape in the file'

# ---- all that came before an answer is there, though the instance is not
for _ in 1 2 3 4 5 6 7 8 9 10; do
	fn talk '/turns?5' >status
done
logged talk 50 text=turn
logged talk 50 'text=err turn'

# ---- choosing
fn talk '/say?needle' >status
logged talk 1 text=needle
logged talk 1 'text=err needle'
get '/v1/functions/talk/logs?grep=needle' >lines.txt
[ "$(lines)" = 2 ] || fail "grep: $(cat lines.txt)"
get '/v1/functions/talk/logs?tail=1' >lines.txt
[ "$(lines)" = 1 ] || fail "tail: $(cat lines.txt)"
get "/v1/functions/talk/logs?request=$request" >lines.txt
[ "$(lines)" = 2 ] || fail "request: $(cat lines.txt)"
get "/v1/functions/talk/logs?since=$(date +%s)999" >lines.txt
[ "$(lines)" = 0 ] || fail "since: $(cat lines.txt)"

# ---- by mayfly logs
export MAYFLY_STATE="$STATE"
"$MAYFLY" logs talk >text 2>&1
expect_match '^err first$' text
expect_match "$(printf '^a\033.31mb')" text
python3 -c 'import pty, sys
pty.spawn(sys.argv[1:])' "$MAYFLY" logs talk >shown </dev/null
expect_match '^a.\[31mb.c' shown
[ "$(LC_ALL=C grep -c "$(printf '\033\|\302\233')" shown)" = 0 ] ||
	fail 'an escape on a terminal'
"$MAYFLY" logs --grep needle talk >text 2>&1
[ "$(grep -c needle text)" = 2 ] || fail "--grep: $(cat text)"
"$MAYFLY" logs --tail 1 --json talk >lines.txt
[ "$(lines function=talk)" = 1 ] || fail "--tail: $(cat lines.txt)"
"$MAYFLY" logs -f talk >live 2>&1 &
PIDS="$PIDS $!"
wait_line live needle

# ---- following
curl -sSN --unix-socket "$STATE/api.sock" \
	'http://localhost/v1/functions/talk/logs?follow=1' >followed 2>&1 &
PIDS="$PIDS $!"
wait_line followed needle
fn talk '/say?later' >status
wait_line followed 'err later'
[ "$(grep -c 'err later' followed)" = 1 ] || fail 'a line twice'
wait_line live '^err later'

# ---- a flood
[ "$(fn talk '/flood?200000')" = 200 ] || fail "flood: $(cat body)"
until_true 20 grep -q '"stream":"platform","text":"[0-9]* lines dropped' \
	state/logs/talk.log
get '/v1/functions/talk/logs?grep=flood' >lines.txt
[ "$(lines stream=stdout)" -lt 100000 ] || fail 'nothing was dropped'
get /metrics >metrics.txt
expect_match 'mayfly_log_lines_dropped_total\{function="talk"\} [1-9]' \
	metrics.txt

# ---- they go with the function
[ "$(stat -c %a state/logs)" = 700 ]
[ "$(api DELETE /v1/functions/talk)" = 204 ] || fail "rm: $(cat body)"
until_true 10 test ! -e state/logs/talk.log

# ---- the access log
expect_match '"method":"GET","host":"[0-9.:]*","path":"/fn/talk/say\?first",' \
	state/access.log
grep "\"request\":\"$request\"" state/access.log >line
expect_match '"status":200,.*"function":"talk","version":1,"instance":' line
platform_end TERM
