/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of the process substrate that wants more of its host than it may
 * have: it jumps to the gate's own `syscall` instruction with arguments of
 * its choice. argv[1] says which.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/guest.h"

#define ANY_VA	 0x200000000000ul
#define DOORBELL (MF_SHARED_VA + offsetof(struct mf_shared, doorbell))

/* The gate's `syscall; ret` that follows `mov $nr_munmap, %eax`. */
static uintptr_t gate_syscall(void)
{
	const uint8_t *gate = (const uint8_t *)MF_GATE_VA;

	for (size_t i = 0; i + 3 < MF_GATE_SIZE; i++)
		if (gate[i] == 0x0f && gate[i + 1] == 0x05 &&
		    gate[i + 2] == 0xc3)
			return (uintptr_t)(gate + i);
	printf("no syscall in the gate\n");
	exit(1);
}

static long host_call(long nr, const unsigned long a[6])
{
	register unsigned long r10 __asm__("r10") = a[3];
	register unsigned long r8 __asm__("r8") = a[4];
	register unsigned long r9 __asm__("r9") = a[5];
	long ret = nr;

	__asm__ volatile("call *%[at]"
			 : "+a"(ret)
			 : [at] "b"(gate_syscall()), "D"(a[0]), "S"(a[1]),
			   "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

struct attempt {
	const char *name;
	long nr;
	unsigned long args[6];
};

#define SHARED_FIXED (MAP_SHARED | MAP_FIXED)

static const struct attempt attempts[] = {
	{ "getpid", SYS_getpid, { 0 } },
	{ "write", SYS_write, { 1, MF_DIRECT_VA, 1 } },
	{ "open", SYS_open, { MF_DIRECT_VA, 0 } },
	{ "fork", SYS_fork, { 0 } },
	{ "kill", SYS_kill, { 1, 9 } },
	{ "exit", SYS_exit_group, { 0 } },
	{ "sigreturn", SYS_rt_sigreturn, { 0 } },
	{ "ftruncate", SYS_ftruncate, { 0, 0 } },
	{ "x32", 0x40000000 | SYS_munmap, { ANY_VA, 4096 } },
	{ "futex-address", SYS_futex, { DOORBELL - 4, 1, 1 } },
	{ "futex-op", SYS_futex, { DOORBELL, 9, 1 } },
	{ "mmap-private",
	  SYS_mmap,
	  { ANY_VA, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0, 0 } },
	{ "mmap-anonymous",
	  SYS_mmap,
	  { ANY_VA, 4096, 3, SHARED_FIXED | MAP_ANONYMOUS, -1ul, 0 } },
	{ "mmap-fd", SYS_mmap, { ANY_VA, 4096, 1, SHARED_FIXED, 2, 0 } },
	{ "mmap-flags",
	  SYS_mmap,
	  { ANY_VA, 4096, 1, SHARED_FIXED | 1ul << 32, 0, 0 } },
	{ "mmap-prot",
	  SYS_mmap,
	  { ANY_VA, 4096, 1 | PROT_GROWSDOWN, SHARED_FIXED, 0, 0 } },
	{ "mprotect-prot",
	  SYS_mprotect,
	  { MF_DIRECT_VA, 4096, 1 | PROT_GROWSDOWN } },
	{ "madvise-advice", SYS_madvise, { MF_DIRECT_VA, 4096, 4 } },
};

/* What the gate may do, a guest may do; it cannot write to the image. */
static int allowed(void)
{
	const unsigned long ok[6] = { ANY_VA, 4096, 1, SHARED_FIXED, 1, 0 };
	const unsigned long rw[6] = { ANY_VA, 4096, 3, SHARED_FIXED, 1, 0 };
	const unsigned long protect[6] = { ANY_VA, 4096, 3 };
	const unsigned long punch[6] = { ANY_VA, 4096, MADV_REMOVE };
	const unsigned long low[6] = { 0, 4096, 3, SHARED_FIXED, 0, 0 };

	printf("map the image: %s\n",
	       host_call(SYS_mmap, ok) == (long)ANY_VA ? "yes" : "no");
	printf("to write: %ld\n", host_call(SYS_mmap, rw));
	printf("protect: %ld\n", host_call(SYS_mprotect, protect));
	printf("punch the image: %ld\n", host_call(SYS_madvise, punch));
	printf("page 0: %ld\n", host_call(SYS_mmap, low));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 1;
	if (strcmp(argv[1], "allowed") == 0)
		return allowed();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (strcmp(argv[1], attempts[i].name) != 0)
			continue;
		printf("result %ld\n",
		       host_call(attempts[i].nr, attempts[i].args));
		return 0;
	}
	return 1;
}
