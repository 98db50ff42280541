/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file's change of size means for the areas that map it: pages beyond
 * the new end lose their memory (SIGBUS), pages that are inside now get it.
 */
#include "core/commit.h"
#include "fs/open.h"

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
