/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate for guest addresses. Every address that a guest names passes here
 * before the monitor touches it: overflow-safe, exact at both edges.
 */
#include "monitor/guest_mem.h"

#include <stddef.h>
#include <sys/stat.h>

void *guest_mem_range(const struct guest_mem *mem, gpa_t gpa, uint64_t len)
{
	if (gpa.v > mem->ram_size || len > mem->ram_size - gpa.v)
		return NULL;
	return mem->ram + gpa.v;
}

uint64_t guest_mem_file_bytes(const struct guest_mem *mem)
{
	struct stat st;

	if (fstat(mem->ram_fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}
