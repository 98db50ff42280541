/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that a program gives up is the host's again, however small its
 * pieces: each part below touches several times the limit in all, and would
 * be ended if the host kept holding what was given up.
 *
 * test: flavours musl glibc
 * test: flags -m 64m
 * test: timeout 120
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE  4096ul
#define MIB   (1ul << 20)
#define TOTAL (24 * MIB)
#define TURNS 6

static char *map(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static void touch(char *p, size_t len, size_t step)
{
	for (size_t at = 0; at < len; at += step)
		p[at] = (char)(1 + at / PAGE % 100);
}

static void check(const char *what, const char *p, char want)
{
	if (*p == want)
		return;
	printf("%s: %d instead of %d\n", what, *p, want);
	exit(1);
}

/* Every second piece of a large area; the others keep what they hold. */
static void advise(size_t piece, int advice)
{
	char *areas[TURNS];

	for (int turn = 0; turn < TURNS; turn++) {
		char *p = areas[turn] = map(TOTAL);

		touch(p, TOTAL, PAGE);
		for (size_t at = 0; at < TOTAL; at += 2 * piece)
			madvise(p + at, piece, advice);
		/* Not all of them: what is looked at is memory again. */
		for (size_t at = 0; at < TOTAL; at += 32 * piece) {
			if (advice == MADV_DONTNEED)
				check("given up", p + at, 0);
			check("kept", p + at + piece,
			      (char)(1 + (at + piece) / PAGE % 100));
		}
		/* So that all of it goes, over time. */
		for (size_t at = piece; at < TOTAL; at += 2 * piece)
			madvise(p + at, piece, advice);
	}
	for (int turn = 0; turn < TURNS; turn++)
		munmap(areas[turn], TOTAL);
}

static void unmap_pieces(size_t piece)
{
	static char *pieces[TOTAL / PAGE];
	size_t count = TOTAL / piece;

	for (int turn = 0; turn < 2; turn++) {
		char *big;

		for (size_t i = 0; i < count; i++) {
			pieces[i] = map(piece);
			touch(pieces[i], piece, PAGE);
		}
		for (size_t i = 0; i < count; i += 2)
			munmap(pieces[i], piece);
		for (size_t i = 1; i < count; i += 2)
			munmap(pieces[i], piece);
		/* Huge pages: not made of what was given up in pieces. */
		big = map(TOTAL);
		touch(big, TOTAL, PAGE);
		for (size_t at = 0; at < TOTAL; at += PAGE)
			check("touched", big + at, (char)(1 + at / PAGE % 100));
		munmap(big, TOTAL);
	}
}

static void moved(void)
{
	for (int turn = 0; turn < TURNS; turn++) {
		char *p = map(TOTAL / 2);

		touch(p, TOTAL / 2, PAGE);
		p = mremap(p, TOTAL / 2, TOTAL, MREMAP_MAYMOVE);
		check("moved", p + PAGE, 2);
		check("grown", p + TOTAL - PAGE, 0);
		touch(p, TOTAL, PAGE);
		p = mremap(p, TOTAL, PAGE, 0);
		check("shrunk", p, 1);
		madvise(p, PAGE, MADV_DONTNEED);
		check("moved and given up", p, 0);
		munmap(p, PAGE);
	}
}

static void *stack_user(void *arg)
{
	char buf[2 * MIB];

	touch(buf, sizeof(buf), PAGE);
	check("on a stack", buf, 1);
	return arg;
}

static void stacks(void)
{
	pthread_attr_t attr;
	pthread_t t[4];

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 8 * MIB);
	for (int turn = 0; turn < 20; turn++) {
		for (int i = 0; i < 4; i++)
			if (pthread_create(&t[i], &attr, stack_user, NULL))
				exit(1);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	advise(PAGE, MADV_DONTNEED);
	puts("pages");
	advise(16 * PAGE, MADV_FREE);
	advise(16 * PAGE, MADV_DONTNEED);
	puts("64 KiB");
	advise(MIB, MADV_DONTNEED);
	puts("MiB");
	unmap_pieces(PAGE);
	unmap_pieces(5 * PAGE);
	unmap_pieces(3 * MIB / 2);
	puts("unmapped");
	moved();
	puts("moved");
	stacks();
	puts("stacks");
	return 0;
}
