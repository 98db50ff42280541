# SPDX-License-Identifier: Apache-2.0
# Debian's bash: what it does by itself works, what needs a second process
# does not.
# test: program bash
# test: version bash --version
. "$SRC/tests/programs/lib.sh"

seal /bin/bash --add "$HERE/work.bash:/app/work.bash"
part 'a script of builtins: arrays, arithmetic, regular expressions, files'
native bash "$HERE/work.bash" one 'two words'
guest prog.img /app/work.bash one 'two words'
agree

part 'a pipeline, which is two processes'
guest prog.img -c 'echo text | { read -r x; echo "$x"; }'
[ "$GUEST" != 0 ] || fail "it was to fail: $(cat guest.out)"
refused guest.err
