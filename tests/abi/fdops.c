/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors as such: dup, fcntl, ioctl, close_range, record locks, copying
 * between files, sparse files, times.
 */
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "tests/abi/abi.h"

static int mk(const char *name, int flags)
{
	return open(name, O_CREAT | O_RDWR | flags, 0644);
}

static void duplicates(void)
{
	int fd = mk("a", 0), two;
	char c = '?';

	ret("write", write(fd, "abc", 3));
	okay("dup", two = dup(fd));
	yes("lowest free", two > fd && two == fd + 1);
	lseek(fd, 1, SEEK_SET);
	ret("shared position", read(two, &c, 1));
	say("byte", "%c", c);
	ret("dup2", dup2(fd, 100));
	ret("dup2 to itself", dup2(100, 100));
	ret("dup2 of a closed one", dup2(101, 102));
	ret("dup2 of closed to itself", dup2(101, 101));
	ret("dup2 negative", dup2(fd, -1));
	ret("dup3 O_CLOEXEC", dup3(fd, 103, O_CLOEXEC));
	ret("its flag", fcntl(103, F_GETFD));
	ret("dup2 clears it", dup2(103, 104));
	ret("flag", fcntl(104, F_GETFD));
	ret("dup3 to itself", dup3(fd, fd, 0));
	ret("dup3 bad flags", dup3(fd, 105, 0x4));
	close(fd);
	ret("the copy lives", lseek(two, 0, SEEK_CUR));
	ret("F_DUPFD", fcntl(two, F_DUPFD, 200));
	ret("F_DUPFD again", fcntl(two, F_DUPFD, 200));
	ret("F_DUPFD_CLOEXEC", fcntl(two, F_DUPFD_CLOEXEC, 210));
	ret("its flag", fcntl(210, F_GETFD));
	ret("F_DUPFD negative", fcntl(two, F_DUPFD, -1));
	ret("dup of a closed one", dup(fd));
	close(two);
	ret("close_range", syscall(SYS_close_range, 100, 210, 0));
	ret("all closed", fcntl(200, F_GETFD));
}

static void flags(void)
{
	int fd = mk("b", O_APPEND | O_CLOEXEC), p[2];

	ret("O_CLOEXEC", fcntl(fd, F_GETFD));
	ret("F_SETFD", fcntl(fd, F_SETFD, 0));
	ret("F_GETFD", fcntl(fd, F_GETFD));
	say("F_GETFL", "%#x", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	ret("F_SETFL", fcntl(fd, F_SETFL, O_NONBLOCK));
	say("F_GETFL", "%#x", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	ret("append is off", pwrite(fd, "zz", 2, 0));
	ret("unknown command", fcntl(fd, 9999));
	ret("bad descriptor", fcntl(4711, F_GETFL));
	close(fd);
	if (pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0) {
		say("pipe flags", "%#x %#x %d", fcntl(p[0], F_GETFL),
		    fcntl(p[1], F_GETFL), fcntl(p[0], F_GETFD));
		close(p[0]);
		close(p[1]);
	}
}

static void controls(void)
{
	int fd = mk("c", 0), p[2], n = -1, on = 1;
	struct winsize ws;

	ret("TIOCGWINSZ of a file", ioctl(fd, TIOCGWINSZ, &ws));
	ret("isatty", isatty(fd));
	ret("unknown", ioctl(fd, 0x12345678, NULL));
	ret("bad descriptor", ioctl(4711, FIONREAD, &n));
	ret("write", write(fd, "12345", 5));
	lseek(fd, 2, SEEK_SET);
	ret("FIONREAD of a file", ioctl(fd, FIONREAD, &n));
	val("bytes", n);
	ret("FIOCLEX", ioctl(fd, FIOCLEX));
	ret("flag", fcntl(fd, F_GETFD));
	ret("FIONCLEX", ioctl(fd, FIONCLEX));
	ret("flag", fcntl(fd, F_GETFD));
	close(fd);
	if (pipe(p) < 0)
		return;
	ret("FIONBIO", ioctl(p[0], FIONBIO, &on));
	ret("read", read(p[0], &n, 1));
	ret("write", write(p[1], "abc", 3));
	ret("FIONREAD of a pipe", ioctl(p[0], FIONREAD, &n));
	val("bytes", n);
	close(p[0]);
	close(p[1]);
}

static void locks(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = mk("lock", 0);

	ret("F_SETLK", fcntl(fd, F_SETLK, &fl));
	ret("again", fcntl(fd, F_SETLK, &fl));
	ret("F_GETLK", fcntl(fd, F_GETLK, &fl));
	val("own lock does not count", fl.l_type == F_UNLCK);
	fl.l_type = F_UNLCK;
	ret("unlock", fcntl(fd, F_SETLK, &fl));
	ret("flock", flock(fd, LOCK_EX));
	ret("flock unlock", flock(fd, LOCK_UN));
	ret("fsync", fsync(fd));
	ret("fdatasync", fdatasync(fd));
	close(fd);
	ret("fsync of a closed one", fsync(fd));
}

static void copying(void)
{
	int from = mk("from", 0), to = mk("to", 0), sv[2];
	char buf[32] = "";
	off_t off = 2, off2;

	ret("write", write(from, "0123456789", 10));
	ret("sendfile with offset", sendfile(to, from, &off, 5));
	val("offset", off);
	ret("position is kept", lseek(from, 0, SEEK_CUR));
	lseek(from, 8, SEEK_SET);
	ret("sendfile from the position", sendfile(to, from, NULL, 100));
	ret("position moved", lseek(from, 0, SEEK_CUR));
	ret("at the end", sendfile(to, from, NULL, 100));
	say_file("contents", "to");
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	off = 0;
	ret("to a socket", sendfile(sv[0], from, &off, 4));
	ret("arrived", read(sv[1], buf, 32));
	say("bytes", "%s", buf);
	ret("from a socket", sendfile(to, sv[1], NULL, 4));
	close(sv[0]);
	close(sv[1]);
	off = 1;
	off2 = 20;
	ret("copy_file_range", copy_file_range(from, &off, to, &off2, 6, 0));
	say("offsets", "%ld %ld", (long)off, (long)off2);
	ret("pread", pread(to, buf, 32, 18));
	val("hole", buf[0] | buf[1]);
	say("copied", "%.6s", buf + 2);
	ret("bad flags", copy_file_range(from, &off, to, &off2, 6, 1));
	close(from);
	close(to);
}

static void sparse(void)
{
	struct stat st;
	char c = 9;
	int fd = mk("sparse", 0);

	ret("write at 1 GiB", pwrite(fd, "x", 1, 1L << 30));
	fstat(fd, &st);
	val("size", st.st_size);
	val("blocks", st.st_blocks);
	ret("read the hole", pread(fd, &c, 1, 12345678));
	val("zero", c);
	ret("SEEK_DATA", lseek(fd, 0, SEEK_DATA));
	ret("SEEK_HOLE", lseek(fd, 0, SEEK_HOLE));
	ret("SEEK_HOLE at the end", lseek(fd, 1L << 30, SEEK_HOLE));
	ret("SEEK_DATA beyond the end", lseek(fd, 1L << 31, SEEK_DATA));
	ret("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       1L << 30, PAGE));
	fstat(fd, &st);
	val("blocks after punching", st.st_blocks);
	pread(fd, &c, 1, 1L << 30);
	val("zero", c);
	ret("1 TiB", ftruncate(fd, 1L << 40));
	fstat(fd, &st);
	val("size", st.st_size);
	close(fd);
}

static void times(void)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;

	put_file("time", "x");
	ret("utimensat", utimensat(AT_FDCWD, "time", ts, 0));
	stat("time", &st);
	say("times", "%ld.%ld %ld.%ld", (long)st.st_atim.tv_sec,
	    st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	ret("utimensat now", utimensat(AT_FDCWD, "time", ts, 0));
	stat("time", &st);
	yes("omit and now",
	    st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec > 1000000000);
	ts[0].tv_nsec = -5;
	ret("bad nanoseconds", utimensat(AT_FDCWD, "time", ts, 0));
	ret("missing", utimensat(AT_FDCWD, "missing", NULL, 0));
}

static void limits(void)
{
	struct rlimit rl = { 20, 4096 }, old;
	int fd, last = -1;

	getrlimit(RLIMIT_NOFILE, &old);
	ret("setrlimit", setrlimit(RLIMIT_NOFILE, &rl));
	while ((fd = dup(1)) >= 0)
		last = fd;
	err("out of descriptors", errno);
	val("last one", last);
	ret("open", open(".", O_RDONLY));
	ret("dup2 beyond", dup2(1, 20));
	ret("F_DUPFD beyond", fcntl(1, F_DUPFD, 20));
	while (last > 2)
		close(last--);
	rl.rlim_cur = 5000;
	ret("soft above hard", setrlimit(RLIMIT_NOFILE, &rl));
}

int main(void)
{
	abi_start();
	enter_dir();
	duplicates();
	flags();
	controls();
	locks();
	copying();
	sparse();
	times();
	limits();
	return 0;
}
