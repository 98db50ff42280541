/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens images. The frame is checked before the digest so that a truncated
 * file is called truncated, and the digest before the file system so that
 * the reader normally meets only what the sealer wrote; it trusts nothing
 * all the same.
 */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/guest.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "image/digest.h"

#define EROFS_SUPER_OFF	  1024
#define EROFS_SUPER_MAGIC 0xe0f5e1e2u

int image_path_is_elf(const char *path)
{
	AUTO_CLOSE int fd = -1;
	char magic[4];
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	r = file_pread(fd, magic, sizeof(magic), 0);
	if (r == -ENODATA)
		return 0;
	return r < 0 ? r : memcmp(magic, "\177ELF", 4) == 0;
}

static bool has_superblock(int fd)
{
	uint32_t magic;

	return file_pread(fd, &magic, sizeof(magic), EROFS_SUPER_OFF) == 0 &&
	       magic == EROFS_SUPER_MAGIC;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Without a trailer: an image that was cut, or no image at all. */
static int refuse_frame(const struct image *img, struct err *e)
{
	if (has_superblock(img->fd))
		return err_set(e, EBADMSG,
			       "the image %s is truncated or was "
			       "not made by mayfly: it has no trailer",
			       img->path);
	return err_set(e, ENOEXEC,
		       "%s is neither an ELF program nor a mayfly "
		       "image",
		       img->path);
}

static int read_trailer(struct image *img, struct err *e)
{
	uint64_t size = (uint64_t)img->st.st_size;
	struct image_trailer t;
	int r;

	if (size < sizeof(t))
		return refuse_frame(img, e);
	r = file_pread(img->fd, &t, sizeof(t), size - sizeof(t));
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", img->path);
	if (memcmp(t.magic, IMAGE_MAGIC, sizeof(t.magic)) != 0)
		return refuse_frame(img, e);
	if (t.version != IMAGE_VERSION)
		return err_set(e, EPROTONOSUPPORT,
			       "the image %s has format "
			       "version %u, this mayfly knows version %u; "
			       "seal the program again or update mayfly",
			       img->path, t.version, IMAGE_VERSION);
	if (t.erofs_size != size - sizeof(t) || t.erofs_size == 0 ||
	    t.erofs_size % IMAGE_BLOCK != 0)
		return err_set(e, EBADMSG,
			       "the image %s is damaged: its "
			       "trailer speaks of %llu bytes, the file has "
			       "%llu before it",
			       img->path, (unsigned long long)t.erofs_size,
			       (unsigned long long)(size - sizeof(t)));
	if (t.reserved != 0 || !all_zero(t.zero, sizeof(t.zero)))
		return err_set(e, EBADMSG,
			       "the image %s is damaged: its "
			       "trailer is not clean",
			       img->path);
	img->erofs_size = t.erofs_size;
	memcpy(img->digest, t.digest, sizeof(img->digest));
	return 0;
}

int image_open(struct image *ret, const char *path, struct err *e)
{
	AUTO_IMAGE struct image img = { .fd = -1, .path = path };
	void *map;
	int r;

	img.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (img.fd < 0 || fstat(img.fd, &img.st) < 0)
		return err_sys(e, errno, "cannot open %s", path);
	if (S_ISDIR(img.st.st_mode))
		return err_set(e, EISDIR, "%s is a directory, not an image",
			       path);
	if (!S_ISREG(img.st.st_mode))
		return err_set(e, ENOEXEC, "%s is not a regular file", path);
	r = read_trailer(&img, e);
	if (r < 0)
		return r;
	map = mmap(NULL, img.erofs_size, PROT_READ, MAP_PRIVATE, img.fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, errno, "cannot map %s", path);
	img.map = map;
	*ret = img;
	img = (struct image){ .fd = -1 };
	return 0;
}

int image_verify(const struct image *img, struct err *e)
{
	uint8_t digest[IMAGE_DIGEST_SIZE];

	digest_compute(digest, img->map, img->erofs_size);
	if (memcmp(digest, img->digest, sizeof(digest)) != 0)
		return err_set(e, EBADMSG,
			       "the image %s is damaged: its "
			       "content does not match its digest",
			       img->path);
	return 0;
}

int image_file(const struct image *img, const char *path,
	       const uint8_t **ret_data, uint64_t *ret_size)
{
	struct erofs_extent ext;
	struct erofs_inode ino;
	int r;

	r = erofs_lookup_path(&img->fs, path, &ino);
	if (r < 0)
		return r;
	if (!S_ISREG(ino.mode))
		return -EINVAL;
	if (ino.size == 0) {
		*ret_data = img->map;
		*ret_size = 0;
		return 0;
	}
	r = erofs_map(&img->fs, &ino, 0, &ext);
	if (r < 0)
		return r;
	if (ext.off == 0 || ext.len != ino.size)
		return -EUCLEAN;
	*ret_data = img->map + ext.off;
	*ret_size = ext.len;
	return 0;
}

static int load_kernel(struct image *img, struct err *e)
{
	const uint8_t *data;
	uint64_t size;
	int r;

	r = image_file(img, IMAGE_PATH_KERNEL, &data, &size);
	if (r < 0)
		return err_sys(e, -r, "the image %s has no usable kernel",
			       img->path);
	img->kernel_off = (uint64_t)(data - img->map);
	img->kernel_size = size;
	if (img->kernel_off % MF_PAGE_SIZE != 0 || size == 0)
		return err_set(e, EUCLEAN,
			       "the image %s is damaged: its "
			       "kernel is not page aligned",
			       img->path);
	return 0;
}

int image_load(struct image *img, struct err *e)
{
	const uint8_t *text;
	uint64_t len;
	int r;

	r = erofs_open(&img->fs, img->map, img->erofs_size);
	if (r < 0)
		return err_sys(e, -r,
			       "the image %s holds no usable file "
			       "system",
			       img->path);
	r = image_file(img, IMAGE_PATH_MANIFEST, &text, &len);
	if (r < 0)
		return err_sys(e, -r, "the image %s has no usable manifest",
			       img->path);
	r = manifest_parse(&img->manifest, (const char *)text, len, e);
	if (r < 0)
		return r;
	if (img->manifest.abi != MF_ABI_VERSION)
		return err_set(e, EPROTONOSUPPORT,
			       "the image %s holds a "
			       "kernel of contract %u, this mayfly speaks %u; "
			       "seal the program again",
			       img->path, img->manifest.abi, MF_ABI_VERSION);
	return load_kernel(img, e);
}

void image_close(struct image *img)
{
	manifest_fini(&img->manifest);
	if (img->map)
		munmap((void *)(uintptr_t)img->map, img->erofs_size);
	if (img->fd >= 0)
		close(img->fd);
	*img = (struct image){ .fd = -1 };
}
