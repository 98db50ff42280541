/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap, munmap and mprotect on anonymous memory, seen from both sides: what
 * the calls return and what the memory then does.
 *
 * test: flavours musl glibc musl-pie glibc-pie
 * test: hardware
 */
#include "tests/abi/abi.h"

static char *anon(void *at, size_t len, int prot, int flags)
{
	return mmap(at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

#define RW (PROT_READ | PROT_WRITE)

static bool all_zero(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static void anonymous(void)
{
	char *p = anon(NULL, 8 * PAGE, RW, 0);

	yes("aligned", ((uintptr_t)p & (PAGE - 1)) == 0);
	yes("zero", all_zero(p, 8 * PAGE));
	memset(p, 0x5a, 8 * PAGE);
	val("last byte", p[8 * PAGE - 1]);
	ret("munmap middle", munmap(p + 2 * PAGE, 2 * PAGE));
	peek("before the hole", p, p + 2 * PAGE - 1);
	peek("in the hole", p, p + 2 * PAGE);
	peek("end of the hole", p, p + 4 * PAGE - 1);
	peek("after the hole", p, p + 4 * PAGE);
	ret("munmap all with the hole", munmap(p, 8 * PAGE));
	peek("after munmap", p, p);
	poke("write after munmap", p, p + 7 * PAGE);
	ret("munmap again", munmap(p, 8 * PAGE));
	p = anon(NULL, 1, RW, 0);
	p[PAGE - 1] = 7;
	val("length is rounded up", p[PAGE - 1]);
	ret("munmap of one byte", munmap(p, 1));
	peek("the page is gone", p, p + PAGE - 1);
}

static void protection(void)
{
	char *p = anon(NULL, 4 * PAGE, RW, 0);

	memcpy(p + PAGE, "kept", 5);
	ret("to read-only", mprotect(p + PAGE, PAGE, PROT_READ));
	peek("read of read-only", p, p + PAGE);
	poke("write to read-only", p, p + PAGE + 5);
	poke("page before", p, p + PAGE - 1);
	poke("page after", p, p + 2 * PAGE);
	ret("to none", mprotect(p + PAGE, PAGE, PROT_NONE));
	peek("read of none", p, p + PAGE);
	poke("write to none", p, p + 2 * PAGE - 1);
	ret("back to read-write", mprotect(p + PAGE, PAGE, RW));
	say("contents", "%s", p + PAGE);
	ret("unaligned", mprotect(p + 1, PAGE, RW));
	ret("length 0", mprotect(p, 0, PROT_NONE));
	peek("after length 0", p, p);
	munmap(p + 2 * PAGE, PAGE);
	ret("over a hole", mprotect(p, 4 * PAGE, PROT_READ));
	poke("up to the hole", p, p + PAGE);
	ret("unmapped", mprotect(p + 2 * PAGE, PAGE, RW));
	munmap(p, 4 * PAGE);
}

static void bad_arguments(void)
{
	char *p = anon(NULL, PAGE, RW, 0);

	ret("mmap length 0", (long)anon(NULL, 0, RW, 0));
	ret("no type", (long)mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	ret("fixed unaligned", (long)anon(p + 1, PAGE, RW, MAP_FIXED));
	ret("bad fd", (long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	ret("offset unaligned",
	    syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, 0, 1));
	ret("too large", (long)anon(NULL, 1UL << 47, PROT_NONE, 0));
	ret("munmap unaligned", munmap(p + 1, PAGE));
	ret("munmap length 0", munmap(p, 0));
	ret("munmap beyond user space", munmap((void *)(1UL << 47), PAGE));
	yes("page is intact", all_zero(p, PAGE));
	munmap(p, PAGE);
}

static void fixed(void)
{
	char *p = anon(NULL, 4 * PAGE, RW, 0);

	memset(p, 1, 4 * PAGE);
	yes("fixed at the address",
	    anon(p + PAGE, 2 * PAGE, RW, MAP_FIXED) == p + PAGE);
	yes("replaced pages are zero", all_zero(p + PAGE, 2 * PAGE));
	val("page before", p[PAGE - 1]);
	val("page after", p[3 * PAGE]);
	yes("fixed none", anon(p, PAGE, PROT_NONE, MAP_FIXED) == p);
	peek("read of fixed none", p, p);
	errno = 0;
	ret("noreplace on used",
	    (long)anon(p + PAGE, PAGE, RW, MAP_FIXED_NOREPLACE));
	munmap(p + PAGE, PAGE);
	yes("noreplace on free",
	    anon(p + PAGE, PAGE, RW, MAP_FIXED_NOREPLACE) == p + PAGE);
	munmap(p, 4 * PAGE);
	p = anon(p + 123, PAGE, RW, 0);
	yes("odd hint is fine",
	    p != MAP_FAILED && ((uintptr_t)p & (PAGE - 1)) == 0);
	munmap(p, PAGE);
}

static void reservation(void)
{
	size_t size = 1UL << 30;
	char *p = anon(NULL, size, PROT_NONE, MAP_NORESERVE);

	yes("reserve 1 GiB", p != MAP_FAILED);
	peek("reserved", p, p + size / 2);
	ret("commit", mprotect(p + size / 2, 16 * PAGE, RW));
	yes("committed is zero", all_zero(p + size / 2, 16 * PAGE));
	memset(p + size / 2, 3, 16 * PAGE);
	peek("below the commitment", p, p + size / 2 - 1);
	peek("above the commitment", p, p + size / 2 + 16 * PAGE);
	yes("commit by fixed mmap",
	    anon(p, PAGE, RW, MAP_FIXED) == p && all_zero(p, PAGE));
	yes("decommit by fixed mmap",
	    anon(p + size / 2, 16 * PAGE, PROT_NONE,
		 MAP_FIXED | MAP_NORESERVE) == p + size / 2);
	peek("decommitted", p, p + size / 2);
	mprotect(p + size / 2, PAGE, RW);
	yes("zero when committed again", all_zero(p + size / 2, PAGE));
	ret("release", munmap(p, size));
	peek("released", p, p + size - 1);
}

static void large(void)
{
	size_t size = 8UL << 20;
	char *p = anon(NULL, size, RW, 0);
	unsigned long sum = 0;

	for (size_t i = 0; i < size; i += PAGE)
		p[i] = (char)(i / PAGE);
	for (size_t i = 0; i < size; i += PAGE)
		sum += (unsigned char)p[i];
	val("sum over 8 MiB", (long)sum);
	mprotect(p + (2UL << 20) + PAGE, PAGE, PROT_READ);
	poke("one page inside 8 MiB", p, p + (2UL << 20) + PAGE);
	val("neighbour", p[(2UL << 20) + 2 * PAGE]);
	munmap(p + (4UL << 20) - PAGE, 2 * PAGE);
	peek("hole over a 2 MiB border", p, p + (4UL << 20));
	sum = 0;
	for (size_t i = 0; i < (4UL << 20) - PAGE; i += PAGE)
		sum += (unsigned char)p[i];
	val("sum below the hole", (long)sum);
	munmap(p, size);
}

int main(void)
{
	abi_start();
	catch_faults();
	anonymous();
	protection();
	bad_arguments();
	fixed();
	reservation();
	large();
	return 0;
}
