/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that was opened: its trailer, its file system, its manifest.
 * image_open() checks the frame, image_verify() the content against the
 * digest, image_load() reads what a start needs. A file that was not
 * verified since it last changed must not be loaded for a run.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "host/err.h"
#include "image/format.h"
#include "image/manifest.h"
#include "lib/erofs.h"

struct image {
	int fd; /* -1: none */
	const char *path; /* the caller's, for messages */
	bool from_program; /* sealed for this start from the program `path` */
	const uint8_t *map; /* erofs_size bytes, read-only */
	uint64_t erofs_size; /* bytes */
	struct stat st;
	uint8_t digest[IMAGE_DIGEST_SIZE];
	/* after image_load(): */
	struct erofs fs;
	struct manifest manifest;
	uint64_t kernel_off; /* bytes into the image, block multiple */
	uint64_t kernel_size; /* bytes */
};

int image_open(struct image *ret, const char *path, struct err *e);
int image_verify(const struct image *img, struct err *e);
int image_load(struct image *img, struct err *e);
void image_close(struct image *img);

#define AUTO_IMAGE __attribute__((cleanup(image_close)))

/*
 * The bytes of a regular file, which lie in one piece in every image that
 * the sealer made; borrowed from the map. -ENOENT if there is none.
 */
int image_file(const struct image *img, const char *path,
	       const uint8_t **ret_data, uint64_t *ret_size);

/* Does the file begin like an ELF file (1), or not (0)? Or -errno. */
int image_path_is_elf(const char *path);

#endif
