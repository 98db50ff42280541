/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory is a list of dentries in the order of their cookies, and a
 * hash table over them once there is one. vn->link is the dentry by which a
 * vnode was found last; when that one leaves its directory it is `owned` by
 * the vnode, which so keeps knowing its path.
 */
#include "fs/dir.h"

#include "core/alloc.h"
#include "fs/image.h"

#define BUCKETS_MIN 16u
#define BUCKETS_MAX (1u << 18)

/* From EROFS's file types to DT_*. */
static const uint8_t type_of_image[8] = { 0, 8, 4, 2, 6, 1, 12, 10 };

static uint8_t type_of_mode(uint32_t mode)
{
	return (uint8_t)(mode >> 12 & 15);
}

static uint32_t name_hash(const char *name, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h;
}

/* ---- the table --------------------------------------------------------- */

static struct dentry **bucket(const struct dir_data *dd, uint32_t hash)
{
	return &dd->buckets[hash & (dd->bucket_count - 1)];
}

static struct dentry *find(const struct vnode *dir, const char *name,
			   size_t len)
{
	const struct dir_data *dd = &dir->u.dir;
	uint32_t hash = name_hash(name, len);
	struct dentry *d;

	if (!dd->bucket_count)
		return NULL;
	for (d = *bucket(dd, hash); d; d = d->hash_next)
		if (d->hash == hash && d->name_len == len &&
		    memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

/* A table too small is only slow, so failing to grow one is no error. */
static void table_grow(struct dir_data *dd)
{
	uint32_t count = dd->bucket_count ? dd->bucket_count * 4 : BUCKETS_MIN;
	struct dentry **buckets = kzalloc(count * sizeof(*buckets));
	struct list *pos;

	if (!buckets)
		return;
	kfree(dd->buckets);
	dd->buckets = buckets;
	dd->bucket_count = count;
	list_for_each(pos, &dd->entries) {
		struct dentry *d = container_of(pos, struct dentry, node);
		struct dentry **b = bucket(dd, d->hash);

		d->hash_next = *b;
		*b = d;
	}
}

static struct dentry *dentry_new(const char *name, size_t len)
{
	struct dentry *d = kzalloc(sizeof(*d) + len + 1);

	if (!d)
		return NULL;
	list_init(&d->node);
	d->hash = name_hash(name, len);
	d->name_len = (uint8_t)len;
	memcpy(d->name, name, len);
	return d;
}

static int attach(struct vnode *dir, struct dentry *d)
{
	struct dir_data *dd = &dir->u.dir;
	struct dentry **b;

	if (dd->count >= dd->bucket_count && dd->bucket_count < BUCKETS_MAX)
		table_grow(dd);
	if (!dd->bucket_count)
		return -ENOMEM;
	b = bucket(dd, d->hash);
	d->hash_next = *b;
	*b = d;
	d->dir = dir;
	d->cookie = dd->next_cookie++;
	list_add_tail(&dd->entries, &d->node);
	dd->count++;
	return 0;
}

/* Out of the table; the dentry and its vnode stay. */
static void detach(struct dentry *d)
{
	struct dir_data *dd = &d->dir->u.dir;
	struct dentry **b = bucket(dd, d->hash);

	while (*b != d)
		b = &(*b)->hash_next;
	*b = d->hash_next;
	if (dd->listed == d)
		dd->listed = NULL;
	list_del(&d->node);
	dd->count--;
}

/* Forgets the path by which vn was known, if it was a removed one. */
static void drop_owned_link(struct vnode *vn)
{
	struct dentry *d = vn->link;

	vn->link = NULL;
	if (!d || !d->owned)
		return;
	vnode_unref(d->dir);
	kfree(d);
}

static void set_link(struct vnode *vn, struct dentry *d)
{
	if (vn->link == d)
		return;
	drop_owned_link(vn);
	vn->link = d;
}

/* A detached dentry either goes or stays as its vnode's memory. */
static void retire(struct dentry *d)
{
	struct vnode *vn = d->vn;

	if (vn && vn->link == d) {
		d->owned = true;
		d->deleted = true;
		vnode_ref(d->dir);
	} else {
		kfree(d);
	}
	vnode_unref(vn);
}

/* ---- names of the image ------------------------------------------------ */

static int add_from_image(struct vnode *dir, const struct erofs_dirent *e,
			  struct dentry **ret)
{
	struct dentry *d = dentry_new(e->name, e->name_len);
	int rc;

	if (!d)
		return -ENOMEM;
	d->nid = e->nid;
	d->type = type_of_image[e->file_type & 7];
	rc = attach(dir, d);
	if (rc) {
		kfree(d);
		return rc;
	}
	*ret = d;
	return 0;
}

static bool is_dots(const struct erofs_dirent *e)
{
	return e->name[0] == '.' &&
	       (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

static int load_all(struct vnode *dir)
{
	struct dir_data *dd = &dir->u.dir;
	struct erofs_dirent e;
	struct dentry *d;
	uint64_t pos = 0;
	int rc;

	if (!dd->partial)
		return 0;
	while ((rc = erofs_dir_next(image_erofs(), dd->image, &pos, &e)) > 0) {
		if (is_dots(&e) || find(dir, e.name, e.name_len))
			continue;
		rc = add_from_image(dir, &e, &d);
		if (rc)
			return rc;
	}
	if (rc == 0)
		dd->partial = false;
	return rc;
}

static int load_one(struct vnode *dir, const char *name, size_t len,
		    struct dentry **ret)
{
	struct erofs_dirent e = { .name = name, .name_len = (uint32_t)len };
	int rc = erofs_dir_lookup(image_erofs(), dir->u.dir.image, name, len,
				  &e.nid);

	return rc ? rc : add_from_image(dir, &e, ret);
}

/* ---- what callers see -------------------------------------------------- */

int dir_lookup(struct vnode *dir, const char *name, size_t len,
	       struct vnode **ret)
{
	struct dentry *d = find(dir, name, len);
	int rc;

	if (!d) {
		if (!dir->u.dir.partial)
			return -ENOENT;
		rc = load_one(dir, name, len, &d);
		if (rc)
			return rc;
	}
	if (!d->vn) {
		rc = image_vnode(d->nid, &d->vn);
		if (rc)
			return rc;
		d->type = type_of_mode(d->vn->mode);
	}
	set_link(d->vn, d);
	*ret = vnode_ref(d->vn);
	return 0;
}

static bool list_dots(struct vnode *dir, int64_t *pos, dir_emit emit, void *ctx)
{
	while (*pos < 2) {
		struct vnode *vn = *pos ? dir_parent(dir) : dir;
		struct dir_item item = {
			.name = "..",
			.name_len = (uint32_t)*pos + 1,
			.type = 4, /* DT_DIR */
			.ino = vn->ino,
			.next = *pos + 1,
		};

		if (!emit(ctx, &item))
			return false;
		++*pos;
	}
	return true;
}

/*
 * Long directories are listed in many calls; each goes on where the one
 * before stopped, if its position is not before that.
 */
static struct list *list_start(const struct dir_data *dd, int64_t pos)
{
	if (dd->listed && dd->listed->cookie <= pos)
		return &dd->listed->node;
	return dd->entries.next;
}

int dir_list(struct vnode *dir, int64_t pos, dir_emit emit, void *ctx)
{
	struct dir_data *dd = &dir->u.dir;
	int rc = load_all(dir);

	if (rc)
		return rc;
	if (dd->removed || !list_dots(dir, &pos, emit, ctx))
		return 0;
	for (struct list *p = list_start(dd, pos); p != &dd->entries;
	     p = p->next) {
		struct dentry *d = container_of(p, struct dentry, node);
		struct dir_item item = {
			.name = d->name,
			.name_len = d->name_len,
			.type = d->type,
			.ino = d->vn ? d->vn->ino : d->nid,
			.next = d->cookie + 1,
		};

		if (d->cookie < pos)
			continue;
		dd->listed = d;
		if (!emit(ctx, &item))
			break;
	}
	return 0;
}

int dir_insert(const struct dir_name *n, struct vnode *vn)
{
	struct dentry *d;
	int rc;

	if (n->dir->u.dir.removed)
		return -ENOENT;
	d = dentry_new(n->name, n->len);
	if (!d)
		return -ENOMEM;
	rc = attach(n->dir, d);
	if (rc) {
		kfree(d);
		return rc;
	}
	d->type = type_of_mode(vn->mode);
	d->vn = vnode_ref(vn);
	set_link(vn, d);
	return 0;
}

int dir_remove(const struct dir_name *n)
{
	int rc = load_all(n->dir);
	struct dentry *d;

	if (rc)
		return rc;
	d = find(n->dir, n->name, n->len);
	kassert(d && d->vn);
	detach(d);
	retire(d);
	return 0;
}

int dir_move(const struct dir_name *from, const struct dir_name *to)
{
	struct dentry *source, *target;
	int rc = load_all(from->dir);

	if (!rc)
		rc = load_all(to->dir);
	if (rc)
		return rc;
	source = find(from->dir, from->name, from->len);
	target = find(to->dir, to->name, to->len);
	kassert(source && source->vn);
	rc = dir_insert(to, source->vn);
	if (rc)
		return rc;
	if (target) {
		detach(target);
		retire(target);
	}
	detach(source);
	retire(source);
	return 0;
}

int dir_exchange(const struct dir_name *a, const struct dir_name *b)
{
	struct dentry *da, *db;
	struct vnode *vn;
	uint8_t type;
	int rc = load_all(a->dir);

	if (!rc)
		rc = load_all(b->dir);
	if (rc)
		return rc;
	da = find(a->dir, a->name, a->len);
	db = find(b->dir, b->name, b->len);
	kassert(da && da->vn && db && db->vn);
	vn = da->vn;
	type = da->type;
	da->vn = db->vn;
	da->type = db->type;
	db->vn = vn;
	db->type = type;
	set_link(da->vn, da);
	set_link(db->vn, db);
	return 0;
}

int dir_is_empty(struct vnode *dir)
{
	int rc = load_all(dir);

	return rc ? rc : list_empty(&dir->u.dir.entries);
}

void dir_fini(struct vnode *dir)
{
	kassert(list_empty(&dir->u.dir.entries));
	kfree(dir->u.dir.buckets);
	kfree(dir->u.dir.image);
}

struct vnode *dir_parent(struct vnode *dir)
{
	return dir->link ? dir->link->dir : dir;
}

bool dir_is_below(const struct vnode *dir, const struct vnode *top)
{
	while (dir != top && dir->link)
		dir = dir->link->dir;
	return dir == top;
}

int vnode_set_link(struct vnode *vn, const struct dir_name *n)
{
	struct dentry *d = dentry_new(n->name, n->len);

	if (!d)
		return -ENOMEM;
	d->owned = true;
	d->dir = vnode_ref(n->dir);
	d->vn = vn;
	set_link(vn, d);
	return 0;
}
