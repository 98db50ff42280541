# SPDX-License-Identifier: Apache-2.0
# test: timeout 60
# test: no-san
# test: may-skip no cgroup can be made
# Clones in a cgroup that is too small: the number that fits is said, and who
# insists is told which of them the host ended.
. "$LIB"

group=/sys/fs/cgroup/memory/mayfly-test-$$
limit=memory.limit_in_bytes
if [ ! -d /sys/fs/cgroup/memory ]; then
	group=/sys/fs/cgroup/mayfly-test-$$
	limit=memory.max
fi
mkdir "$group" 2>/dev/null || skip 'no cgroup can be made'
if [ ! -e "$group/$limit" ]; then
	rmdir "$group"
	skip 'no cgroup that limits memory can be made'
fi
trap 'sleep 0.5; rmdir "$group"; at_end' EXIT
echo $((100 << 20)) >"$group/$limit"

"$MAYFLY" build "$SRC/examples/hello-c" -o hello.img >/dev/null
"$MAYFLY" snapshot --substrate "$SUBSTRATE" hello.img

in_group() {
	sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" "$MAYFLY" run \
		--substrate "$SUBSTRATE" --clones 250 --timeout 6s "$@"
}
expect_status 125 in_group hello.snap
expect_match 'not enough memory for 250 clones' err
expect_match ' ([1-9]?[0-9]|100) MiB are free, which does for [1-9]' err

# Where those that it ends are slow to go the host takes the command as well,
# which is then not here to tell.
tries=0
while ! grep -q 'ended by the host, whose memory ran out$' err; do
	[ $tries -lt 4 ] || fail "what the host did is not told: $(cat err)"
	expect_status 137 in_group --overcommit hello.snap
	tries=$((tries + 1))
done
