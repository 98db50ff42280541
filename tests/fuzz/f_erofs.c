/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: sources lib/erofs.c
 * Whatever the bytes of an image are, reading it stays inside them and ends.
 * The input is copied, so that the sanitizer sees a step over its end.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/erofs_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct erofs_walk walk;
	uint8_t *copy = malloc(size ? size : 1);
	struct erofs_inode ino;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (erofs_walk_image(&walk, copy, size) == 0)
		(void)erofs_lookup_path(&walk.fs, "/.mayfly/manifest", &ino);
	free(copy);
	return 0;
}
