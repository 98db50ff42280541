# SPDX-License-Identifier: Apache-2.0
# mayfly bench compare: a short run of what is installed makes a report that
# check.py accepts, and a report that says something else than its raw data is
# refused; what is asked for wrongly gets a sentence; a run that is broken off
# keeps its samples and leaves nothing behind.
# test: once
# test: no-san
# test: timeout 600
. "$LIB"

check=$SRC/bench/compare/check.py

# Tools that were not installed as packages are there, and their settings.
HOME=$(getent passwd "$(id -u)" | cut -d : -f 6)
export HOME

compare() {
	"$MAYFLY" bench compare --no-install --work "$TMP/work" "$@"
}

# A sentence at the end, and no trace of Python.
refused() {
	got=0
	compare "$@" >out 2>err || got=$?
	case $got in
	2 | 125) ;;
	*) fail "status $got: $*: $(cat err)" ;;
	esac
	! grep -q Traceback err || fail "$(cat err)"
	[ ! -e none ] || fail "$* makes a result"
}

refused -o none --frobnicate
expect_match 'unrecognized arguments: --frobnicate' err
refused -o none --runs many
expect_match 'many' err
refused -o none --runs 0
expect_match '0 is no whole number from 1 to' err
refused -o none --pause never
expect_match 'never' err
refused -o none --programs java
expect_match 'no program java; there are: node, go$' err
refused -o none --only docker
expect_match 'no contender docker; there are: process, ' err
refused -o none --parts speed
expect_match 'no part speed; there are: start, ' err
refused -o none --also go:mine
expect_match 'PROGRAM:NAME=COMMAND is wanted' err
refused -o none --also java:mine=true
expect_match 'there is no program java; there are: node, go' err
refused -o none --also go:crun=true
expect_match 'there is a contender crun already$' err
refused -o none --only ,
expect_match 'no contender is named; there are: process, ' err
refused -o ''
expect_match 'the name of a directory is empty' err
refused -o none more
expect_match 'more' err
expect_status 0 compare --help
expect_match '^usage: mayfly bench compare' out
grep -oE -- '--[a-z-]+' out | sort -u | grep -vx -e --help >options
while read -r option; do
	grep -q "^\.It Fl .*${option#-}\>" "$SRC/docs/man/mayfly-bench.1" ||
		fail "mayfly-bench(1) lacks $option"
done <options
expect_status 0 "$SRC/compare" --help
expect_match '^Usage: ./compare' out
expect_match '  --no-install ' out

# What cannot be written fails before anything is made, with a sentence.
unwritable() {
	got=0
	compare --programs go --only process --parts start -o "$1" >out 2>err ||
		got=$?
	[ "$got" != 0 ] || fail "a result in $1"
	expect_match "$1" err
	! grep -q Traceback err || fail "$(cat err)"
	! grep -q 'round 1' err || fail "something was measured: $(cat err)"
}
: >file
unwritable file/result
mkdir taken
: >taken/raw
unwritable taken

# What does not answer is not tried for ever, and is no success by itself.
# Spaces are letters like others.
got=0
compare --programs go --only bad --also go:bad=/bin/false --parts start \
	--quick --work "$TMP/w o" -o 'r e' >out 2>err || got=$?
[ "$got" = 1 ] || fail "status $got: $(cat err)"
expect_match '^no start succeeded; the report says why$' err
expect_match ',bad,hot,.*,not tried again after 3 failures' 'r e/raw/start.csv'
compare --programs go --only process --parts start --quick \
	--runs 1 --cold-runs 1 --work "$TMP/w o" -o 'a b' >out 2>err ||
	fail "$(cat err)"
python3 "$check" 'a b' >checked || fail "$(cat checked)"

# All of it, as a user has it. What else is in the directory for work stays.
mkdir -p work
echo mine >work/mine
"$SRC/compare" --quick --no-install --work "$TMP/work" -o result >out 2>err ||
	fail "$(cat err)"
expect_match '^result/report\.md$' out
python3 "$check" result >checked 2>&1 || fail "$(cat checked)"
expect_match '^complete: ' checked
python3 - <<'PY'
import csv
def rows(where, name):
    with open(f"{where}/raw/{name}.csv", newline="") as f:
        return list(csv.DictReader(f))
ran = {(r["program"], r["contender"]) for r in rows("result", "contenders")
       if r["state"] == "run"}
for program in "node", "go":
    need = {(program, "process"), (program, "mayfly-run-process"),
            (program, "mayfly-clone-process"), (program, "platform-process")}
    assert need <= ran, need - ran
for r in rows("result", "start"):
    assert not r["error"], r
    assert 0 < float(r["first_byte_us"]) < 30e6, r
for r in rows("result", "requests"):
    assert r["status"] == "200", r
PY
damon=/sys/kernel/mm/damon/admin/kdamonds
if grep -qsx on $damon/*/state &&
	grep -qsx pageout $damon/*/contexts/*/schemes/*/action; then
	expect_match 'The kernel pages out what' result/raw/host.json
fi
# What is not fetched is removed, and nothing that is not ours.
expect_left() {
	[ "$(cat work/mine)" = mine ] || fail 'it took what is not its own'
	left=$(find work -mindepth 1 -maxdepth 2 ! -name fetched ! -name lock |
		sort | tr '\n' ' ')
	[ "$left" = 'work/mayfly-compare work/mine ' ] ||
		fail "it left $left"
}
expect_left

# What is there is not written over.
cp result/report.md before.md
got=0
compare --quick -o result >out 2>err || got=$?
[ "$got" = 1 ] || fail "status $got: $(cat err)"
expect_match 'result is not empty: name another with -o$' err
[ "$(wc -l <err)" = 1 ] || fail "$(cat err)"
cmp before.md result/report.md || fail 'another report'

# The report that is shown to people is true, too.
python3 "$check" "$SRC/docs/comparison" >checked 2>&1 ||
	fail "$(cat checked)"
python3 - "$SRC/docs/comparison/report.md" "$SRC/README.md" <<'PY'
import re, sys
def rows(text):
    return [[cell.strip() for cell in line[1:-1].split("|")]
            for line in text.splitlines() if line.startswith("| ")]
report, readme = (open(name).read() for name in sys.argv[1:])
shown = rows(readme.split("\n## Beside containers\n")[1].split("\n## ")[0])[1:]
assert len(shown) > 8, shown
for first, label, *cells in shown:
    if first:
        head = re.search(f"\n## {first}.*\n", report).end()
        full = {row[0]: row[1:] for row in
                rows(report[head:].split("\n## ")[0])}
    size, hot, _, cold, stop, _, each = full[label]
    want = [hot.split()[0], cold, stop, size, each]
    assert cells == want, (first, label, cells, want)
PY

# notices REGEX CMD...: CMD, run on a copy of the result, is noticed
notices() {
	regex=$1
	rm -rf copy
	cp -r result copy
	shift
	(cd copy && "$@")
	! diff -qr result copy >/dev/null || fail "$* changed nothing"
	got=0
	python3 "$check" copy >checked 2>&1 || got=$?
	[ "$got" = 1 ] || fail "status $got of check.py after: $*"
	expect_match "$regex" checked
	! grep -q Traceback checked || fail "$(cat checked)"
}

# The first figure of the first row is another one.
notices '^report\.md, node, bare process, .* is printed, ' python3 -c '
import re
text = open("report.md").read()
m = re.search(r"^\| bare process +\| +[0-9]", text, re.M)
digit = str(9 - int(text[m.end() - 1]))
text = text[:m.end() - 1] + digit + text[m.end():]
open("report.md", "w").write(text)'
notices '^report\.md, .*(go|node), .* is printed, ' python3 -c '
lines = open("raw/start.csv").read().splitlines()
words = lines[1].split(",")
words[5] = str(float(words[5]) * 2)
lines[1] = ",".join(words)
open("raw/start.csv", "w").write("\n".join(lines) + "\n")'
notices '^start\.csv has 4 hot samples of (go|node), process, not 5' \
	sed -i '0,/,process,hot,/{/,process,hot,/d}' raw/start.csv
notices '^report\.md does not say why unikernel was left out' \
	sed -i '/another unikernel/d' report.md
notices '^plots/size\.svg is no picture' truncate -s 400 plots/size.svg
notices '^plots/size\.png is not a whole PNG' truncate -s 400 plots/size.png
notices '^plots/start-go.tsv is missing' rm plots/start-go.tsv
notices '^size\.csv cannot be read' rm raw/size.csv
notices '^surface\.csv lacks rows of go, process' \
	sed -i '/,process,/d' raw/surface.csv
notices '^report\.md, attack surface, go, bare process, uid0: 1 is printed' \
	sed -i 's/^go,process,uid0,1,/go,process,uid0,0,/' raw/surface.csv
notices '^report\.md, published figures, go, start, hot, ms, .* is printed' \
	sed -i '/^| go .*published/s/1,004/1,005/' report.md
notices '^plots/usage-cpu-go\.tsv, bare process: it is not drawn from raw/' \
	sed -i '3s/\t[^\t]*/\t7/' plots/usage-cpu-go.tsv
notices '^report\.html cannot be read' rm report.html
notices '^table .* is not the same in' sed -i 's/bare process/own process/' \
	report.html

# Processes that name our directory, or in whose world it is mounted. (Numbers
# of namespaces are no help: the next one made gets that of the last to go.)
living() {
	echo "$TMP/work" >place
	grep -alF -f place /proc/[0-9]*/cmdline /proc/[0-9]*/mountinfo \
		2>/dev/null || true
}
# Cgroups of the run PID; of version 1, of all controllers.
groups() {
	find /sys/fs/cgroup -type d -name "mayfly-compare-$PID" 2>/dev/null
}
mounted() {
	grep -F "$TMP" /proc/self/mounts || true
}
started() {
	[ -s "$1/raw/start.csv" ] && [ "$(wc -l <"$1/raw/start.csv")" -gt 3 ]
}
# A second run beside the first.
second() {
	got=0
	compare --quick -o none >out.second 2>err.second || got=$?
	[ "$got" = 1 ] || fail "status $got: $(cat err.second)"
	expect_match ': another comparison works in .*/work; name another' \
		err.second
	expect_match ' name another directory with --work$' err.second
	[ "$(wc -l <err.second)" = 1 ] || fail "$(cat err.second)"
	[ ! -e none ] || fail 'a second run makes a result'
}
# measures DIR: it has begun to; or it has ended, and will not
measures() {
	kill -0 "$PID" 2>/dev/null || fail "it ended: $(cat err)"
	started "$1"
}
# ends_by SIGNAL ONLY [group]: a run of these that is broken off; as by a
# terminal, where all processes of its group get the signal
ends_by() {
	# The shell makes what it starts in the background deaf to SIGINT.
	env --default-signal=INT setsid "$MAYFLY" bench compare \
		--no-install --work "$TMP/work" --programs go --parts start \
		--only "$2" --quick --runs 1000 -o "broken-$1" >out 2>err &
	PID=$!
	PIDS="$PIDS $PID"
	until_true 60 measures "broken-$1"
	[ -n "$(living)" ] || fail 'nothing of it can be seen'
	second
	kill -s "$1" -- "${3:+-}$PID"
	got=0
	wait "$PID" || got=$?
	[ "$got" != 0 ] || fail "status 0 after SIG$1"
	! grep -q Traceback err || fail "$(cat err)"
	[ "$(grep -cx "mayfly bench compare: ended by SIG$1" err)" = 1 ] ||
		fail "$(cat err)"
	[ -z "$(living)" ] || fail "left after SIG$1: $(living)"
	[ -z "$(mounted)" ] || fail "left mounted: $(mounted)"
	[ -z "$(groups)" ] || fail "left groups: $(groups)"
	started "broken-$1" || fail "the samples are gone"
	python3 -m json.tool "broken-$1/raw/host.json" >host ||
		fail 'host.json is gone'
	expect_left
}
ends_by TERM process,mayfly-run-process
ends_by INT process,podman-port,containerd,platform-process group
