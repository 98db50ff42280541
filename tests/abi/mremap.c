/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mremap: growing and shrinking in place and elsewhere, of parts of areas,
 * of files, to chosen places, and what it refuses.
 *
 * test: flavours musl glibc-dyn
 */
#include "tests/abi/abi.h"

#define RW	  (PROT_READ | PROT_WRITE)
#define DONTUNMAP 4

static char *anon(size_t pages, int prot)
{
	return mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

static char *numbered(size_t pages)
{
	char *p = anon(pages, RW);

	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = (char)('a' + i % 26);
	return p;
}

static char shown(char c)
{
	return c ? c : '0';
}

static void show(const char *name, const char *p, size_t pages)
{
	char text[64] = "";

	for (size_t i = 0; i < pages && i < 60; i++)
		text[i] = shown(p[i * PAGE]);
	say(name, "%s", text);
}

static void part_of_an_area(void)
{
	char *p = numbered(8), *q;

	q = mremap(p + 2 * PAGE, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
	yes("the middle moved", q != MAP_FAILED && q != p + 2 * PAGE);
	show("moved and grown", q, 5);
	show("low rest", p, 2);
	show("high rest", p + 5 * PAGE, 3);
	peek("in between", p, p + 2 * PAGE);
	peek("in between", p, p + 5 * PAGE - 1);
	munmap(q, 5 * PAGE);
	ret("not in place",
	    (long)mremap(p, PAGE, 2 * PAGE, 0) == (long)p ? 0 : -1);
	ret("in place into the hole",
	    mremap(p + PAGE, PAGE, 4 * PAGE, 0) == p + PAGE ? 0 : -1);
	show("filled", p, 8);
	/* All is one area again. */
	q = mremap(p, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
	yes("all of it", q != MAP_FAILED);
	show("contents", q, 9);
	munmap(q, 9 * PAGE);
}

static void shrink(void)
{
	char *p = numbered(6);

	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	yes("over several areas", mremap(p, 6 * PAGE, 2 * PAGE, 0) == p);
	show("left", p, 2);
	peek("gone", p, p + 2 * PAGE);
	peek("gone", p, p + 5 * PAGE);
	munmap(p, 2 * PAGE);
	p = numbered(6);
	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	ret("growing several areas",
	    (long)mremap(p, 6 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
	yes("the same size", mremap(p, 6 * PAGE, 6 * PAGE, 0) == p);
	munmap(p, 6 * PAGE);
}

static void to_a_place(void)
{
	char *p = numbered(4), *q = anon(8, PROT_NONE), *r;

	r = mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   q + PAGE);
	yes("smaller", r == q + PAGE);
	show("contents", r, 2);
	poke("is writable", r, r);
	poke("below is not", r, q);
	poke("above is not", r, q + 3 * PAGE);
	peek("source", p, p);
	peek("source's tail", p, p + 3 * PAGE);
	ret("onto itself",
	    (long)mremap(r, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r));
	ret("overlapping",
	    (long)mremap(r, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 r + PAGE));
	ret("unaligned",
	    (long)mremap(r, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 1));
	ret("fixed, not movable", (long)mremap(r, PAGE, PAGE, MREMAP_FIXED, q));
	ret("unknown flag", (long)mremap(r, PAGE, PAGE, 64));
	ret("length 0", (long)mremap(r, 0, PAGE, MREMAP_MAYMOVE));
	munmap(q, 8 * PAGE);
}

static void keep_the_source(void)
{
	char *p = numbered(3), *q, *place = anon(3, PROT_NONE);

	q = mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | DONTUNMAP);
	yes("moved", q != MAP_FAILED && q != p);
	show("target", q, 3);
	show("source is empty", p, 3);
	p[0] = 'n';
	show("and usable", p, 1);
	yes("to a place",
	    mremap(q, 3 * PAGE, 3 * PAGE,
		   MREMAP_MAYMOVE | MREMAP_FIXED | DONTUNMAP, place) == place);
	show("target", place, 3);
	show("source", q, 3);
	ret("another size",
	    (long)mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | DONTUNMAP));
	ret("not movable", (long)mremap(p, PAGE, PAGE, DONTUNMAP));
	munmap(p, 3 * PAGE);
	munmap(q, 3 * PAGE);
	munmap(place, 3 * PAGE);
}

static int make_file(size_t pages)
{
	int fd = open("remapped", O_CREAT | O_TRUNC | O_RDWR, 0644);

	for (size_t i = 0; i < pages; i++) {
		char c = (char)('A' + i);

		if (pwrite(fd, &c, 1, (off_t)(i * PAGE)) != 1)
			say("pwrite", "%s", err_name(errno));
	}
	return fd;
}

static void shared_file(void)
{
	int fd = make_file(8);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
	char *block = mmap(p + 2 * PAGE, PAGE, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q;

	q = mremap(p, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	yes("grown", q != MAP_FAILED);
	show("shows more of the file", q, 5);
	q[4 * PAGE] = 'S';
	ret("the file", pread(fd, p = (char[1]){ 0 }, 1, 6 * PAGE));
	say("has it", "%c", p[0]);
	ret("shorter file", ftruncate(fd, 4 * PAGE));
	peek("beyond its end", q, q + 2 * PAGE);
	q = mremap(q, 6 * PAGE, PAGE, 0);
	show("shrunk", q, 1);
	munmap(q, PAGE);
	munmap(block, PAGE);
	close(fd);
}

static void private_file(void)
{
	int fd = make_file(4);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0), *q;
	char *place = anon(8, PROT_NONE);

	p[PAGE] = 'p';
	q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	yes("moved", q == place);
	show("own page, then the file's", q, 4);
	q[3 * PAGE] = 'q';
	ret("dropped", madvise(q, 4 * PAGE, MADV_DONTNEED));
	show("the file's", q, 4);
	q = mremap(q, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   place + PAGE);
	ret("overlapping", (long)q);
	munmap(place, 8 * PAGE);
	close(fd);
}

static void large(void)
{
	const size_t mib = 1UL << 20;
	char *p = mmap(NULL, 8 * mib, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q;

	for (size_t i = 0; i < 8 * mib; i += PAGE)
		*(size_t *)(p + i) = i;
	for (size_t size = 8 * mib; size < 48 * mib; size += 5 * mib + PAGE) {
		q = mremap(p, size, size + 5 * mib + PAGE, MREMAP_MAYMOVE);
		if (q == MAP_FAILED)
			say("grow", "%s", err_name(errno));
		p = q;
	}
	for (size_t i = 0; i < 8 * mib; i += PAGE)
		if (*(size_t *)(p + i) != i)
			say("contents", "wrong at %zu", i);
	say("grown", "%zu %d", *(size_t *)(p + mib), p[40 * mib]);
	q = mremap(p + 3 * mib + PAGE, 2 * mib, 3 * mib, MREMAP_MAYMOVE);
	yes("a piece in the middle",
	    q != MAP_FAILED && *(size_t *)q == 3 * mib + PAGE);
	peek("where it was", p, p + 3 * mib + PAGE);
	say("around it", "%zu %zu", *(size_t *)(p + 3 * mib),
	    *(size_t *)(p + 5 * mib + PAGE));
}

static void reserved(void)
{
	char *p = anon(4, PROT_NONE), *q;

	mprotect(p, 4 * PAGE, RW);
	p[0] = 'r';
	mprotect(p, 4 * PAGE, PROT_NONE);
	q = mremap(p, 4 * PAGE, 1UL << 30, MREMAP_MAYMOVE);
	yes("a reservation moves", q != MAP_FAILED);
	peek("not accessible", q, q);
	mprotect(q, PAGE, RW);
	show("and keeps its contents", q, 1);
	munmap(q, 1UL << 30);
}

int main(void)
{
	abi_start();
	enter_dir();
	catch_faults();
	part_of_an_area();
	shrink();
	to_a_place();
	keep_the_source();
	shared_file();
	private_file();
	large();
	reserved();
	return 0;
}
