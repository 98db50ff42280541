/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of file system calls drawn from a fixed sequence of pseudo-random
 * numbers: names and contents that a careful author of tests would not think
 * of. Each line says what one call answered and what it left behind.
 *
 * test: flavours musl
 * test: timeout 60
 */
#include <sys/uio.h>

#include "tests/abi/abi.h"

#define FILES_OPEN 8
#define STEPS	   6000

static uint64_t seed = 20240229;
static int fds[FILES_OPEN];
static unsigned step;

static unsigned draw(unsigned limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % limit;
}

/* A path of up to four parts, some of them odd. */
static const char *path(int which)
{
	static const char *const parts[] = {
		"a", "b", "c", "d", "e", "l", ".", "b/..", "a/b", "c/d",
	};
	static char buf[2][64];
	unsigned n = 1 + (draw(3) == 0) + (draw(5) == 0);
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(buf[which] + at, 64 - at, "%s%s",
				       i ? "/" : "",
				       parts[draw(draw(4) ? 6 : 10)]);
	if (draw(12) == 0)
		snprintf(buf[which] + at, 64 - at, "/");
	return buf[which];
}

static void report(const char *what, const char *a, const char *b, long r)
{
	printf("%u %s %s %s: ", step, what, a, b);
	if (r < 0)
		printf("%s\n", err_name(errno));
	else
		printf("%ld\n", r);
}

static unsigned hash_bytes(const char *p, long n)
{
	unsigned h = 1;

	for (long i = 0; i < n; i++)
		h = h * 31 + (unsigned char)p[i];
	return h;
}

/* Everything the file says about itself that is the same everywhere. */
static void describe(int fd)
{
	static char buf[200000];
	struct stat st;
	long n;

	if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode))
		return;
	n = pread(fd, buf, sizeof(buf), 0);
	printf("  %o links %lu size %ld read %ld sum %x pos %ld\n", st.st_mode,
	       (unsigned long)st.st_nlink, (long)st.st_size, n,
	       hash_bytes(buf, n), (long)lseek(fd, 0, SEEK_CUR));
}

static void do_open(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	static const int extra[] = { O_CREAT,	 O_CREAT, O_CREAT | O_EXCL,
				     O_TRUNC,	 0,	  O_DIRECTORY,
				     O_NOFOLLOW, O_APPEND };
	int flags = modes[draw(3)] | extra[draw(8)] | extra[draw(8)];
	const char *p = path(0);
	unsigned slot = draw(FILES_OPEN);
	int fd;

	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return;
	fd = open(p, flags, 0600 + draw(8) * 9);
	report("open", p, "", fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	if (fds[slot] >= 0)
		close(fds[slot]);
	fds[slot] = fd;
	describe(fd);
}

static void do_io(void)
{
	static const off_t places[] = { 0,    1,    100,   4095,
					4096, 5000, 12288, 60000 };
	static char buf[16384];
	unsigned slot = draw(FILES_OPEN), len = draw(9000);
	off_t off = places[draw(8)] + (off_t)draw(3);
	int fd = fds[slot];
	long r;

	if (fd < 0)
		return;
	memset(buf, 'A' + (int)(step % 26), len);
	switch (draw(9)) {
	case 0:
		r = write(fd, buf, len);
		break;
	case 1:
		r = pwrite(fd, buf, len, off);
		break;
	case 2:
		r = read(fd, buf, len);
		break;
	case 3:
		r = lseek(fd, off, (int)draw(3));
		break;
	case 4:
		r = ftruncate(fd, off);
		break;
	case 5:
		r = fallocate(fd, 0, off, 1 + len);
		break;
	case 6:
		r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      off, 1 + len);
		break;
	case 7: {
		struct iovec v[3] = { { buf, len / 3 },
				      { buf + 5, 0 },
				      { buf + 100, len / 2 } };
		r = draw(2) ? writev(fd, v, 3) : preadv(fd, v, 3, off);
		break;
	}
	default: {
		off_t from = off;
		int out = fds[draw(FILES_OPEN)];

		r = out == fd ? 0 :
				copy_file_range(fd, &from, out, NULL, len, 0);
		break;
	}
	}
	report("io", "", "", r);
	describe(fd);
}

static void do_names(void)
{
	char target[64] = "";
	const char *a = path(0), *b = path(1);
	long n;

	switch (draw(11)) {
	case 0:
	case 1:
		report("mkdir", a, "", mkdir(a, 0755));
		break;
	case 2:
		report("rmdir", a, "", rmdir(a));
		break;
	case 3:
		report("unlink", a, "", unlink(a));
		break;
	case 4:
	case 5:
		report("rename", a, b, rename(a, b));
		break;
	case 6:
		report("exchange", a, b,
		       syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2));
		break;
	case 7:
		report("link", a, b, link(a, b));
		break;
	case 8:
		report("symlink", a, b, symlink(a, b));
		break;
	case 9:
		n = readlink(a, target, sizeof(target) - 1);
		report("readlink", a, n < 0 ? "" : target, n);
		break;
	default:
		report("truncate", a, "", truncate(a, draw(20000)));
		break;
	}
}

static void do_look(void)
{
	const char *a = path(0);
	struct stat st;
	int r;

	r = draw(2) ? stat(a, &st) : lstat(a, &st);
	report("stat", a, "", r);
	if (r == 0)
		printf("  %o size %ld\n", st.st_mode,
		       S_ISDIR(st.st_mode) ? 0L : (long)st.st_size);
}

int main(void)
{
	abi_start();
	enter_dir();
	memset(fds, -1, sizeof(fds));
	for (step = 0; step < STEPS; step++) {
		unsigned kind = draw(10);

		if (kind < 2)
			do_open();
		else if (kind < 5)
			do_io();
		else if (kind < 9)
			do_names();
		else
			do_look();
	}
	return 0;
}
