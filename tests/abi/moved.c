/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions beside a system call are moved when it is rewritten. That they
 * were never shows: where they fault, where a handler continues, what a call
 * leaves in the registers. tests/e2e/rewrite.sh checks which ones are moved.
 *
 * test: flavours glibc musl
 * test: cflags -fno-pie -no-pie
 */
#include <time.h>
#include <ucontext.h>

#include "tests/abi/abi.h"

/*
 * before: the load has three bytes, so it gives way together with the call.
 * after: a jump leads to the call, so what follows gives way.
 * number: `mov $number, %eax` alone.
 * Symbols and addresses in there would keep them from being moved, so places
 * are told by their distance from the beginning.
 */
__asm__(".text\n"
	".type asm_before, @function\n"
	"asm_before:\n"
	"	push %rbx\n"
	"	xor %eax, %eax\n"
	"	mov $102, %al\n" /* getuid */
	".Lbefore_load:\n"
	"	mov (%rdi), %rbx\n"
	"	syscall\n"
	".Lbefore_end:\n"
	"	mov %rbx, %rax\n"
	"	pop %rbx\n"
	"	ret\n"
	".size asm_before, . - asm_before\n"
	".type asm_after, @function\n"
	"asm_after:\n"
	"	mov $110, %eax\n" /* getppid */
	"	test %rsi, %rsi\n"
	"	jnz .Lafter_call\n"
	"	nop\n"
	"	mov $39, %al\n"
	".Lafter_call:\n"
	"	syscall\n"
	".Lafter_load:\n"
	"	mov (%rdi), %rax\n"
	".Lafter_end:\n"
	"	ret\n"
	".size asm_after, . - asm_after\n"
	".type asm_number, @function\n"
	"asm_number:\n"
	"	mov %rsi, %rdx\n"
	"	mov %rdi, %rsi\n"
	"	mov $39, %eax\n"
	"	syscall\n"
	".Lnumber_end:\n"
	"	mov %rcx, %rax\n"
	"	ret\n"
	".size asm_number, . - asm_number\n"
	".type asm_jump, @function\n"
	"asm_jump:\n"
	"	mov $39, %eax\n"
	"	test %rdi, %rdi\n"
	"	jnz .Ljump_call\n"
	"	mov $110, %al\n"
	".Ljump_call:\n"
	"	syscall\n"
	"	jmp .Ljump_end\n"
	"	nop\n"
	"	mov $1, %eax\n"
	"	ret\n"
	".Ljump_end:\n"
	"	mov $2, %eax\n"
	"	ret\n"
	".size asm_jump, . - asm_jump\n"
	".section .rodata\n"
	".balign 4\n"
	"places:\n"
	"	.long .Lbefore_load - asm_before, .Lbefore_end - asm_before\n"
	"	.long .Lafter_load - asm_after, .Lafter_end - asm_after\n"
	"	.long .Lnumber_end - asm_number\n"
	".previous\n");

long asm_before(const void *from);
long asm_after(const void *from, long skip);
long asm_number(long a, long b);
long asm_jump(long skip);
extern const int places[5];

#define before_load ((const char *)asm_before + places[0])
#define before_end  ((const char *)asm_before + places[1])
#define after_load  ((const char *)asm_after + places[2])
#define after_end   ((const char *)asm_after + places[3])
#define number_end  ((const char *)asm_number + places[4])

static const char *fault_at;
static uintptr_t fault_address;
static uintptr_t skip_to; /* 0: repair rdi and go on */
static long good = 0x5af3107a4000;
static int faults;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig;
	faults++;
	fault_at = (const char *)u->uc_mcontext.gregs[REG_RIP];
	fault_address = (uintptr_t)info->si_addr;
	if (skip_to)
		u->uc_mcontext.gregs[REG_RIP] = (greg_t)skip_to;
	else
		u->uc_mcontext.gregs[REG_RDI] = (greg_t)&good;
}

static void bad_load(const char *name, const char *at, long (*fn)(void))
{
	long r;

	printf("%s\n", name);
	fault_at = NULL;
	faults = 0;
	r = fn();
	yes("  one fault", faults == 1);
	yes("  the instruction", fault_at == at);
	yes("  the address", fault_address == 8);
	yes("  done again", skip_to || r == good);
}

static long before(void)
{
	return asm_before((const void *)8);
}

static long after(void)
{
	return asm_after((const void *)8, 1);
}

static long after_straight(void)
{
	return asm_after((const void *)8, 0);
}

static volatile int ticks;

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	const char *rip = (const char *)u->uc_mcontext.gregs[REG_RIP];
	extern const char etext[], __executable_start[];

	(void)sig;
	(void)info;
	ticks++;
	/* Whatever it has interrupted, it has an address that we know. */
	if (rip >= __executable_start && rip < etext)
		return;
	printf("an unknown address\n");
	_exit(1);
}

static void interrupted(void)
{
	timer_t t;
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGALRM };
	struct itimerspec every = { { 0, 500000 }, { 0, 500000 } };
	long sum = 0, rounds = 0;

	if (timer_create(CLOCK_MONOTONIC, &e, &t) < 0)
		return;
	timer_settime(t, 0, &every, NULL);
	while (ticks < 300) {
		for (int i = 0; i < 1000; i++) {
			sum += asm_before(&good) == good;
			sum += asm_after(&good, i & 1) == good;
			sum += asm_jump(i & 1) == 2;
			sum += asm_number(1, 2) == (long)number_end;
			rounds++;
		}
	}
	timer_delete(t);
	yes("nothing is lost by interruptions", sum == 4 * rounds);
}

int main(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO };

	setvbuf(stdout, NULL, _IONBF, 0);
	sa.sa_sigaction = on_segv;
	sigaction(SIGSEGV, &sa, NULL);
	yes("before", asm_before(&good) == good);
	yes("after", asm_after(&good, 1) == good);
	yes("after, straight", asm_after(&good, 0) == good);
	yes("number: rcx", asm_number(1, 2) == (long)number_end);
	yes("jump", asm_jump(1) == 2 && asm_jump(0) == 2);
	bad_load("fault before", before_load, before);
	bad_load("fault after", after_load, after);
	bad_load("fault after, straight", after_load, after_straight);
	skip_to = (uintptr_t)before_end;
	bad_load("fault before, skipped", before_load, before);
	skip_to = (uintptr_t)after_end;
	bad_load("fault after, skipped", after_load, after);
	sa.sa_sigaction = on_alarm;
	sigaction(SIGALRM, &sa, NULL);
	interrupted();
	return 0;
}
