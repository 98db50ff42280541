/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes 64 MiB and gives them up in one way after the other. After each step
 * it says so and waits for a line of input.
 *
 * test: flavours musl glibc-dyn
 * test: timeout 60
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LEN   (64ul << 20)
#define PIECE (64ul << 10)

static void step(const char *name)
{
	char line[16];

	puts(name);
	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

int main(void)
{
	char *p = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	step("mapped");
	memset(p, 1, LEN);
	step("touched");
	madvise(p, LEN, MADV_DONTNEED);
	step("MADV_DONTNEED");
	memset(p, 2, LEN);
	step("touched again");
	for (size_t at = 0; at < LEN; at += PIECE)
		madvise(p + at, PIECE, MADV_FREE);
	step("MADV_FREE in pieces");
	memset(p, 3, LEN);
	step("touched once more");
	munmap(p, LEN);
	step("unmapped");
	return 0;
}
