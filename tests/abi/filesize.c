/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RLIMIT_FSIZE: how far files may grow, by whatever call.
 *
 * test: flavours musl glibc-dyn
 */
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

#define LIMIT 10000

static volatile int signals;
static char data[30000];

static void on_signal(int sig)
{
	signals += sig == SIGXFSZ;
}

static int fresh(int flags)
{
	char name[] = "/tmp/filesize-XXXXXX";
	int fd = mkostemp(name, flags);

	if (fd < 0)
		exit(1);
	unlink(name);
	return fd;
}

static void check(const char *name, long result, int fd)
{
	struct stat st;
	int e = errno;

	fstat(fd, &st);
	errno = e;
	ret(name, result);
	say(name, "%ld bytes, %d signals", (long)st.st_size, signals);
	signals = 0;
}

static void writes(void)
{
	struct iovec v[2] = { { data, 6000 }, { data, 6000 } };
	int fd = fresh(0);

	check("write across", write(fd, data, sizeof(data)), fd);
	check("write at the limit", write(fd, data, 1), fd);
	check("write nothing", write(fd, data, 0), fd);
	check("pwrite below", pwrite(fd, data, 5, 0), fd);
	check("pwrite across", pwrite(fd, data, 100, LIMIT - 7), fd);
	check("pwrite beyond", pwrite(fd, data, 1, 5 * LIMIT), fd);
	close(fd);
	fd = fresh(O_APPEND);
	check("writev across", writev(fd, v, 2), fd);
	check("append", write(fd, data, 5), fd);
	close(fd);
}

static void sizes(void)
{
	int fd = fresh(0);

	check("ftruncate to it", ftruncate(fd, LIMIT), fd);
	check("ftruncate beyond", ftruncate(fd, LIMIT + 1), fd);
	check("ftruncate down", ftruncate(fd, 50), fd);
	check("fallocate beyond", fallocate(fd, 0, 0, LIMIT + 1), fd);
	check("fallocate to it", fallocate(fd, 0, 0, LIMIT), fd);
	close(fd);
}

static void copies(void)
{
	int from = fresh(0), to = fresh(0);
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit some = { LIMIT, RLIM_INFINITY };
	off_t off = 0;

	setrlimit(RLIMIT_FSIZE, &all);
	check("without a limit", write(from, data, sizeof(data)), from);
	setrlimit(RLIMIT_FSIZE, &some);
	check("ftruncate of a larger one", ftruncate(from, 25000), from);
	check("pwrite inside, above", pwrite(from, data, 10, 20000), from);
	check("sendfile", sendfile(to, from, &off, 20000), to);
	check("sendfile again", sendfile(to, from, &off, 1), to);
	close(from);
	close(to);
}

static void not_files(void)
{
	int p[2];

	if (pipe(p))
		exit(1);
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	check("a pipe", write(p[1], data, 20000), p[1]);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	struct rlimit l = { LIMIT, RLIM_INFINITY };
	int fd;

	abi_start();
	signal(SIGXFSZ, on_signal);
	if (setrlimit(RLIMIT_FSIZE, &l))
		return 1;
	writes();
	sizes();
	copies();
	not_files();
	signal(SIGXFSZ, SIG_IGN);
	fd = fresh(0);
	check("ignored", pwrite(fd, data, 1, LIMIT), fd);
	fflush(stdout);
	signal(SIGXFSZ, SIG_DFL);
	check("fatal", pwrite(fd, data, 1, LIMIT), fd);
	return 0;
}
