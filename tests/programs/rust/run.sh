# SPDX-License-Identifier: Apache-2.0
# A Rust program, linked with glibc dynamically as cargo does by default.
# test: program Rust (dynamic)
# test: version cat "$OUT/version"
. "$SRC/tests/programs/lib.sh"

seal "$OUT/work"
part 'threads, channels, panics caught, backtraces, files, TCP, UDP'
native "$OUT/work" rest
guest prog.img rest
sed -i '/^true: /d' native.out
agree
expect_match 'no processes here' guest.err
