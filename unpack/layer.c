/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive twice: once to uncompress, once to read the tar archive that
 * comes out. The bytes between the two are counted, so that a small layer
 * cannot fill the disk, and hashed. Modification times are not kept: an
 * image has none.
 */
#include "unpack/layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "host/sigguard.h"
#include "unpack/put.h"

#define CHUNK	  (64u << 10)
#define WHITEOUT  ".wh."
#define META	  ".wh..wh."
#define OPAQUE	  ".wh..wh..opq"
#define SETID	  (S_ISUID | S_ISGID)
#define NAMED_LEN (sizeof(WHITEOUT) - 1)

/* The uncompressed archive on its way from one reader to the other. */
struct pipe {
	struct layers *layers;
	struct archive *raw; /* uncompresses */
	struct archive *tar; /* reads what comes out */
	bool empty; /* there is nothing to uncompress */
	bool over; /* the image is larger than allowed */
	crypto_hash_sha256_state hash;
	uint8_t buf[CHUNK];
};

static void pipe_free(struct pipe **p)
{
	if (!*p)
		return;
	archive_read_free((*p)->tar);
	archive_read_free((*p)->raw);
	free(*p);
}

#define AUTO_PIPE __attribute__((cleanup(pipe_free)))

static int out_of_memory(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

static int too_large(struct err *e)
{
	return err_set(e, EFBIG,
		       "the image unpacks to more than %llu GiB; mayfly takes "
		       "no more",
		       LAYER_BYTES_MAX >> 30);
}

static int damaged(struct archive *a, struct err *e)
{
	const char *text = archive_error_string(a);

	return err_set(e, EBADMSG, "the archive is damaged: %s",
		       text ? text : "it cannot be read");
}

/* The next uncompressed bytes. 0 at the end, or -1. */
static la_ssize_t pipe_next(struct pipe *p)
{
	la_ssize_t n = 0;

	if (!p->empty)
		n = archive_read_data(p->raw, p->buf, sizeof(p->buf));
	if (n < 0) {
		archive_set_error(p->tar, EBADMSG, "%s",
				  archive_error_string(p->raw));
		return -1;
	}
	if ((uint64_t)n > p->layers->bytes_left) {
		p->over = true;
		archive_set_error(p->tar, EFBIG, "it is too large");
		return -1;
	}
	p->layers->bytes_left -= (uint64_t)n;
	crypto_hash_sha256_update(&p->hash, p->buf, (uint64_t)n);
	return n;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **ret)
{
	struct pipe *p = arg;

	(void)a;
	*ret = p->buf;
	return pipe_next(p);
}

static int pipe_open(struct pipe *p, int fd, struct err *e)
{
	struct archive_entry *entry;
	int r;

	crypto_hash_sha256_init(&p->hash);
	p->raw = archive_read_new();
	p->tar = archive_read_new();
	if (!p->raw || !p->tar)
		return out_of_memory(e);
	archive_read_support_filter_gzip(p->raw);
	archive_read_support_filter_zstd(p->raw);
	archive_read_support_format_raw(p->raw);
	archive_read_support_format_empty(p->raw);
	archive_read_support_format_tar(p->tar);
	archive_read_support_format_empty(p->tar);
	r = archive_read_open_fd(p->raw, fd, CHUNK);
	if (r == ARCHIVE_OK)
		r = archive_read_next_header(p->raw, &entry);
	if (r < ARCHIVE_WARN)
		return damaged(p->raw, e);
	p->empty = r == ARCHIVE_EOF;
	if (archive_read_open(p->tar, p, NULL, on_read, NULL) != ARCHIVE_OK)
		return damaged(p->tar, e);
	return 0;
}

static int fail(const struct pipe *p, struct err *e)
{
	return p->over ? too_large(e) : damaged(p->tar, e);
}

static void drop(struct dropped *d, const char *name)
{
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	if (d->count++ == 0)
		member_show(d->first, name);
}

/* One piece of a file. */
struct block {
	const void *data;
	size_t len;
	la_int64_t off;
};

/* What is between the blocks stays a hole. */
static int put_block(int fd, const struct block *b, const char *name,
		     struct err *e)
{
	char show[MEMBER_SHOW_MAX];
	int r = 0;

	if (sigguard_hit())
		return err_set(e, EINTR, "interrupted");
	if (lseek(fd, b->off, SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		r = file_write(fd, b->data, b->len);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s",
			       member_show(show, name));
	return 0;
}

/* The holes are what the archive did not have to bring; they count too. */
static int copy_data(struct pipe *p, int fd, uint64_t size, const char *name,
		     struct err *e)
{
	uint64_t end = 0, data = 0;
	struct block b;
	int a, r;

	while ((a = archive_read_data_block(p->tar, &b.data, &b.len, &b.off)) ==
	       ARCHIVE_OK) {
		if (b.off < 0 || (uint64_t)b.off < end ||
		    (uint64_t)b.off > size || b.len > size - (uint64_t)b.off)
			return err_set(e, EBADMSG,
				       "the archive is damaged: a file has "
				       "data outside of itself");
		r = put_block(fd, &b, name, e);
		if (r < 0)
			return r;
		end = (uint64_t)b.off + b.len;
		data += b.len;
	}
	if (a != ARCHIVE_EOF)
		return fail(p, e);
	if (size - data > p->layers->bytes_left)
		return too_large(e);
	p->layers->bytes_left -= size - data;
	return 0;
}

static int put_regular(struct pipe *p, struct archive_entry *entry,
		       const char *name, struct err *e)
{
	char show[MEMBER_SHOW_MAX];
	la_int64_t size = archive_entry_size(entry);
	AUTO_CLOSE int fd = -1;
	int r;

	if (size < 0 || (uint64_t)size > p->layers->bytes_left)
		return too_large(e);
	r = member_put_file(p->layers->tree, name, archive_entry_perm(entry),
			    &fd, e);
	if (r == 0)
		r = copy_data(p, fd, (uint64_t)size, name, e);
	if (r < 0)
		return r;
	if (ftruncate(fd, size) < 0)
		return err_sys(e, errno, "cannot write %s",
			       member_show(show, name));
	return 0;
}

/* What aufs kept for itself is no part of the image. */
static bool in_meta(const char *path)
{
	for (;;) {
		if (strncmp(path, META, sizeof(META) - 1) == 0)
			return strcmp(path, OPAQUE) != 0;
		path = strchr(path, '/');
		if (!path)
			return false;
		path++;
	}
}

/* `path` is clean; the whiteout `base`, which is its end, is replaced. */
static int hide(struct unpack_tree *t, char *path, char *base, struct err *e)
{
	char show[MEMBER_SHOW_MAX];
	struct spot s;
	int r;

	if (strcmp(base, OPAQUE) == 0) {
		r = unpack_tree_locate(t, path, false, &s, e);
		return r < 0 ? r : unpack_tree_hide_siblings(t, &s, e);
	}
	if (strcmp(base, WHITEOUT) == 0 || strcmp(base, WHITEOUT ".") == 0 ||
	    strcmp(base, WHITEOUT "..") == 0)
		return err_set(e, EINVAL, "the whiteout %s names no file",
			       member_show(show, path));
	memmove(base, base + NAMED_LEN, strlen(base + NAMED_LEN) + 1);
	r = unpack_tree_locate(t, path, false, &s, e);
	return r < 0 ? r : unpack_tree_hide(t, &s, e);
}

/* 1 if the name is one of those that mean no file, else 0. */
static int put_whiteout(struct unpack_tree *t, const char *name, struct err *e)
{
	AUTO_FREE char *path = malloc(MEMBER_LEN_MAX + 1);
	struct err why;
	char *slash;
	int r;

	if (!path)
		return out_of_memory(e);
	/* Whoever makes the file says what is wrong with its name. */
	if (member_clean(path, name) != MEMBER_OK)
		return 0;
	if (in_meta(path))
		return 1;
	slash = strrchr(path, '/');
	slash = slash ? slash + 1 : path;
	if (strncmp(slash, WHITEOUT, NAMED_LEN) != 0)
		return 0;
	r = hide(t, path, slash, &why);
	/* There is nothing to hide. */
	if (r == 0 || r == -ENOENT || r == -ENOTDIR)
		return 1;
	*e = why;
	return r;
}

static void note_dropped(struct layers *l, struct archive_entry *entry,
			 const char *name)
{
	if (archive_entry_mode(entry) & SETID &&
	    archive_entry_filetype(entry) != AE_IFDIR)
		drop(&l->setid, name);
	if (archive_entry_xattr_count(entry) > 0 ||
	    archive_entry_acl_types(entry) != 0)
		drop(&l->xattrs, name);
}

static int put_entry(struct pipe *p, struct archive_entry *entry,
		     const char *name, struct err *e)
{
	struct unpack_tree *t = p->layers->tree;
	const char *link = archive_entry_hardlink(entry);

	if (link)
		return member_put_link(t, name, link, e);
	note_dropped(p->layers, entry, name);
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return put_regular(p, entry, name, e);
	case AE_IFDIR:
		return member_put_dir(t, name, archive_entry_perm(entry), e);
	case AE_IFLNK:
		link = archive_entry_symlink(entry);
		return member_put_symlink(t, name, link ? link : "", e);
	default:
		drop(&p->layers->devices, name);
		return member_put_nothing(t, name, e);
	}
}

/* 1 at the end of the archive. */
static int next_entry(struct pipe *p, struct err *e)
{
	struct archive_entry *entry;
	int r = archive_read_next_header(p->tar, &entry);
	const char *name;

	if (r == ARCHIVE_EOF)
		return 1;
	if (r < ARCHIVE_WARN)
		return fail(p, e);
	if (sigguard_hit())
		return err_set(e, EINTR, "interrupted");
	name = archive_entry_pathname(entry);
	if (!name)
		return err_set(e, EILSEQ,
			       "the archive is damaged: the name of a file "
			       "cannot be read");
	r = put_whiteout(p->layers->tree, name, e);
	if (r != 0)
		return r < 0 ? r : 0;
	return put_entry(p, entry, name, e);
}

/* The hash is that of all there is, also behind the end of the archive. */
static int drain(struct pipe *p, struct err *e)
{
	la_ssize_t n;

	do
		n = pipe_next(p);
	while (n > 0);
	return n < 0 ? fail(p, e) : 0;
}

int layer_apply(struct layers *l, int fd, uint8_t ret_sha256[32], struct err *e)
{
	AUTO_PIPE struct pipe *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return out_of_memory(e);
	p->layers = l;
	unpack_tree_next_layer(l->tree);
	r = pipe_open(p, fd, e);
	while (r == 0)
		r = next_entry(p, e);
	if (r == 1)
		r = drain(p, e);
	if (r < 0)
		return r;
	crypto_hash_sha256_final(&p->hash, ret_sha256);
	return 0;
}
