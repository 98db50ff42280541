# SPDX-License-Identifier: Apache-2.0
# What the built-in builders share; sourced by builders/NAME/detect and build.
# docs/builders.md has the contract they keep.
# shellcheck shell=sh

# Sorting and matching do not depend on the user's language.
LC_ALL=C
export LC_ALL
# Compilers put this where they would put today (__DATE__, archives).
SOURCE_DATE_EPOCH=946684800
export SOURCE_DATE_EPOCH
umask 022
# The builder's directory.
here=$(cd "$(dirname "$0")" && pwd)

step() {
	echo "step: $*"
}

# fail SENTENCE...: the reason, and the end of the build
fail() {
	echo "$*" >&2
	exit 1
}

# need PROGRAM PACKAGE: PROGRAM must be installed
need() {
	command -v "$1" >/dev/null ||
		fail "$1 is not installed; install the package $2"
}

# matches WHAT: the answer of detect
matches() {
	echo "$1"
	exit 0
}

# is_script_of FILE NAME: its first line starts NAME, of any version
is_script_of() {
	[ -f "$1" ] && [ -r "$1" ] || return 1
	head -c 256 "$1" | tr -d '\0' | head -n 1 |
		grep -Eq "^#!.*[/ ]$2[0-9.]*([[:space:]]|\$)"
}

# work_directory: makes $work, which goes when the build ends
work_directory() {
	work=$(mktemp -d)
	trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
	trap 'exit 143' HUP INT TERM
}

# cache_directory NAME: makes and prints a directory that may outlive the
# build; without a cache it is a part of $work
cache_directory() {
	cache=${MAYFLY_CACHE_DIR:-$work/cache}/$1
	mkdir -p "$cache"
	echo "$cache"
}

# copy_tree FROM TO [NAME...]: copies a directory without version control
# and without what is called NAME anywhere in it, or ./NAME at its top
copy_tree() {
	from=$1
	to=$2
	shift 2
	printf '%s\n' .git .hg .svn .bzr "$@" >"$work/leave"
	mkdir -p "$to"
	tar -C "$from" --no-wildcards --no-anchored \
		--exclude-from="$work/leave" -cf "$work/tree.tar" .
	tar -C "$to" --no-same-owner -xf "$work/tree.tar"
	rm "$work/tree.tar"
}

# inputs OUT FILE...: what was read besides the source, if it is there
inputs() {
	noted=$1/inputs
	shift
	for input in "$here/../lib.sh" "$@"; do
		[ ! -e "$input" ] || readlink -f "$input"
	done >>"$noted"
}

# is_program FILE: an ELF file that can be started, not a library
is_program() {
	type=$(od -An -tx1 -N18 "$1" | tr -d ' \n')
	case $type in
	7f454c46????????????????????????0200) return 0 ;;
	7f454c46????????????????????????0300) ;;
	*) return 1 ;;
	esac
	readelf -ld "$1" 2>/dev/null | grep -Eq ' INTERP |Flags:.* PIE'
}

# choose_program NAME FILE...: prints the file to run: the one that
# MAYFLY_ENTRY names, else the only one, else the one called NAME
choose_program() {
	name=${MAYFLY_ENTRY:-$1}
	shift
	if [ -z "${MAYFLY_ENTRY:-}" ] && [ $# -eq 1 ]; then
		echo "$1"
		return
	fi
	names=
	for file in "$@"; do
		case $file in
		"$name" | */"$name")
			echo "$file"
			return
			;;
		esac
		names="$names${names:+, }${file##*/}"
	done
	[ -z "${MAYFLY_ENTRY:-}" ] ||
		fail "MAYFLY_ENTRY=$name names none of the programs built" \
			"(${names:-there are none})"
	fail "there are several programs ($names) and none is called $name;" \
		"say which with MAYFLY_ENTRY"
}

# compiler_shims FROM TO: from here on the C compilers write the path TO
# where they would write FROM, also if a Makefile calls them by name
compiler_shims() {
	mkdir -p "$work/shims"
	for cc in cc gcc c99 musl-gcc c++ g++ clang clang++; do
		real=$(command -v "$cc") || continue
		{
			echo '#!/bin/sh'
			echo "exec '$real' '-ffile-prefix-map=$1=$2' \"\$@\""
		} >"$work/shims/$cc"
		chmod +x "$work/shims/$cc"
	done
	PATH=$work/shims:$PATH
	export PATH
}

# json STRING...: prints a JSON array of strings (of one line each)
json() {
	list=
	for string in "$@"; do
		string=$(printf '%s' "$string" | sed 's/[\\"]/\\&/g')
		list="$list${list:+, }\"$string\""
	done
	echo "[$list]"
}

# finish_program OUT FILE: the image is FILE as /bin/NAME, symbols kept,
# debug information not
finish_program() {
	base=$(basename "$2")
	mkdir -p "$1/rootfs/bin"
	strip --strip-debug -o "$1/rootfs/bin/$base" "$2"
	echo "{\"args\": $(json "/bin/$base"), \"libraries\": true}" \
		>"$1/config.json"
	finish_tree "$1"
}

# finish_tree OUT: permissions that do not depend on the umask of a checkout
finish_tree() {
	chmod -R u=rwX,go=rX "$1/rootfs"
}
