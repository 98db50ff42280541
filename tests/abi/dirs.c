/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: directories and their listing, rename, links, removal, symbolic
 * links, the calls that take a directory descriptor, the working directory.
 *
 * test: flavours musl glibc glibc-pie
 */
#include <limits.h>

#include "tests/abi/abi.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char type_letter(const struct dirent *e)
{
	return e->d_type == DT_DIR ? '/' :
	       e->d_type == DT_LNK ? '@' :
	       e->d_type == DT_REG ? ' ' :
				     '?';
}

/* The names in a directory in order, with a letter for the type. */
static void list(const char *what, const char *path)
{
	char *names[64], line[400] = "";
	struct dirent *e;
	DIR *d = opendir(path);
	size_t n = 0, at = 0;

	if (!d) {
		say(what, "%s", err_name(errno));
		return;
	}
	while ((e = readdir(d)) && n < 64) {
		names[n] = malloc(300);
		snprintf(names[n++], 300, "%s%c", e->d_name, type_letter(e));
	}
	closedir(d);
	qsort(names, n, sizeof(*names), compare);
	for (size_t i = 0; i < n && at < sizeof(line) - 40; i++) {
		at += (size_t)snprintf(line + at, 40, "%.30s ", names[i]);
		free(names[i]);
	}
	say(what, "%s", line);
}

static void directories(void)
{
	struct stat st;

	ret("mkdir", mkdir("d", 0755));
	ret("mkdir again", mkdir("d", 0755));
	ret("mkdir below missing", mkdir("no/d", 0755));
	ret("mkdir, trailing slash", mkdir("d/sub/", 0700));
	put_file("d/f1", "one");
	put_file("d/f2", "two");
	ret("symlink", symlink("f1", "d/l"));
	list("listing", "d");
	list("listing of a file", "d/f1");
	list("listing of nothing", "none");
	stat("d", &st);
	val("links of a directory", (long)st.st_nlink);
	ret("rmdir not empty", rmdir("d"));
	ret("rmdir of a file", rmdir("d/f1"));
	ret("rmdir missing", rmdir("d/none"));
	ret("rmdir dot", rmdir("d/."));
	ret("unlink of a directory", unlink("d/sub"));
	ret("rmdir", rmdir("d/sub"));
	stat("d", &st);
	val("links afterwards", (long)st.st_nlink);
	ret("unlink", unlink("d/f2"));
	ret("unlink again", unlink("d/f2"));
	list("listing", "d");
	ret("file as directory", mkdir("d/f1/x", 0755));
}

static void many(void)
{
	char name[32];
	int count = 0;
	struct dirent *e;
	DIR *d;

	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/file-%03d", i);
		put_file(name, "");
	}
	d = opendir("many");
	while ((e = readdir(d)))
		count++;
	val("500 files and two", count);
	rewinddir(d);
	for (count = 0; (e = readdir(d));) {
		snprintf(name, sizeof(name), "many/%.20s", e->d_name);
		if (unlink(name) == 0)
			count++;
	}
	val("removed while listing", count);
	closedir(d);
	ret("now empty", rmdir("many"));
}

static void raw_listing(void)
{
	char buf[1024];
	int fd = open("d", O_RDONLY | O_DIRECTORY);
	long n;

	ret("buffer too small", syscall(SYS_getdents64, fd, buf, 10));
	n = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	yes("getdents64", n > 0 && n % 8 == 0);
	ret("at the end", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	ret("rewind", lseek(fd, 0, SEEK_SET));
	yes("again", syscall(SYS_getdents64, fd, buf, sizeof(buf)) == n);
	close(fd);
	fd = open("d/f1", O_RDONLY);
	ret("of a file", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	close(fd);
}

static void renaming(void)
{
	int fd;

	put_file("a", "A");
	put_file("b", "B");
	ret("rename over", rename("a", "b"));
	say_file("target", "b");
	ret("source is gone", access("a", F_OK));
	fd = open("b", O_RDONLY);
	put_file("c", "C");
	rename("c", "b");
	say_file("replaced", "b");
	{
		char ch = '?';

		ret("old file is still open", read(fd, &ch, 1));
		say("its contents", "%c", ch);
	}
	close(fd);
	ret("to itself", rename("b", "b"));
	ret("missing", rename("missing", "x"));
	ret("file over directory", rename("b", "d"));
	ret("directory over file", rename("d", "b"));
	mkdir("e", 0755);
	ret("directory over an empty one", rename("d", "e"));
	list("moved", "e");
	mkdir("full", 0755);
	put_file("full/x", "");
	ret("directory over a full one", rename("e", "full"));
	ret("into itself", rename("e", "e/sub"));
	ret("to a missing directory", rename("b", "no/b"));
	ret("into another directory", rename("b", "full/b"));
	list("listing", "full");
	ret("exchange not to replace",
	    syscall(SYS_renameat2, AT_FDCWD, "full/x", AT_FDCWD, "full/b", 1));
	rename("e", "d");
}

static void links(void)
{
	struct stat a, b;

	put_file("orig", "linked");
	ret("link", link("orig", "hard"));
	stat("orig", &a);
	stat("hard", &b);
	yes("same inode", a.st_ino == b.st_ino);
	val("links", (long)a.st_nlink);
	unlink("orig");
	say_file("other name", "hard");
	stat("hard", &b);
	val("links", (long)b.st_nlink);
	ret("link over", link("hard", "hard"));
	ret("link of a directory", link("d", "dlink"));
	ret("link missing", link("missing", "x"));
}

static void symbolic(void)
{
	char buf[64];
	struct stat st;
	ssize_t n;

	ret("symlink", symlink("hard", "sym"));
	say_file("through it", "sym");
	n = readlink("sym", buf, sizeof(buf));
	say("readlink", "%zd %.4s", n, buf);
	ret("readlink, short buffer", readlink("sym", buf, 2));
	ret("readlink of a file", readlink("hard", buf, sizeof(buf)));
	lstat("sym", &st);
	say("lstat", "%o %ld", st.st_mode, (long)st.st_size);
	stat("sym", &st);
	say("stat", "%o %ld", st.st_mode, (long)st.st_size);
	ret("symlink over", symlink("x", "sym"));
	ret("dangling", symlink("nothing", "dang"));
	ret("open dangling", open("dang", O_RDONLY));
	ret("create through, exclusive",
	    open("dang", O_CREAT | O_EXCL | O_RDWR, 0644));
	okay("create through", open("dang", O_CREAT | O_RDWR, 0644));
	ret("target exists now", access("nothing", F_OK));
	ret("loop", symlink("loop", "loop"));
	ret("open a loop", open("loop", O_RDONLY));
	ret("O_NOFOLLOW", open("sym", O_RDONLY | O_NOFOLLOW));
	ret("to a directory", symlink("d", "dsym"));
	ret("through to a name", access("dsym/f1", F_OK));
	ret("and back", access("dsym/../d/l", F_OK));
	ret("O_DIRECTORY through", close(open("dsym", O_DIRECTORY)));
	ret("rmdir of a symlink", rmdir("dsym"));
	ret("unlink of a symlink", unlink("dsym"));
	ret("empty target", symlink("", "e1"));
}

static void unlinked(void)
{
	char buf[8] = "";
	struct stat st;
	int fd = open("gone", O_CREAT | O_RDWR, 0644);

	ret("write", write(fd, "ghost", 5));
	ret("unlink open", unlink("gone"));
	ret("name is gone", access("gone", F_OK));
	fstat(fd, &st);
	val("links", (long)st.st_nlink);
	ret("pread", pread(fd, buf, 5, 0));
	say("contents", "%s", buf);
	ret("write more", write(fd, "!", 1));
	okay("name can be used again", open("gone", O_CREAT | O_EXCL, 0644));
	close(fd);
}

static void at_calls(void)
{
	struct stat st;
	int dir = open("d", O_RDONLY | O_DIRECTORY), file;

	okay("openat", file = openat(dir, "at", O_CREAT | O_RDWR, 0644));
	ret("fstatat", fstatat(dir, "at", &st, 0));
	ret("fstatat, empty path", fstatat(dir, "", &st, AT_EMPTY_PATH));
	say("mode", "%o", st.st_mode);
	ret("fstatat, no follow", fstatat(dir, "l", &st, AT_SYMLINK_NOFOLLOW));
	say("mode", "%o", st.st_mode);
	ret("mkdirat", mkdirat(dir, "sub", 0755));
	ret("unlinkat of a directory", unlinkat(dir, "sub", 0));
	ret("unlinkat AT_REMOVEDIR", unlinkat(dir, "sub", AT_REMOVEDIR));
	ret("renameat", renameat(dir, "at", AT_FDCWD, "moved"));
	ret("faccessat", faccessat(AT_FDCWD, "moved", F_OK, 0));
	ret("linkat", linkat(AT_FDCWD, "moved", dir, "linked", 0));
	ret("symlinkat", symlinkat("linked", dir, "s"));
	ret("unlinkat", unlinkat(dir, "linked", 0));
	ret("file as a directory", openat(file, "x", O_RDONLY));
	ret("bad descriptor", openat(4711, "x", O_RDONLY));
	okay("absolute path", openat(4711, "/tmp", O_RDONLY));
	ret("bad flags", unlinkat(dir, "s", 0x4000));
	close(dir);
	close(file);
}

static void working_directory(void)
{
	char buf[PATH_MAX], sub[PATH_MAX];
	int here = open(".", O_RDONLY);

	yes("getcwd", getcwd(buf, sizeof(buf)) && !strcmp(buf, abi_dir));
	ret("chdir", chdir("d"));
	snprintf(sub, sizeof(sub), "%s/d", abi_dir);
	yes("getcwd below", getcwd(buf, sizeof(buf)) && !strcmp(buf, sub));
	ret("relative name", access("f1", F_OK));
	ret("chdir to a file", chdir("f1"));
	ret("chdir missing", chdir("missing"));
	errno = 0;
	ret("getcwd, short buffer", syscall(SYS_getcwd, buf, 3));
	ret("fchdir", fchdir(here));
	ret("relative name", access("d/f1", F_OK));
	close(here);
	ret("root", chdir("/"));
	ret("above the root", chdir("../../.."));
	yes("still the root", getcwd(buf, sizeof(buf)) && !strcmp(buf, "/"));
	chdir(abi_dir);
}

int main(void)
{
	abi_start();
	enter_dir();
	directories();
	many();
	raw_listing();
	renaming();
	links();
	symbolic();
	unlinked();
	at_calls();
	working_directory();
	return 0;
}
