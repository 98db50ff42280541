/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: sources bench/seccomp_bpf.c
 *
 * bench/seccomp_bpf.c: filters written by hand and one of libseccomp.
 */
#include "bench/seccomp_bpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/check.h"

#define BOTH		(SECCOMP_MAY_RUN | SECCOMP_MAY_FAIL)
#define COUNT(f)	(sizeof(f) / sizeof(*(f)))
#define DATA(field)	((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA(field))
#define IF_EQ(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define FAIL		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define OUTCOMES(f, nr) seccomp_bpf_outcomes(f, COUNT(f), nr, AUDIT_ARCH_X86_64)

static void test_by_number(void)
{
	const struct sock_filter f[] = {
		LOAD(arch),	IF_EQ(AUDIT_ARCH_X86_64, 1, 0),
		KILL,		LOAD(nr),
		IF_EQ(5, 1, 0), IF_EQ(7, 0, 1),
		ALLOW,		FAIL,
	};

	check_int(OUTCOMES(f, 5), SECCOMP_MAY_RUN);
	check_int(OUTCOMES(f, 7), SECCOMP_MAY_RUN);
	check_int(OUTCOMES(f, 6), SECCOMP_MAY_FAIL);
	check_int(seccomp_bpf_outcomes(f, COUNT(f), 5, AUDIT_ARCH_I386),
		  SECCOMP_MAY_FAIL);
}

/* An argument and the instruction pointer are not known; what follows from
 * the number alone is, also after the ways have met again. */
static void test_by_argument(void)
{
	const struct sock_filter f[] = {
		LOAD(nr), LOAD(args[0]),  IF_EQ(3, 1, 0), FAIL,
		LOAD(nr), IF_EQ(9, 0, 1), ALLOW,	  FAIL,
	};
	const struct sock_filter ip[] = {
		LOAD(instruction_pointer),
		IF_EQ(0, 0, 1),
		ALLOW,
		KILL,
	};
	const struct sock_filter meets[] = {
		LOAD(args[1]),	IF_EQ(1, 0, 0), LOAD(nr),
		IF_EQ(9, 0, 1), ALLOW,		FAIL,
	};

	check_int(OUTCOMES(f, 9), BOTH);
	check_int(OUTCOMES(f, 10), SECCOMP_MAY_FAIL);
	check_int(OUTCOMES(ip, 1), BOTH);
	check_int(OUTCOMES(meets, 9), SECCOMP_MAY_RUN);
	check_int(OUTCOMES(meets, 8), SECCOMP_MAY_FAIL);
}

static void test_arithmetic(void)
{
	/* (nr * 2 + 6) >> 1 through X and memory, then & 1. */
	const struct sock_filter f[] = {
		LOAD(nr),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
		BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 6),
		BPF_STMT(BPF_LD | BPF_W | BPF_MEM, 3),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IMM, 0),
		BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
		ALLOW,
		FAIL,
	};

	check_int(OUTCOMES(f, 4), SECCOMP_MAY_RUN); /* 7 */
	check_int(OUTCOMES(f, 5), SECCOMP_MAY_FAIL); /* 8 */
}

/* The action may come from the accumulator, known or not. */
static void test_returned_accumulator(void)
{
	const struct sock_filter known[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_IMM, SECCOMP_RET_LOG),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	const struct sock_filter any[] = {
		LOAD(args[2]),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	check_int(OUTCOMES(known, 1), SECCOMP_MAY_RUN);
	check_int(OUTCOMES(any, 1), BOTH);
}

/* More ways to one place than are kept apart: none is forgotten. */
static void test_many_states(void)
{
	struct sock_filter f[64];
	size_t n = 0;

	for (uint32_t i = 0; i < 20; i++) {
		f[n++] = (struct sock_filter)LOAD(args[3]);
		f[n++] = (struct sock_filter)IF_EQ(i, 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD | BPF_K,
						      100 + i);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_MEM, 0);
	f[n++] = (struct sock_filter)IF_EQ(119, 0, 1);
	f[n++] = (struct sock_filter)ALLOW;
	f[n++] = (struct sock_filter)FAIL;
	check_int(seccomp_bpf_outcomes(f, n, 1, AUDIT_ARCH_X86_64), BOTH);
}

static void test_actions(void)
{
	static const struct {
		uint32_t action;
		int outcome;
	} cases[] = {
		{ SECCOMP_RET_ALLOW, SECCOMP_MAY_RUN },
		{ SECCOMP_RET_LOG, SECCOMP_MAY_RUN },
		{ SECCOMP_RET_TRACE | 5, SECCOMP_MAY_RUN },
		{ SECCOMP_RET_USER_NOTIF, SECCOMP_MAY_RUN },
		{ SECCOMP_RET_ERRNO, SECCOMP_MAY_FAIL },
		{ SECCOMP_RET_TRAP, SECCOMP_MAY_FAIL },
		{ SECCOMP_RET_KILL_THREAD, SECCOMP_MAY_FAIL },
		{ SECCOMP_RET_KILL_PROCESS, SECCOMP_MAY_FAIL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct sock_filter f[] = {
			BPF_STMT(BPF_RET | BPF_K, cases[i].action),
		};

		check_int(OUTCOMES(f, 0), cases[i].outcome);
	}
}

static void test_not_valid(void)
{
	const struct sock_filter past_end[] = {
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		ALLOW,
	};
	const struct sock_filter no_return[] = { LOAD(nr) };
	const struct sock_filter odd_offset[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 3),
		ALLOW,
	};
	const struct sock_filter packet[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		ALLOW,
	};
	const struct sock_filter memory[] = { BPF_STMT(BPF_ST, 16), ALLOW };

	check_int(OUTCOMES(past_end, 0), -EINVAL);
	check_int(OUTCOMES(no_return, 0), -EINVAL);
	check_int(OUTCOMES(odd_offset, 0), -EINVAL);
	check_int(OUTCOMES(packet, 0), -EINVAL);
	check_int(OUTCOMES(memory, 0), -EINVAL);
	check_int(seccomp_bpf_outcomes(memory, 0, 0, AUDIT_ARCH_X86_64),
		  -EINVAL);
}

static void test_join(void)
{
	check_int(seccomp_bpf_join(SECCOMP_MAY_RUN, SECCOMP_MAY_RUN),
		  SECCOMP_MAY_RUN);
	check_int(seccomp_bpf_join(SECCOMP_MAY_RUN, BOTH), BOTH);
	check_int(seccomp_bpf_join(BOTH, SECCOMP_MAY_FAIL), SECCOMP_MAY_FAIL);
	check_int(seccomp_bpf_join(BOTH, BOTH), BOTH);
}

/* What libseccomp makes, as the kernel would get it. */
static size_t export(scmp_filter_ctx ctx, struct sock_filter *to, size_t max)
{
	FILE *f = tmpfile();
	ssize_t n;

	check(f != NULL);
	check_int(seccomp_export_bpf(ctx, fileno(f)), 0);
	n = pread(fileno(f), to, max * sizeof(*to), 0);
	fclose(f);
	check(n > 0 && (size_t)n % sizeof(*to) == 0);
	return (size_t)n / sizeof(*to);
}

static void test_libseccomp(void)
{
	static struct sock_filter f[BPF_MAXINSNS];
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	size_t n;

	check(ctx != NULL);
	for (int nr = 0; nr < 200; nr += 2)
		check_int(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0), 0);
	check_int(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SYS_write, 1,
				   SCMP_A0(SCMP_CMP_LE, 2, 0)),
		  0);
	check_int(seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, SYS_openat, 0),
		  0);
	n = export(ctx, f, BPF_MAXINSNS);
	seccomp_release(ctx);
	for (uint32_t nr = 0; nr < 500; nr++) {
		int want = nr < 200 && nr % 2 == 0 ? SECCOMP_MAY_RUN :
						     SECCOMP_MAY_FAIL;

		if (nr == SYS_write)
			want = BOTH;
		check_int(seccomp_bpf_outcomes(f, n, nr, AUDIT_ARCH_X86_64),
			  want);
	}
}

int main(void)
{
	RUN(test_by_number);
	RUN(test_by_argument);
	RUN(test_arithmetic);
	RUN(test_returned_accumulator);
	RUN(test_many_states);
	RUN(test_actions);
	RUN(test_not_valid);
	RUN(test_join);
	RUN(test_libseccomp);
	return check_done();
}
