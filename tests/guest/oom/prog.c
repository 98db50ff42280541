/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes memory until there is none, by malloc or by touching what was mapped
 * long before; then ends as a program would that cannot go on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What cannot be had as a whole is not taken in part. */
static int protect_too_much(void)
{
	size_t huge = (size_t)64 << 30, some = 8 << 20;
	char *p =
		mmap(NULL, huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q;

	if (p == MAP_FAILED || mprotect(p, huge, PROT_READ | PROT_WRITE) == 0)
		return 7;
	q = malloc(some);
	if (!q)
		return 6;
	memset(q, 1, some);
	return mprotect(p, some, PROT_READ | PROT_WRITE) ? 5 : 9;
}

int main(int argc, char **argv)
{
	size_t step = 1 << 20, got = 0;
	char *p;

	if (argc > 1 && !strcmp(argv[1], "touch")) {
		p = mmap(NULL, 256 * step, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			return 8;
		memset(p, 1, 256 * step);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "protect"))
		return protect_too_much();
	while ((p = malloc(step))) {
		memset(p, 1, step);
		got++;
	}
	printf("%s\n", got >= 40 && got <= 64 ? "about 64 MiB" : "no");
	if (argc > 1 && !strcmp(argv[1], "recover"))
		return 0;
	fprintf(stderr, "program: no memory\n");
	return 9;
}
