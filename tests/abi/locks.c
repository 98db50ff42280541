/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks, of the process and of open files, and flock, where several
 * open files stand in each other's way.
 *
 * test: flavours musl glibc-dyn
 */
#include <pthread.h>
#include <sys/file.h>
#include <time.h>

#include "tests/abi/abi.h"

static int open_lock(int flags)
{
	return open("lock", O_CREAT | flags, 0644);
}

static const char *type_name(int type)
{
	return type == F_RDLCK ? "read" :
	       type == F_WRLCK ? "write" :
	       type == F_UNLCK ? "none" :
				 "?";
}

static int lock(int fd, int cmd, int type, long start, long len)
{
	struct flock l = {
		.l_type = (short)type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len,
	};

	return fcntl(fd, cmd, &l);
}

/* What keeps `type` on the range from fd's file. */
static void show(const char *what, int fd, int type, long start, long len)
{
	struct flock l = {
		.l_type = (short)type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len,
	};

	if (fcntl(fd, F_OFD_GETLK, &l) < 0)
		say(what, "%s", err_name(errno));
	else if (l.l_type == F_UNLCK)
		say(what, "free");
	else
		say(what, "%s lock from %ld, length %ld, %s",
		    type_name(l.l_type), (long)l.l_start, (long)l.l_len,
		    l.l_pid == -1	? "of an open file" :
		    l.l_pid == getpid() ? "of this process" :
					  "of somebody");
}

static void conflicts(void)
{
	int a = open_lock(O_RDWR), b = open_lock(O_RDWR);

	ret("a locks", lock(a, F_OFD_SETLK, F_WRLCK, 10, 10));
	ret("again", lock(a, F_OFD_SETLK, F_WRLCK, 10, 10));
	ret("b, same range", lock(b, F_OFD_SETLK, F_WRLCK, 10, 10));
	ret("b, last byte", lock(b, F_OFD_SETLK, F_RDLCK, 19, 5));
	ret("b, behind it", lock(b, F_OFD_SETLK, F_WRLCK, 20, 5));
	ret("b, before it", lock(b, F_OFD_SETLK, F_WRLCK, 0, 10));
	show("in b's way", b, F_RDLCK, 0, 0);
	show("in a's way", a, F_RDLCK, 0, 0);
	show("nothing there", b, F_RDLCK, 40, 0);
	ret("process", lock(a, F_SETLK, F_WRLCK, 15, 1));
	ret("process elsewhere", lock(a, F_SETLK, F_WRLCK, 30, 10));
	show("the process in a's way", a, F_WRLCK, 30, 1);
	ret("b over it all", lock(b, F_OFD_SETLK, F_UNLCK, 0, 0));
	ret("a is left", lock(b, F_OFD_SETLK, F_RDLCK, 12, 1));
	close(b);
	b = open_lock(O_RDWR);
	show("closing b freed only its own", b, F_WRLCK, 0, 0);
	close(a);
	show("closing a freed all", b, F_WRLCK, 0, 0);
	close(b);
}

static void pieces(void)
{
	int a = open_lock(O_RDWR), b = open_lock(O_RDWR);

	ret("0 to 99", lock(a, F_OFD_SETLK, F_WRLCK, 0, 100));
	ret("hole", lock(a, F_OFD_SETLK, F_UNLCK, 40, 20));
	show("low piece", b, F_WRLCK, 0, 50);
	show("the hole", b, F_WRLCK, 40, 20);
	show("high piece", b, F_WRLCK, 50, 100);
	ret("read in the low piece", lock(a, F_OFD_SETLK, F_RDLCK, 10, 10));
	show("below", b, F_RDLCK, 0, 20);
	show("the read lock", b, F_WRLCK, 10, 1);
	ret("b reads too", lock(b, F_OFD_SETLK, F_RDLCK, 10, 5));
	ret("a cannot go back", lock(a, F_OFD_SETLK, F_WRLCK, 10, 10));
	show("because of", a, F_WRLCK, 0, 0);
	ret("b gives up", lock(b, F_OFD_SETLK, F_UNLCK, 0, 0));
	ret("a writes again", lock(a, F_OFD_SETLK, F_WRLCK, 10, 10));
	show("joined", b, F_WRLCK, 0, 1);
	ret("fill the hole", lock(a, F_OFD_SETLK, F_WRLCK, 40, 20));
	show("joined all", b, F_WRLCK, 5, 1);
	ret("to the end of all files", lock(a, F_OFD_SETLK, F_WRLCK, 90, 0));
	show("length is 0", b, F_WRLCK, 1L << 60, 1);
	close(a);
	close(b);
}

static void ranges(void)
{
	int fd = open_lock(O_RDWR), other = open_lock(O_RDWR);
	int ro = open_lock(O_RDONLY), wo = open_lock(O_WRONLY);
	int path = open_lock(O_PATH), fds[2];
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_END };

	ret("write", write(fd, "0123456789", 10));
	l.l_start = -4;
	l.l_len = 2;
	ret("from the end", fcntl(fd, F_OFD_SETLK, &l));
	l.l_whence = SEEK_CUR;
	l.l_start = 0;
	l.l_len = -3;
	ret("negative length", fcntl(fd, F_OFD_SETLK, &l));
	show("first", other, F_WRLCK, 0, 8);
	ret("start below 0", lock(fd, F_OFD_SETLK, F_WRLCK, -1, 1));
	ret("length below 0", lock(fd, F_OFD_SETLK, F_WRLCK, 2, -3));
	ret("too long", lock(fd, F_OFD_SETLK, F_WRLCK, INT64_MAX, 2));
	ret("up to the last", lock(fd, F_OFD_SETLK, F_WRLCK, INT64_MAX, 1));
	ret("type", lock(fd, F_OFD_SETLK, 7, 0, 1));
	ret("type, process", lock(fd, F_SETLK, 7, 0, 1));
	ret("F_GETLK of none", lock(fd, F_GETLK, F_UNLCK, 0, 1));
	l = (struct flock){ .l_type = F_RDLCK, .l_whence = 5 };
	ret("whence", fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_RDLCK, .l_pid = 1 };
	ret("pid", fcntl(fd, F_OFD_SETLK, &l));
	ret("null", fcntl(fd, F_SETLK, NULL));
	ret("write lock, read-only", lock(ro, F_OFD_SETLK, F_WRLCK, 50, 1));
	ret("read lock, write-only", lock(wo, F_SETLK, F_RDLCK, 50, 1));
	ret("O_PATH", lock(path, F_SETLK, F_RDLCK, 50, 1));
	ret("bad descriptor", lock(4711, F_OFD_SETLK, F_RDLCK, 50, 1));
	if (pipe(fds) == 0) {
		ret("pipe", lock(fds[0], F_SETLK, F_RDLCK, 0, 1));
		ret("pipe, write lock", lock(fds[0], F_SETLK, F_WRLCK, 0, 1));
	}
	close(fd);
	close(other);
	close(ro);
	close(wo);
	close(path);
}

/* Closing any descriptor of the file drops the locks of the process. */
static void process_locks(void)
{
	int a = open_lock(O_RDWR), b = open_lock(O_RDWR);
	int look = open_lock(O_RDWR), twin;

	ret("lock by a", lock(a, F_SETLK, F_WRLCK, 0, 1));
	ret("the same by b", lock(b, F_SETLK, F_RDLCK, 0, 1));
	show("read lock now", look, F_WRLCK, 0, 1);
	close(b);
	show("gone with b", look, F_WRLCK, 0, 1);
	ret("lock by a", lock(a, F_SETLK, F_WRLCK, 0, 1));
	twin = dup(a);
	close(twin);
	show("gone with a duplicate", look, F_WRLCK, 0, 1);
	ret("open file, by a", lock(a, F_OFD_SETLK, F_WRLCK, 0, 1));
	twin = dup(a);
	close(a);
	show("stays with the duplicate", look, F_WRLCK, 0, 1);
	dup2(look, twin);
	show("replaced by dup2", look, F_WRLCK, 0, 1);
	close(twin);
	close(look);
}

struct waiter {
	int fd;
	bool is_flock;
	volatile bool done;
};

static void *wait_for_lock(void *arg)
{
	struct waiter *w = arg;
	long r = w->is_flock ? flock(w->fd, LOCK_EX) :
			       lock(w->fd, F_OFD_SETLKW, F_WRLCK, 5, 1);

	w->done = true;
	return (void *)r;
}

static void waiting(const char *name, bool is_flock)
{
	int a = open_lock(O_RDWR);
	struct waiter w = { .fd = open_lock(O_RDWR), .is_flock = is_flock };
	struct timespec ms = { 0, 20000000 };
	pthread_t t;
	void *r;

	if (is_flock)
		flock(a, LOCK_SH);
	else
		lock(a, F_OFD_SETLK, F_RDLCK, 0, 10);
	pthread_create(&t, NULL, wait_for_lock, &w);
	nanosleep(&ms, NULL);
	printf("%s: waits: %d\n", name, !w.done);
	close(a);
	pthread_join(t, &r);
	printf("%s: has it: %ld\n", name, (long)r);
	close(w.fd);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int a = open_lock(O_RDWR), b = open_lock(O_RDWR);

	sigaction(SIGALRM, &sa, NULL);
	lock(a, F_OFD_SETLK, F_WRLCK, 0, 0);
	alarm(1);
	ret("a signal ends the wait", lock(b, F_OFD_SETLKW, F_WRLCK, 5, 1));
	flock(a, LOCK_EX);
	alarm(1);
	ret("and that of flock", flock(b, LOCK_SH));
	ret("no wait", flock(b, LOCK_SH | LOCK_NB));
	ret("not in the way of records", lock(a, F_OFD_SETLK, F_UNLCK, 0, 0));
	ret("b", lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
	close(a);
	close(b);
}

int main(void)
{
	abi_start();
	enter_dir();
	conflicts();
	pieces();
	ranges();
	process_locks();
	waiting("record", false);
	waiting("flock", true);
	interrupted();
	return 0;
}
