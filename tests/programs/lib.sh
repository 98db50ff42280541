# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/programs/*/run.sh; tests/README.md says what it gives.
. "$LIB"

PART=

row() {
	printf '%s\t%s\n' "$1" "$2" >>"$ROWS"
}

# What the script was at when it failed is what fails.
rows_end() {
	status=$?
	set +e
	case $status in
	0) [ -z "$PART" ] || row works "$PART" ;;
	77) ;;
	*) [ -z "$PART" ] || row fails "$PART" ;;
	esac
	(exit "$status")
	at_end
}
trap rows_end EXIT

# part TEXT: what the following lines exercise, up to the next part. A row of
# docs/compatibility.md says that it works, if nothing of it fails.
part() {
	part_done
	PART=$1
	echo "--- $PART"
}

part_done() {
	if grep -h '^mayfly: .*not implemented' ./*.err 2>/dev/null; then
		fail "the guest kernel lacks what it uses"
	fi
	[ -z "$PART" ] || row works "$PART"
	PART=
}

# seal SOURCE [--add ...] [-- ARGS]: makes prog.img with mayfly build, and with
# what SEAL_OPTIONS says
seal() {
	command="mayfly build"
	for word in "$@"; do
		case $word in
		"$HERE"/*) word=${word#"$HERE/"} ;;
		"$TMP"/*) word=${word#"$TMP/"} ;;
		"${OUT:-none}"/*) word=${word#"$OUT/"} ;;
		esac
		case $word in
		*[!A-Za-z0-9_./:=,+-]*) command="$command '$word'" ;;
		*) command="$command $word" ;;
		esac
	done
	printf 'sealed\t%s\n' "$command" >>"$ROWS"
	# shellcheck disable=SC2086
	"$MAYFLY" build ${SEAL_OPTIONS:-} -o prog.img "$@" \
		>seal.out 2>seal.err ||
		fail "mayfly build: status $?: $(cat seal.err)"
}

# What programs write natively does not go where another test finds it.
mkdir "$TMP/tmp"
export TMPDIR="$TMP/tmp"

# native CMD...: the program as it runs without Mayfly, to be compared with:
# output in native.out and native.err, status in NATIVE
native() {
	NATIVE=0
	"$@" >native.out 2>native.err || NATIVE=$?
}

# guest [OPTION...] [prog.img ARG...]: the same with mayfly run, GUEST
guest() {
	GUEST=0
	run "$@" >guest.out 2>guest.err || GUEST=$?
}

# agree: what the last native and the last guest run printed is the same
agree() {
	[ -s native.out ] || fail "the native run prints nothing: $(
		cat native.err)"
	[ "$NATIVE" = "$GUEST" ] || {
		diff native.out guest.out || true
		fail "status $GUEST, natively $NATIVE: $(cat guest.err)"
	}
	diff native.out guest.out || fail "the output differs"
}

# A server runs natively on NPORT and in the guest on GPORT at the same time;
# NPID and GPID are its processes.
# serve_native CMD...: starts it where NPORT says
serve_native() {
	"$@" >native.out 2>native.err &
	NPID=$!
	PIDS="$PIDS $NPID"
	(
		PID=$NPID
		wait_port "$NPORT"
	) || fail "natively: $(cat native.err)"
}

# serve_guest PORT [OPTION...] prog.img [ARG...]: starts it in the guest, where
# it listens on PORT, published as GPORT; HOSTPORT:PORT says as what
serve_guest() {
	case $1 in
	*:*) GPORT=${1%:*} ;;
	*) GPORT=$(free_port) ;;
	esac
	port=${1#*:}
	shift
	start -p "127.0.0.1:$GPORT:$port" "$@"
	GPID=$PID
	wait_port "$GPORT"
}

# both CMD...: runs a client with PORT=$NPORT, then with PORT=$GPORT; it must
# print the same both times
both() {
	want=0
	got=0
	PORT=$NPORT "$@" >both.native 2>&1 || want=$?
	PORT=$GPORT "$@" >both.guest 2>&1 || got=$?
	[ -s both.native ] || fail "the client prints nothing: $*"
	diff both.native both.guest || fail "natively it is different: $*"
	[ "$want" = "$got" ] || fail "status $got, natively $want: $*"
}

# get PATH: prints what curl gets from PORT
get() {
	curl -s -S -m 20 "http://127.0.0.1:$PORT$1"
}

# load [OPTION...] REGEX [OPTION...]: many requests to the guest, each answer
# is checked
load() {
	python3 "$SRC/tests/http_load.py" "$GPORT" "$@" ||
		fail "not every answer is right: $(cat start.err)"
}

# stop_both SIGNAL: ends both servers; they must end in the same way
stop_both() {
	kill -s "$1" "$NPID"
	kill -s "$1" "$GPID"
	want=0
	got=0
	wait "$NPID" || want=$?
	wait "$GPID" || got=$?
	[ "$want" = "$got" ] || fail "SIG$1: status $got, natively $want: $(
		cat start.err)"
}

# refused FILE: this part does not work, because it takes a second process,
# and FILE has the sentence that says so
refused() {
	sentence='an instance is one process, it cannot start another'
	wait_line "$1" "^mayfly: .*$sentence"
	row "refused: $sentence" "$PART"
	PART=
}
