/* SPDX-License-Identifier: Apache-2.0 */
/*
 * madvise, mremap, msync, mlock, mincore.
 *
 * test: hardware
 */
#include "tests/abi/abi.h"

#define RW (PROT_READ | PROT_WRITE)

static char *anon(size_t pages)
{
	return mmap(NULL, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void advice(void)
{
	char *p = anon(4);

	memset(p, 9, 4 * PAGE);
	ret("dontneed", madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED));
	val("before", p[PAGE - 1]);
	val("first dropped byte", p[PAGE]);
	val("last dropped byte", p[3 * PAGE - 1]);
	val("after", p[3 * PAGE]);
	p[PAGE] = 5;
	val("usable again", p[PAGE]);
	ret("dontneed unaligned", madvise(p + 1, PAGE, MADV_DONTNEED));
	ret("dontneed length 0", madvise(p, 0, MADV_DONTNEED));
	ret("length is rounded up", madvise(p + PAGE, 1, MADV_DONTNEED));
	val("whole page dropped", p[PAGE]);
	ret("free", madvise(p, PAGE, MADV_FREE));
	ret("normal", madvise(p, PAGE, MADV_NORMAL));
	ret("willneed", madvise(p, PAGE, MADV_WILLNEED));
	ret("dontfork", madvise(p, PAGE, MADV_DONTFORK));
	ret("unknown advice", madvise(p, PAGE, 4711));
	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	ret("dontneed read-only", madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED));
	val("read-only dropped", p[3 * PAGE]);
	munmap(p + PAGE, PAGE);
	ret("dontneed over a hole", madvise(p, 3 * PAGE, MADV_DONTNEED));
	munmap(p, 4 * PAGE);
	ret("dontneed unmapped", madvise(p, PAGE, MADV_DONTNEED));
}

static void huge(void)
{
	size_t size = 6UL << 20;
	char *p = anon(size / PAGE);

	memset(p, 1, size);
	ret("dontneed 6 MiB", madvise(p, size, MADV_DONTNEED));
	val("zero at 3 MiB", p[3UL << 20]);
	memset(p, 2, size);
	ret("dontneed the middle",
	    madvise(p + (1UL << 20), 4UL << 20, MADV_DONTNEED));
	val("below", p[(1UL << 20) - 1]);
	val("first", p[1UL << 20]);
	val("last", p[(5UL << 20) - 1]);
	val("above", p[5UL << 20]);
	munmap(p, size);
}

static void remap(void)
{
	char *p = anon(2), *q, *r;

	memcpy(p + PAGE, "moved", 6);
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	yes("grow", q != MAP_FAILED);
	say("contents", "%s", q + PAGE);
	val("new part is zero", q[63 * PAGE]);
	q[63 * PAGE] = 1;
	yes("shrink in place", mremap(q, 64 * PAGE, PAGE, 0) == q);
	peek("cut off", q, q + PAGE);
	munmap(q, PAGE);

	p = anon(3);
	memcpy(p, "first", 6);
	ret("no room in place", (long)mremap(p, PAGE, 2 * PAGE, 0));
	r = anon(4);
	memset(r, 1, 4 * PAGE);
	yes("to a fixed address",
	    mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   r + PAGE) == r + PAGE);
	say("at the fixed address", "%s", r + PAGE);
	val("target grew with zero", r[2 * PAGE]);
	val("after the target", r[3 * PAGE]);
	peek("source is gone", p, p);
	ret("unaligned", (long)mremap(r + 1, PAGE, PAGE, 0));
	ret("to length 0", (long)mremap(r, PAGE, 0, 0));
	munmap(p, 3 * PAGE);
	ret("unmapped", (long)mremap(p + PAGE, PAGE, 9 * PAGE, MREMAP_MAYMOVE));
	munmap(r, 4 * PAGE);
}

static void other(void)
{
	char *p = anon(3);
	unsigned char resident[3];

	ret("msync", msync(p, PAGE, MS_SYNC));
	ret("msync async", msync(p, PAGE, MS_ASYNC));
	ret("msync unaligned", msync(p + 1, PAGE, MS_SYNC));
	ret("msync both", msync(p, PAGE, MS_SYNC | MS_ASYNC));
	ret("mlock", mlock(p, PAGE));
	ret("munlock", munlock(p, PAGE));
	memset(p, 1, 3 * PAGE);
	ret("mincore", mincore(p, 3 * PAGE, resident));
	val("mincore says", resident[0] & resident[1] & resident[2] & 1);
	ret("mincore unaligned", mincore(p + 1, PAGE, resident));
	munmap(p, 3 * PAGE);
	ret("msync unmapped", msync(p, PAGE, MS_SYNC));
	ret("mincore unmapped", mincore(p, PAGE, resident));
}

int main(void)
{
	abi_start();
	catch_faults();
	advice();
	huge();
	remap();
	other();
	return 0;
}
