/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syscall instruction itself, without a library around it: which
 * registers survive, vector state, flags, the red zone, blocking calls with
 * other threads running in between.
 *
 * test: flavours musl glibc glibc-pie
 * test: hardware
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/abi/abi.h"
#include "tests/abi/x86.h"

static const struct x86_regs pattern = {
	.rbx = 0x1111111111111111,
	.rbp = 0x2222222222222222,
	.rdi = 0x3333333333333333,
	.rsi = 0x4444444444444444,
	.rdx = 0x5555555555555555,
	.r8 = 0x6666666666666666,
	.r9 = 0x7777777777777777,
	.r10 = 0x8888888888888888,
	.r12 = 0x9999999999999999,
	.r13 = 0xaaaaaaaaaaaaaaaa,
	.r14 = 0xbbbbbbbbbbbbbbbb,
	.r15 = 0xcccccccccccccccc,
};

static void call_kept(const char *name, struct x86_regs in)
{
	struct x86_regs r = in;
	uint64_t rax;

	syscall_all_regs(&r);
	rax = r.rax;
	r.rax = in.rax;
	yes(name, memcmp(&r, &in, sizeof(r)) == 0);
	say("result", "%ld", in.rax == SYS_getpid ? 0L : (long)rax);
}

static void general(void)
{
	struct timespec ts = { 0, 2000000 };
	struct x86_regs r = pattern;

	r.rax = SYS_getpid;
	call_kept("getpid keeps registers", r);
	r.rax = SYS_sched_yield;
	call_kept("sched_yield keeps registers", r);
	r.rax = 1023;
	call_kept("an unknown call keeps registers", r);
	r.rax = SYS_close;
	call_kept("a failing call keeps registers", r);
	r.rax = SYS_nanosleep;
	r.rdi = (uint64_t)(uintptr_t)&ts;
	r.rsi = 0;
	call_kept("a blocking call keeps registers", r);
	r = pattern;
	r.rax = SYS_write;
	r.rdi = 1;
	r.rsi = (uint64_t)(uintptr_t) "written by hand\n";
	r.rdx = 16;
	call_kept("write keeps registers", r);
}

/* Direction and alignment check: nobody sets them, and they are kept. */
static void flags(void)
{
	char where[sizeof(struct timespec) + 1];
	struct timespec ts = { 0, 1000 };
	uint64_t odd = ((uint64_t)(uintptr_t)where) | 1;

	memcpy((void *)(uintptr_t)odd, &ts, sizeof(ts));
	say("DF", "%#lx",
	    (unsigned long)(syscall_with_flags(SYS_getpid, 0, 0, 0x400) &
			    0x40400));
	say("AC", "%#lx",
	    (unsigned long)(syscall_with_flags(SYS_nanosleep, odd, 0, 0x40000) &
			    0x40400));
	say("neither", "%#lx",
	    (unsigned long)(syscall_with_flags(SYS_getpid, 0, 0, 0) & 0x40400));
}

static void raw_results(void)
{
	long a[6] = {
		0,  PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0
	};
	char *p;

	val("raw error", raw_syscall3(SYS_close, 4711, 0, 0));
	p = (char *)raw_syscall6(SYS_mmap, a);
	p[PAGE - 1] = 5;
	val("raw mmap with six arguments", p[PAGE - 1]);
	val("raw munmap", raw_syscall3(SYS_munmap, (long)p, PAGE, 0));
	yes("raw getpid", raw_syscall3(SYS_getpid, 0, 0, 0) == getpid());
}

static unsigned char in[2048], out[2048];

static void fill(unsigned char seed)
{
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 11 + i / 256 + seed);
}

static bool vectors_kept(long nr, uint64_t spins)
{
	bool kept;

	vectors_sse(in, out, nr, spins);
	kept = vectors_equal(in, out, 16, 16);
	if (cpu_has_avx2()) {
		vectors_avx(in, out, nr, spins);
		kept = kept && vectors_equal(in, out, 16, 32);
	}
	if (cpu_has_avx512()) {
		vectors_avx512(in, out, nr, spins);
		kept = kept && vectors_equal(in, out, 32, 64);
	}
	return kept;
}

static atomic_bool stop;

static void *disturb(void *arg)
{
	static unsigned char junk[2048], rest[2048];

	memset(junk, 0xee, sizeof(junk));
	while (!stop) {
		vectors_sse(junk, rest, SYS_sched_yield, 0);
		if (cpu_has_avx512())
			vectors_avx512(junk, rest, SYS_sched_yield, 0);
	}
	return arg;
}

static void vectors(void)
{
	pthread_t t;
	bool kept = true;

	fill(1);
	yes("vectors kept by getpid", vectors_kept(SYS_getpid, 0));
	yes("by an unknown call", vectors_kept(1023, 0));
	yes("by sched_yield", vectors_kept(SYS_sched_yield, 0));
	pthread_create(&t, NULL, disturb, NULL);
	for (int i = 0; i < 200; i++) {
		fill((unsigned char)i);
		kept = kept && vectors_kept(SYS_sched_yield, 0);
	}
	yes("across switches at calls", kept);
	for (int i = 0; i < 30; i++) {
		fill((unsigned char)i);
		kept = kept && vectors_kept(-1, 1000000);
	}
	yes("across switches in loops", kept);
	stop = true;
	pthread_join(t, NULL);
}

/* The compiler keeps these below the stack pointer: a leaf function. */
__attribute__((noinline)) static long red_zone(long a)
{
	volatile long v[12];
	long sum = 0;

	for (int i = 0; i < 12; i++)
		v[i] = a * i;
	raw_syscall3(SYS_sched_yield, 0, 0, 0);
	for (int i = 0; i < 12; i++)
		sum += v[i];
	return sum;
}

static void *computes(void *arg)
{
	uint64_t x = (uint64_t)(uintptr_t)arg;

	for (int i = 0; i < 30000000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return (void *)(uintptr_t)x;
}

static void preemption(void)
{
	pthread_t t[3];
	void *r;

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, computes, (void *)(i + 1));
	say("main computes", "%#lx", (unsigned long)computes((void *)9));
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &r);
		say("thread computes", "%#lx", (unsigned long)r);
	}
}

int main(void)
{
	abi_start();
	general();
	flags();
	raw_results();
	val("red zone", red_zone(3));
	vectors();
	preemption();
	return 0;
}
