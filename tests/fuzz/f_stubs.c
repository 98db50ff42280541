/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of stubs: a program may map any bytes it likes. The first eight
 * choose the address asked for; no answer may need a byte outside the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/stubs.h"

#define VA 0x400000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stubs s;
	uint8_t *copy;
	uint64_t at, there;

	if (size < sizeof(at))
		return 0;
	memcpy(&at, data, sizeof(at));
	size -= sizeof(at);
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + sizeof(at), size);
	if (stubs_open(&s, copy, size, VA)) {
		at %= 1ull << 33;
		there = stubs_to_site(&s, VA - (1ull << 32) + at);
		stubs_from_site(&s, there);
		stubs_from_site(&s, VA - (1ull << 32) + at);
	}
	free(copy);
	return 0;
}
