# SPDX-License-Identifier: Apache-2.0
# Snapshots when the host fails: killed or refused at every write, the old file
# or the new one is there and whole; with any system call of a restore failed,
# the copy is right or a sentence says why there is none. A sample of the
# steps; snapshot-torture-all.sh takes all of them.
# test: timeout 120
# test: no-san
. "$LIB"

STEPS=${STEPS:-6}

cat >filter.c <<'C'
#include <stdio.h>
#include <string.h>

static unsigned char data[300000] = { 1 }, zero[100000];

int main(void)
{
	unsigned sum = 0;
	char line[100];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 4096);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	for (unsigned i = 0; i < sizeof(data); i++)
		sum = sum * 31 + data[i];
	for (unsigned i = 0; i < sizeof(zero); i++)
		sum += zero[i];
	printf("%u %s", sum, line);
	return 7;
}
C
musl-gcc -static -O2 -o filter filter.c
"$MAYFLY" build filter -o filter.img >/dev/null
echo hello >line
got=0
timeout 20 ./filter <line >right || got=$?
[ "$got" = 7 ] || fail "natively $got"

# step COUNT: the first few, then some of COUNT, of which the last is one
step() {
	seq 1 "$1" | awk -v n="$1" -v want="$STEPS" '
		{ every = int(n / want) }
		every < 2 || $1 == 1 || $1 % every == 0 || $1 == n'
}

# is_whole FILE: it is a snapshot that can be run
is_whole() {
	expect_status 0 "$MAYFLY" inspect "$1"
}

# one_sentence: err has one line of ours, and no more
one_sentence() {
	[ "$(grep -c '^mayfly: ' err)" = 1 ] || fail "$1 said: $(cat err)"
}

no_drafts() {
	set -- *.snap.*
	[ ! -e "$1" ] || fail "left behind: $*"
}

# ---- writing ----------------------------------------------------------------
take() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" filter.img -o new.snap
}
take
cp new.snap old.snap

# counts CALLS OPTION...: how often at most one process makes one of them
count() {
	calls=$1
	shift
	strace "$@" -qq -o trace -e trace="$calls" "$MAYFLY" snapshot \
		--substrate "$SUBSTRATE" filter.img -o new.snap >/dev/null 2>&1
	sed -n 's/^\([0-9]* \)*[a-z0-9]*(.*/\1./p' trace | sort | uniq -c |
		sort -n | tail -n 1 | awk '{ print $1 }'
}

# inject CALL WHAT NUMBER OPTION...: with strace, status in $got
inject() {
	call=$1 what=$2 nr=$3
	shift 3
	cp old.snap new.snap
	got=0
	timeout -k 1 30 strace "$@" -qq -o trace -e trace="$call" \
		-e inject="$call:$what:when=$nr" "$MAYFLY" snapshot \
		--substrate "$SUBSTRATE" filter.img -o new.snap \
		>out 2>err || got=$?
	[ "$got" != 124 ] || fail "$call $nr, $what: hangs"
	cmp -s old.snap new.snap || is_whole new.snap
}

# The monitor at each of its writes; nothing of it is left.
n=$(count pwrite64 -f)
[ "$n" -gt 2 ] || fail "only $n writes"
for i in $(step "$n"); do
	for what in signal=SIGKILL error=EIO error=ENOSPC; do
		inject pwrite64 $what "$i" -f
		case $got in
		0 | 137) ;;
		*) one_sentence "pwrite64 $i with $what ($got)" ;;
		esac
		[ "$got" = 125 ] || [ "$got" = 0 ] ||
			[ $what = signal=SIGKILL ] ||
			fail "pwrite64 $i with $what: status $got"
		[ "$got" = 137 ] || no_drafts
		rm -f new.snap.*
	done
done
# The command at each of the calls that make the file.
for call in pwrite64 ftruncate fsync rename fchmod; do
	n=$(count $call)
	for i in $(step "${n:-0}"); do
		inject $call signal=SIGKILL "$i"
		# Some calls are made for caches, not always.
		[ "$got" = 137 ] || [ "$got" = 0 ] || fail "$call $i: $got"
		rm -f new.snap.*
		inject $call error=EIO "$i"
		case $got in
		0) ;; # it was for the caches, or for the working set
		125) one_sentence "$call $i" ;;
		*) fail "$call $i with EIO: status $got" ;;
		esac
		no_drafts
	done
done

# ---- a restore --------------------------------------------------------------
# Not failed: what the tool does itself; what the C library does before main and
# cannot do without; what cannot fail; close, which closes even if it fails;
# fcntl, which fails where nothing is open; write, which writes the sentence.
# A call of the monitor that is failed once its jail is closed ends it: the
# jail sees that this is not the call that it was.
never='^(execve|brk|arch_prctl|mprotect|exit|exit_group|rt_sigreturn'
never="$never|close|fcntl|write)\$"
restore() {
	timeout -k 1 8 strace -f -qq -o trace "$@" "$MAYFLY" run \
		--substrate "$SUBSTRATE" old.snap <line >out 2>err
}
got=0
restore -e trace=all || got=$?
[ "$got" = 7 ] || fail "the copy ended with $got: $(cat err)"
cmp -s out right || fail "the copy says $(cat out)"
sed -n 's/^\([0-9]*\) *\([a-z0-9_]*\)(.*/\1 \2/p' trace | grep -Ev ' (exit)' |
	awk '{ n = ++c[$1 " " $2]; if (n > m[$2]) m[$2] = n }
	     END { for (k in m) for (i = 1; i <= m[k]; i++) print k, i }' |
	sort -k 1,1 -k 2,2n >steps
every=$(($(wc -l <steps) / (STEPS * 5) + 1))
[ "$STEPS" -lt 1000 ] || every=1
awk -v every="$every" 'NR % every == 0' steps >some
[ -s some ] || fail 'no steps'
while read -r call i; do
	echo "$call" | grep -Eq "$never" && continue
	error=EIO
	[ "$call" != mmap ] || error=ENOMEM
	got=0
	restore -e trace="$call" -e inject="$call:error=$error:when=$i" ||
		got=$?
	case $got in
	7) cmp -s out right || fail "$call $i: a wrong answer: $(cat out)" ;;
	125) one_sentence "$call $i" ;;
	124 | 137) fail "$call $i: hangs" ;;
	*) fail "$call $i: status $got: $(cat out err)" ;;
	esac
done <some

# No memory for one mapping after the other, around those of RAM and image;
# here the calls of the monitor really fail.
refused=0
for kib in $(seq 8390000 1000 8400000); do
	got=0
	(
		# shellcheck disable=SC3045 # dash has it
		ulimit -v "$kib"
		timeout -k 1 10 "$MAYFLY" run --substrate "$SUBSTRATE" old.snap
	) <line >out 2>err || got=$?
	case $got in
	7) cmp -s out right || fail "$kib KiB: a wrong answer: $(cat out)" ;;
	125)
		one_sentence "$kib KiB"
		refused=$((refused + 1))
		;;
	*) fail "$kib KiB: status $got: $(cat out err)" ;;
	esac
done
[ "$refused" -gt 2 ] || fail "only $refused without memory"
