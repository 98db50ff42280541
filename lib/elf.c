/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF headers. Structures are copied out before use: nothing in a hostile
 * file is aligned. The order of checks decides which reason a user reads, so
 * it goes from the coarse (not an ELF) to the fine (a segment that overlaps).
 */
#include "lib/elf.h"

#include <linux/elf.h>

#include "abi/layout.h"
#include "lib/mem.h"

#define PAGE_DOWN(x) ((x) & ~(MF_PAGE_SIZE - 1))
#define PAGE_UP(x)   PAGE_DOWN((x) + MF_PAGE_SIZE - 1)

static bool inside(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static enum elf_verdict malformed(struct elf *e, const char *what)
{
	e->what = what;
	return ELF_MALFORMED;
}

static enum elf_verdict check_header(struct elf *e, const Elf64_Ehdr *h,
				     uint64_t size)
{
	if (h->e_machine != EM_X86_64) {
		e->machine = h->e_machine;
		return ELF_WRONG_MACHINE;
	}
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return ELF_NOT_PROGRAM;
	if (h->e_phentsize != sizeof(Elf64_Phdr))
		return malformed(e, "its program headers have a wrong size");
	if (h->e_phnum == 0)
		return malformed(e, "it has no program headers");
	if (!inside(h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr),
		    size))
		return ELF_TRUNCATED;
	e->machine = h->e_machine;
	e->pie = h->e_type == ET_DYN;
	e->entry = h->e_entry;
	e->phdr_count = h->e_phnum;
	return ELF_OK;
}

/* The bytes up to e_machine lie in the same place in both classes. */
static enum elf_verdict check_ident(struct elf *e, const void *buf,
				    uint64_t size)
{
	const unsigned char *id = buf;

	if (size < SELFMAG || memcmp(id, ELFMAG, SELFMAG) != 0)
		return ELF_NOT_ELF;
	if (size < EI_NIDENT + 4)
		return ELF_TRUNCATED;
	if (id[EI_CLASS] == ELFCLASS64 && id[EI_DATA] == ELFDATA2LSB)
		return ELF_OK;
	e->machine = id[EI_DATA] == ELFDATA2MSB ?
			     (uint16_t)(id[18] << 8 | id[19]) :
			     (uint16_t)(id[18] | id[19] << 8);
	return ELF_WRONG_CLASS;
}

static enum elf_verdict add_load(struct elf *e, const Elf64_Phdr *p,
				 uint64_t size)
{
	struct elf_load *l = &e->loads[e->load_count];
	uint64_t lo_min = e->pie ? 0 : MF_USER_VA_MIN;

	if (p->p_memsz == 0)
		return ELF_OK;
	if (e->load_count == ELF_LOADS_MAX)
		return malformed(e, "it has more than 16 segments");
	if (p->p_filesz > p->p_memsz)
		return malformed(e, "a segment has more in the file than in "
				    "memory");
	if (!inside(p->p_offset, p->p_filesz, size))
		return ELF_TRUNCATED;
	if ((p->p_vaddr ^ p->p_offset) & (MF_PAGE_SIZE - 1))
		return malformed(e, "a segment is not aligned");
	if (p->p_vaddr < lo_min ||
	    !inside(p->p_vaddr, p->p_memsz, MF_USER_VA_MAX))
		return malformed(e, "a segment lies outside the addresses of "
				    "a program");
	if (e->load_count > 0 && p->p_vaddr < l[-1].vaddr + l[-1].mem_size)
		return malformed(e, "its segments overlap or are unordered");
	l->off = p->p_offset;
	l->file_size = p->p_filesz;
	l->vaddr = p->p_vaddr;
	l->mem_size = p->p_memsz;
	l->read = p->p_flags & PF_R;
	l->write = p->p_flags & PF_W;
	l->exec = p->p_flags & PF_X;
	e->load_count++;
	return ELF_OK;
}

static enum elf_verdict set_interp(struct elf *e, const Elf64_Phdr *p,
				   const char *buf, uint64_t size)
{
	const char *end;

	if (!inside(p->p_offset, p->p_filesz, size))
		return ELF_TRUNCATED;
	if (p->p_filesz > ELF_INTERP_MAX)
		return malformed(e, "the path of its interpreter is too long");
	end = memchr(buf + p->p_offset, 0, p->p_filesz);
	if (!end || end == buf + p->p_offset)
		return malformed(e, "the path of its interpreter is not a "
				    "string");
	e->interp_off = p->p_offset;
	e->interp_len = (uint64_t)(end - (buf + p->p_offset));
	return ELF_OK;
}

static enum elf_verdict set_dynamic(struct elf *e, const Elf64_Phdr *p,
				    uint64_t size)
{
	if (!inside(p->p_offset, p->p_filesz, size))
		return ELF_TRUNCATED;
	e->dyn_off = p->p_offset;
	e->dyn_size = p->p_filesz;
	return ELF_OK;
}

static enum elf_verdict read_phdrs(struct elf *e, uint64_t phoff,
				   const char *buf, uint64_t size)
{
	enum elf_verdict v = ELF_OK;
	Elf64_Phdr p;
	unsigned i;

	for (i = 0; i < e->phdr_count && v == ELF_OK; i++) {
		memcpy(&p, buf + phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD)
			v = add_load(e, &p, size);
		else if (p.p_type == PT_INTERP)
			v = set_interp(e, &p, buf, size);
		else if (p.p_type == PT_DYNAMIC)
			v = set_dynamic(e, &p, size);
		else if (p.p_type == PT_GNU_STACK)
			e->exec_stack = p.p_flags & PF_X;
	}
	return v;
}

/* What follows from the list of segments as a whole. */
static enum elf_verdict finish(struct elf *e, uint64_t phoff)
{
	uint64_t phlen = (uint64_t)e->phdr_count * sizeof(Elf64_Phdr);
	bool entry_ok = false;
	unsigned i;

	if (e->load_count == 0)
		return malformed(e, "it has nothing to load");
	for (i = 0; i < e->load_count; i++) {
		const struct elf_load *l = &e->loads[i];

		if (l->exec && e->entry && e->entry >= l->vaddr &&
		    e->entry - l->vaddr < l->file_size)
			entry_ok = true;
		if (l->off <= phoff &&
		    inside(phoff - l->off, phlen, l->file_size))
			e->phdr_vaddr = l->vaddr + (phoff - l->off);
		if (l->write)
			e->private_bytes += PAGE_UP(l->vaddr + l->mem_size) -
					    PAGE_DOWN(l->vaddr);
	}
	e->lo = PAGE_DOWN(e->loads[0].vaddr);
	e->hi = PAGE_UP(e->loads[i - 1].vaddr + e->loads[i - 1].mem_size);
	if (!entry_ok && e->pie && e->interp_len == 0)
		return ELF_LIBRARY;
	if (!entry_ok)
		return malformed(e, "its entry is not in its code");
	return ELF_OK;
}

enum elf_verdict elf_parse(struct elf *ret, const void *buf, uint64_t size)
{
	enum elf_verdict v;
	Elf64_Ehdr h;

	memset(ret, 0, sizeof(*ret));
	v = check_ident(ret, buf, size);
	if (v != ELF_OK)
		return v;
	if (size < sizeof(h))
		return ELF_TRUNCATED;
	memcpy(&h, buf, sizeof(h));
	v = check_header(ret, &h, size);
	if (v == ELF_OK)
		v = read_phdrs(ret, h.e_phoff, buf, size);
	if (v == ELF_OK)
		v = finish(ret, h.e_phoff);
	return v;
}

bool elf_offset_vaddr(const struct elf *e, uint64_t off, uint64_t *ret)
{
	for (uint32_t i = 0; i < e->load_count; i++) {
		const struct elf_load *l = &e->loads[i];

		if (off < l->off || off - l->off >= l->file_size)
			continue;
		*ret = l->vaddr + (off - l->off);
		return true;
	}
	return false;
}

const char *elf_machine_name(uint16_t machine)
{
	static const struct {
		uint16_t machine;
		const char *name;
	} names[] = {
		{ EM_386, "x86 32-bit (i386)" },
		{ EM_X86_64, "x86-64" },
		{ EM_ARM, "ARM 32-bit" },
		{ EM_AARCH64, "ARM 64-bit (aarch64)" },
		{ EM_RISCV, "RISC-V" },
		{ EM_PPC64, "PowerPC 64-bit" },
		{ EM_S390, "IBM Z (s390x)" },
		{ EM_MIPS, "MIPS" },
		{ EM_LOONGARCH, "LoongArch" },
		{ EM_SPARCV9, "SPARC 64-bit" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].machine == machine)
			return names[i].name;
	}
	return NULL;
}
