# SPDX-License-Identifier: Apache-2.0
# Variables from options, files and the caller; arguments; working directory.
. "$LIB"

# colour WANT OPTION...: what the program sees as COLOUR
colour() {
	colour=$1
	shift
	expect_status 3 run "$@" "$PROGS/hello.musl" </dev/null
	expect_match "^COLOUR=$colour\$" out
}

colour red -e COLOUR=red
colour 'a=b c' --env 'COLOUR=a=b c'
colour blue -e COLOUR=red -e COLOUR=blue
colour '' -e COLOUR=
COLOUR=green
export COLOUR
colour green -e COLOUR
colour '\(null\)'
printf '# a comment\n\nCOLOUR=file\nOTHER=x\n' >vars
colour file --env-file vars
colour flag -e COLOUR=flag --env-file vars
printf 'COLOUR\n' >vars
colour green --env-file vars

expect_status 3 run "$PROGS/hello.musl" -e --stats -- '' 'two words' </dev/null
expect_match '^\[-e\]$' out
expect_match '^\[--stats\]$' out
expect_match '^\[--\]$' out
expect_match '^\[\]$' out
expect_match '^\[two words\]$' out

# Too much is refused, and the numbers are said.
big=$(head -c 120000 /dev/zero | tr '\0' x)
expect_status 125 run -e "A=$big" -e "B=$big" "$PROGS/hello.musl"
expect_match 'the arguments and the environment are 24[0-9]{4} bytes' err
expect_status 125 run -w relative "$PROGS/hello.musl"
expect_match 'relative is not an absolute path' err
expect_status 125 run -w /none "$PROGS/hello.musl"
expect_match '/none is not a directory of the image' err
expect_status 125 run -w /etc/hosts "$PROGS/hello.musl"
expect_status 3 run -w /tmp "$PROGS/hello.musl" </dev/null
expect_status 3 run -w / "$PROGS/hello.musl" </dev/null
