/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that was unmapped a moment ago: calls refuse it, what is mapped in
 * its place reads as zero, and who handles SIGSEGV sees each access to it.
 *
 * test: flavours musl glibc
 */
#include "tests/abi/abi.h"

#define SLOTS  40u
#define PAGES  6u /* of a slot */
#define ROUNDS 20000

static sigjmp_buf back;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static char *map_at(char *at, size_t len, int prot, int flags)
{
	return mmap(at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static char *map(size_t len)
{
	char *p = map_at(NULL, len, PROT_READ | PROT_WRITE, 0);

	if (p == MAP_FAILED)
		exit(1);
	memset(p, 0x5a, len);
	return p;
}

static bool is_zero(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/* What lay at p is gone; what is mapped there now is what was asked for. */
static void again(const char *name, char *p, size_t len, int prot)
{
	char *q = map_at(p, len, prot, MAP_FIXED);

	printf("%s: %s\n", name,
	       q != p	       ? "elsewhere" :
	       is_zero(p, len) ? "zero" :
				 "old contents");
	if (prot & PROT_WRITE)
		memset(p, 1, len);
	munmap(p, len);
}

static void calls(void)
{
	int fd[2];
	char *p = map(2 * PAGE);

	if (pipe(fd))
		exit(1);
	munmap(p, 2 * PAGE);
	ret("write", write(fd[1], p, 1));
	p = map(3 * PAGE);
	munmap(p + PAGE, PAGE);
	ret("write behind a hole", write(fd[1], p + PAGE, 2));
	ret("read into it", (write(fd[1], "x", 1), read(fd[0], p + PAGE, 1)));
	ret("msync", msync(p, 3 * PAGE, MS_SYNC));
	ret("mprotect", mprotect(p, 3 * PAGE, PROT_READ));
	ret("the page before", write(fd[1], p, PAGE));
	munmap(p, 3 * PAGE);
	close(fd[0]);
	close(fd[1]);
}

static void places(void)
{
	char *p = map(4 * PAGE);
	char *q;

	munmap(p, 4 * PAGE);
	again("the same place", p, 4 * PAGE, PROT_READ | PROT_WRITE);
	again("a part", p + PAGE, PAGE, PROT_READ | PROT_WRITE);
	again("around it", p, 4 * PAGE, PROT_READ | PROT_WRITE);
	again("across its end", p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE);
	again("read only", p, 4 * PAGE, PROT_READ);
	again("executable", p, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	map_at(p, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED);
	memset(p, 2, 4 * PAGE);
	munmap(p, 4 * PAGE);
	map_at(p, 4 * PAGE, PROT_NONE, MAP_FIXED);
	mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE);
	printf("reserved, then used: %s\n",
	       is_zero(p + PAGE, PAGE) ? "zero" : "old contents");
	munmap(p, 4 * PAGE);

	p = map(4 * PAGE);
	q = map(4 * PAGE);
	munmap(q, 4 * PAGE);
	p = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	printf("moved there: %d %d\n", p == q, p[4 * PAGE - 1]);
	munmap(p + 2 * PAGE, 2 * PAGE);
	p = mremap(p, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	printf("grown there: %d %s\n", p[2 * PAGE - 1],
	       is_zero(p + 2 * PAGE, 6 * PAGE) ? "zero" : "old contents");
	munmap(p, 8 * PAGE);
}

/* Slots are mapped and unmapped, each with its own byte everywhere. */
static void many(void)
{
	char *base = map_at(NULL, SLOTS * PAGES * PAGE, PROT_NONE, 0);
	unsigned used[SLOTS] = { 0 };
	unsigned seed = 1, wrong = 0;

	munmap(base, SLOTS * PAGES * PAGE);
	for (unsigned n = 0; n < ROUNDS; n++) {
		unsigned i = (seed = seed * 1103515245 + 12345) >> 16;
		unsigned len = 1 + i / SLOTS % PAGES;
		char *p = base + i % SLOTS * PAGES * PAGE;
		unsigned *u = &used[i % SLOTS];

		if (*u) {
			char mark = (char)(1 + i % SLOTS);

			for (unsigned at = 0; at < *u; at++)
				wrong += p[at * PAGE] != mark ||
					 p[at * PAGE + PAGE - 1] != mark;
			munmap(p, *u * PAGE);
			*u = 0;
			continue;
		}
		map_at(p, len * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED);
		wrong += !is_zero(p, len * PAGE);
		memset(p, (int)(1 + i % SLOTS), len * PAGE);
		*u = len;
	}
	printf("many: %u wrong\n", wrong);
	munmap(base, SLOTS * PAGES * PAGE);
}

static bool faults_at(volatile char *p)
{
	if (sigsetjmp(back, 1))
		return true;
	*p = 1;
	return false;
}

static void faults(void)
{
	unsigned caught = 0;

	for (int i = 0; i < 100; i++) {
		char *p = map(PAGE);

		/* The first was unmapped before anybody wanted to know. */
		if (!i)
			munmap(p, PAGE);
		signal(SIGSEGV, on_segv);
		if (i)
			munmap(p, PAGE);
		caught += faults_at(p);
	}
	printf("caught %u\n", caught);
}

int main(void)
{
	calls();
	places();
	many();
	faults();
	return 0;
}
