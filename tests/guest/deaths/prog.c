/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dies in the way that its argument names; run.sh knows what must be said.
 *
 * test: flavours musl glibc-pie
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char data[16] = { (char)0xc3 };
static const char constant[] = "constant";
static volatile int depth_max = 1 << 30;

__attribute__((noinline)) static void store(volatile uintptr_t p)
{
	*(volatile char *)p = 1;
}

static void call(uintptr_t p)
{
	((void (*)(void))p)();
}

static void die_text(void)
{
	store((uintptr_t)store);
}

static void die_rodata(void)
{
	store((uintptr_t)constant);
}

static void die_data(void)
{
	call((uintptr_t)data);
}

static void die_stack_exec(void)
{
	char code[8] = { (char)0xc3 };

	call((uintptr_t)code);
}

static void die_null(void)
{
	store(0x18);
}

static void die_jump(void)
{
	call(0x123456789000);
}

static void die_wild(void)
{
	call(0xdeadUL << 48);
}

__attribute__((noinline)) static int recurse(int depth)
{
	volatile char big[4000];

	big[1] = (char)depth;
	return depth == depth_max ? 0 : recurse(depth + 1) + big[1];
}

static void die_stack(void)
{
	recurse(0);
}

static void *thread_main(void *arg)
{
	recurse(0);
	return arg;
}

static void die_thread_stack(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_main, NULL);
	pthread_join(t, NULL);
}

static void die_ill(void)
{
	__asm__ volatile("ud2");
}

static void die_fpe(void)
{
	volatile int zero = 0;

	zero = 100 / zero;
}

static void die_trap(void)
{
	__asm__ volatile("int3");
}

static void die_bus(void)
{
	char name[] = "/tmp/diesXXXXXX";
	int fd = mkstemp(name);
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	unlink(name);
	(void)*(volatile char *)p;
}

static void die_privileged(void)
{
	__asm__ volatile("mov %%rax, %%cr3" : : "a"(0UL));
}

static void die_blocked(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	store(0x20);
}

static void on_segv(int sig)
{
	(void)sig;
	store(0x28);
}

static void die_in_handler(void)
{
	signal(SIGSEGV, on_segv);
	store(0x18);
}

static void die_bad_stack(void)
{
	signal(SIGSEGV, on_segv);
	__asm__ volatile("mov $0x1000, %%rsp; push %%rax" : : : "memory");
}

static void die_kill(void)
{
	kill(getpid(), SIGKILL);
}

static void die_term(void)
{
	raise(SIGTERM);
}

static void die_usr1(void)
{
	raise(SIGUSR1);
}

static const struct way {
	const char *name;
	void (*die)(void);
} ways[] = {
	{ "text", die_text },
	{ "rodata", die_rodata },
	{ "data", die_data },
	{ "stack-exec", die_stack_exec },
	{ "null", die_null },
	{ "jump", die_jump },
	{ "wild", die_wild },
	{ "stack", die_stack },
	{ "thread-stack", die_thread_stack },
	{ "ill", die_ill },
	{ "fpe", die_fpe },
	{ "trap", die_trap },
	{ "bus", die_bus },
	{ "privileged", die_privileged },
	{ "blocked", die_blocked },
	{ "in-handler", die_in_handler },
	{ "bad-stack", die_bad_stack },
	{ "abort", abort },
	{ "kill", die_kill },
	{ "term", die_term },
	{ "usr1", die_usr1 },
};

int main(int argc, char **argv)
{
	printf("alive\n");
	fflush(stdout);
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].name, argv[1]))
			ways[i].die();
	return 1;
}
