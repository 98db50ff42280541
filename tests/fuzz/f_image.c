/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image files, in two ways that the first byte chooses: the bytes as they
 * are, or as the file system in front of a right trailer, as if the digest
 * had matched. Opening, loading, reading the program and walking must end.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/file.h"
#include "image/image.h"
#include "image/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visit(void *arg, const char *path, const struct erofs_inode *ino)
{
	size_t *total = arg;

	*total += strlen(path) + (ino->size & 1);
	return 0;
}

static void use_image(const char *path)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	const uint8_t *program;
	uint64_t len;
	size_t total = 0;
	struct err e;

	if (image_open(&img, path, &e) < 0)
		return;
	if (image_load(&img, &e) < 0)
		return;
	if (image_file(&img, img.manifest.program, &program, &len) == 0 &&
	    len > 0)
		total += program[0] + program[len - 1];
	image_walk(&img, visit, &total);
}

static void put_trailer(int fd, uint64_t size)
{
	struct image_trailer t = { .version = IMAGE_VERSION };

	t.erofs_size = (size + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK;
	memcpy(t.magic, IMAGE_MAGIC, sizeof(t.magic));
	if (ftruncate(fd, (off_t)t.erofs_size) < 0 ||
	    lseek(fd, 0, SEEK_END) < 0 || file_write(fd, &t, sizeof(t)) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[32];
	int fd;

	if (size < 1)
		return 0;
	fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || file_write(fd, data + 1, size - 1) < 0)
		abort();
	if (data[0] & 1)
		put_trailer(fd, size - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	use_image(path);
	close(fd);
	return 0;
}
