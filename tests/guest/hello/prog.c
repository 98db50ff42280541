/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first program of all: arguments, environment and input to output.
 *
 * test: flavours musl glibc musl-pie glibc-pie
 * test: args one "two words" ''
 * test: flags -e COLOUR=blue
 * test: status 3
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	char line[100];

	puts("hello, world");
	for (int i = 1; i < argc; i++)
		printf("[%s]\n", argv[i]);
	printf("COLOUR=%s\n", getenv("COLOUR"));
	while (fgets(line, sizeof(line), stdin))
		printf("read: %s", line);
	return 3;
}
