/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the table that knows an address. Stubs are the last segment of the
 * file they belong to, so from an address of the program's they lie in one
 * of the next areas above, of the same file. Nothing is remembered between
 * calls: a table is what the program has mapped now. One that the program
 * made itself leads it astray and nobody else.
 */
#include "core/stubs.h"

#include "core/mm.h"
#include "core/uaccess.h"
#include "fs/open.h"
#include "lib/stubs.h"

/* Areas looked at beyond an address: a file has far fewer segments. */
#define AREAS_MAX 32

static bool may_hold(const struct vma *v)
{
	return v->file && (v->prot & PROT_EXEC) &&
	       (v->flags & MAP_TYPE) == MAP_PRIVATE;
}

static bool open_area(const struct vma *v, struct stubs *ret)
{
	const void *base = (const void *)(uintptr_t)v->start;
	struct mf_stubs_hdr h;

	if (!may_hold(v) || copy_from_user(&h, v->start, sizeof(h)) < 0 ||
	    h.magic != MF_STUBS_MAGIC || !user_can_read(v->start, h.size))
		return false;
	return stubs_open(ret, base, v->end - v->start, v->start);
}

static const struct vma *area_at(uint64_t pc)
{
	const struct vma *v = mm_find(pc);

	return v && v->start <= pc && may_hold(v) ? v : NULL;
}

uint64_t stub_pc_to_program(uint64_t pc)
{
	const struct vma *v = area_at(pc);
	struct stubs s;

	return v && open_area(v, &s) ? stubs_to_site(&s, pc) : pc;
}

uint64_t stub_pc_from_program(uint64_t pc)
{
	const struct vma *v = area_at(pc);
	const struct vnode *vn;
	struct stubs s;

	if (!v)
		return pc;
	vn = file_vnode(v->file);
	for (unsigned i = 0; i < AREAS_MAX; i++) {
		v = mm_find(v->end);
		if (!v || (v->file && file_vnode(v->file) != vn))
			break;
		if (open_area(v, &s))
			return stubs_from_site(&s, pc);
	}
	return pc;
}
