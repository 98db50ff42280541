/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of container images: the bytes are one archive or two (the first
 * byte tells where the second begins), applied to a tree in a temporary
 * directory. Checksums of headers are made right, or nothing would get past
 * them. Beside the tree is a file that nothing may reach: it must not
 * change, get a second name or get neighbours.
 */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "unpack/layer.h"

#define SPLIT	    256 /* bytes of the first archive per unit of the byte */
#define ENTRIES_MAX 200
#define BYTES_MAX   (1u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/f_layer.XXXXXX";
static int dir_fd;

static void remove_dir(void)
{
	unpack_tree_remove_at(AT_FDCWD, dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd;

	(void)argc;
	(void)argv;
	setlocale(LC_CTYPE, "C.UTF-8");
	if (sodium_init() < 0 || !mkdtemp(dir))
		abort();
	atexit(remove_dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir_fd, "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	if (dir_fd < 0 || fd < 0 || file_write(fd, "secret", 6) < 0)
		abort();
	close(fd);
	return 0;
}

static void check_outside(void)
{
	char text[8] = "";
	struct dirent *entry;
	unsigned count = 0;
	struct stat st;
	DIR *d = opendir(dir);
	int fd = openat(dir_fd, "secret", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_nlink != 1 ||
	    st.st_mode != (S_IFREG | 0400) || read(fd, text, 8) != 6 ||
	    strcmp(text, "secret") != 0)
		abort();
	close(fd);
	while ((entry = readdir(d)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(d);
	if (count != 2)
		abort();
}

/* Every block that calls itself a tar header gets a right checksum. */
static void fix_checksums(uint8_t *data, size_t size)
{
	enum { BLOCK = 512, MAGIC = 257, SUM = 148, SUM_LEN = 8 };
	char text[SUM_LEN + 1];
	unsigned sum;
	int i;

	for (; size >= BLOCK; data += BLOCK, size -= BLOCK) {
		if (memcmp(data + MAGIC, "ustar", 5) != 0)
			continue;
		memset(data + SUM, ' ', SUM_LEN);
		for (i = 0, sum = 0; i < BLOCK; i++)
			sum += data[i];
		snprintf(text, sizeof(text), "%06o", sum & 0777777);
		memcpy(data + SUM, text, SUM_LEN - 1);
	}
}

static int apply(struct layers *l, const uint8_t *data, size_t size)
{
	int r, fd = memfd_create("layer", MFD_CLOEXEC);
	AUTO_FREE uint8_t *copy = malloc(size + 1);
	uint8_t digest[32];
	struct err e;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	fix_checksums(copy, size);
	if (fd < 0 || file_write(fd, copy, size) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	r = layer_apply(l, fd, digest, &e);
	close(fd);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE struct unpack_tree *tree = malloc(sizeof(*tree));
	struct layers l = { .tree = tree, .bytes_left = BYTES_MAX };
	size_t first;

	if (size == 0)
		return 0;
	if (!tree || mkdirat(dir_fd, "root", 0700) < 0)
		abort();
	unpack_tree_init(tree,
			 openat(dir_fd, "root",
				O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 ENTRIES_MAX);
	first = (size_t)data[0] * SPLIT;
	data++;
	size--;
	if (first > size)
		first = size;
	if (apply(&l, data, first) == 0 && first < size)
		apply(&l, data + first, size - first);
	unpack_tree_fini(tree);
	check_outside();
	if (unpack_tree_remove_at(dir_fd, "root") < 0)
		abort();
	return 0;
}
