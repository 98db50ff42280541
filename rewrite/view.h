/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file in memory, seen as the rewriter needs it: what is loaded, what
 * of it is code, and what its symbols say. The file is not trusted: every
 * pointer handed out stays inside it.
 */
#ifndef REWRITE_VIEW_H
#define REWRITE_VIEW_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIEW_LOADS_MAX	  16u
#define VIEW_CODE_MAX	  64u
#define VIEW_SECTIONS_MAX 65000u

/* Bytes of the file that are loaded at va. */
struct piece {
	uint64_t va, len;
	const uint8_t *bytes;
	bool exec, write;
};

struct view {
	const uint8_t *buf;
	uint64_t size;
	Elf64_Ehdr eh;
	Elf64_Phdr *ph; /* eh.e_phnum of them, owned */
	Elf64_Shdr *sh; /* NULL: there are none, or they are no good */
	unsigned sh_count;
	const char *names; /* of the sections, terminated */
	uint64_t names_len;
	struct piece loads[VIEW_LOADS_MAX]; /* ascending, disjoint */
	unsigned load_count;
	uint64_t end; /* of what is loaded, in memory */
	struct piece code[VIEW_CODE_MAX]; /* ascending, disjoint */
	unsigned code_count;
};

enum view_verdict {
	VIEW_OK = 0,
	VIEW_OTHER, /* not a program or library for x86-64 */
	VIEW_ODD, /* one, but made in a way that is better left alone */
	VIEW_NO_MEMORY,
};

/* On VIEW_ODD *ret_why says which. */
enum view_verdict view_init(struct view *v, const void *buf, uint64_t size,
			    const char **ret_why);
void view_fini(struct view *v);

/* The file's bytes at va up to the end of what is loaded there, or NULL. */
const uint8_t *view_at(const struct view *v, uint64_t va, uint64_t *ret_len);
/* The code piece that holds va, or NULL. */
const struct piece *view_code(const struct view *v, uint64_t va);
/* The first section of that name with bytes in the file, or NULL. */
const Elf64_Shdr *view_section(const struct view *v, const char *name);
/* The name of a section, or of the code at va; "" if there is none. */
const char *view_section_name(const struct view *v, const Elf64_Shdr *sh);
const char *view_code_name(const struct view *v, uint64_t va);

/* The value of a tag of the dynamic section; false if there is none. */
bool view_dynamic(const struct view *v, int64_t tag, uint64_t *ret);

/* Calls visit for each defined symbol with an address. */
void view_symbols(const struct view *v,
		  void (*visit)(void *arg, const Elf64_Sym *sym), void *arg);

#endif
