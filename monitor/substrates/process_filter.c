/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest's process may ask of its host. A system call outside the
 * gate is the program's: SECCOMP_RET_TRAP turns it into SIGSYS, and the gate
 * hands it to the guest kernel. One inside the gate is the gate's, or that
 * of a guest that jumped there: few are allowed, with few arguments, and
 * anything else kills the process.
 *
 * The rules depend on the instruction pointer, which libseccomp cannot
 * express; so this is the one filter written by hand.
 */
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "monitor/substrates/process.h"

#define NR	    offsetof(struct seccomp_data, nr)
#define ARCH	    offsetof(struct seccomp_data, arch)
#define IP	    offsetof(struct seccomp_data, instruction_pointer)
#define ARG(n)	    (offsetof(struct seccomp_data, args) + 8 * (n))
#define HIGH(field) ((field) + 4)

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (field))
#define ALLOW	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define TRAP	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)

/* Each takes one instruction's result or ends the filter at the next. */
#define MUST_EQUAL(v)	 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (v), 1, 0)
#define MUST_BE_BELOW(v) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (v), 0, 1)
#define MUST_LACK(bits)	 BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1)
/* Skips the rule of `length` instructions unless the number is `nr`. */
#define CALL(nr, length) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, (length))

#define DOORBELL_VA (MF_SHARED_VA + offsetof(struct mf_shared, doorbell))
#define PROT_ALL    (PROT_READ | PROT_WRITE | PROT_EXEC)

_Static_assert((uint32_t)MF_GATE_VA == 0, "the gate starts at 0 of 4 GiB");
_Static_assert(FUTEX_WAIT == 0 && FUTEX_WAKE == 1, "below 2");
_Static_assert(PROCESS_RAM_FD == 0 && PROCESS_IMAGE_FD == 1, "below 2");

static struct sock_filter code[] = {
	LOAD(ARCH),
	MUST_EQUAL(AUDIT_ARCH_X86_64),
	TRAP,
	LOAD(HIGH(IP)),
	MUST_EQUAL((uint32_t)(MF_GATE_VA >> 32)),
	TRAP,
	LOAD(IP),
	MUST_BE_BELOW((uint32_t)MF_GATE_SIZE + 1),
	TRAP,
	LOAD(NR),

	/* Sleep until the monitor has answered, and wake it: one word. */
	CALL(SYS_futex, 10),
	LOAD(ARG(0)),
	MUST_EQUAL((uint32_t)DOORBELL_VA),
	KILL,
	LOAD(HIGH(ARG(0))),
	MUST_EQUAL((uint32_t)(DOORBELL_VA >> 32)),
	KILL,
	LOAD(ARG(1)),
	MUST_BE_BELOW(2),
	KILL,
	ALLOW,

	/* The program's memory: pages of RAM or of the image, nothing else. */
	CALL(SYS_mmap, 13),
	LOAD(ARG(3)),
	MUST_EQUAL(MAP_SHARED | MAP_FIXED),
	KILL,
	LOAD(HIGH(ARG(3))),
	MUST_EQUAL(0),
	KILL,
	LOAD(ARG(4)),
	MUST_BE_BELOW(PROCESS_FDS),
	KILL,
	LOAD(ARG(2)),
	MUST_LACK(~PROT_ALL),
	KILL,
	ALLOW,

	/* Its protection changes; no PROT_GROWSDOWN and the like. */
	CALL(SYS_mprotect, 4),
	LOAD(ARG(2)),
	MUST_LACK(~PROT_ALL),
	KILL,
	ALLOW,

	/* Pages of RAM go back; those of the image refuse. */
	CALL(SYS_madvise, 4),
	LOAD(ARG(2)),
	MUST_EQUAL(MADV_REMOVE),
	KILL,
	ALLOW,

	/* It goes; the gate removes the monitor's memory in this way too. */
	CALL(SYS_munmap, 1),
	ALLOW,

	KILL,
};

const struct sock_fprog process_filter = {
	.len = sizeof(code) / sizeof(code[0]),
	.filter = code,
};
