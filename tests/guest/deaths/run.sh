# SPDX-License-Identifier: Apache-2.0
# Every death has the status of its signal, and a crash is described.
# test: timeout 60
. "$LIB"

# dies WAY STATUS REGEX
dies() {
	expect_status "$2" run "$PROG" "$1"
	[ "$(cat out)" = alive ] || fail "$1: output was lost"
	expect_match "$3" err
}

dies text 139 'crashed: SIGSEGV .*at address 0x[0-9a-f]+'
dies rodata 139 'crashed: SIGSEGV'
dies data 139 'crashed: SIGSEGV'
dies stack-exec 139 'crashed: SIGSEGV'
dies null 139 'crashed: SIGSEGV .*at address 0x18'
expect_match '^mayfly:   called from main\+0x' err
dies jump 139 'crashed: SIGSEGV .*at address 0x123456789000'
dies wild 139 'crashed: SIGSEGV'
dies stack 139 'crashed: SIGSEGV'
dies thread-stack 139 'crashed: SIGSEGV'
dies ill 132 'crashed: SIGILL'
dies fpe 136 'crashed: SIGFPE'
dies trap 133 'crashed: SIGTRAP'
dies bus 135 'crashed: SIGBUS'
dies privileged 139 'crashed: SIGSEGV'
dies blocked 139 'crashed: SIGSEGV .*at address 0x20'
dies in-handler 139 'crashed: SIGSEGV .*at address 0x28'
dies bad-stack 139 'crashed: SIGSEGV'
dies abort 134 'SIGABRT'
dies kill 137 'SIGKILL'
dies term 143 'SIGTERM'
dies usr1 138 'SIGUSR1'

# The description has the registers and, where there are symbols, the place.
expect_status 139 run "$PROG" null
expect_match 'rip +[0-9a-f]{16}' err
expect_match 'rsp +[0-9a-f]{16}' err
expect_match 'store' err
