/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of uncompressed EROFS images that lie in memory. Allocates nothing,
 * keeps no state but what the caller holds, trusts no byte of the image:
 * every offset is checked and every loop has a bound, so that a damaged or
 * hostile image gives -EUCLEAN and nothing worse. Used by the guest kernel
 * and by host programs. The caller keeps [base, base + size) readable.
 *
 * Functions return 0 or a count, or -errno: -EUCLEAN (damaged), -EOPNOTSUPP
 * (a feature we do not read: compression, external devices), -ENOENT,
 * -ENOTDIR, -EINVAL. Results are untouched on failure.
 */
#ifndef LIB_EROFS_H
#define LIB_EROFS_H

#include <stddef.h>
#include <stdint.h>

#define EROFS_NAME_MAX	  255
#define EROFS_SYMLINK_MAX 4095

struct erofs {
	const uint8_t *base;
	uint64_t size; /* bytes */
	uint32_t block_bits;
	uint32_t build_nsec;
	uint64_t build_sec; /* mtime of compact inodes */
	uint64_t meta_off; /* bytes into the image */
	uint64_t root_nid;
	uint64_t inode_count;
};

struct erofs_inode {
	uint64_t nid; /* identity within the image */
	uint64_t size; /* bytes */
	uint64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t mode; /* S_IFMT and permissions of Linux */
	uint32_t nlink;
	uint32_t uid, gid;
	uint32_t rdev; /* Linux's 32-bit encoding; devices only */
	/* Where the data are; for the functions below. */
	uint32_t layout;
	uint32_t chunk_bits;
	uint32_t chunk_entry_size; /* bytes per table entry: 4 or 8 */
	uint64_t data_off; /* first block */
	uint64_t tail_off; /* inline tail, or chunk table */
};

/* A run of a file's bytes. */
struct erofs_extent {
	uint64_t off; /* bytes into the image; 0: a hole, reads as zero */
	uint64_t len; /* bytes, not 0, clipped to the file's size */
};

struct erofs_dirent {
	uint64_t nid;
	const char *name; /* inside the image, not terminated */
	uint32_t name_len; /* 1 to EROFS_NAME_MAX; no '/' and no NUL inside */
	uint32_t file_type; /* FT_*: 1 file, 2 directory, 7 symlink, ... */
};

int erofs_open(struct erofs *ret, const void *base, uint64_t size);
int erofs_inode_get(const struct erofs *fs, uint64_t nid,
		    struct erofs_inode *ret);

/* The run that holds byte `off`; -EINVAL if off is at or past the end. */
int erofs_map(const struct erofs *fs, const struct erofs_inode *ino,
	      uint64_t off, struct erofs_extent *ret);
/* Bytes copied (fewer only at the end of the file) or -errno. */
int64_t erofs_read(const struct erofs *fs, const struct erofs_inode *ino,
		   uint64_t off, void *buf, uint64_t len);

/*
 * The entry at *pos, which starts at 0 and is advanced; 1, or 0 at the end.
 * "." and ".." are among the entries.
 */
int erofs_dir_next(const struct erofs *fs, const struct erofs_inode *dir,
		   uint64_t *pos, struct erofs_dirent *ret);
int erofs_dir_lookup(const struct erofs *fs, const struct erofs_inode *dir,
		     const char *name, size_t name_len, uint64_t *ret_nid);
/* An absolute path of plain names; symbolic links are not followed. */
int erofs_lookup_path(const struct erofs *fs, const char *path,
		      struct erofs_inode *ret);

#endif
