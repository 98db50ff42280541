/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of mayfly-unpack: names, sets of paths, where a name leads in a
 * tree with links, the limits of an image, users.
 */
#include "unpack/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "tests/unit/check.h"
#include "unpack/layer.h"
#include "unpack/pathset.h"
#include "unpack/put.h"
#include "unpack/user.h"

static struct unpack_tree tree;
static struct err e;

static void test_clean(void)
{
	static const struct {
		const char *name, *want;
		enum member_fault fault;
	} cases[] = {
		{ "a", "a", MEMBER_OK },
		{ "./a//b/./c/", "a/b/c", MEMBER_OK },
		{ ".", "", MEMBER_OK },
		{ "./", "", MEMBER_OK },
		{ "a/...", "a/...", MEMBER_OK },
		{ ".a/..b/c..", ".a/..b/c..", MEMBER_OK },
		{ "", NULL, MEMBER_EMPTY },
		{ "/", NULL, MEMBER_ABSOLUTE },
		{ "/a", NULL, MEMBER_ABSOLUTE },
		{ "..", NULL, MEMBER_CLIMBS },
		{ "a/..", NULL, MEMBER_CLIMBS },
		{ "a/../b", NULL, MEMBER_CLIMBS },
		{ "./..", NULL, MEMBER_CLIMBS },
	};
	char got[MEMBER_LEN_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_int(member_clean(got, cases[i].name), cases[i].fault);
		if (cases[i].want)
			check_str(got, cases[i].want);
		check(member_fault_text(cases[i].fault)[0] != '\0');
	}
}

/* `count` components of `len` letters. */
static char *make_name(size_t count, size_t len)
{
	char *name = malloc(count * (len + 1) + 1), *p = name;

	check(name != NULL);
	for (; count > 0; count--) {
		memset(p, 'x', len);
		p += len;
		*p++ = '/';
	}
	p[-1] = '\0';
	return name;
}

static void check_limit(size_t count, size_t len, enum member_fault want)
{
	char *name = make_name(count, len);
	char got[MEMBER_LEN_MAX + 1];

	check_int(member_clean(got, name), want);
	if (want == MEMBER_OK) {
		check_str(got, name);
		check_int(member_depth(got), (int64_t)count);
	}
	free(name);
}

static void test_limits(void)
{
	check_limit(1, 255, MEMBER_OK);
	check_limit(1, 256, MEMBER_NAME_LONG);
	check_limit(100, 1, MEMBER_OK);
	check_limit(101, 1, MEMBER_DEEP);
	check_limit(16, 255, MEMBER_OK); /* 4095 bytes */
	check_limit(17, 255, MEMBER_LONG);
	check_limit(64, 63, MEMBER_OK); /* 4095 bytes */
	check_limit(65, 63, MEMBER_LONG);
}

static void test_strings(void)
{
	char path[MEMBER_LEN_MAX + 1] = "a/b", show[MEMBER_SHOW_MAX];
	char *name = make_name(20, 20);

	check_int(member_join(path, path, "cde", 2), 0);
	check_str(path, "a/b/cd");
	check_int(member_depth(path), 3);
	member_pop(path);
	member_pop(path);
	check_str(path, "a");
	member_pop(path);
	check_str(path, "");
	member_pop(path);
	check_str(path, "");
	check_int(member_depth(path), 0);
	check_int(member_join(path, "", "x", 1), 0);
	check_str(path, "x");
	check_str(member_show(show, "a/b"), "a/b");
	check_int((int64_t)strlen(member_show(show, name)),
		  MEMBER_SHOW_MAX - 1);
	check_int(strncmp(show, "...x", 4), 0);
	free(name);
}

static void test_pathset(void)
{
	struct pathset s;
	char path[16];
	int i;

	pathset_init(&s);
	check(!pathset_has(&s, "a"));
	for (i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "d/%d", i);
		check_int(pathset_add(&s, path), 1);
	}
	check_int(pathset_add(&s, "d/77"), 0);
	check_int((int64_t)s.count, 5000);
	for (i = 0; i < 6000; i++) {
		snprintf(path, sizeof(path), "d/%d", i);
		check_int(pathset_has(&s, path), i < 5000);
	}
	pathset_clear(&s);
	check(!pathset_has(&s, "d/1"));
	check_int(pathset_add(&s, "d/1"), 1);
	pathset_clear(&s);
}

static void tree_new(uint32_t entries_max)
{
	char dir[] = "/tmp/t_unpack.XXXXXX";

	check(mkdtemp(dir) != NULL);
	unpack_tree_init(&tree, open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 entries_max);
	check(tree.fd >= 0);
}

static void tree_drop(void)
{
	char path[64], dir[256] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", tree.fd);
	check(readlink(path, dir, sizeof(dir) - 1) > 0);
	check_int(unpack_tree_remove_at(AT_FDCWD, dir), 0);
	unpack_tree_fini(&tree);
}

/* What the name leads to, or the error. */
static const char *leads_to(const char *name, bool make)
{
	static struct spot s;

	if (unpack_tree_locate(&tree, name, make, &s, &e) < 0)
		return e.text;
	return s.path;
}

static void test_locate(void)
{
	tree_new(100);
	check_int(member_put_dir(&tree, "usr/lib", 0755, &e), 0);
	check_int(member_put_symlink(&tree, "lib", "usr/lib", &e), 0);
	check_int(member_put_symlink(&tree, "abs", "/usr", &e), 0);
	check_int(member_put_symlink(&tree, "usr/up", "../usr/./lib//", &e), 0);
	check_int(member_put_symlink(&tree, "two", "abs/up", &e), 0);
	check_int(member_put_symlink(&tree, "root", "/", &e), 0);
	check_str(leads_to("lib/x", false), "usr/lib/x");
	check_str(leads_to("abs/x", false), "usr/x");
	check_str(leads_to("abs/lib/x", false), "usr/lib/x");
	check_str(leads_to("usr/up/x", false), "usr/lib/x");
	check_str(leads_to("two/x", false), "usr/lib/x");
	check_str(leads_to("root/root/two/x", false), "usr/lib/x");
	check_str(leads_to("lib", false), "lib");
	check_str(leads_to("./", false), "");
	check_str(leads_to("none/x", false), "none does not exist");
	check_str(leads_to("none/a/x", true), "none/a/x");
	check_str(leads_to("none/a/x", false), "none/a/x");
	tree_drop();
}

/* A directory that was remembered may become something else. */
static void test_moved(void)
{
	struct spot s;

	tree_new(100);
	check_int(member_put_dir(&tree, "a/b", 0755, &e), 0);
	check_int(member_put_dir(&tree, "c/b", 0755, &e), 0);
	check_str(leads_to("a/b/x", false), "a/b/x");
	check_int(unpack_tree_locate(&tree, "a", false, &s, &e), 0);
	check_int(unpack_tree_remove(&tree, &s, &e), 0);
	check_str(leads_to("a/b/x", false), "a does not exist");
	check_int(member_put_symlink(&tree, "a", "c", &e), 0);
	check_str(leads_to("a/b/x", false), "c/b/x");
	check_int(member_put_symlink(&tree, "a", "..", &e), 0);
	check_str(leads_to("a/b/x", false),
		  "a/b/x would leave the image through a symbolic link");
	tree_drop();
}

/* A tar archive in memory: `count` files of `size` zeros each. */
static int make_tar(int count, size_t size)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int fd = memfd_create("tar", MFD_CLOEXEC);
	char *data = calloc(1, size + 1);
	char name[16];

	check(a && entry && fd >= 0 && data);
	archive_write_set_format_ustar(a);
	archive_write_add_filter_gzip(a);
	check_int(archive_write_open_fd(a, fd), ARCHIVE_OK);
	for (; count > 0; count--) {
		snprintf(name, sizeof(name), "f%d", count);
		archive_entry_set_pathname(entry, name);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_size(entry, (la_int64_t)size);
		check_int(archive_write_header(a, entry), ARCHIVE_OK);
		check_int(archive_write_data(a, data, size), (int64_t)size);
	}
	archive_write_close(a);
	archive_write_free(a);
	archive_entry_free(entry);
	free(data);
	check_int(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int apply(int fd, uint32_t entries_max, uint64_t bytes_max)
{
	struct layers l = { .tree = &tree, .bytes_left = bytes_max };
	uint8_t digest[32];
	int r;

	tree_new(entries_max);
	check_int(lseek(fd, 0, SEEK_SET), 0);
	r = layer_apply(&l, fd, digest, &e);
	tree_drop();
	return r;
}

static void test_image_limits(void)
{
	int fd = make_tar(10, 100000);

	check_int(apply(fd, 10, 10 << 20), 0);
	check_int(apply(fd, 9, 10 << 20), -E2BIG);
	check_str(e.text, "the image has more than 9 files; mayfly takes no "
			  "more");
	check_int(apply(fd, 10, 900000), -EFBIG);
	check_int(strncmp(e.text, "the image unpacks to more than", 30), 0);
	close(fd);
}

static void test_users(void)
{
	static const char passwd[] = "a:x:5:6::/home/a:\nb:x:7:8::rel:\n";
	struct user u;
	int fd = -1;

	tree_new(100);
	check_int(member_put_symlink(&tree, "etc", "/real", &e), 0);
	check_int(member_put_file(&tree, "etc/passwd", 0644, &fd, &e), 0);
	check_int(file_write(fd, passwd, sizeof(passwd) - 1), 0);
	close(fd);
	check_int(user_find(tree.fd, "a", &u, &e), 0);
	check_int(u.uid, 5);
	check_int(u.gid, 6);
	check_str(u.home, "/home/a");
	check_int(user_find(tree.fd, "b", &u, &e), 0);
	check_str(u.home, "/");
	check_int(user_find(tree.fd, "4294967294", &u, &e), 0);
	check_int(u.uid, 4294967294);
	check_int(user_find(tree.fd, "4294967295", &u, &e), -ENOENT);
	check_int(user_find(tree.fd, "a:b", &u, &e), -ENOENT);
	/* A fifo would block whoever opens it. */
	check_int(mkfifoat(tree.fd, "fifo", 0600), 0);
	check_int(member_put_symlink(&tree, "etc/group", "../fifo", &e), 0);
	check_int(user_find(tree.fd, "a:b", &u, &e), -ENOENT);
	tree_drop();
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	RUN(test_clean);
	RUN(test_limits);
	RUN(test_strings);
	RUN(test_pathset);
	RUN(test_locate);
	RUN(test_moved);
	RUN(test_image_limits);
	RUN(test_users);
	return check_done();
}
