# SPDX-License-Identifier: Apache-2.0
# mayfly trace PROGRAM: what is printed where, the options, the exit status,
# and what misuse gets.
. "$LIB"

trace() {
	"$MAYFLY" trace --substrate "$SUBSTRATE" "$@"
}

# The program's output, input and status are its own; the trace is on stderr.
expect_status 3 trace "$PROGS/hello.musl" </dev/null
expect_match '^arch_prctl\(ARCH_SET_FS, 0x[0-9a-f]+\) += 0 <[0-9.]+>$' err
expect_match '^write(v)?\(1, .*\) += [0-9]+ <[0-9.]+>$' err
expect_match '^exit_group\(3\) +'= err
[ "$(tail -n 1 err)" = "+++ exited with 3 +++" ] || fail "$(tail -n 1 err)"
run "$PROGS/hello.musl" </dev/null >plain || true
cmp plain out || fail "the program's output changed"

# To a file, with the thread before each line; run's options work.
expect_status 3 trace -o file -m 64m -e A=B --env C=D --name traced-one \
	"$PROGS/hello.musl" </dev/null
[ ! -s err ] || fail "stderr: $(cat err)"
expect_match '^1     exit_group\(3\)' file

# Filters, which the guest applies, and classes.
expect_status 3 trace -e trace=exit_group "$PROGS/hello.musl" </dev/null
[ "$(grep -c . err)" = 2 ] || fail "filter: $(cat err)"
expect_status 3 trace --filter '!%memory,exit_group' -o file \
	"$PROGS/hello.musl" </dev/null
! grep -Eq 'mmap|brk|exit_group' file || fail "filter: $(cat file)"
expect_match 'arch_prctl' file
expect_status 3 trace -e exit_group "$PROGS/hello.musl" </dev/null
[ "$(grep -c . err)" = 2 ] || fail "filter: $(cat err)"
expect_status 125 trace -e opne,close "$PROGS/hello.musl"
expect_status 3 trace -e none= "$PROGS/hello.musl" </dev/null
expect_match 'exit_group' err # that was a variable
expect_status 3 trace --filter none "$PROGS/hello.musl" </dev/null
[ "$(cat err)" = "+++ exited with 3 +++" ] || fail "none: $(cat err)"

# Lengths of strings.
expect_status 3 trace -s 3 -e write,writev "$PROGS/hello.musl" </dev/null
expect_match '"[^"]{3}"\.\.\.' err
expect_status 3 trace -s0 -o file "$PROGS/hello.musl" </dev/null
expect_match 'writev\(1, \[\.\.\.\], 2\)' file

# Time stamps.
expect_status 3 trace -ttt -r -o file "$PROGS/hello.musl" </dev/null
expect_match '^1     [0-9]{10}\.[0-9]{6} +[0-9]+\.[0-9]{6} exit_group' file
expect_status 3 trace -fTt -o file "$PROGS/hello.musl" </dev/null
expect_match '^1     [0-2][0-9]:[0-5][0-9]:[0-6][0-9] exit_group' file

# Counts: calls that --stats counts as well.
expect_status 3 trace -c --stats "$PROGS/hello.musl" </dev/null
sed '$d' err >table
tail -n 1 err >stats
head -n 1 table | grep -q '^% time     seconds  usecs/call' || fail "no table"
python3 - <<'PY'
import json
rows = [l.split() for l in open("table").read().splitlines()[2:]]
counts = {r[-1]: r for r in rows if not r[0].startswith("-")}
total = counts.pop("total")
calls = {n: int(r[3]) for n, r in counts.items()}
want = json.load(open("stats"))["syscalls"]
want.pop("exit_group")  # never returns
assert calls == want, (calls, want)
assert int(total[3]) == sum(calls.values()), total
PY
expect_status 3 trace -C -e exit_group,arch_prctl "$PROGS/hello.musl" \
	</dev/null
expect_match '^arch_prctl' err
expect_match ' total$' err

# Signals and ends by them.
got=0
trace -o file "$PROGS/deaths.musl" null >out 2>err </dev/null || got=$?
[ "$got" = 139 ] || fail "status $got"
expect_match '^1     --- SIGSEGV \{si_signo=SIGSEGV, si_code=SEGV_MAPERR, ' \
	file
[ "$(tail -n 1 file)" = "1     +++ killed by SIGSEGV +++" ] ||
	fail "$(tail -n 1 file)"
expect_match 'crashed: SIGSEGV' err
trace -e signal=none -o file "$PROGS/deaths.musl" null >out 2>err </dev/null ||
	true
! grep -q -e '---' file || fail "signal=none: $(cat file)"

# An image, and a program in no ordinary place.
"$MAYFLY" build -o hello.img "$PROGS/hello.musl" || fail "build"
expect_status 3 trace hello.img </dev/null
expect_match '^exit_group' err

# What cannot be.
expect_status 125 trace
expect_match 'nothing to trace' err
expect_status 125 trace -e trace=opne "$PROGS/hello.musl"
expect_match 'there is no system call opne; did you mean open\?' err
expect_status 125 trace --filter %fil "$PROGS/hello.musl"
expect_match 'no class %fil of system calls' err
expect_status 125 trace -e signal=SIGNOPE "$PROGS/hello.musl"
expect_match 'no signal SIGNOPE' err
for length in -1 x 16385 ''; do
	expect_status 125 trace -s "$length" "$PROGS/hello.musl"
	expect_match 'is not a length' err
done
expect_status 125 trace -o /nonexistent/file "$PROGS/hello.musl"
expect_match 'cannot write to /nonexistent/file: No such file' err
expect_status 125 trace --attach x "$PROGS/hello.musl"
expect_match 'either --attach or a program' err
expect_status 127 trace nothing-of-that-name
expect_match 'neither a file nor a running instance nothing-of-that-name' err
expect_status 127 trace ./nothing
expect_status 125 trace --bogus "$PROGS/hello.musl"
expect_match 'unknown option --bogus' err

# The trace has nowhere to go: the program runs to its end all the same.
expect_status 3 trace -o /dev/full "$PROGS/hello.musl" </dev/null
expect_match 'cannot write the trace \(No space left' err
cmp plain out || fail "the program's output changed"
