/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: timeout 60
 * lib/erofs against images that mkfs.erofs makes of one tree in each of its
 * uncompressed layouts: what the reader finds must be what was put in. Then
 * truncated and damaged images, which must give errors and nothing worse.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/erofs_walk.h"
#include "tests/unit/check.h"

#define BIG_SIZE   (100 * 1024 + 123)
#define FILE_COUNT 500

extern char **environ;

static uint8_t big[BIG_SIZE];

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	check(fd >= 0);
	check_int(write(fd, data, len), len);
	close(fd);
}

/* tree/: files of telling sizes, a directory of many blocks, links. */
static void make_tree(void)
{
	char name[64];
	int fd;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)((i >> 12) + i * 7);
	check_int(mkdir("tree", 0755), 0);
	check_int(mkdir("tree/many", 0700), 0);
	check_int(mkdir("tree/empty", 0755), 0);
	write_file("tree/zero", "", 0);
	write_file("tree/small", "hello\n", 6);
	write_file("tree/page", big, 4096);
	write_file("tree/page1", big, 4097);
	write_file("tree/big", big, sizeof(big));
	check_int(link("tree/big", "tree/many/hard"), 0);
	check_int(symlink("../small", "tree/many/link"), 0);
	check_int(chmod("tree/small", 04711), 0);
	fd = open("tree/sparse", O_WRONLY | O_CREAT, 0644);
	check(fd >= 0);
	check_int(pwrite(fd, "end", 3, 1 << 20), 3);
	close(fd);
	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(name, sizeof(name), "tree/many/some_file_%d", i);
		write_file(name, name, strlen(name));
	}
}

/* Runs mkfs.erofs [option] img tree, then maps the image. */
static void *make_image(const char *option, uint64_t *ret_size)
{
	char name[] = "mkfs.erofs", quiet[] = "--quiet",
	     uuid[] = "-U00000000-0000-0000-0000-000000000000";
	char time[] = "-T1700000000", img[] = "img", tree[] = "tree";
	char opt[64];
	char *argv[] = { name, quiet, uuid, time, opt, img, tree, NULL };
	posix_spawn_file_actions_t fa;
	struct stat st;
	int fd, status;
	pid_t pid;
	void *p;

	snprintf(opt, sizeof(opt), "%s", option);
	unlink("img");
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	check_int(posix_spawnp(&pid, name, &fa, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	check_int(waitpid(pid, &status, 0), pid);
	check_int(status, 0);
	fd = open("img", O_RDONLY);
	check(fd >= 0);
	check_int(fstat(fd, &st), 0);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		 fd, 0);
	check(p != MAP_FAILED);
	close(fd);
	*ret_size = (uint64_t)st.st_size;
	return p;
}

static void check_content(const struct erofs *fs, const char *path,
			  const void *want, uint64_t len)
{
	static uint8_t buf[BIG_SIZE + 16];
	struct erofs_inode ino;

	check_int(erofs_lookup_path(fs, path, &ino), 0);
	check_int(ino.size, len);
	check_int(erofs_read(fs, &ino, 0, buf, sizeof(buf)), len);
	check_mem(buf, want, len);
	if (len < 100)
		return;
	check_int(erofs_read(fs, &ino, len - 99, buf, sizeof(buf)), 99);
	check_mem(buf, (const uint8_t *)want + len - 99, 99);
}

static void check_many(const struct erofs *fs)
{
	struct erofs_inode dir, ino;
	struct erofs_dirent e;
	char name[64], text[80];
	uint64_t pos = 0, nid;
	int count = 0;

	check_int(erofs_lookup_path(fs, "/many", &dir), 0);
	check_int(dir.mode, S_IFDIR | 0700);
	while (erofs_dir_next(fs, &dir, &pos, &e) == 1) {
		check_int(erofs_dir_lookup(fs, &dir, e.name, e.name_len, &nid),
			  0);
		check_int(nid, e.nid);
		count++;
	}
	check_int(count, FILE_COUNT + 4);
	for (int i = 0; i < FILE_COUNT; i++) {
		snprintf(name, sizeof(name), "/many/some_file_%d", i);
		snprintf(text, sizeof(text), "tree%s", name);
		check_content(fs, name, text, strlen(text));
	}
	check_int(erofs_dir_lookup(fs, &dir, "some_file_x", 11, &nid), -ENOENT);
	check_int(erofs_dir_lookup(fs, &dir, "a", 1, &nid), -ENOENT);
	check_int(erofs_dir_lookup(fs, &dir, "zz", 2, &nid), -ENOENT);
	check_int(erofs_lookup_path(fs, "/many/link", &ino), 0);
	check_int(ino.mode, S_IFLNK | 0777);
	check_content(fs, "/many/link", "../small", 8);
}

static void check_attributes(const struct erofs *fs)
{
	struct erofs_inode ino, hard;
	struct erofs_extent ext;

	check_int(erofs_lookup_path(fs, "/", &ino), 0);
	check_int(ino.nid, fs->root_nid);
	check_int(erofs_lookup_path(fs, "/small", &ino), 0);
	check_int(ino.mode, S_IFREG | 04711);
	check_int(ino.mtime_sec, 1700000000);
	check_int(ino.uid, getuid());
	check_int(erofs_lookup_path(fs, "/big", &ino), 0);
	check_int(erofs_lookup_path(fs, "/many/hard", &hard), 0);
	check_int(ino.nid, hard.nid);
	check_int(ino.nlink, 2);
	check_int(erofs_map(fs, &ino, ino.size, &ext), -EINVAL);
	check_int(erofs_map(fs, &ino, 4096, &ext), 0);
	check_int(ext.off % 4096, 0);
	check_int(erofs_lookup_path(fs, "/nothing", &ino), -ENOENT);
	check_int(erofs_lookup_path(fs, "/small/x", &ino), -ENOTDIR);
}

static void check_sparse(const struct erofs *fs)
{
	struct erofs_inode ino;
	char buf[8];

	check_int(erofs_lookup_path(fs, "/sparse", &ino), 0);
	check_int(ino.size, (1 << 20) + 3);
	check_int(erofs_read(fs, &ino, (1 << 20) - 2, buf, 8), 5);
	check_mem(buf, "\0\0end", 5);
}

static void check_layout(const char *option)
{
	struct erofs fs;
	uint64_t size;
	void *p = make_image(option, &size);

	check_int(erofs_open(&fs, p, size), 0);
	check_content(&fs, "/zero", "", 0);
	check_content(&fs, "/small", "hello\n", 6);
	check_content(&fs, "/page", big, 4096);
	check_content(&fs, "/page1", big, 4097);
	check_content(&fs, "/big", big, sizeof(big));
	check_many(&fs);
	check_attributes(&fs);
	check_sparse(&fs);
	munmap(p, size);
}

static void test_inline(void)
{
	check_layout("-d0");
}

static void test_plain(void)
{
	check_layout("-Enoinline_data");
}

static void test_extended(void)
{
	check_layout("-Enoinline_data,force-inode-extended");
}

static void test_chunks(void)
{
	check_layout("--chunksize=4096");
	check_layout("--chunksize=65536");
}

static void test_compressed_refused(void)
{
	struct erofs_inode ino;
	struct erofs fs;
	uint64_t size;
	void *p = make_image("-zlz4", &size);
	int rc = erofs_open(&fs, p, size);

	if (!rc)
		rc = erofs_lookup_path(&fs, "/big", &ino);
	check_int(rc, -EOPNOTSUPP);
	munmap(p, size);
}

/* Every prefix of an image, placed right before an inaccessible page. */
static void test_truncated(void)
{
	static struct erofs_walk walk;
	uint64_t size, room;
	uint8_t *p = make_image("-Eforce-inode-extended", &size);
	uint8_t *end;

	room = (size + 4095) & ~4095ull;
	end = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(end != MAP_FAILED);
	end += room;
	check_int(mprotect(end, 4096, PROT_NONE), 0);
	for (uint64_t len = 0; len < size; len += 1 + len / 64) {
		memcpy(end - len, p, len);
		(void)erofs_walk_image(&walk, end - len, len);
	}
	munmap(p, size);
	munmap(end - room, room + 4096);
}

/* Random bytes of the metadata changed, with a fixed seed. */
static void test_damaged(void)
{
	static struct erofs_walk walk;
	uint64_t size, seed = 1;
	uint8_t *good = make_image("-d0", &size);
	uint8_t *p = malloc(size);

	check(p != NULL);
	for (int round = 0; round < 300; round++) {
		memcpy(p, good, size);
		for (int i = 0; i < 1 + round % 40; i++) {
			seed = seed * 6364136223846793005ull + 1;
			p[1024 + (seed >> 20) % (size - 1024)] =
				(uint8_t)(seed >> 50);
		}
		(void)erofs_walk_image(&walk, p, size);
	}
	free(p);
	munmap(good, size);
}

int main(void)
{
	RUN(make_tree);
	RUN(test_inline);
	RUN(test_plain);
	RUN(test_extended);
	RUN(test_chunks);
	RUN(test_compressed_refused);
	RUN(test_truncated);
	RUN(test_damaged);
	return check_done();
}
