/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic section, read from the file as it lies, not from memory: the
 * string table's address is turned into an offset by the segments. Every
 * string that is handed out ends inside the table.
 */
#include <linux/elf.h>

#include "lib/elf.h"
#include "lib/mem.h"

#define DT_RUNPATH_ 29 /* not in the kernel's header */

/* The offset of [vaddr, vaddr + len) in the file; false if it is not there. */
static bool to_offset(const struct elf *elf, uint64_t vaddr, uint64_t len,
		      uint64_t *ret)
{
	unsigned i;

	for (i = 0; i < elf->load_count; i++) {
		const struct elf_load *l = &elf->loads[i];

		if (vaddr < l->vaddr || vaddr - l->vaddr > l->file_size ||
		    len > l->file_size - (vaddr - l->vaddr))
			continue;
		*ret = l->off + (vaddr - l->vaddr);
		return true;
	}
	return false;
}

static Elf64_Dyn entry_at(const struct elf_dynamic *d, uint64_t pos)
{
	Elf64_Dyn e;

	memcpy(&e, d->file + d->dyn_off + pos, sizeof(e));
	return e;
}

static const char *string_at(const struct elf_dynamic *d, uint64_t off)
{
	return off < d->strtab_size ? d->file + d->strtab_off + off : NULL;
}

/* Finds the end of the section and the string table. */
static bool find_strings(struct elf_dynamic *d, const struct elf *elf,
			 uint64_t size)
{
	uint64_t pos, vaddr = 0, len = 0;
	Elf64_Dyn e;

	for (pos = 0; pos + sizeof(e) <= d->dyn_size; pos += sizeof(e)) {
		e = entry_at(d, pos);
		if (e.d_tag == DT_NULL)
			break;
		if (e.d_tag == DT_STRTAB)
			vaddr = e.d_un.d_ptr;
		else if (e.d_tag == DT_STRSZ)
			len = e.d_un.d_val;
	}
	d->dyn_size = pos;
	if (len == 0)
		return true;
	if (!to_offset(elf, vaddr, len, &d->strtab_off))
		return false;
	if (d->strtab_off > size || len > size - d->strtab_off ||
	    d->file[d->strtab_off + len - 1] != '\0')
		return false;
	d->strtab_size = len;
	return true;
}

bool elf_dynamic_read(struct elf_dynamic *ret, const struct elf *elf,
		      const void *buf, uint64_t size)
{
	struct elf_dynamic d = { .file = buf,
				 .dyn_off = elf->dyn_off,
				 .dyn_size = elf->dyn_size };
	const char **field;
	uint64_t pos;

	if (!find_strings(&d, elf, size))
		return false;
	for (pos = 0; pos < d.dyn_size; pos += sizeof(Elf64_Dyn)) {
		Elf64_Dyn e = entry_at(&d, pos);

		if (e.d_tag == DT_SONAME)
			field = &d.soname;
		else if (e.d_tag == DT_RPATH)
			field = &d.rpath;
		else if (e.d_tag == DT_RUNPATH_)
			field = &d.runpath;
		else if (e.d_tag == DT_NEEDED)
			field = NULL;
		else
			continue;
		if (!string_at(&d, e.d_un.d_val))
			return false;
		if (field)
			*field = string_at(&d, e.d_un.d_val);
	}
	*ret = d;
	return true;
}

const char *elf_dynamic_needed(const struct elf_dynamic *d, uint64_t *pos)
{
	while (*pos < d->dyn_size) {
		Elf64_Dyn e = entry_at(d, *pos);

		*pos += sizeof(e);
		if (e.d_tag == DT_NEEDED)
			return string_at(d, e.d_un.d_val);
	}
	return NULL;
}
