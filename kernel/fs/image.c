/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image is mapped at MF_IMAGE_VA for as long as the instance lives, so
 * vnodes point into it. Inodes with several names are remembered, so that
 * each name finds the same vnode.
 */
#include "fs/image.h"

#include "core/alloc.h"
#include "fs/tree.h"

#define LINKED_BUCKETS 64u

struct linked {
	struct linked *next;
	struct vnode *vn; /* not a reference: forgotten at its end */
};

static struct erofs image;
static struct linked *linked[LINKED_BUCKETS]; /* by inode number */
static uint64_t next_ino;

int image_init(void)
{
	const void *base = (const void *)(uintptr_t)MF_IMAGE_VA;

	/* Every nid is below this. */
	next_ino = (kernel_boot->image_size >> 5) + 1;
	return erofs_open(&image, base, kernel_boot->image_size);
}

const struct erofs *image_erofs(void)
{
	return &image;
}

uint64_t image_next_ino(void)
{
	return next_ino++;
}

static struct vnode *find_linked(uint64_t ino)
{
	struct linked *l = linked[ino % LINKED_BUCKETS];

	while (l && l->vn->ino != ino)
		l = l->next;
	return l ? l->vn : NULL;
}

static int remember(struct vnode *vn)
{
	struct linked **bucket = &linked[vn->ino % LINKED_BUCKETS];
	struct linked *l = kzalloc(sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->vn = vn;
	l->next = *bucket;
	*bucket = l;
	return 0;
}

void image_forget(struct vnode *vn)
{
	struct linked **l = &linked[vn->ino % LINKED_BUCKETS];

	while (*l) {
		struct linked *found = *l;

		if (found->vn == vn) {
			*l = found->next;
			kfree(found);
			return;
		}
		l = &found->next;
	}
}

/* Most files are one run of bytes; only others keep their inode. */
static int fill_reg(struct vnode *vn, const struct erofs_inode *ino)
{
	struct reg_data *r = &vn->u.reg;
	struct erofs_extent ext;
	int rc;

	r->size = r->lower_len = ino->size;
	if (!ino->size)
		return 0;
	if (ino->size > INT64_MAX)
		return -EUCLEAN;
	rc = erofs_map(&image, ino, 0, &ext);
	if (rc)
		return rc;
	if (ext.off && ext.len == ino->size) {
		r->lower = image.base + ext.off;
		return 0;
	}
	r->image = kzalloc(sizeof(*r->image));
	if (!r->image)
		return -ENOMEM;
	*r->image = *ino;
	return 0;
}

static int fill_link(struct vnode *vn, const struct erofs_inode *ino)
{
	char *target = kzalloc(ino->size + 1);
	int64_t n;

	if (!target)
		return -ENOMEM;
	n = erofs_read(&image, ino, 0, target, ino->size);
	vn->u.target = target;
	return n < 0 ? (int)n : 0;
}

static int fill_dir(struct vnode *vn, const struct erofs_inode *ino)
{
	vn->u.dir.image = kzalloc(sizeof(*ino));
	if (!vn->u.dir.image)
		return -ENOMEM;
	*vn->u.dir.image = *ino;
	vn->u.dir.partial = true;
	return 0;
}

static int fill(struct vnode *vn, const struct erofs_inode *ino)
{
	int rc = 0;

	vn->nlink = ino->nlink;
	vn->uid = ino->uid;
	vn->gid = ino->gid;
	vn->rdev = ino->rdev;
	vn->mtime.sec = (int64_t)ino->mtime_sec;
	vn->mtime.nsec = ino->mtime_nsec;
	vn->atime = vn->ctime = vn->mtime;
	vn->ino = ino->nid;
	if (S_ISDIR(ino->mode))
		return fill_dir(vn, ino);
	if (S_ISREG(ino->mode))
		rc = fill_reg(vn, ino);
	else if (S_ISLNK(ino->mode))
		rc = fill_link(vn, ino);
	if (!rc && ino->nlink > 1)
		rc = remember(vn);
	return rc;
}

int image_vnode(uint64_t nid, struct vnode **ret)
{
	struct vnode *vn = find_linked(nid);
	struct erofs_inode ino;
	int rc;

	if (vn) {
		*ret = vnode_ref(vn);
		return 0;
	}
	rc = erofs_inode_get(&image, nid, &ino);
	if (rc)
		return rc;
	vn = vnode_new(ino.mode);
	if (!vn)
		return -ENOMEM;
	rc = fill(vn, &ino);
	if (rc) {
		vnode_unref(vn);
		return rc;
	}
	*ret = vn;
	return 0;
}

int image_root(struct vnode **ret)
{
	int rc = image_vnode(image.root_nid, ret);

	if (rc)
		return rc;
	if (vnode_is_dir(*ret))
		return 0;
	vnode_unref(*ret);
	return -EUCLEAN;
}
