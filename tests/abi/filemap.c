/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files mapped into memory, private and shared, and what happens beyond the
 * end of the file.
 *
 * test: hardware
 */
#include "tests/abi/abi.h"

#define RW (PROT_READ | PROT_WRITE)

static int make_file(const char *name, size_t size)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);
	char page[PAGE];

	for (size_t at = 0; at < size; at += PAGE) {
		size_t n = size - at < PAGE ? size - at : PAGE;

		memset(page, 'a' + (int)(at / PAGE), sizeof(page));
		if (write(fd, page, n) != (ssize_t)n)
			say("make_file", "%s", err_name(errno));
	}
	return fd;
}

static char at(int fd, off_t off)
{
	char c = '?';

	if (pread(fd, &c, 1, off) != 1)
		return '!';
	return c;
}

static void private_map(void)
{
	int fd = make_file("private", 3 * PAGE + 100);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);

	say("contents", "%c %c %c", p[0], p[PAGE], p[3 * PAGE + 99]);
	say("with offset", "%c", q[0]);
	val("tail is zero", p[3 * PAGE + 100]);
	p[0] = 'X';
	say("file after private write", "%c", at(fd, 0));
	poke("read-only private", q, q);
	ret("dontneed", madvise(p, PAGE, MADV_DONTNEED));
	say("file contents are back", "%c", p[0]);
	close(fd);
	unlink("private");
	say("after close and unlink", "%c", p[2 * PAGE]);
	munmap(p, 4 * PAGE);
	munmap(q, PAGE);
}

static void shared_map(void)
{
	int fd = make_file("shared", 2 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, PAGE, RW, MAP_SHARED, fd, PAGE);
	struct stat st;

	p[5] = 'S';
	say("file after shared write", "%c", at(fd, 5));
	ret("pwrite", pwrite(fd, "W", 1, PAGE + 7));
	say("seen in the mapping", "%c", p[PAGE + 7]);
	q[8] = 'Q';
	say("seen in the other mapping", "%c", p[PAGE + 8]);
	ret("msync", msync(p, 2 * PAGE, MS_SYNC));
	munmap(q, PAGE);
	close(fd);
	p[6] = 'C';
	munmap(p, 2 * PAGE);
	fd = open("shared", O_RDWR);
	say("after munmap", "%c%c", at(fd, 5), at(fd, 6));
	fstat(fd, &st);
	val("size", st.st_size);
	close(fd);
}

static void beyond_the_end(void)
{
	int fd = make_file("short", PAGE + 1);
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	peek("last page", p, p + PAGE);
	peek("rest of the last page", p, p + 2 * PAGE - 1);
	peek("beyond the end", p, p + 2 * PAGE);
	poke("write beyond the end", p, p + 3 * PAGE + 17);
	ret("grow", ftruncate(fd, 3 * PAGE));
	peek("now inside", p, p + 2 * PAGE);
	peek("still beyond", p, p + 3 * PAGE);
	p[2 * PAGE] = 'Z';
	say("in the file", "%c", at(fd, 2 * PAGE));
	ret("shrink", ftruncate(fd, PAGE));
	peek("cut off", p, p + PAGE);
	peek("first page", p, p);
	munmap(p, 4 * PAGE);
	close(fd);
}

static void grown_file(void)
{
	int fd = open("grown", O_CREAT | O_RDWR, 0644);
	char *p;

	ret("empty to 64 KiB", ftruncate(fd, 65536));
	p = mmap(NULL, 65536, RW, MAP_SHARED, fd, 0);
	val("hole is zero", p[40000]);
	p[40000] = 'h';
	say("hole is filled", "%c", at(fd, 40000));
	munmap(p, 65536);
	close(fd);
}

static void refusals(void)
{
	int fd = make_file("rules", PAGE), fds[2];
	int ro = open("rules", O_RDONLY), wo = open("rules", O_WRONLY);
	char *p;

	ret("shared write, read-only file",
	    (long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0));
	okay("private write, read-only file",
	     (long)mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0));
	ret("write-only file",
	    (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, wo, 0));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	ret("mprotect shared read-only file", mprotect(p, PAGE, RW));
	munmap(p, PAGE);
	ret("directory", (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE,
				    open(".", O_RDONLY), 0));
	if (pipe(fds) == 0)
		ret("pipe",
		    (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0));
	ret("closed fd",
	    (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 4711, 0));
	okay("offset beyond the end",
	     (long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 64 * PAGE));
	close(fd);
}

static void own_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	yes("own program", p != MAP_FAILED && !memcmp(p, "\177ELF", 4));
	close(fd);
	p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p[0] = 4;
	val("shared anonymous", p[0]);
	munmap(p, PAGE);
	fd = open("/dev/zero", O_RDWR);
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	yes("/dev/zero", p != MAP_FAILED && p[77] == 0);
}

int main(void)
{
	abi_start();
	enter_dir();
	catch_faults();
	private_map();
	shared_map();
	beyond_the_end();
	grown_file();
	refusals();
	own_program();
	return 0;
}
