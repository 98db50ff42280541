# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by tests of the platform: a mayflyd of their own, with
# its state in $STATE, and its API as curl sees it.

STATE=$TMP/state

# platform_start [OPTION...]: started by the words $PLATFORM_AS, if there are
# any. DAEMON is its pid, SPAWNER that of its spawner, URL the gateway's; its
# messages are in mayflyd.err
platform_start() {
	[ -n "${GATEWAY:-}" ] || GATEWAY=$(free_port)
	URL=http://127.0.0.1:$GATEWAY
	rm -f mayflyd.err
	${PLATFORM_AS:-} "${MAYFLY%/*}/mayflyd" --state "$STATE" --drain 1s \
		--listen "127.0.0.1:$GATEWAY" --substrate \
		"$([ "$SUBSTRATE" = kvm ] && echo auto || echo process)" \
		"$@" >mayflyd.out 2>mayflyd.err &
	DAEMON=$!
	PIDS="$PIDS $DAEMON"
	wait_line mayflyd.err 'gateway on http'
	SPAWNER=$(pgrep -P "$DAEMON" -x mayfly-spawner)
}

# api METHOD PATH [JSON]: prints the status; the answer is in `body`
api() {
	method=$1
	path=$2
	shift 2
	curl -sS -o body -w '%{http_code}\n' --max-time 60 \
		--unix-socket "$STATE/api.sock" -X "$method" \
		-H 'Content-Type: application/json' ${1:+-d "$1"} \
		"http://localhost$path"
}

# deploy NAME IMAGE SPEC: SPEC is JSON, docs/formats/function.md
deploy() {
	got=$(curl -sS -o body -w '%{http_code}' --max-time 60 \
		--unix-socket "$STATE/api.sock" -X POST -T "$2" \
		-H 'Content-Type: application/octet-stream' \
		http://localhost/v1/images)
	[ "$got" = 200 ] || [ "$got" = 201 ] || fail "upload: $got: $(cat body)"
	digest=$(sed 's/.*"digest": *"\([^"]*\)".*/\1/' body)
	got=$(api POST "/v1/functions/$1/versions" \
		"{\"digest\":\"$digest\",\"spec\":$3}")
	grep -q '"event": *"done"' body || fail "deploy: $got: $(cat body)"
}

# fn NAME PATH [CURL OPTION...]: asks a function through the gateway and
# prints the status; the answer is in `body`
fn() {
	at=$URL/fn/$1$2
	shift 2
	curl -sS -o body -w '%{http_code}\n' --max-time 30 "$@" "$at"
}

# gate PATH [CURL OPTION...]: a request to the gateway, as curl prints it
gate() {
	at=$URL$1
	shift
	curl -sS --max-time 30 "$@" "$at"
}

# instance_pid NAME: of an instance of that function
instance_pid() {
	api GET "/v1/instances?function=$1" >/dev/null
	python3 -c 'import json
print(json.load(open("body"))["instances"][0]["pid"])'
}

# platform_end SIGNAL: ends mayflyd; STATUS is how it ended
platform_end() {
	kill "-$1" "$DAEMON"
	STATUS=0
	# shellcheck disable=SC2034 # the caller looks at it
	wait "$DAEMON" 2>/dev/null || STATUS=$?
	wait_gone "$SPAWNER"
}

# get PATH: prints the API's answer, which must be a good one
get() {
	curl -sS --max-time 60 --fail-with-body \
		--unix-socket "$STATE/api.sock" "http://localhost$1"
}

# server_deploy NAME SPEC: tests/platform_server.c
server_deploy() {
	if [ ! -e server.img ]; then
		musl-gcc -static -O1 -g -o server \
			"$SRC/tests/platform_server.c"
		"$MAYFLY" build -o server.img ./server >build.err 2>&1 ||
			fail "build: $(cat build.err)"
	fi
	deploy "$1" server.img "$2"
}

# groups_of SPAWNER: the cgroups of its instances
groups_of() {
	find /sys/fs/cgroup -type d -path "*/mayfly-$1/*" 2>/dev/null
}

# group_with PID FILE: the instance's cgroup that has the file
group_with() {
	for g in $(groups_of "$SPAWNER"); do
		if [ -e "$g/$2" ] && grep -qx "$1" "$g/cgroup.procs"; then
			echo "$g"
			return
		fi
	done
}
