/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes calls whose arguments and results are the same on every Linux, so
 * that two traces of it can be compared line by line. Prints nothing: what
 * counts is what it asks for: all the calls that the file `calls` names, which
 * are those of the programs that were surveyed for this ABI.
 *
 * test: flavours musl glibc
 * test: may-skip strace needs ptrace, which some sandboxes forbid
 * test: timeout 60
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_OURS 77 /* by which the comparison knows them */

static _Alignas(8) char buf[4096];

/* A call without a wrapper, or whose wrapper does something else. */
#define CALL(name, ...) ((void)syscall(SYS_##name, ##__VA_ARGS__))
#define IGNORE(call)                                \
	do {                                        \
		if ((call) != (__typeof__(call))-1) \
			errno = 0;                  \
	} while (0)

static void files(void)
{
	static const char text[] = "one\ttwo\n\"three\" \\ \1\0019 "
				   "and more than thirty-two of them";
	struct timespec times[2] = { { 5, 6 }, { 0, UTIME_OMIT } };
	struct stat st;
	int fd = open("t", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	IGNORE(write(fd, text, sizeof(text)));
	IGNORE(lseek(fd, -5, SEEK_END));
	IGNORE(read(fd, buf, 4096));
	IGNORE(read(fd, buf, 0));
	IGNORE(read(99, buf, 1));
	CALL(lseek, fd, 1, SEEK_SET);
	CALL(read, fd, 1, 1);
	IGNORE(pread(fd, buf, 9, 4));
	IGNORE(pwrite(fd, "x\200\377", 3, 2));
	CALL(newfstatat, AT_FDCWD, "t", &st, AT_SYMLINK_NOFOLLOW);
	CALL(stat, "t", &st);
	CALL(lstat, "/none", &st);
	CALL(fstat, fd, &st);
	CALL(ftruncate, fd, 10);
	CALL(truncate, "t", 20);
	CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 100);
	CALL(fadvise64, fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	CALL(fsync, fd);
	CALL(fdatasync, fd);
	CALL(flock, fd, 6);
	CALL(fchmod, fd, 04711);
	CALL(fchown, fd, -1, -1);
	CALL(utimensat, AT_FDCWD, "t", times, 0);
	CALL(utimensat, AT_FDCWD, "t", 0, 0);
	CALL(access, "t", R_OK | W_OK);
	CALL(faccessat, AT_FDCWD, "t", F_OK);
	CALL(fsetxattr, 99, "user.a", "v", 1, XATTR_CREATE);
	close(fd);
}

static void names(void)
{
	struct stat st;
	int dir;

	CALL(mkdir, "d", 0755);
	dir = open("d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
	CALL(mkdirat, dir, "e", 0700);
	CALL(symlink, "../t", "d/l");
	CALL(readlink, "d/l", buf, 100);
	CALL(readlinkat, dir, "l", buf, 2);
	CALL(newfstatat, dir, "l", &st, 0);
	CALL(newfstatat, dir, "none", &st, 0);
	CALL(link, "t", "d/t2");
	CALL(linkat, AT_FDCWD, "t", dir, "t3", 0);
	CALL(rename, "d/t2", "d/t4");
	CALL(renameat, dir, "t3", AT_FDCWD, "t3");
	CALL(renameat2, dir, "t4", dir, "l", 1);
	CALL(unlink, "t3");
	CALL(unlinkat, dir, "t4", 0);
	CALL(unlink, "d/l");
	CALL(rmdir, "d/e");
	CALL(unlinkat, AT_FDCWD, "d", AT_REMOVEDIR);
	CALL(umask, 077);
	CALL(umask, 022);
	CALL(chmod, "none", 0600);
	CALL(chown, "none", 1, 2);
	CALL(getdents64, dir, buf, 4096);
	CALL(unlink, "t");
	CALL(execve, (const char *)0, (char **)0, (char **)0);
	close(dir);
}

static void descriptors(void)
{
	struct itimerspec spec = { { 1, 0 }, { 200000, 5 } }, old;
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };
	int fd[2], n = 1, one;

	CALL(pipe, fd);
	CALL(pipe2, fd, O_NONBLOCK | O_CLOEXEC);
	CALL(fcntl, fd[0], F_GETFL);
	CALL(fcntl, fd[0], F_SETFL, O_RDONLY | O_NONBLOCK);
	CALL(fcntl, fd[0], F_GETFD);
	CALL(fcntl, fd[0], F_SETFD, 0);
	CALL(fcntl, fd[0], F_DUPFD_CLOEXEC, 50);
	CALL(fcntl, fd[0], F_SETLK, &lock);
	CALL(fcntl, fd[0], 999, 5);
	CALL(ioctl, fd[0], FIONREAD, &n);
	CALL(ioctl, fd[0], FIONBIO, &n);
	CALL(ioctl, fd[0], TCGETS, buf);
	CALL(dup, fd[0]);
	CALL(dup2, fd[0], 60);
	CALL(dup3, fd[0], 61, O_CLOEXEC);
	CALL(close_range, 50, 61, 0);
	one = eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE);
	IGNORE(read(one, buf, 8));
	IGNORE(write(one, "\5\0\0\0\0\0\0\0", 8));
	close(one);
	one = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	timerfd_settime(one, 0, &spec, &old);
	close(one);
	one = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CALL(inotify_add_watch, one, "/tmp", IN_CREATE | IN_DELETE);
	CALL(inotify_rm_watch, one, 1);
	close(one);
	CALL(memfd_create, "name", MFD_CLOEXEC);
	close(-1);
}

static void waiting(void)
{
	struct epoll_event ev = { EPOLLIN | EPOLLET, { .u64 = 1ull << 40 } };
	struct epoll_event evs[4];
	struct timespec moment = { 0, 1000 };
	struct timeval second = { 1, 0 };
	struct pollfd p[3];
	sigset_t mask;
	fd_set set;
	int fd[2], ep;

	IGNORE(pipe(fd));
	p[0] = (struct pollfd){ fd[0], POLLIN | POLLPRI, 0 };
	p[1] = (struct pollfd){ fd[1], POLLOUT, 0 };
	p[2] = (struct pollfd){ -1, POLLIN, 0 };
	CALL(poll, p, 3, 1000);
	CALL(poll, p, 1, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	CALL(ppoll, p, 1, &moment, &mask, 8);
	FD_ZERO(&set);
	FD_SET(fd[1], &set);
	CALL(select, fd[1] + 1, 0, &set, 0, &second);
	FD_ZERO(&set);
	second = (struct timeval){ 0, 0 };
	CALL(select, 1, &set, 0, 0, &second);
	ep = epoll_create1(EPOLL_CLOEXEC);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, fd[0], &ev);
	CALL(epoll_wait, ep, evs, 4, 0);
	IGNORE(write(fd[1], "a", 1));
	CALL(epoll_pwait, ep, evs, 4, 1000, &mask, 8);
	CALL(epoll_ctl, ep, EPOLL_CTL_DEL, fd[0], 0);
	CALL(epoll_ctl, ep, EPOLL_CTL_MOD, 99, &ev);
}

static void options(int s)
{
	struct linger linger = { 1, 5 };
	int value = 1;
	socklen_t len = sizeof(value);

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value));
	setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	getsockopt(s, SOL_SOCKET, SO_ERROR, &value, &len);
	getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &len);
	len = 100;
	getsockopt(s, IPPROTO_TCP, TCP_NODELAY, buf, &len);
}

static void streams(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, far;
	struct sockaddr *any = (struct sockaddr *)&a;
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c, d;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	options(s);
	bind(s, any, sizeof(a));
	getsockname(s, any, &len);
	listen(s, 5);
	c = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	connect(c, any, sizeof(a));
	len = sizeof(far);
	d = accept4(s, (struct sockaddr *)&far, &len, SOCK_NONBLOCK);
	IGNORE(send(c, "hello", 5, MSG_NOSIGNAL));
	IGNORE(recv(d, buf, 3, MSG_PEEK));
	IGNORE(recvfrom(d, buf, 100, MSG_DONTWAIT, 0, 0));
	IGNORE(recv(d, buf, 100, MSG_DONTWAIT));
	getpeername(c, any, &len);
	shutdown(c, SHUT_WR);
	IGNORE(recv(d, buf, 100, 0));
	close(d);
	close(c);
	close(s);
}

static void messages(void)
{
	struct iovec iov[2] = { { buf, 3 }, { buf + 100, 50 } };
	struct iovec out[2] = { { "abc", 3 }, { "defgh", 5 } };
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 2 };
	struct mmsghdr mm[2] = { { .msg_hdr = m }, { .msg_hdr = m } };
	struct sockaddr_un un = { AF_UNIX, "none" };
	int fd[2];

	IGNORE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	IGNORE(writev(fd[0], out, 2));
	IGNORE(readv(fd[1], iov, 2));
	CALL(sendmsg, fd[0], &m, MSG_NOSIGNAL);
	m.msg_iov = iov;
	CALL(recvmsg, fd[1], &m, MSG_DONTWAIT);
	CALL(recvmsg, fd[1], &m, MSG_DONTWAIT);
	CALL(sendmmsg, fd[0], mm, 2, 0);
	mm[0].msg_hdr.msg_iov = mm[1].msg_hdr.msg_iov = iov;
	CALL(recvmmsg, fd[1], mm, 2, MSG_DONTWAIT, 0);
	connect(fd[0], (struct sockaddr *)&un, 7);
	CALL(socket, AF_NETLINK, SOCK_RAW, 0);
	CALL(socket, 999, 1, 0);
	close(fd[0]);
	close(fd[1]);
}

static void copies(void)
{
	int from = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int to = open("g", O_RDWR | O_CREAT | O_APPEND, 0600);
	off_t at = 1;
	loff_t in = 2;

	IGNORE(write(from, "0123456789", 10));
	CALL(sendfile, 1000, from, &at, 3);
	CALL(copy_file_range, from, &in, 1000, 0, 4, 0);
	CALL(splice, from, 0, 1000, 0, 1, 1);
	CALL(unlink, "f");
	CALL(unlink, "g");
	close(from);
	close(to);
}

static void memory(void)
{
	char *p = mmap(0, 16384, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	p[0] = 1;
	CALL(mprotect, p, 4096, PROT_READ | PROT_EXEC);
	CALL(mprotect, p, 4096, PROT_NONE);
	CALL(madvise, p, 4096, MADV_DONTNEED);
	CALL(madvise, p, 1, 99);
	CALL(msync, p, 4096, MS_SYNC);
	CALL(mlock, p + 4096, 10);
	CALL(munlock, p + 4096, 10);
	CALL(mremap, p + 8192, 4096, 8192, MREMAP_MAYMOVE);
	CALL(munmap, p, 4096);
	CALL(mmap, 0, 0, PROT_READ, MAP_SHARED, 99, 0);
	CALL(brk, 0);
}

static void handler(int sig)
{
	(void)sig;
}

static void signals(void)
{
	struct timespec none = { 0, 0 };
	struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };
	stack_t stack = { .ss_sp = buf, .ss_size = sizeof(buf) }, old;
	sigset_t set, before;

	sigemptyset(&a.sa_mask);
	sigaddset(&a.sa_mask, SIGHUP);
	sigaction(SIGUSR1, &a, 0);
	sigaction(SIGUSR1, 0, &a);
	a.sa_handler = SIG_IGN;
	sigaction(SIGUSR2, &a, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, &before);
	kill(getpid(), SIGUSR1);
	CALL(rt_sigpending, &before, 8);
	sigprocmask(SIG_UNBLOCK, &set, 0);
	CALL(tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGUSR1);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, 0);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, 0);
	sigaddset(&set, SIGALRM);
	CALL(rt_sigtimedwait, &set, 0, &none, 8);
	sigaltstack(&stack, &old);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, &old);
}

static void process(void)
{
	struct timespec moment = { 0, 1000 };
	struct itimerval timer = { { 0, 0 }, { 100000, 0 } };
	struct rlimit limit;
	char name[16];
	int word = 7;

	CALL(prctl, PR_SET_NAME, "worker");
	CALL(prctl, PR_GET_NAME, name);
	CALL(prctl, PR_CAPBSET_READ, 12);
	CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	CALL(getrlimit, RLIMIT_STACK, &limit);
	CALL(prlimit64, 0, RLIMIT_STACK, 0, &limit);
	CALL(setrlimit, 999, &limit);
	CALL(setitimer, ITIMER_VIRTUAL, &timer, 0);
	CALL(nanosleep, &moment, 0);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &moment, 0);
	CALL(wait4, -1, &word, WNOHANG, 0);
	CALL(waitid, P_ALL, 0, buf, WEXITED | WNOHANG, 0);
	CALL(sched_get_priority_max, SCHED_FIFO);
	CALL(getuid);
	CALL(getegid);
	CALL(sched_getscheduler, 0);
	CALL(getcwd, buf, 0);
	CALL(chdir, "/");
	CALL(getcwd, buf, 100);
	CALL(set_robust_list, buf, 24);
	syscall(999, 1, 2, 3, 4, 5, 6);
}

/* What was asked for is the same everywhere, what is told is not. */
static void system_facts(void)
{
	uint32_t caps[8] = { 0x20080522 };
	uint64_t set[16];

	CALL(uname, buf);
	CALL(sysinfo, buf);
	CALL(getrusage, RUSAGE_SELF, buf);
	CALL(getrusage, 99, buf);
	CALL(clock_gettime, CLOCK_REALTIME, buf);
	CALL(clock_gettime, CLOCK_THREAD_CPUTIME_ID, buf);
	CALL(clock_gettime, 99, buf);
	CALL(clock_getres, CLOCK_MONOTONIC, buf);
	CALL(gettimeofday, buf, 0);
	CALL(times, buf);
	CALL(getrandom, buf, 5, GRND_NONBLOCK);
	CALL(getrandom, buf, 5, 99);
	CALL(sched_getaffinity, 0, sizeof(set), set);
	CALL(sched_getaffinity, 0, 1, set);
	CALL(sched_yield);
	CALL(capget, caps, caps + 2);
	CALL(geteuid);
	CALL(getgid);
	CALL(gettid);
	CALL(getpid);
}

static void rarer(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int dir =
		(int)syscall(SYS_openat, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY);
	int fd = (int)syscall(SYS_open, "t", O_WRONLY | O_CREAT, 0600);
	int s = socket(AF_INET, SOCK_STREAM, 0), c, ep;
	socklen_t len = sizeof(a);
	uint32_t word = 1;

	CALL(fchmodat, dir, "t", 0644);
	CALL(fchmodat, dir, "none", 0);
	CALL(statx, dir, "t", 0x4000, 0x200, buf);
	CALL(statx, dir, "", AT_EMPTY_PATH, 0x7ff, 0);
	CALL(fchdir, dir);
	CALL(fchdir, fd);
	CALL(unlink, "t");
	close(fd);
	close(dir);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(s, (struct sockaddr *)&a, sizeof(a));
	getsockname(s, (struct sockaddr *)&a, &len);
	listen(s, 1);
	c = socket(AF_INET, SOCK_STREAM, 0);
	connect(c, (struct sockaddr *)&a, sizeof(a));
	fd = (int)syscall(SYS_accept, s, buf, &len);
	close(fd);
	fd = (int)syscall(SYS_accept, c, 0, 0);
	close(c);
	close(s);
	ep = (int)syscall(SYS_epoll_create, 5);
	CALL(epoll_create, 0);
	close(ep);

	CALL(futex, &word, FUTEX_WAIT_PRIVATE, FUTEX_OURS, 0);
	CALL(futex, &word, FUTEX_WAKE_PRIVATE, FUTEX_OURS);
	CALL(futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, FUTEX_OURS, 2, &len, 3);
	CALL(pkey_mprotect, 0, 0, PROT_READ, -1);
	CALL(pkey_alloc, 1, 0);
	CALL(rseq, 1, 32, 0, 0x53053053);
	CALL(clone, CLONE_VM | CLONE_THREAD, 0, 0, 0, 0);
	CALL(clone3, buf, 1);
}

static void *thread(void *arg)
{
	char byte;

	IGNORE(read(*(int *)arg, &byte, 1));
	return 0;
}

/* One thread waits in a call while the other makes some. */
static void threads(void)
{
	struct timespec while_it_waits = { 0, 20000000 };
	pthread_t t;
	int fd[2];

	IGNORE(pipe(fd));
	pthread_create(&t, 0, thread, fd);
	CALL(nanosleep, &while_it_waits, 0);
	CALL(getppid);
	IGNORE(write(fd[1], "!", 1));
	pthread_join(t, 0);
}

int main(void)
{
	files();
	names();
	descriptors();
	waiting();
	streams();
	messages();
	copies();
	memory();
	signals();
	process();
	system_facts();
	rarer();
	threads();
	return 3;
}
