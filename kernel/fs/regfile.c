/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte comes from the first of these that has it: the page tree, the
 * lower bytes up to lower_len, zero. Bytes of a RAM page beyond the file's
 * size are zero, except what a shared mapping wrote there; cutting and
 * growing a file clears them.
 */
#include "fs/regfile.h"

#include <linux/inotify.h>

#include "core/frame.h"
#include "core/mm.h"
#include "fs/image.h"
#include "fs/inotify.h"

/* A run of lower bytes; NULL for a hole in them. */
struct run {
	const uint8_t *p;
	uint64_t len;
};

static int lower_run(const struct vnode *vn, uint64_t off, struct run *ret)
{
	const struct reg_data *r = &vn->u.reg;
	struct erofs_extent ext;
	int rc;

	ret->len = r->lower_len - off;
	if (r->lower) {
		ret->p = r->lower + off;
		return 0;
	}
	rc = erofs_map(image_erofs(), r->image, off, &ext);
	if (rc)
		return rc;
	ret->p = ext.off ? image_erofs()->base + ext.off : NULL;
	ret->len = min_u64(ret->len, ext.len);
	return 0;
}

/* The bytes at off that are not in the page tree: a run inside the file. */
static int below_run(const struct vnode *vn, uint64_t off, struct run *ret)
{
	const struct reg_data *r = &vn->u.reg;
	uint64_t page = off / PAGE_SIZE, next = page;
	int rc = 0;

	ret->p = NULL;
	ret->len = r->size - off;
	if (off < r->lower_len)
		rc = lower_run(vn, off, ret);
	if (rc)
		return rc;
	if (pagetree_next(&r->pages, &next))
		ret->len = min_u64(ret->len, next * PAGE_SIZE - off);
	return 0;
}

static int copy_lower_page(const struct vnode *vn, uint64_t index, uint8_t *to)
{
	uint64_t off = index * PAGE_SIZE;
	uint64_t end = min_u64(off + PAGE_SIZE, vn->u.reg.lower_len);

	while (off < end) {
		struct run run;
		int rc = lower_run(vn, off, &run);

		if (rc)
			return rc;
		run.len = min_u64(run.len, end - off);
		if (run.p)
			memcpy(to + off % PAGE_SIZE, run.p, run.len);
		off += run.len;
	}
	return 0;
}

uint64_t regfile_pages_max(void)
{
	return kernel_boot->mem_limit / 2 / PAGE_SIZE;
}

/*
 * The RAM page at index, made if need be, with the lower bytes unless all
 * of it is about to be overwritten. 0, -ENOSPC or -errno.
 */
static int own_page(struct vnode *vn, uint64_t index, bool overwrite,
		    uint8_t **ret)
{
	uint8_t *page = pagetree_get(&vn->u.reg.pages, index);
	int rc = 0;

	if (page) {
		pagetree_redeem(page);
		*ret = page;
		return 0;
	}
	if (pagetree_total() >= regfile_pages_max())
		return -ENOSPC;
	page = page_alloc(0);
	if (!page)
		return -ENOSPC;
	if (!overwrite)
		rc = copy_lower_page(vn, index, page);
	if (!rc && pagetree_set(&vn->u.reg.pages, index, page, false))
		rc = -ENOSPC;
	if (rc) {
		page_free(page, 0);
		return rc;
	}
	if (vn->u.reg.mapped)
		mm_file_changed(vn, index * PAGE_SIZE, PAGE_SIZE);
	*ret = page;
	return 0;
}

/* ---- reading and writing ----------------------------------------------- */

static long read_some(struct vnode *vn, struct iov_iter *to, uint64_t off)
{
	const struct reg_data *r = &vn->u.reg;
	uint64_t in_page = off % PAGE_SIZE;
	const uint8_t *page = pagetree_get(&r->pages, off / PAGE_SIZE);
	uint64_t len = min_u64(to->left, r->size - off);
	struct run run;
	int rc;

	if (page) {
		len = min_u64(len, PAGE_SIZE - in_page);
		return (long)iov_copy_out(to, page + in_page, len);
	}
	rc = below_run(vn, off, &run);
	if (rc)
		return rc;
	len = min_u64(len, run.len);
	if (run.p)
		return (long)iov_copy_out(to, run.p, len);
	return (long)iov_zero_out(to, len);
}

long regfile_read(struct vnode *vn, struct iov_iter *to, int64_t pos)
{
	long done = 0;

	while (to->left && (uint64_t)pos < vn->u.reg.size) {
		long n = read_some(vn, to, (uint64_t)pos);

		if (n <= 0)
			return done ? done : n;
		done += n;
		pos += n;
	}
	if (done)
		vnode_touch_atime(vn);
	return done;
}

/* Bytes after the end of the file in its last page become zero. */
static void clear_tail(struct vnode *vn)
{
	uint64_t size = vn->u.reg.size;
	uint8_t *page = pagetree_get(&vn->u.reg.pages, size / PAGE_SIZE);

	if (page && size % PAGE_SIZE)
		memset(page + size % PAGE_SIZE, 0,
		       PAGE_SIZE - size % PAGE_SIZE);
}

/* Mappings follow the size of the file in whole pages. */
static void set_size(struct vnode *vn, uint64_t size)
{
	struct reg_data *r = &vn->u.reg;
	uint64_t old = r->size;

	r->size = size;
	if (r->mapped && ALIGN_UP(old, PAGE_SIZE) != ALIGN_UP(size, PAGE_SIZE))
		mm_file_resized(vn, old, size);
}

static long write_some(struct vnode *vn, struct iov_iter *from, uint64_t off)
{
	uint64_t in_page = off % PAGE_SIZE;
	uint64_t len = min_u64(from->left, PAGE_SIZE - in_page);
	uint8_t *page;
	int rc = own_page(vn, off / PAGE_SIZE, len == PAGE_SIZE, &page);

	len = min_u64(len, INT64_MAX - off);
	return rc ? rc : (long)iov_copy_in(from, page + in_page, len);
}

static void clear_suid(struct vnode *vn)
{
	if (vfs_uid() == 0)
		return;
	vn->mode &= ~(uint32_t)S_ISUID;
	if (vn->mode & S_IXGRP)
		vn->mode &= ~(uint32_t)S_ISGID;
}

long regfile_write(struct vnode *vn, struct iov_iter *from, int64_t pos)
{
	struct reg_data *r = &vn->u.reg;
	long done = 0;

	if (!from->left)
		return 0;
	if (pos == INT64_MAX)
		return -EFBIG;
	if ((uint64_t)pos > r->size)
		clear_tail(vn);
	while (from->left && pos < INT64_MAX) {
		long n = write_some(vn, from, (uint64_t)pos);

		if (n <= 0) {
			if (!done)
				return n;
			break;
		}
		done += n;
		pos += n;
	}
	if ((uint64_t)pos > r->size)
		set_size(vn, (uint64_t)pos);
	vnode_touch_data(vn);
	clear_suid(vn);
	return done;
}

/* ---- size -------------------------------------------------------------- */

int regfile_truncate(struct vnode *vn, uint64_t size)
{
	struct reg_data *r = &vn->u.reg;

	if (size < r->lower_len) {
		r->lower_len = size;
		r->lower_cut = true;
	}
	if (size < r->size)
		pagetree_remove(&r->pages, (size + PAGE_SIZE - 1) / PAGE_SIZE,
				UINT64_MAX);
	else
		clear_tail(vn);
	set_size(vn, size);
	clear_tail(vn);
	vnode_touch_data(vn);
	clear_suid(vn);
	notify_vnode(vn, IN_MODIFY);
	return 0;
}

static int zero_part(struct vnode *vn, uint64_t off, uint64_t len)
{
	uint8_t *page;
	int rc;

	if (!len || (off >= vn->u.reg.lower_len &&
		     !pagetree_get(&vn->u.reg.pages, off / PAGE_SIZE)))
		return 0;
	rc = own_page(vn, off / PAGE_SIZE, false, &page);
	if (!rc)
		memset(page + off % PAGE_SIZE, 0, len);
	return rc;
}

/*
 * The lower bytes of pages [first, last) do not show any more: at the end of
 * what is below they are cut off, else zero pages hide them.
 */
static int hide_lower(struct vnode *vn, uint64_t first, uint64_t last)
{
	struct reg_data *r = &vn->u.reg;
	int rc = 0;

	if (last * PAGE_SIZE >= r->lower_len) {
		if (first * PAGE_SIZE < r->lower_len) {
			r->lower_len = first * PAGE_SIZE;
			r->lower_cut = true;
		}
		return 0;
	}
	for (; first < last && !rc; first++) {
		uint8_t *page;

		rc = own_page(vn, first, true, &page);
	}
	return rc;
}

int regfile_punch(struct vnode *vn, uint64_t off, uint64_t len)
{
	struct reg_data *r = &vn->u.reg;
	uint64_t end = off + len;
	uint64_t first = (off + PAGE_SIZE - 1) / PAGE_SIZE;
	uint64_t last;
	int rc;

	if (off >= r->size)
		return 0;
	if (end >= r->size)
		end = ALIGN_UP(r->size, PAGE_SIZE);
	last = end / PAGE_SIZE;
	vnode_touch_data(vn);
	notify_vnode(vn, IN_MODIFY);
	if (first > last)
		return zero_part(vn, off, end - off);
	rc = zero_part(vn, off, first * PAGE_SIZE - off);
	if (!rc)
		rc = zero_part(vn, last * PAGE_SIZE, end - last * PAGE_SIZE);
	if (rc)
		return rc;
	pagetree_remove(&r->pages, first, last);
	rc = hide_lower(vn, first, last);
	if (r->mapped)
		mm_file_changed(vn, first * PAGE_SIZE,
				(last - first) * PAGE_SIZE);
	return rc;
}

int64_t regfile_seek_data(const struct vnode *vn, int64_t off, bool data)
{
	const struct reg_data *r = &vn->u.reg;
	uint64_t at = (uint64_t)off;

	if (off < 0 || at >= r->size)
		return -ENXIO;
	while (at < r->size) {
		uint64_t next = at / PAGE_SIZE;
		bool here = at < r->lower_len || pagetree_get(&r->pages, next);

		if (here == data)
			return (int64_t)at;
		if (at < r->lower_len)
			at = ALIGN_UP(r->lower_len, PAGE_SIZE);
		else if (here)
			at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE;
		else if (pagetree_next(&r->pages, &next))
			at = next * PAGE_SIZE;
		else
			at = r->size;
	}
	return data ? -ENXIO : (int64_t)r->size;
}

uint64_t regfile_blocks(const struct vnode *vn)
{
	const struct reg_data *r = &vn->u.reg;
	uint64_t lower = ALIGN_UP(r->lower_len, PAGE_SIZE) / PAGE_SIZE;

	return max_u64(lower, r->pages.page_count) * (PAGE_SIZE / 512);
}

/* ---- mapping and peeking ----------------------------------------------- */

/*
 * Can pages be mapped straight from a run of the image? Page aligned, and
 * what follows the end of the file in its last page is padding.
 */
static uint64_t direct_len(const struct vnode *vn, uint64_t off,
			   const struct run *run)
{
	uint64_t addr = (uint64_t)(uintptr_t)run->p;
	uint64_t len = run->len;

	if (addr < MF_IMAGE_VA || addr % PAGE_SIZE)
		return 0;
	if (off + len == vn->u.reg.lower_len && !vn->u.reg.lower_cut &&
	    image_erofs()->block_bits == 12)
		len = ALIGN_UP(len, PAGE_SIZE);
	else
		len = ALIGN_DOWN(len, PAGE_SIZE);
	if (addr - MF_IMAGE_VA + len > kernel_boot->image_size)
		return 0;
	return len;
}

/* Whole pages of a hole that starts page aligned. */
static uint64_t hole_len(const struct vnode *vn, uint64_t off, uint64_t len)
{
	const struct reg_data *r = &vn->u.reg;

	if (off + len == r->lower_len || off + len == r->size)
		return ALIGN_UP(len, PAGE_SIZE);
	return ALIGN_DOWN(len, PAGE_SIZE);
}

static void extent_of_page(const struct vnode *vn, uint64_t index, uint64_t len,
			   struct map_extent *ret)
{
	char *page = pagetree_get(&vn->u.reg.pages, index);

	ret->gpa = kva_gpa(page);
	ret->len = PAGE_SIZE;
	while (ret->len < len &&
	       pagetree_get(&vn->u.reg.pages, index + ret->len / PAGE_SIZE) ==
		       page + ret->len)
		ret->len += PAGE_SIZE;
}

/* What can be mapped without a RAM page; len 0: nothing. */
static int extent_below(const struct vnode *vn, uint64_t off,
			struct map_extent *ret)
{
	struct run run;
	int rc = below_run(vn, off, &run);

	if (rc)
		return rc;
	ret->gpa.v = 0;
	ret->len = hole_len(vn, off, run.len);
	if (run.p) {
		ret->gpa.v =
			(uint64_t)(uintptr_t)run.p - MF_IMAGE_VA + MF_IMAGE_GPA;
		ret->len = direct_len(vn, off, &run);
	}
	return 0;
}

/* Pages for a hole that is mapped shared; they are only promised. */
static int fill_hole(struct vnode *vn, uint64_t index, uint64_t want,
		     struct map_extent *ret)
{
	uint64_t count, done;
	gpa_t g = frame_alloc_run(want, &count);

	if (!g.v)
		return -ENOMEM;
	for (done = 0; done < count; done++)
		if (pagetree_set(&vn->u.reg.pages, index + done,
				 gpa_kva((gpa_t){ g.v + done * PAGE_SIZE }),
				 true))
			break;
	if (done < count)
		frame_unref_range((gpa_t){ g.v + done * PAGE_SIZE },
				  (count - done) * PAGE_SIZE, false);
	ret->gpa = g;
	ret->len = done * PAGE_SIZE;
	return done ? 0 : -ENOMEM;
}

int regfile_extent(struct vnode *vn, uint64_t off, uint64_t len, bool share,
		   struct map_extent *ret)
{
	uint64_t end = ALIGN_UP(vn->u.reg.size, PAGE_SIZE);
	uint64_t index = off / PAGE_SIZE;
	struct map_extent below;
	uint8_t *page;
	int rc;

	vn->u.reg.mapped = true;
	if (off >= end)
		return -ENXIO;
	len = min_u64(end - off, len);
	if (!pagetree_get(&vn->u.reg.pages, index)) {
		rc = extent_below(vn, off, &below);
		if (rc)
			return rc;
		below.len = min_u64(below.len, len);
		if (below.len && share && !below.gpa.v)
			return fill_hole(vn, index, below.len / PAGE_SIZE, ret);
		if (below.len && !share) {
			*ret = below;
			return 0;
		}
	}
	rc = own_page(vn, index, false, &page);
	if (rc)
		return rc == -ENOSPC ? -ENOMEM : rc;
	extent_of_page(vn, index, len, ret);
	return 0;
}

uint64_t regfile_peek(const struct vnode *vn, uint64_t off, const void **ret)
{
	struct run run;

	if (off >= vn->u.reg.size ||
	    pagetree_get(&vn->u.reg.pages, off / PAGE_SIZE) ||
	    below_run(vn, off, &run) || !run.p)
		return 0;
	*ret = run.p;
	return run.len;
}

void regfile_fini(struct vnode *vn)
{
	struct reg_data *r = &vn->u.reg;

	pagetree_remove(&r->pages, 0, UINT64_MAX);
	kfree(r->image);
}
