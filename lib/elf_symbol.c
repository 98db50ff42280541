/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symbol table of an ELF program, for the name of the function that
 * crashed. Same distrust as in elf.c; a table that does not hold together
 * simply has no names.
 */
#include <linux/elf.h>

#include "lib/elf.h"
#include "lib/mem.h"

#define SYMBOLS_MAX (4u << 20)
#define STT_NOTYPE  0
#define STT_FUNC    2

static bool inside(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static bool section_get(const char *buf, uint64_t size, const Elf64_Ehdr *h,
			uint32_t index, Elf64_Shdr *ret)
{
	if (index >= h->e_shnum || h->e_shentsize != sizeof(*ret))
		return false;
	if (!inside(h->e_shoff, (uint64_t)h->e_shnum * sizeof(*ret), size))
		return false;
	memcpy(ret, buf + h->e_shoff + index * sizeof(*ret), sizeof(*ret));
	return ret->sh_type == SHT_NOBITS ||
	       inside(ret->sh_offset, ret->sh_size, size);
}

/* .symtab if there is one, else .dynsym. */
static bool find_tables(const char *buf, uint64_t size, const Elf64_Ehdr *h,
			Elf64_Shdr *ret_sym, Elf64_Shdr *ret_str)
{
	bool found = false;
	Elf64_Shdr s;
	uint32_t i;

	for (i = 0; i < h->e_shnum; i++) {
		if (!section_get(buf, size, h, i, &s))
			continue;
		if (s.sh_type != SHT_SYMTAB &&
		    (s.sh_type != SHT_DYNSYM || found))
			continue;
		*ret_sym = s;
		found = true;
	}
	return found && ret_sym->sh_type != SHT_NOBITS &&
	       section_get(buf, size, h, ret_sym->sh_link, ret_str) &&
	       ret_str->sh_type == SHT_STRTAB;
}

static const char *name_get(const char *buf, const Elf64_Shdr *str,
			    uint32_t off)
{
	const char *table = buf + str->sh_offset;

	if (off == 0 || off >= str->sh_size ||
	    !memchr(table + off, 0, str->sh_size - off))
		return NULL;
	return table + off;
}

static bool covers(const Elf64_Sym *s, uint64_t addr)
{
	uint8_t type = s->st_info & 0xf;

	if (type != STT_FUNC && type != STT_NOTYPE)
		return false;
	if (s->st_shndx == SHN_UNDEF || s->st_value == 0)
		return false;
	if (type == STT_NOTYPE && s->st_shndx >= SHN_LORESERVE)
		return false;
	return s->st_value <= addr;
}

const char *elf_symbol_near(const void *buf, uint64_t size, uint64_t addr,
			    uint64_t *ret_distance)
{
	const char *best = NULL;
	uint64_t best_distance = 16u << 20; /* further is a coincidence */
	uint64_t best_size = 0; /* 0: unknown */
	Elf64_Shdr sym, str;
	Elf64_Ehdr h;
	Elf64_Sym s;
	uint64_t i, count;

	if (size < sizeof(h))
		return NULL;
	memcpy(&h, buf, sizeof(h));
	memset(&sym, 0, sizeof(sym));
	if (!find_tables(buf, size, &h, &sym, &str))
		return NULL;
	count = sym.sh_size / sizeof(s);
	for (i = 0; i < count && i < SYMBOLS_MAX; i++) {
		const char *name;

		memcpy(&s, (const char *)buf + sym.sh_offset + i * sizeof(s),
		       sizeof(s));
		if (!covers(&s, addr) || addr - s.st_value >= best_distance)
			continue;
		name = name_get(buf, &str, s.st_name);
		if (!name)
			continue;
		best = name;
		best_distance = addr - s.st_value;
		best_size = s.st_size;
	}
	/* Without local symbols the nearest one is often another function. */
	if (!best || (best_size && best_distance >= best_size))
		return NULL;
	*ret_distance = best_distance;
	return best;
}
