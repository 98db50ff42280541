/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file's changes mean for the areas that map it. Another size: pages
 * beyond the new end lose their memory (SIGBUS), pages that are inside now
 * get it. Another page behind an offset: areas that show the old one show
 * the new one, unless they have a copy of their own.
 */
#include "core/commit.h"
#include "core/frame.h"
#include "fs/open.h"
#include "fs/regfile.h"

/* Where the file's bytes [from, to) are in an area, if anywhere. */
static bool area_range(const struct vma *v, uint64_t from, uint64_t to,
		       uint64_t range[2])
{
	uint64_t last = v->off + (v->end - v->start);

	from = max_u64(from, v->off);
	to = min_u64(to, last);
	if (from >= to)
		return false;
	range[0] = v->start + (from - v->off);
	range[1] = v->start + (to - v->off);
	return true;
}

void mm_file_resized(const struct vnode *vn, uint64_t old_size,
		     uint64_t new_size)
{
	uint64_t old_end = ALIGN_UP(old_size, PAGE_SIZE);
	uint64_t new_end = ALIGN_UP(new_size, PAGE_SIZE);
	const struct vma *v;
	uint64_t range[2];

	for (size_t i = 0; (v = mm_area(i)); i++) {
		struct vma copy = *v;

		if (!v->file || file_vnode(v->file) != vn)
			continue;
		/* Without memory for either, things stay as they are: the
		 * program sees stale pages, or SIGBUS. */
		if (area_range(v, new_end, UINT64_MAX, range))
			(void)commit_release(range[0], range[1]);
		if (area_range(v, old_end, new_end, range))
			(void)commit_area(&copy, range[0], range[1]);
	}
	commit_finish();
}

/* The area shows another page of the file there now, if it shows any. */
static void refresh_page(struct vma *v, uint64_t va)
{
	struct arch_leaf leaf;

	arch_mmu_lookup(va, &leaf);
	if (!leaf.present ||
	    ((v->flags & MAP_TYPE) == MAP_PRIVATE &&
	     leaf.gpa.v < MF_IMAGE_GPA && !frame_is_shared(leaf.gpa)))
		return;
	/* Without memory for it the program sees the old page, or SIGBUS. */
	if (!commit_release(va, va + PAGE_SIZE))
		(void)commit_area(v, va, va + PAGE_SIZE);
}

void mm_file_changed(const struct vnode *vn, uint64_t off, uint64_t len)
{
	const struct vma *v;
	uint64_t range[2];

	for (size_t i = 0; (v = mm_area(i)); i++) {
		struct vma copy = *v;

		if (!v->file || file_vnode(v->file) != vn ||
		    !area_range(v, off, off + len, range))
			continue;
		for (uint64_t va = range[0]; va < range[1]; va += PAGE_SIZE)
			refresh_page(&copy, va);
	}
	commit_finish();
}

int mm_file_remove(const struct vma *v, uint64_t start, uint64_t end)
{
	struct vnode *vn = v->file ? file_vnode(v->file) : NULL;

	if (!vn || !S_ISREG(vn->mode))
		return -EINVAL;
	if (!(v->prot & PROT_WRITE))
		return -EACCES;
	return regfile_punch(vn, v->off + (start - v->start), end - start);
}
