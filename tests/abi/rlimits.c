/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of memory: RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK.
 *
 * test: flavours musl glibc-dyn
 */
#include <sys/resource.h>

#include "tests/abi/abi.h"

#define RW  (PROT_READ | PROT_WRITE)
#define MIB (1UL << 20)

/* Field of /proc/self/statm, in bytes. */
static unsigned long statm(int field)
{
	char text[128] = "", *at = text;
	int fd = open("/proc/self/statm", O_RDONLY);
	unsigned long v = 0;

	if (read(fd, text, sizeof(text) - 1) < 0)
		say("statm", "%s", err_name(errno));
	close(fd);
	while (field-- >= 0)
		v = strtoul(at, &at, 10);
	return v * PAGE;
}

static void limit(int what, unsigned long bytes)
{
	struct rlimit l = { bytes, RLIM_INFINITY };

	if (setrlimit(what, &l) < 0)
		say("setrlimit", "%s", err_name(errno));
}

static char *map(size_t len, int prot, int flags)
{
	return mmap(NULL, len, prot, flags | MAP_ANONYMOUS, -1, 0);
}

static void address_space(void)
{
	char *p, *q;

	limit(RLIMIT_AS, statm(0) + 32 * MIB);
	p = map(16 * MIB, RW, MAP_PRIVATE);
	yes("half", p != MAP_FAILED);
	ret("more than the rest", (long)map(20 * MIB, RW, MAP_PRIVATE));
	ret("also without access", (long)map(20 * MIB, PROT_NONE, MAP_PRIVATE));
	ret("also shared", (long)map(20 * MIB, RW, MAP_SHARED));
	q = mmap(p, 16 * MIB, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	yes("in place of the first", q == p);
	q = mmap(p + 8 * MIB, 16 * MIB, RW,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	yes("half of it new", q == p + 8 * MIB);
	ret("mremap beyond",
	    (long)mremap(q, 16 * MIB, 40 * MIB, MREMAP_MAYMOVE));
	q = mremap(q, 16 * MIB, 18 * MIB, MREMAP_MAYMOVE);
	yes("mremap within", q != MAP_FAILED);
	ret("brk", brk((char *)sbrk(0) + 20 * MIB));
	munmap(p, 8 * MIB);
	munmap(q, 18 * MIB);
	p = map(20 * MIB, RW, MAP_PRIVATE);
	yes("room again", p != MAP_FAILED);
	limit(RLIMIT_AS, RLIM_INFINITY);
	munmap(p, 20 * MIB);
}

static void data(void)
{
	char *p, *q;

	limit(RLIMIT_DATA, statm(5) + 16 * MIB);
	ret("too much", (long)map(32 * MIB, RW, MAP_PRIVATE));
	p = map(32 * MIB, PROT_READ, MAP_PRIVATE);
	yes("not writable", p != MAP_FAILED);
	ret("becomes writable", mprotect(p, 32 * MIB, RW));
	ret("a part", mprotect(p, 4 * MIB, RW));
	p[0] = 1;
	q = map(32 * MIB, RW, MAP_SHARED);
	yes("shared does not count", q != MAP_FAILED);
	ret("brk", brk((char *)sbrk(0) + 20 * MIB));
	munmap(p, 32 * MIB);
	munmap(q, 32 * MIB);
	p = map(8 * MIB, RW, MAP_PRIVATE);
	yes("room again", p != MAP_FAILED);
	munmap(p, 8 * MIB);
	limit(RLIMIT_DATA, RLIM_INFINITY);
}

static int deep(int n)
{
	volatile char frame[64 * 1024];

	frame[n % 1000] = (char)n;
	if (n == 0)
		return 0;
	return deep(n - 1) + frame[n % 1000];
}

/* The stack of the first thread may grow to what the limit is then. */
static void stack(void)
{
	struct rlimit l = { 0, 0 };

	getrlimit(RLIMIT_STACK, &l);
	val("stack limit", l.rlim_cur);
	yes("6 MiB", deep(96) != 4711);
	limit(RLIMIT_STACK, 48 * MIB);
	yes("40 MiB", deep(640) != 4711);
}

int main(void)
{
	abi_start();
	address_space();
	data();
	stack();
	return 0;
}
