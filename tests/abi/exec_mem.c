/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory can be executed and which written: the program's own text and
 * data, the null page, made code, addresses that cannot be.
 *
 * test: flavours musl glibc musl-pie glibc-pie
 * test: hardware
 */
#include "tests/abi/abi.h"

static const unsigned char return_42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
static const unsigned char return_7[] = { 0xb8, 7, 0, 0, 0, 0xc3 };
static unsigned char data[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
static const char constant[] = "constant";

typedef int (*code_fn)(void);

static code_fn as_code(const void *p)
{
	return (code_fn)(uintptr_t)p;
}

static int call(const void *p)
{
	return as_code(p)();
}

static void call_it(const volatile void *p)
{
	call((const void *)(uintptr_t)p);
}

static void own_image(void)
{
	void *text = (void *)(uintptr_t)call;
	char local[16];

	peek("read text", text, text);
	poke("write text", text, text);
	poke("write rodata", constant, (void *)(uintptr_t)constant);
	poke("write data", data, data);
	attempt("execute data", data, call_it, data);
	memcpy(local, return_7, sizeof(return_7));
	attempt("execute stack", local, call_it, local);
	attempt("execute rodata", return_42, call_it, return_42);
}

static void nowhere(void)
{
	void *volatile null = NULL;

	peek("read null", NULL, null);
	poke("write null", NULL, null);
	peek("read null + 4095", NULL, (char *)null + 4095);
	attempt("call null", NULL, call_it, null);
	attempt("call 0x1234", NULL, call_it, (void *)0x1234);
	peek("read non-canonical", NULL, (void *)(1UL << 62));
	poke("write non-canonical", NULL, (void *)(1UL << 47 | 8));
	peek("read the kernel's half", NULL, (void *)(0xffff8000UL << 32));
}

static void made_code(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(p, return_42, sizeof(return_42));
	attempt("execute read-write", p, call_it, p);
	ret("to read-execute", mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	val("call it", call(p));
	poke("write it", p, p + 8);
	ret("back to read-write", mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	memcpy(p, return_7, sizeof(return_7));
	attempt("execute again", p, call_it, p);
	ret("all three",
	    mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	val("call again", call(p));
	memcpy(p, return_42, sizeof(return_42));
	val("changed under way", call(p));
	ret("none", mprotect(p, PAGE, PROT_NONE));
	attempt("execute none", p, call_it, p);
	munmap(p, 2 * PAGE);
	attempt("execute unmapped", p, call_it, p);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(p, return_7, sizeof(return_7));
	val("mapped with all three", call(p));
	munmap(p, PAGE);
}

int main(void)
{
	abi_start();
	catch_faults();
	own_image();
	nowhere();
	made_code();
	return 0;
}
