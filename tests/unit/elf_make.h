/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes small ELF programs in memory, right at first, for tests to spoil.
 * Layout: header, program headers, then code; data in a second segment; a
 * symbol table with two functions.
 */
#ifndef TESTS_UNIT_ELF_MAKE_H
#define TESTS_UNIT_ELF_MAKE_H

#include <linux/elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ELF_MAKE_BASE	0x400000ull
#define ELF_MAKE_CODE	0x200ull /* offset of the entry */
#define ELF_MAKE_DATA	0x1000ull /* offset of the data */
#define ELF_MAKE_INTERP "/lib64/ld.so"

struct elf_make {
	Elf64_Ehdr h;
	Elf64_Phdr ph[4]; /* text, data, stack, unused (PT_NULL) */
	char pad[ELF_MAKE_CODE - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
	char code[ELF_MAKE_DATA - ELF_MAKE_CODE];
	char data[0x100];
	char names[32];
	char interp[32];
	Elf64_Sym sym[3];
	Elf64_Shdr sh[3]; /* none, symbols, names */
};

_Static_assert(offsetof(struct elf_make, code) == ELF_MAKE_CODE, "layout");
_Static_assert(offsetof(struct elf_make, data) == ELF_MAKE_DATA, "layout");

static inline void elf_make_headers(struct elf_make *m)
{
	memcpy(m->h.e_ident, ELFMAG, SELFMAG);
	m->h.e_ident[EI_CLASS] = ELFCLASS64;
	m->h.e_ident[EI_DATA] = ELFDATA2LSB;
	m->h.e_type = ET_EXEC;
	m->h.e_machine = EM_X86_64;
	m->h.e_entry = ELF_MAKE_BASE + ELF_MAKE_CODE;
	m->h.e_phoff = offsetof(struct elf_make, ph);
	m->h.e_phentsize = sizeof(Elf64_Phdr);
	m->h.e_phnum = 4;
	m->h.e_shoff = offsetof(struct elf_make, sh);
	m->h.e_shentsize = sizeof(Elf64_Shdr);
	m->h.e_shnum = 3;
	m->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_vaddr = ELF_MAKE_BASE,
				 .p_filesz = ELF_MAKE_DATA,
				 .p_memsz = ELF_MAKE_DATA };
	m->ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_flags = PF_R | PF_W,
				 .p_offset = ELF_MAKE_DATA,
				 .p_vaddr = ELF_MAKE_BASE + ELF_MAKE_DATA,
				 .p_filesz = sizeof(m->data),
				 .p_memsz = 0x3000 };
	m->ph[2] =
		(Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
}

static inline void elf_make_symbols(struct elf_make *m)
{
	memcpy(m->names, "\0main\0helper", 13);
	m->sym[1] = (Elf64_Sym){ .st_name = 1,
				 .st_info = 2, /* STT_FUNC */
				 .st_shndx = 1,
				 .st_value = ELF_MAKE_BASE + ELF_MAKE_CODE,
				 .st_size = 16 };
	m->sym[2] = m->sym[1];
	m->sym[2].st_name = 6;
	m->sym[2].st_value += 0x40;
	m->sh[1] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
				 .sh_link = 2,
				 .sh_offset = offsetof(struct elf_make, sym),
				 .sh_size = sizeof(m->sym),
				 .sh_entsize = sizeof(Elf64_Sym) };
	m->sh[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct elf_make, names),
				 .sh_size = sizeof(m->names) };
}

static inline void elf_make(struct elf_make *m)
{
	memset(m, 0, sizeof(*m));
	elf_make_headers(m);
	elf_make_symbols(m);
}

/* Turns the unused header into a PT_INTERP. */
static inline void elf_make_dynamic(struct elf_make *m)
{
	memcpy(m->interp, ELF_MAKE_INTERP, sizeof(ELF_MAKE_INTERP));
	m->ph[3] = (Elf64_Phdr){ .p_type = PT_INTERP,
				 .p_offset = offsetof(struct elf_make, interp),
				 .p_filesz = sizeof(ELF_MAKE_INTERP) };
}

#endif
