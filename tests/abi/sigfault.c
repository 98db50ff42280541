/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults as signals: code and address of each kind, and handlers that edit
 * the interrupted registers to go on, as the JVM, Go and V8 do.
 *
 * test: flavours musl glibc musl-pie glibc-pie
 * test: hardware
 */
#include <ucontext.h>

#include "tests/abi/abi.h"
#include "tests/abi/x86.h"

static volatile int count, last_sig, last_code;
static void *volatile last_addr;
static volatile long skip; /* bytes the handler steps over */

static void on_skip(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	count++;
	last_sig = sig;
	last_code = si->si_code;
	last_addr = si->si_addr;
	uc->uc_mcontext.gregs[REG_RIP] += skip;
	if (sig == SIGFPE)
		uc->uc_mcontext.gregs[REG_RAX] = 4711;
	if (sig == SIGSEGV)
		uc->uc_mcontext.gregs[REG_RAX] = 0x1234567890;
}

static void install(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}

static void say_last(const char *name)
{
	say(name, "%s %s", sig_name(last_sig),
	    si_code_name(last_sig, last_code));
}

static void skipping(void)
{
	uint64_t r;

	install(SIGSEGV, on_skip);
	install(SIGFPE, on_skip);
	install(SIGILL, on_skip);
	install(SIGTRAP, on_skip);
	skip = 3;
	r = fault_load_len3((void *)0x40, 5);
	say_last("load");
	say("load address", "%#lx", (unsigned long)last_addr);
	say("load result", "%#lx", r);
	fault_store_len3((void *)0x48, 1);
	say_last("store");
	say("store address", "%#lx", (unsigned long)last_addr);
	r = fault_load_len3((void *)(0xdeadUL << 47), 5);
	say_last("non-canonical load");
	say("non-canonical address", "%#lx", (unsigned long)last_addr);
	skip = 2;
	val("division result", fault_div_len2(100));
	say_last("division");
	fault_ud2_len2();
	say_last("ud2");
	skip = 0;
	fault_int3_len1();
	say_last("int3");
	skip = 2;
	fault_int90_len2();
	say_last("int 0x90");
	skip = 1;
	fault_hlt_len1();
	say_last("hlt");
	val("handlers run", count);
	skip = 3;
	for (int i = 0; i < 1000; i++)
		fault_store_len3((void *)8, 0);
	val("after a thousand more", count);
}

static char *page;

static void on_unprotect(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	count++;
	last_addr = si->si_addr;
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

static void repair(void)
{
	page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	install(SIGSEGV, on_unprotect);
	count = 0;
	((volatile char *)page)[100] = 42;
	val("repaired store", page[100]);
	val("fault offset", (char *)last_addr - page);
	val("faults", count);
	mprotect(page, PAGE, PROT_READ);
	((volatile char *)page)[101] = 43;
	val("write barrier", page[100] + page[101]);
	val("faults", count);
	munmap(page, PAGE);
}

static void on_registers(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	greg_t *g = uc->uc_mcontext.gregs;

	(void)sig;
	(void)si;
	yes("rdi is the pointer", g[REG_RDI] == 0x10);
	yes("rax is the value", g[REG_RAX] == 0x77);
	yes("trap number is a page fault", g[REG_TRAPNO] == 14);
	say("error code", "%#lx", (unsigned long)g[REG_ERR]);
	say("cr2", "%#lx", (unsigned long)g[REG_CR2]);
	yes("stack pointer", llabs(g[REG_RSP] - (greg_t)&g) < 65536);
	yes("fp state", uc->uc_mcontext.fpregs != NULL);
	g[REG_RIP] += 3;
}

static int target_value;

static void jump_target(void)
{
	target_value = 99;
	siglongjmp(abi_fault.out, 1);
}

static void on_redirect(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)si;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)jump_target;
	uc->uc_mcontext.gregs[REG_RSP] =
		((uc->uc_mcontext.gregs[REG_RSP] - 4096) & ~15L) - 8;
}

static void context(void)
{
	install(SIGSEGV, on_registers);
	fault_store_len3((void *)0x10, 0x77);
	install(SIGSEGV, on_redirect);
	if (sigsetjmp(abi_fault.out, 1) == 0)
		fault_store_len3((void *)0x10, 0);
	val("redirected", target_value);
	catch_faults();
	poke("usual handler again", NULL, (void *)0x77);
}

static void on_xmm(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)si;
	uc->uc_mcontext.fpregs->_xmm[5].element[0] = 0x55aa55aa;
	uc->uc_mcontext.gregs[REG_RIP] += 2;
}

static void vectors(void)
{
	static _Alignas(64) unsigned char in[2048], out[2048];
	unsigned value = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 13 + i / 256);
	install(SIGILL, on_xmm);
	vectors_sse_ud2(in, out);
	memcpy(&value, out + 5 * 64, 4);
	say("xmm5 set by the handler", "%#x", value);
	memcpy(in + 5 * 64, &value, 4);
	yes("other xmm kept", vectors_equal(in, out, 16, 16));
}

int main(void)
{
	abi_start();
	skipping();
	repair();
	context();
	vectors();
	return 0;
}
