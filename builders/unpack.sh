# SPDX-License-Identifier: Apache-2.0
# What the builders share that end in an OCI image layout; sourced by them
# after lib.sh.
# shellcheck shell=sh

# unpack LAYOUT OUT: the program is beside the monitor
unpack() {
	for dir in "${MAYFLY_LIBEXEC:-}" "$(dirname "$0")/../.." \
		"$(dirname "$0")/../../build/bin"; do
		if [ -x "$dir/mayfly-unpack" ]; then
			"$dir/mayfly-unpack" "$1" "$2"
			return
		fi
	done
	fail "mayfly-unpack is missing; it belongs beside mayfly-monitor"
}

# has_policy: does the machine say which images are to be trusted?
has_policy() {
	[ -e "${XDG_CONFIG_HOME:-${HOME:-}/.config}/containers/policy.json" ] ||
		[ -e /etc/containers/policy.json ]
}
