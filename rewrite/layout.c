/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segment begins with the stubs' header; the program headers come next,
 * then the table, then the code. Dynamic loaders find the program headers of
 * their own file at the file's first address plus e_phoff: so the new segment
 * has the distance between address and offset that the first one has, unless
 * that would make the file a megabyte larger (much .bss), which loaders are
 * not.
 */
#include "rewrite/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"

#define HOLE_MAX    (1ull << 20) /* bytes of nothing in a file */
#define PHDR_OFF    sizeof(struct mf_stubs_hdr)
#define SECTION_MAX 0xff00u /* SHN_LORESERVE */

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static uint64_t headers_max(const struct view *v)
{
	return align_up(v->names_len + sizeof(LAYOUT_SECTION), 8) +
	       ((uint64_t)v->sh_count + 1) * sizeof(Elf64_Shdr) + 8;
}

const char *layout_plan(struct layout *l, const struct view *v,
			size_t stub_count)
{
	uint64_t bias = v->loads[0].va - (uint64_t)(v->loads[0].bytes - v->buf);
	uint64_t va_min = align_up(v->end, MF_PAGE_SIZE) + MF_PAGE_SIZE;
	uint64_t file_end = align_up(v->size, MF_PAGE_SIZE);
	uint64_t code_max;

	if (v->load_count == VIEW_LOADS_MAX || v->eh.e_phnum + 1u >= PN_XNUM)
		return "it has too many segments";
	l->off = file_end;
	l->va = va_min;
	if (va_min - bias <= file_end) {
		l->va = file_end + bias;
	} else if (va_min - bias - file_end <= HOLE_MAX) {
		l->off = va_min - bias;
	}
	l->phdr_off = PHDR_OFF;
	l->table_off = l->phdr_off + (v->eh.e_phnum + 1u) * sizeof(Elf64_Phdr);
	l->code_off = align_up(
		l->table_off + stub_count * sizeof(struct mf_stub), 16);
	code_max = stub_count * LAYOUT_STUB_ROOM(MF_STUB_CODE_MAX);
	l->size_max = l->off + l->code_off + code_max + headers_max(v);
	if (l->va + l->code_off + code_max > MF_USER_VA_MAX)
		return "there is no room behind it";
	return NULL;
}

static Elf64_Phdr segment(const struct layout *l)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = l->off,
		.p_vaddr = l->va,
		.p_paddr = l->va,
		.p_filesz = l->size,
		.p_memsz = l->size,
		.p_align = MF_PAGE_SIZE,
	};
}

/* The old headers in their order, the new one behind the last PT_LOAD. */
static void put_phdrs(const struct layout *l, const struct view *v, uint8_t *at)
{
	unsigned last = 0, count = v->eh.e_phnum;
	uint64_t size = (count + 1u) * sizeof(Elf64_Phdr);
	const Elf64_Phdr new = segment(l);

	for (unsigned i = 0; i < count; i++) {
		if (v->ph[i].p_type == PT_LOAD)
			last = i;
	}
	for (unsigned i = 0; i < count; i++) {
		Elf64_Phdr p = v->ph[i];

		if (p.p_type == PT_PHDR) {
			p.p_offset = l->off + l->phdr_off;
			p.p_vaddr = p.p_paddr = l->va + l->phdr_off;
			p.p_filesz = p.p_memsz = size;
		}
		memcpy(at, &p, sizeof(p));
		at += sizeof(p);
		if (i != last)
			continue;
		memcpy(at, &new, sizeof(new));
		at += sizeof(new);
	}
}

/* Names and section headers behind the segment; the end of the file. */
static int put_sections(const struct layout *l, const struct view *v,
			uint8_t *out, uint64_t *ret_end)
{
	uint64_t names = l->off + l->size;
	uint64_t names_len = v->names_len + sizeof(LAYOUT_SECTION);
	uint64_t at = align_up(names + names_len, 8);
	size_t count = v->sh_count;
	Elf64_Shdr *sh = malloc((count + 1) * sizeof(*sh));

	if (!sh)
		return -ENOMEM;
	memcpy(sh, v->sh, count * sizeof(*sh));
	memcpy(out + names, v->names, v->names_len);
	memcpy(out + names + v->names_len, LAYOUT_SECTION,
	       sizeof(LAYOUT_SECTION));
	sh[v->eh.e_shstrndx].sh_offset = names;
	sh[v->eh.e_shstrndx].sh_size = names_len;
	sh[count] = (Elf64_Shdr){
		.sh_name = (Elf64_Word)v->names_len,
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = l->va + l->code_off,
		.sh_offset = l->off + l->code_off,
		.sh_size = l->size - l->code_off,
		.sh_addralign = 16,
	};
	memcpy(out + at, sh, (count + 1) * sizeof(*sh));
	free(sh);
	*ret_end = at + (count + 1) * sizeof(*sh);
	return 0;
}

int layout_finish(const struct layout *l, const struct view *v, uint8_t *out,
		  uint64_t *ret_size)
{
	uint64_t end = l->off + l->size;
	Elf64_Ehdr eh = v->eh;
	int err;

	put_phdrs(l, v, out + l->off + l->phdr_off);
	eh.e_phoff = l->off + l->phdr_off;
	eh.e_phnum++;
	if (v->sh && v->sh_count + 1 < SECTION_MAX) {
		err = put_sections(l, v, out, &end);
		if (err)
			return err;
		eh.e_shoff = end - (v->sh_count + 1ull) * sizeof(Elf64_Shdr);
		eh.e_shnum++;
	}
	memcpy(out, &eh, sizeof(eh));
	*ret_size = end;
	return 0;
}
