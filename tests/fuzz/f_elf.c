/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: whatever the bytes are, the verdict comes without a step outside
 * them, and what an accepted program promises holds.
 */
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "lib/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void check_accepted(const struct elf *e, uint64_t size)
{
	uint64_t end = 0;
	uint32_t i;

	require(e->load_count >= 1 && e->load_count <= ELF_LOADS_MAX);
	for (i = 0; i < e->load_count; i++) {
		const struct elf_load *l = &e->loads[i];

		require(l->file_size <= l->mem_size && l->mem_size > 0);
		require(l->off <= size && l->file_size <= size - l->off);
		require(l->vaddr >= end);
		require(l->mem_size <= MF_USER_VA_MAX - l->vaddr);
		require(l->vaddr % MF_PAGE_SIZE == l->off % MF_PAGE_SIZE);
		end = l->vaddr + l->mem_size;
	}
	require(e->lo <= e->loads[0].vaddr && e->hi >= end);
	require(e->interp_off <= size && e->interp_len <= size - e->interp_off);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	uint64_t distance = 0x240, vaddr;
	enum elf_verdict v;
	const char *name;
	struct elf e;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	v = elf_parse(&e, copy, size);
	if (v == ELF_OK || v == ELF_LIBRARY)
		check_accepted(&e, size);
	if (elf_offset_vaddr(&e, distance, &vaddr))
		require(vaddr < MF_USER_VA_MAX);
	name = elf_symbol_near(copy, size, 0x400240, &distance);
	if (name)
		require(strlen(name) < size);
	free(copy);
	return 0;
}
