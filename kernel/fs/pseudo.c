/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vnodes over tables of nodes. They are made by each lookup and go with
 * their last reference; a link (vnode_set_link) keeps the way to the root.
 */
#include "fs/pseudo.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

#include "core/alloc.h"
#include "fs/dir.h"
#include "fs/open.h"

#define TEXT_ROOM_MIN 512u
#define TEXT_MAX      (4u << 20)

static const struct vnode_ops pseudo_ops;
static const struct vnode_ops object_link_ops;

/* ---- text -------------------------------------------------------------- */

static bool text_reserve(struct textbuf *t, size_t more)
{
	size_t room = t->room ? t->room : TEXT_ROOM_MIN;
	char *p;

	if (t->failed || t->len + more <= t->room)
		return !t->failed;
	while (room < t->len + more && room < TEXT_MAX)
		room *= 2;
	p = room < t->len + more ? NULL : krealloc(t->buf, t->room, room);
	if (!p) {
		t->failed = true;
		return false;
	}
	t->buf = p;
	t->room = room;
	return true;
}

void text_add_bytes(struct textbuf *t, const void *p, size_t len)
{
	if (!text_reserve(t, len))
		return;
	memcpy(t->buf + t->len, p, len);
	t->len += len;
}

void text_add(struct textbuf *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !text_reserve(t, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	fmt_vsnprintf(t->buf + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

/* ---- open files -------------------------------------------------------- */

static long pseudo_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	const struct vfile *vf = f->priv;
	long n;

	if ((uint64_t)*pos >= vf->text_len)
		return 0;
	n = (long)iov_copy_out(to, vf->text + *pos,
			       vf->text_len - (uint64_t)*pos);
	*pos += n;
	return n;
}

int64_t pseudo_seek(struct file *f, int64_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

static const struct file_ops pseudo_file_ops = {
	.read = pseudo_read,
	.seek = pseudo_seek,
	.stat = vfile_stat,
	.release = vfile_release,
};

static int pseudo_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	const struct pseudo_node *node = vn->u.pseudo.node;
	struct textbuf t = { 0 };
	struct vfile *vf;
	struct file *f;

	if (node->open)
		return node->open(vn, flags, ret);
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	if (node->content)
		text_add_bytes(&t, node->content, strlen(node->content));
	else
		node->text(&t, vn->u.pseudo.arg);
	f = t.failed ? NULL : vfile_new(&pseudo_file_ops, vn, flags);
	if (!f) {
		kfree(t.buf);
		return -ENOMEM;
	}
	vf = f->priv;
	vf->text = t.buf;
	vf->text_len = t.len;
	*ret = f;
	return 0;
}

/* ---- nodes ------------------------------------------------------------- */

static uint64_t node_ino(const struct pseudo_node *node, uint64_t arg)
{
	return ((uint64_t)(uintptr_t)node & 0xfffffff) << 20 | (arg & 0xfffff);
}

static struct vnode *node_vnode(const struct pseudo_node *node, uint64_t arg,
				uint32_t dev)
{
	struct vnode *vn = vnode_new(node->mode);

	if (!vn)
		return NULL;
	memset(&vn->u, 0, sizeof(vn->u));
	vn->ops = node->follow ? &object_link_ops : &pseudo_ops;
	vn->nlink = vnode_is_dir(vn) ? 2 : 1;
	vn->dev = dev;
	vn->ino = node_ino(node, arg);
	vn->u.pseudo.node = node;
	vn->u.pseudo.arg = arg;
	return vn;
}

int pseudo_mount(const struct pseudo_node *root, uint32_t dev,
		 struct vnode **ret)
{
	struct vnode *vn = node_vnode(root, 0, dev);

	if (!vn)
		return -ENOMEM;
	vn->pinned = true;
	*ret = vn;
	return 0;
}

/* A decimal number without sign, spaces or leading zeros; -1: none. */
static int64_t parse_number(const char *name, size_t len)
{
	int64_t n = 0;

	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

static const struct pseudo_node *find_child(const struct pseudo_node *node,
					    const char *name, size_t len,
					    uint64_t *arg)
{
	int64_t n;

	for (uint32_t i = 0; i < node->child_count; i++) {
		const char *s = node->children[i].name;

		if (strlen(s) == len && memcmp(s, name, len) == 0)
			return &node->children[i];
	}
	if (!node->next_member)
		return NULL;
	n = parse_number(name, len);
	if (n < 0 || (node->next_member(n) != n &&
		      !(node->has_member && node->has_member(n))))
		return NULL;
	*arg = (uint64_t)n;
	return node->member;
}

static struct vnode *child_vnode(const struct pseudo_node *child, uint64_t arg,
				 uint32_t dev)
{
	struct vnode *vn;

	if (child->shared && *child->shared)
		return vnode_ref(*child->shared);
	vn = node_vnode(child, arg, dev);
	if (vn && child->shared)
		*child->shared = vnode_ref(vn);
	return vn;
}

static int pseudo_lookup(struct vnode *dir, const char *name, size_t len,
			 struct vnode **ret)
{
	struct dir_name n = { dir, name, len };
	uint64_t arg = dir->u.pseudo.arg;
	const struct pseudo_node *child =
		find_child(dir->u.pseudo.node, name, len, &arg);
	struct vnode *vn;
	int rc;

	if (!child)
		return -ENOENT;
	vn = child_vnode(child, arg, dir->dev);
	if (!vn)
		return -ENOMEM;
	rc = vnode_set_link(vn, &n);
	if (rc) {
		vnode_unref(vn);
		return rc;
	}
	*ret = vn;
	return 0;
}

static uint32_t dirent_type(const struct pseudo_node *node)
{
	return node->mode >> 12 & 15;
}

static void item_of_node(struct dir_item *item, const struct pseudo_node *node,
			 uint64_t arg)
{
	item->name = node->name;
	item->type = dirent_type(node);
	item->ino = node_ino(node, arg);
}

/*
 * The entry at *pos or the next one: 0 and 1 are the dots, then children by
 * index, then members by number. False: no more.
 */
static bool list_item(const struct vnode *dir, int64_t *pos,
		      struct dir_item *item, char number[16])
{
	const struct pseudo_node *node = dir->u.pseudo.node;
	int64_t first_member = 2 + (int64_t)node->child_count, n;

	if (*pos < 2) {
		item->name = *pos ? ".." : ".";
		item->type = dirent_type(node);
		item->ino = dir->ino;
		return true;
	}
	if (*pos < first_member) {
		item_of_node(item, &node->children[*pos - 2],
			     dir->u.pseudo.arg);
		return true;
	}
	if (!node->next_member)
		return false;
	n = node->next_member(*pos - first_member);
	if (n < 0)
		return false;
	item_of_node(item, node->member, (uint64_t)n);
	fmt_snprintf(number, 16, "%ld", n);
	item->name = number;
	*pos = first_member + n;
	return true;
}

static int pseudo_list(struct vnode *dir, int64_t pos, dir_emit emit, void *ctx)
{
	struct dir_item item;
	char number[16];

	while (list_item(dir, &pos, &item, number)) {
		item.name_len = (uint32_t)strlen(item.name);
		item.next = ++pos;
		if (!emit(ctx, &item))
			break;
	}
	return 0;
}

static long pseudo_readlink(struct vnode *vn, char *buf, size_t size)
{
	return vn->u.pseudo.node->link(buf, size, vn->u.pseudo.arg);
}

static int pseudo_follow(struct vnode *vn, struct vnode **ret_vn,
			 struct file **ret_file)
{
	return vn->u.pseudo.node->follow(ret_vn, ret_file, vn->u.pseudo.arg);
}

static const struct vnode_ops pseudo_ops = {
	.lookup = pseudo_lookup,
	.list = pseudo_list,
	.readlink = pseudo_readlink,
	.open = pseudo_open,
};

static const struct vnode_ops object_link_ops = {
	.readlink = pseudo_readlink,
	.follow = pseudo_follow,
};
