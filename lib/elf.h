/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an ELF program, interpreter or shared library that lies in memory as
 * a whole. Trusts no byte of it: every offset is checked, sums cannot
 * overflow. Used by the sealer, to refuse a program with a reason, and by the
 * guest kernel, to load it.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_LOADS_MAX  16
#define ELF_INTERP_MAX 4096 /* bytes with the final NUL */

enum elf_verdict {
	ELF_OK = 0,
	ELF_NOT_ELF, /* does not begin like an ELF file */
	ELF_TRUNCATED, /* ends before something its headers promise */
	ELF_WRONG_CLASS, /* 32-bit, or big-endian */
	ELF_WRONG_MACHINE, /* `machine` says which */
	ELF_NOT_PROGRAM, /* an object file or a core dump */
	ELF_LIBRARY, /* a shared library: all but `entry` is valid */
	ELF_MALFORMED, /* `what` says how */
};

/* One PT_LOAD. vaddr and off agree modulo 4096; no sum overflows. */
struct elf_load {
	uint64_t off; /* in the file */
	uint64_t file_size; /* bytes, at most mem_size */
	uint64_t vaddr;
	uint64_t mem_size; /* bytes, not 0 */
	bool read, write, exec;
};

struct elf {
	uint16_t machine; /* EM_*; valid from ELF_WRONG_MACHINE on */
	const char *what; /* for ELF_MALFORMED, else NULL */
	bool pie; /* ET_DYN: may be loaded at any page */
	uint64_t entry; /* not 0, lies in an executable segment */
	uint64_t phdr_vaddr; /* for AT_PHDR; 0: not in a segment */
	uint16_t phdr_count;
	uint64_t interp_off; /* of the path of the interpreter; */
	uint64_t interp_len; /* without NUL; 0: none, it is static */
	bool exec_stack; /* PT_GNU_STACK asks for it */
	uint64_t dyn_off; /* of the dynamic section in the file; */
	uint64_t dyn_size; /* bytes, inside the file; 0: none */
	uint32_t load_count; /* 1 to ELF_LOADS_MAX */
	struct elf_load loads[ELF_LOADS_MAX]; /* ascending, disjoint */
	uint64_t lo, hi; /* page-aligned bounds of all loads */
	uint64_t private_bytes; /* page-rounded size of writable loads */
};

/*
 * Reads [buf, buf + size). On ELF_OK all of *ret is valid, otherwise only
 * what is said above. An interpreter (ld.so) is ELF_OK and wants none itself.
 */
enum elf_verdict elf_parse(struct elf *ret, const void *buf, uint64_t size);

/*
 * The address (without load base) at which the file's byte `off` is loaded;
 * false if it is in no segment that elf_parse has read.
 */
bool elf_offset_vaddr(const struct elf *e, uint64_t off, uint64_t *ret);

/* What the dynamic section asks of the loader. Strings lie in the file. */
struct elf_dynamic {
	const char *file; /* borrowed */
	uint64_t dyn_off, dyn_size; /* up to DT_NULL */
	uint64_t strtab_off, strtab_size; /* ends with a NUL if not empty */
	const char *soname, *rpath, *runpath; /* NULL: none */
};

/*
 * elf was read from [buf, buf + size), ELF_OK or ELF_LIBRARY. False if the
 * section is damaged; a file without one gives an empty answer.
 */
bool elf_dynamic_read(struct elf_dynamic *ret, const struct elf *elf,
		      const void *buf, uint64_t size);

/* The next library it needs, or NULL; *pos begins at 0. */
const char *elf_dynamic_needed(const struct elf_dynamic *d, uint64_t *pos);

/* "ARM aarch64", "x86 32-bit", ...; NULL if the number has no name here. */
const char *elf_machine_name(uint16_t machine);

/*
 * The function symbol at or below addr (an address of the file, without load
 * base) that is nearest. Returns its name, inside buf, and the distance; or
 * NULL if the file has no usable symbol table, or that function ends before.
 */
const char *elf_symbol_near(const void *buf, uint64_t size, uint64_t addr,
			    uint64_t *ret_distance);

#endif
