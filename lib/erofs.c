/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EROFS, the parts that mkfs.erofs writes without compression: flat data,
 * flat data with the tail inside the metadata, and chunks. Numbers on disk
 * are little-endian and are read once, through load16/32/64, into locals.
 *
 * One invariant carries the safety: no pointer into the image is made except
 * by image_at(), which checks the whole range first.
 */
#include "lib/erofs.h"

#include <asm-generic/errno.h>

#include "lib/mem.h"

#define SUPER_OFF	1024u
#define SUPER_SIZE	128u
#define SUPER_MAGIC	0xe0f5e1e2u
#define INCOMPAT_KNOWN	0x00000005u /* zero padding, chunked files */
#define INODE_SLOT_BITS 5
#define INODE_COMPACT	32u
#define INODE_EXTENDED	64u
#define DIRENT_SIZE	12u
#define XATTR_HEADER	12u
#define CHUNK_BITS_MASK 0x1fu
#define CHUNK_INDEXES	0x20u
#define CHUNK_KNOWN	(CHUNK_BITS_MASK | CHUNK_INDEXES)
#define BLOCK_NONE	0xffffffffu
/* Chunks joined into one extent; a bound on the loop, not on files. */
#define CHUNK_MERGE_MAX 4096u

enum layout {
	LAYOUT_PLAIN = 0,
	LAYOUT_INLINE = 2,
	LAYOUT_CHUNKS = 4,
};

enum file_mode {
	MODE_FMT = 0170000,
	MODE_CHR = 0020000,
	MODE_DIR = 0040000,
	MODE_BLK = 0060000,
	MODE_REG = 0100000,
	MODE_LNK = 0120000,
};

struct dir_block {
	const uint8_t *p;
	uint32_t len; /* bytes of entries and names */
	uint32_t count; /* entries */
};

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (uint32_t)p[1] << 8);
}

static uint32_t load32(const uint8_t *p)
{
	return load16(p) | (uint32_t)load16(p + 2) << 16;
}

static uint64_t load64(const uint8_t *p)
{
	return load32(p) | (uint64_t)load32(p + 4) << 32;
}

/* The bytes [off, off + len), or NULL if they are not all in the image. */
static const uint8_t *image_at(const struct erofs *fs, uint64_t off,
			       uint64_t len)
{
	if (off > fs->size || len > fs->size - off)
		return NULL;
	return fs->base + off;
}

static uint64_t block_size(const struct erofs *fs)
{
	return 1ull << fs->block_bits;
}

int erofs_open(struct erofs *ret, const void *base, uint64_t size)
{
	struct erofs fs = { .base = base, .size = size };
	const uint8_t *sb = image_at(&fs, SUPER_OFF, SUPER_SIZE);

	if (!sb || load32(sb) != SUPER_MAGIC)
		return -EUCLEAN;
	fs.block_bits = sb[0x0c];
	if (fs.block_bits < 9 || fs.block_bits > 16)
		return -EUCLEAN;
	if (load32(sb + 0x50) & ~INCOMPAT_KNOWN || load16(sb + 0x56) != 0 ||
	    sb[0x5a] != 0)
		return -EOPNOTSUPP;
	fs.root_nid = load16(sb + 0x0e);
	fs.inode_count = load64(sb + 0x10);
	fs.build_sec = load64(sb + 0x18);
	fs.build_nsec = load32(sb + 0x20);
	fs.meta_off = (uint64_t)load32(sb + 0x28) << fs.block_bits;
	if (fs.build_nsec >= 1000000000u || fs.meta_off > size)
		return -EUCLEAN;
	*ret = fs;
	return 0;
}

/* ---- inodes ------------------------------------------------------------ */

static void decode_compact(const struct erofs *fs, const uint8_t *p,
			   struct erofs_inode *ino)
{
	ino->nlink = load16(p + 0x06);
	ino->size = load32(p + 0x08);
	ino->uid = load16(p + 0x18);
	ino->gid = load16(p + 0x1a);
	ino->mtime_sec = fs->build_sec;
	ino->mtime_nsec = fs->build_nsec;
}

static void decode_extended(const uint8_t *p, struct erofs_inode *ino)
{
	ino->size = load64(p + 0x08);
	ino->uid = load32(p + 0x18);
	ino->gid = load32(p + 0x1c);
	ino->mtime_sec = load64(p + 0x20);
	ino->mtime_nsec = load32(p + 0x28);
	ino->nlink = load32(p + 0x2c);
}

/* Bytes [0, size rounded down to a block) are at data_off, the rest inline. */
static int check_flat(const struct erofs *fs, const struct erofs_inode *ino)
{
	uint64_t tail = 0;

	if (ino->layout == LAYOUT_INLINE) {
		uint64_t mask = block_size(fs) - 1;

		tail = ino->size & mask;
		/* mkfs.erofs never lets a tail cross a block. */
		if ((ino->tail_off & mask) + tail > block_size(fs) ||
		    !image_at(fs, ino->tail_off, tail))
			return -EUCLEAN;
	}
	if (ino->size > tail && !image_at(fs, ino->data_off, ino->size - tail))
		return -EUCLEAN;
	return 0;
}

static int decode_chunks(const struct erofs *fs, uint32_t format,
			 struct erofs_inode *ino)
{
	uint64_t chunks;

	if (format & ~CHUNK_KNOWN)
		return -EOPNOTSUPP;
	ino->chunk_bits = fs->block_bits + (format & CHUNK_BITS_MASK);
	ino->chunk_entry_size = format & CHUNK_INDEXES ? 8 : 4;
	ino->tail_off = (ino->tail_off + ino->chunk_entry_size - 1) &
			~(uint64_t)(ino->chunk_entry_size - 1);
	if (ino->size > INT64_MAX)
		return -EUCLEAN;
	chunks = (ino->size + (1ull << ino->chunk_bits) - 1) >> ino->chunk_bits;
	if (chunks > fs->size ||
	    !image_at(fs, ino->tail_off, chunks * ino->chunk_entry_size))
		return -EUCLEAN;
	return 0;
}

static int check_inode(const struct erofs *fs, const uint8_t *p,
		       struct erofs_inode *ino)
{
	uint32_t type = ino->mode & MODE_FMT;
	uint32_t u = load32(p + 0x10);

	if (ino->mtime_nsec >= 1000000000u)
		return -EUCLEAN;
	if (type != MODE_REG && type != MODE_DIR && type != MODE_LNK) {
		ino->rdev = type == MODE_CHR || type == MODE_BLK ? u : 0;
		ino->size = 0;
		ino->layout = LAYOUT_PLAIN;
		return 0;
	}
	if (type == MODE_LNK && ino->size > EROFS_SYMLINK_MAX)
		return -EUCLEAN;
	switch (ino->layout) {
	case LAYOUT_PLAIN:
	case LAYOUT_INLINE:
		ino->data_off = (uint64_t)u << fs->block_bits;
		return check_flat(fs, ino);
	case LAYOUT_CHUNKS:
		return decode_chunks(fs, u & 0xffffu, ino);
	default:
		return -EOPNOTSUPP;
	}
}

int erofs_inode_get(const struct erofs *fs, uint64_t nid,
		    struct erofs_inode *ret)
{
	struct erofs_inode ino = { .nid = nid };
	uint32_t format, xattr_count, head;
	const uint8_t *p;
	uint64_t off;
	int rc;

	if (nid >= fs->size >> INODE_SLOT_BITS)
		return -EUCLEAN;
	off = fs->meta_off + (nid << INODE_SLOT_BITS);
	p = image_at(fs, off, INODE_COMPACT);
	if (!p)
		return -EUCLEAN;
	format = load16(p);
	xattr_count = load16(p + 0x02);
	ino.mode = load16(p + 0x04);
	ino.layout = format >> 1 & 7;
	if (format >> 4)
		return -EOPNOTSUPP;
	head = format & 1 ? INODE_EXTENDED : INODE_COMPACT;
	p = image_at(fs, off, head);
	if (!p)
		return -EUCLEAN;
	if (head == INODE_EXTENDED)
		decode_extended(p, &ino);
	else
		decode_compact(fs, p, &ino);
	ino.tail_off = off + head;
	if (xattr_count)
		ino.tail_off += XATTR_HEADER + 4ull * (xattr_count - 1);
	rc = check_inode(fs, p, &ino);
	if (rc)
		return rc;
	*ret = ino;
	return 0;
}

/* ---- data -------------------------------------------------------------- */

static int map_flat(const struct erofs *fs, const struct erofs_inode *ino,
		    uint64_t off, struct erofs_extent *ret)
{
	uint64_t tail = 0;

	if (ino->layout == LAYOUT_INLINE)
		tail = ino->size & (block_size(fs) - 1);
	if (off < ino->size - tail) {
		ret->off = ino->data_off + off;
		ret->len = ino->size - tail - off;
	} else {
		ret->off = ino->tail_off + (off - (ino->size - tail));
		ret->len = ino->size - off;
	}
	return image_at(fs, ret->off, ret->len) ? 0 : -EUCLEAN;
}

/* The first byte of chunk `index` in *ret_off, 0 for a hole. */
static int chunk_start(const struct erofs *fs, const struct erofs_inode *ino,
		       uint64_t index, uint64_t *ret_off)
{
	uint32_t entry = ino->chunk_entry_size;
	const uint8_t *p = image_at(fs, ino->tail_off + index * entry, entry);
	uint32_t block;

	if (!p)
		return -EUCLEAN;
	if (entry == 8 && load16(p + 2) != 0)
		return -EOPNOTSUPP; /* on another device */
	block = load32(p + entry - 4);
	*ret_off = block == BLOCK_NONE ? 0 : (uint64_t)block << fs->block_bits;
	return 0;
}

static int map_chunks(const struct erofs *fs, const struct erofs_inode *ino,
		      uint64_t off, struct erofs_extent *ret)
{
	uint64_t chunk = 1ull << ino->chunk_bits;
	uint64_t index = off >> ino->chunk_bits;
	uint64_t in_chunk = off & (chunk - 1);
	uint64_t start, next, end;
	uint32_t merged = 1;
	int rc = chunk_start(fs, ino, index, &start);

	if (rc)
		return rc;
	end = (index + 1) << ino->chunk_bits;
	for (; end < ino->size && merged < CHUNK_MERGE_MAX; merged++) {
		rc = chunk_start(fs, ino, index + merged, &next);
		if (rc)
			return rc;
		if (next != (start ? start + merged * chunk : 0))
			break;
		end += chunk;
	}
	if (end > ino->size)
		end = ino->size;
	if (start && !image_at(fs, start + in_chunk, end - off))
		return -EUCLEAN;
	ret->off = start ? start + in_chunk : 0;
	ret->len = end - off;
	return 0;
}

int erofs_map(const struct erofs *fs, const struct erofs_inode *ino,
	      uint64_t off, struct erofs_extent *ret)
{
	struct erofs_extent ext;
	int rc;

	if (off >= ino->size)
		return -EINVAL;
	if (ino->layout == LAYOUT_CHUNKS)
		rc = map_chunks(fs, ino, off, &ext);
	else
		rc = map_flat(fs, ino, off, &ext);
	if (rc)
		return rc;
	*ret = ext;
	return 0;
}

int64_t erofs_read(const struct erofs *fs, const struct erofs_inode *ino,
		   uint64_t off, void *buf, uint64_t len)
{
	uint8_t *out = buf;
	uint64_t done = 0;

	while (done < len && off + done < ino->size) {
		struct erofs_extent ext;
		int rc = erofs_map(fs, ino, off + done, &ext);
		uint64_t n;

		if (rc)
			return rc;
		n = ext.len < len - done ? ext.len : len - done;
		if (ext.off)
			memcpy(out + done, fs->base + ext.off, n);
		else
			memset(out + done, 0, n);
		done += n;
	}
	return (int64_t)done;
}

/* ---- directories ------------------------------------------------------- */

/*
 * A directory is a sequence of blocks; each starts with a table of entries,
 * sorted by name, then the names. The offset of the first name tells where
 * the table ends.
 */
static int load_dir_block(const struct erofs *fs, const struct erofs_inode *dir,
			  uint64_t index, struct dir_block *ret)
{
	uint64_t off = index << fs->block_bits;
	struct erofs_extent ext;
	uint64_t len;
	uint32_t names;
	int rc = erofs_map(fs, dir, off, &ext);

	if (rc)
		return rc;
	len = dir->size - off;
	if (len > block_size(fs))
		len = block_size(fs);
	if (!ext.off || ext.len < len || len < DIRENT_SIZE)
		return -EUCLEAN;
	ret->p = fs->base + ext.off;
	ret->len = (uint32_t)len;
	names = load16(ret->p + 8);
	if (names < DIRENT_SIZE || names > len || names % DIRENT_SIZE)
		return -EUCLEAN;
	ret->count = names / DIRENT_SIZE;
	return 0;
}

static int dir_entry(const struct dir_block *b, uint32_t i,
		     struct erofs_dirent *ret)
{
	const uint8_t *p = b->p + i * DIRENT_SIZE;
	uint32_t start = load16(p + 8);
	uint32_t end = b->len;
	const char *name;
	uint32_t len;

	if (i + 1 < b->count)
		end = load16(p + DIRENT_SIZE + 8);
	if (start < b->count * DIRENT_SIZE || start >= end || end > b->len)
		return -EUCLEAN;
	name = (const char *)b->p + start;
	len = (uint32_t)strnlen(name, end - start);
	if (len == 0 || len > EROFS_NAME_MAX || memchr(name, '/', len))
		return -EUCLEAN;
	ret->nid = load64(p);
	ret->name = name;
	ret->name_len = len;
	ret->file_type = p[10];
	return 0;
}

int erofs_dir_next(const struct erofs *fs, const struct erofs_inode *dir,
		   uint64_t *pos, struct erofs_dirent *ret)
{
	uint64_t index = *pos >> fs->block_bits;
	uint32_t i = (uint32_t)(*pos & (block_size(fs) - 1));
	struct dir_block b;
	int rc;

	if ((dir->mode & MODE_FMT) != MODE_DIR)
		return -ENOTDIR;
	if (*pos >= dir->size)
		return 0;
	rc = load_dir_block(fs, dir, index, &b);
	if (rc)
		return rc;
	if (i >= b.count)
		return -EINVAL; /* not a position we gave out */
	rc = dir_entry(&b, i, ret);
	if (rc)
		return rc;
	if (i + 1 < b.count)
		*pos += 1;
	else
		*pos = (index + 1) << fs->block_bits;
	return 1;
}

/* Order of a wanted name and an entry's, as of strcmp. */
static int compare_name(const char *name, size_t len,
			const struct erofs_dirent *e)
{
	size_t n = len < e->name_len ? len : e->name_len;
	int c = memcmp(name, e->name, n);

	if (c || len == e->name_len)
		return c;
	return len < e->name_len ? -1 : 1;
}

/* The last block whose first name is not behind the wanted one. */
static int find_dir_block(const struct erofs *fs, const struct erofs_inode *dir,
			  const char *name, size_t len, struct dir_block *ret)
{
	uint64_t lo = 0;
	uint64_t hi = (dir->size + block_size(fs) - 1) >> fs->block_bits;

	while (hi - lo > 1) {
		uint64_t mid = lo + (hi - lo) / 2;
		struct erofs_dirent e;
		int rc = load_dir_block(fs, dir, mid, ret);

		if (!rc)
			rc = dir_entry(ret, 0, &e);
		if (rc)
			return rc;
		if (compare_name(name, len, &e) < 0)
			hi = mid;
		else
			lo = mid;
	}
	return load_dir_block(fs, dir, lo, ret);
}

int erofs_dir_lookup(const struct erofs *fs, const struct erofs_inode *dir,
		     const char *name, size_t name_len, uint64_t *ret_nid)
{
	struct dir_block b;
	uint32_t lo = 0, hi;
	int rc;

	if ((dir->mode & MODE_FMT) != MODE_DIR)
		return -ENOTDIR;
	if (dir->size == 0)
		return -ENOENT;
	rc = find_dir_block(fs, dir, name, name_len, &b);
	if (rc)
		return rc;
	hi = b.count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct erofs_dirent e;
		int c;

		rc = dir_entry(&b, mid, &e);
		if (rc)
			return rc;
		c = compare_name(name, name_len, &e);
		if (c == 0) {
			*ret_nid = e.nid;
			return 0;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -ENOENT;
}

int erofs_lookup_path(const struct erofs *fs, const char *path,
		      struct erofs_inode *ret)
{
	struct erofs_inode ino;
	int rc = erofs_inode_get(fs, fs->root_nid, &ino);

	while (!rc) {
		const char *end;
		uint64_t nid;

		while (*path == '/')
			path++;
		if (!*path) {
			*ret = ino;
			return 0;
		}
		for (end = path; *end && *end != '/'; end++)
			;
		rc = erofs_dir_lookup(fs, &ino, path, (size_t)(end - path),
				      &nid);
		if (!rc)
			rc = erofs_inode_get(fs, nid, &ino);
		path = end;
	}
	return rc;
}
