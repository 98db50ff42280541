/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holes made in files that are mapped, by fallocate and by madvise, and
 * mappings of sparse files that are larger than memory.
 *
 * test: flavours musl glibc-dyn
 * test: flags -m 64m
 */
#include <linux/falloc.h>

#include "tests/abi/abi.h"

#define RW   (PROT_READ | PROT_WRITE)
#define SIZE (16 * PAGE)

static int make_file(void)
{
	int fd = open("punched", O_CREAT | O_TRUNC | O_RDWR, 0644);
	char page[PAGE];

	for (size_t i = 0; i < SIZE / PAGE; i++) {
		memset(page, 'a' + (int)i, sizeof(page));
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			say("write", "%s", err_name(errno));
	}
	return fd;
}

static char shown(char c)
{
	return c ? c : '0';
}

static char at(int fd, off_t off)
{
	char c = '?';

	return pread(fd, &c, 1, off) == 1 ? shown(c) : '!';
}

static void show(const char *name, int fd, const char *p, size_t page)
{
	say(name, "mapping %c, file %c", shown(p[page * PAGE]),
	    at(fd, (off_t)(page * PAGE)));
}

static int punch(int fd, off_t off, off_t len)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off,
			 len);
}

static void punched_shared(void)
{
	int fd = make_file();
	char *p = mmap(NULL, SIZE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	ret("punch", punch(fd, PAGE, 3 * PAGE));
	show("before", fd, p, 0);
	show("first", fd, p, 1);
	show("last", fd, p, 3);
	show("after", fd, p, 4);
	say("the other mapping", "%c %c", shown(q[2 * PAGE]),
	    shown(q[4 * PAGE]));
	p[2 * PAGE] = 'N';
	show("written again", fd, p, 2);
	say("the other mapping", "%c", shown(q[2 * PAGE]));
	ret("parts of pages", punch(fd, 5 * PAGE + 100, PAGE));
	say("kept", "%c %c", shown(p[5 * PAGE + 99]), shown(p[6 * PAGE + 100]));
	say("gone", "%c %c", shown(p[5 * PAGE + 100]), shown(p[6 * PAGE + 99]));
	ret("pwrite", pwrite(fd, "W", 1, 3 * PAGE));
	show("written by a call", fd, p, 3);
	munmap(p, SIZE);
	munmap(q, SIZE);
	close(fd);
}

static void punched_private(void)
{
	int fd = make_file();
	char *p = mmap(NULL, SIZE, RW, MAP_PRIVATE, fd, 0);

	p[PAGE] = 'P';
	ret("punch under a private mapping", punch(fd, 0, SIZE));
	show("own copy", fd, p, 1);
	munmap(p, SIZE);
	close(fd);
}

static void removed(void)
{
	int fd = make_file(), ro = open("punched", O_RDONLY);
	char *p = mmap(NULL, SIZE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, ro, 0);
	char *r = mmap(NULL, SIZE, RW, MAP_PRIVATE, fd, 0);
	char *s = mmap(NULL, SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *t = mmap(NULL, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ret("remove", madvise(p + PAGE, PAGE, MADV_REMOVE));
	show("before", fd, p, 0);
	show("removed", fd, p, 1);
	show("after", fd, p, 2);
	say("the other mapping", "%c", shown(q[PAGE]));
	ret("read-only", madvise(q, PAGE, MADV_REMOVE));
	ret("private", madvise(r, PAGE, MADV_REMOVE));
	ret("private, no file", madvise(t, PAGE, MADV_REMOVE));
	s[0] = s[PAGE] = 'S';
	ret("shared, no file", madvise(s, PAGE, MADV_REMOVE));
	say("now", "%c %c", shown(s[0]), shown(s[PAGE]));
	ret("dontneed, shared, no file", madvise(s, SIZE, MADV_DONTNEED));
	say("still", "%c", shown(s[PAGE]));
	ret("dontneed, shared", madvise(p, SIZE, MADV_DONTNEED));
	show("still", fd, p, 3);
	ret("free, shared", madvise(p, SIZE, MADV_FREE));
	ret("free, private file", madvise(r, SIZE, MADV_FREE));
	ret("free, shared, no file", madvise(s, SIZE, MADV_FREE));
	munmap(p, SIZE);
	munmap(q, SIZE);
	munmap(r, SIZE);
	munmap(s, SIZE);
	munmap(t, SIZE);
	close(fd);
	close(ro);
}

/* 123 MiB is what a JVM maps; all of it would not fit. */
static void sparse(void)
{
	const size_t size = 123ul << 20;
	int fd = open("sparse", O_CREAT | O_TRUNC | O_RDWR, 0644);
	char *p, *q;

	ret("size", ftruncate(fd, (off_t)size));
	p = mmap(NULL, size, RW, MAP_SHARED, fd, 0);
	yes("mapped", p != MAP_FAILED);
	for (size_t i = 0; i < size; i += size / 20)
		p[i] = (char)('A' + i / (size / 20));
	say("in the file", "%c %c %c", at(fd, (off_t)(size / 20)),
	    at(fd, (off_t)(size / 20 + 1)), at(fd, (off_t)(7 * (size / 20))));
	q = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	say("mapped twice", "%c", q[3 * (size / 20)]);
	ret("room for others", write(open("other", O_CREAT | O_RDWR, 0644), p,
				     8UL << 20) == 8 << 20);
	ret("grow", ftruncate(fd, (off_t)(2 * size)));
	say("cut", "%d", ftruncate(fd, 2 * PAGE));
	say("left", "%c", p[0]);
	munmap(p, size);
	munmap(q, size);
	close(fd);
}

/* Pages of a file that was mapped when it was a hole, and written later. */
static void hole_written(void)
{
	int fd = open("hole", O_CREAT | O_TRUNC | O_RDWR, 0644);
	char *p, *q;

	ret("size", ftruncate(fd, SIZE));
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	q = mmap(NULL, SIZE, RW, MAP_PRIVATE, fd, 0);
	q[PAGE] = 'Q';
	ret("pwrite", pwrite(fd, "abc", 3, PAGE + 1));
	say("shared", "%.3s", p + PAGE + 1);
	say("own copy", "%c", shown(q[PAGE + 1]));
	munmap(p, SIZE);
	munmap(q, SIZE);
	close(fd);
}

int main(void)
{
	abi_start();
	enter_dir();
	punched_shared();
	punched_private();
	removed();
	sparse();
	hole_written();
	return 0;
}
