/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments and results of calls in words: one call of each kind, as strace
 * prints it; and that the table lacks nothing.
 */
#include <stdlib.h>

#include "cli/trace_call.h"
#include "cli/trace_print.h"
#include "tests/unit/check.h"
#include "tests/unit/trace_make.h"

#define NO_MEM             \
	{                  \
		0, NULL, 0 \
	}

struct piece {
	uint64_t addr;
	const void *data;
	size_t len;
};

struct shown {
	uint32_t nr;
	uint64_t arg[6];
	int64_t ret;
	struct piece in[3], out[3];
	const char *line; /* with one space before the equals sign */
};

static struct make m;
static struct trace_printer p;

static void add_record(const struct shown *s, enum mf_trace_kind kind,
		       const struct piece *pieces)
{
	struct mf_trace_record *r = make_record(&m, kind, 1, s->nr);

	memcpy(r->arg, s->arg, sizeof(r->arg));
	r->ret = s->ret;
	for (unsigned i = 0; i < 3 && pieces[i].data; i++)
		make_mem(&m, pieces[i].addr, pieces[i].data, pieces[i].len);
}

/* The line that a call makes, without its time. */
static const char *line_of(const struct shown *s)
{
	static const struct trace_style style = { .lines = true,
						  .text_max = 32 };
	struct trace_stream stream;
	char *end;
	size_t room;

	m.len = 0;
	make_start(&m);
	add_record(s, MF_TRACE_ENTER, s->in);
	add_record(s, MF_TRACE_EXIT, s->out);
	trace_printer_fini(&p);
	trace_printer_init(&p, &style);
	trace_stream_init(&stream);
	memcpy(trace_stream_room(&stream, &room), m.bytes, m.len);
	check_int(trace_stream_take(&stream, m.len, trace_printer_event, &p),
		  0);
	trace_stream_fini(&stream);
	text_add(&p.out, "", 1);
	end = strstr(p.out.data, " <0.000000>\n");
	check(end != NULL);
	*end = '\0';
	end = strstr(p.out.data, "  ");
	if (end && end[strspn(end, " ")] == '=')
		memmove(end + 1, end + strspn(end, " "),
			strlen(end + strspn(end, " ")) + 1);
	return p.out.data;
}

static const uint64_t at_fdcwd = (uint64_t)-100;
static const int ints[] = { 7, 8, 9, 10 };
static const int64_t longs[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
static const uint64_t limits[] = { 8ull << 20, UINT64_MAX };
static const uint64_t mask = 1ull << 1 | 1ull << 14;
static const uint64_t full = ~0ull;
static const uint8_t pollfds[] = { 3, 0, 0, 0, 1, 0, 0, 0,
				   4, 0, 0, 0, 4, 0, 4, 0 };
static const uint8_t sin4[] = { 2, 0, 0x1f, 0x90, 127, 0, 0, 1,
				0, 0, 0,    0,	  0,   0, 0, 0 };
static const uint8_t sun[] = { 1, 0, '/', 'x', 0 };
static const uint8_t sun_abstract[] = { 1, 0, 0, 'a', 'b' };
static const uint8_t nl[] = { 16, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0 };
static const uint64_t iov[] = { 0x2000, 3, 0x3000, 100 };
static const uint64_t action[] = { 0x401000, 0x14000000, 0x402000, 1 };
static const uint32_t st_chr[36] = { [6] = 0020620, [10] = 0x0103 };
static const uint32_t st_reg[36] = { [6] = 0100644, [12] = 1234 };
static const uint32_t epoll[] = { 0x80000001, 77, 0 };
static const uint64_t clone_args[] = { 0x3d0f00, 0,	 0x5000, 0x6000, 0,
				       0x7000,	 0x8000, 0x9000, 0,	 0 };

static const uint32_t sigevent[16] = { 5, 0, 33, 4, 7 };

static const struct shown cases[] = {
	/* text and bytes */
	{ 0,
	  { 3, 0x1000, 10 },
	  2,
	  { NO_MEM },
	  { { 0x1000, "hi", 2 } },
	  "read(3, \"hi\", 10) = 2" },
	{ 0,
	  { 3, 0x1000, 10 },
	  -9,
	  { NO_MEM },
	  { NO_MEM },
	  "read(3, 0x1000, 10) = -1 EBADF (Bad file descriptor)" },
	{ 0,
	  { 3, 0x1000, 10 },
	  0,
	  { NO_MEM },
	  { NO_MEM },
	  "read(3, \"\", 10) = 0" },
	{ 0,
	  { 3, 0x1000, 10 },
	  -512,
	  { NO_MEM },
	  { NO_MEM },
	  "read(3, 0x1000, 10) = ? ERESTARTSYS (To be restarted if "
	  "SA_RESTART is set)" },
	{ 1,
	  { 1, 0x1000, 5 },
	  5,
	  { { 0x1000, "a\n\0001\"", 5 } },
	  { NO_MEM },
	  "write(1, \"a\\n\\0001\\\"\", 5) = 5" },
	{ 1,
	  { 1, 0x1000, 33 },
	  33,
	  { { 0x1000, "01234567890123456789012345678901", 32 } },
	  { NO_MEM },
	  "write(1, \"01234567890123456789012345678901\"..., 33) = 33" },
	{ 1,
	  { 1, 0x1000, 5 },
	  -14,
	  { NO_MEM },
	  { NO_MEM },
	  "write(1, 0x1000, 5) = -1 EFAULT (Bad address)" },
	{ 257,
	  { at_fdcwd, 0x1000, 02000101, 0644 },
	  3,
	  { { 0x1000, "/a b", 5 } },
	  { NO_MEM },
	  "openat(AT_FDCWD, \"/a b\", O_WRONLY|O_CREAT|O_CLOEXEC, 0644) "
	  "= 3" },
	{ 2,
	  { 0x1000, 0 },
	  -2,
	  { { 0x1000, "x", 2 } },
	  { NO_MEM },
	  "open(\"x\", O_RDONLY) = -1 ENOENT (No such file or directory)" },
	{ 2,
	  { 0, 0x80000000 },
	  -14,
	  { NO_MEM },
	  { NO_MEM },
	  "open(NULL, O_RDONLY|0x80000000) = -1 EFAULT (Bad address)" },
	{ 79,
	  { 0x1000, 100 },
	  5,
	  { NO_MEM },
	  { { 0x1000, "/tmp", 5 } },
	  "getcwd(\"/tmp\", 100) = 5" },
	{ 318,
	  { 0x1000, 2, 1 },
	  2,
	  { NO_MEM },
	  { { 0x1000, "A\1", 2 } },
	  "getrandom(\"\\x41\\x01\", 2, GRND_NONBLOCK) = 2" },
	/* files */
	{ 5,
	  { 3, 0x1000 },
	  0,
	  { NO_MEM },
	  { { 0x1000, st_chr, 144 } },
	  "fstat(3, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x1, 0x3), "
	  "...}) = 0" },
	{ 262,
	  { 3, 0x900, 0x1000, 0x1000 },
	  0,
	  { { 0x900, "", 1 } },
	  { { 0x1000, st_reg, 144 } },
	  "newfstatat(3, \"\", {st_mode=S_IFREG|0644, st_size=1234, ...}, "
	  "AT_EMPTY_PATH) = 0" },
	{ 8,
	  { 3, (uint64_t)-5, 2 },
	  7,
	  { NO_MEM },
	  { NO_MEM },
	  "lseek(3, -5, SEEK_END) = 7" },
	{ 95, { 022 }, 077, { NO_MEM }, { NO_MEM }, "umask(022) = 077" },
	{ 92,
	  { 0x1000, (uint64_t)-1, 5 },
	  0,
	  { { 0x1000, "x", 2 } },
	  { NO_MEM },
	  "chown(\"x\", -1, 5) = 0" },
	{ 72,
	  { 3, 3 },
	  02,
	  { NO_MEM },
	  { NO_MEM },
	  "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)" },
	{ 72,
	  { 3, 1030, 9 },
	  10,
	  { NO_MEM },
	  { NO_MEM },
	  "fcntl(3, F_DUPFD_CLOEXEC, 9) = 10" },
	{ 16,
	  { 3, 0x5421, 0x1000 },
	  0,
	  { NO_MEM },
	  { { 0x1000, ints, 4 } },
	  "ioctl(3, FIONBIO, [7]) = 0" },
	{ 16,
	  { 3, 0x80045430, 0x1000 },
	  -25,
	  { NO_MEM },
	  { { 0x1000, ints, 4 } },
	  "ioctl(3, TIOCGPTN, 0x1000) = -1 ENOTTY (Inappropriate ioctl for "
	  "device)" },
	{ 22,
	  { 0x1000 },
	  0,
	  { NO_MEM },
	  { { 0x1000, ints, 8 } },
	  "pipe([7, 8]) = 0" },
	{ 40,
	  { 4, 3, 0x1000, 5 },
	  5,
	  { { 0x1000, longs, 8 } },
	  { { 0x1000, longs + 5, 8 } },
	  "sendfile(4, 3, [1] => [6], 5) = 5" },
	/* waiting */
	{ 7,
	  { 0x1000, 2, 100 },
	  1,
	  { { 0x1000, pollfds, 16 } },
	  { { 0x1000, pollfds, 16 } },
	  "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, 100) = 1 "
	  "([{fd=4, revents=POLLOUT}])" },
	{ 7,
	  { 0x1000, 1, 5 },
	  0,
	  { { 0x1000, pollfds, 8 } },
	  { { 0x1000, pollfds, 8 } },
	  "poll([{fd=3, events=POLLIN}], 1, 5) = 0 (Timeout)" },
	{ 23,
	  { 8, 0x1000, 0, 0, 0x2000 },
	  1,
	  { { 0x1000, "\x88\0\0\0\0\0\0", 8 }, { 0x2000, longs, 16 } },
	  { { 0x1000, "\x08\0\0\0\0\0\0", 8 }, { 0x2000, longs, 16 } },
	  "select(8, [3 7], NULL, NULL, {tv_sec=1, tv_usec=2}) = 1 (in [3], "
	  "left {tv_sec=1, tv_usec=2})" },
	{ 232,
	  { 4, 0x1000, 9, 0 },
	  1,
	  { NO_MEM },
	  { { 0x1000, epoll, 12 } },
	  "epoll_wait(4, [{events=EPOLLIN|EPOLLET, data={u32=77, u64=77}}], "
	  "9, 0) = 1" },
	{ 233,
	  { 4, 2, 3, 0x1000 },
	  0,
	  { { 0x1000, epoll, 12 } },
	  { NO_MEM },
	  "epoll_ctl(4, EPOLL_CTL_DEL, 3, 0x1000) = 0" },
	/* sockets */
	{ 41,
	  { 2, 02000001, 6 },
	  3,
	  { NO_MEM },
	  { NO_MEM },
	  "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3" },
	{ 42,
	  { 3, 0x1000, 16 },
	  0,
	  { { 0x1000, sin4, 16 } },
	  { NO_MEM },
	  "connect(3, {sa_family=AF_INET, sin_port=htons(8080), "
	  "sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0" },
	{ 49,
	  { 3, 0x1000, 5 },
	  0,
	  { { 0x1000, sun, 5 } },
	  { NO_MEM },
	  "bind(3, {sa_family=AF_UNIX, sun_path=\"/x\"}, 5) = 0" },
	{ 49,
	  { 3, 0x1000, 5 },
	  0,
	  { { 0x1000, sun_abstract, 5 } },
	  { NO_MEM },
	  "bind(3, {sa_family=AF_UNIX, sun_path=@\"ab\"}, 5) = 0" },
	{ 49,
	  { 3, 0x1000, 12 },
	  0,
	  { { 0x1000, nl, 12 } },
	  { NO_MEM },
	  "bind(3, {sa_family=AF_NETLINK, nl_pid=5, nl_groups=00000001}, 12) "
	  "= 0" },
	{ 43,
	  { 3, 0x1000, 0x2000 },
	  5,
	  { { 0x2000, &ints[0], 4 } },
	  { { 0x1000, sin4, 16 }, { 0x2000, "\x10\0\0", 4 } },
	  "accept(3, {sa_family=AF_INET, sa_data=\"\\37\\220\\177\\0\\0\"}, "
	  "[7 => 16]) = 5" },
	{ 54,
	  { 3, 1, 2, 0x1000, 4 },
	  0,
	  { { 0x1000, ints, 4 } },
	  { NO_MEM },
	  "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [7], 4) = 0" },
	{ 55,
	  { 3, 6, 1, 0x1000, 0x2000 },
	  0,
	  { { 0x2000, "\4\0\0", 4 } },
	  { { 0x1000, ints, 4 }, { 0x2000, "\4\0\0", 4 } },
	  "getsockopt(3, SOL_TCP, TCP_NODELAY, [7], [4]) = 0" },
	{ 20,
	  { 1, 0x1000, 2 },
	  8,
	  { { 0x1000, iov, 32 }, { 0x2000, "abc", 3 }, { 0x3000, "defgh", 5 } },
	  { NO_MEM },
	  "writev(1, [{iov_base=\"abc\", iov_len=3}, {iov_base=0x3000, "
	  "iov_len=100}], 2) = 8" },
	{ 19,
	  { 1, 0x1000, 2 },
	  5,
	  { NO_MEM },
	  { { 0x1000, iov, 32 }, { 0x2000, "abc", 3 }, { 0x3000, "de", 2 } },
	  "readv(1, [{iov_base=\"abc\", iov_len=3}, {iov_base=\"de\", "
	  "iov_len=100}], 2) = 5" },
	/* memory */
	{ 9,
	  { 0, 4096, 3, 0x22, (uint64_t)-1, 0 },
	  0x7f0000,
	  { NO_MEM },
	  { NO_MEM },
	  "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, "
	  "-1, 0) = 0x7f0000" },
	{ 10,
	  { 0x1000, 4096, 0 },
	  0,
	  { NO_MEM },
	  { NO_MEM },
	  "mprotect(0x1000, 4096, PROT_NONE) = 0" },
	{ 12, { 0 }, 0x5000, { NO_MEM }, { NO_MEM }, "brk(NULL) = 0x5000" },
	{ 25,
	  { 0x1000, 1, 2, 1, 0x9000 },
	  0x2000,
	  { NO_MEM },
	  { NO_MEM },
	  "mremap(0x1000, 1, 2, MREMAP_MAYMOVE) = 0x2000" },
	{ 25,
	  { 0x1000, 1, 2, 3, 0x9000 },
	  0x9000,
	  { NO_MEM },
	  { NO_MEM },
	  "mremap(0x1000, 1, 2, MREMAP_MAYMOVE|MREMAP_FIXED, 0x9000) "
	  "= 0x9000" },
	{ 28,
	  { 0x1000, 1, 99 },
	  -22,
	  { NO_MEM },
	  { NO_MEM },
	  "madvise(0x1000, 1, 0x63 /* MADV_??? */) = -1 EINVAL (Invalid "
	  "argument)" },
	/* signals */
	{ 13,
	  { 10, 0x1000, 0, 8 },
	  0,
	  { { 0x1000, action, 32 } },
	  { NO_MEM },
	  "rt_sigaction(SIGUSR1, {sa_handler=0x401000, sa_mask=[HUP], "
	  "sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, NULL, 8) "
	  "= 0" },
	{ 14,
	  { 2, 0x1000, 0x2000, 8 },
	  0,
	  { { 0x1000, &mask, 8 } },
	  { { 0x2000, &full, 8 } },
	  "rt_sigprocmask(SIG_SETMASK, [INT TERM], ~[], 8) = 0" },
	{ 234,
	  { 1, 2, 34 },
	  0,
	  { NO_MEM },
	  { NO_MEM },
	  "tgkill(1, 2, SIGRT_2) = 0" },
	{ 15,
	  { 0x1000 },
	  5,
	  { { 0x1000, &mask, 8 } },
	  { NO_MEM },
	  "rt_sigreturn({mask=[INT TERM]}) = 5" },
	/* time and limits */
	{ 35,
	  { 0x1000, 0x2000 },
	  0,
	  { { 0x1000, longs, 16 } },
	  { { 0x2000, longs, 16 } },
	  "nanosleep({tv_sec=1, tv_nsec=2}, 0x2000) = 0" },
	{ 35,
	  { 0x1000, 0x2000 },
	  -4,
	  { { 0x1000, longs, 16 } },
	  { { 0x2000, longs, 16 } },
	  "nanosleep({tv_sec=1, tv_nsec=2}, {tv_sec=1, tv_nsec=2}) = -1 EINTR "
	  "(Interrupted system call)" },
	{ 201,
	  { 0 },
	  86400,
	  { NO_MEM },
	  { NO_MEM },
	  "time(NULL) = 86400 (1970-01-02T00:00:00+0000)" },
	{ 302,
	  { 0, 3, 0, 0x1000 },
	  0,
	  { NO_MEM },
	  { { 0x1000, limits, 16 } },
	  "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, "
	  "rlim_max=RLIM64_INFINITY}) = 0" },
	/* what depends on other arguments */
	{ 202,
	  { 0x1000, 128, 5, 0x2000 },
	  -110,
	  { { 0x2000, longs, 16 } },
	  { NO_MEM },
	  "futex(0x1000, FUTEX_WAIT_PRIVATE, 5, {tv_sec=1, tv_nsec=2}) = -1 "
	  "ETIMEDOUT (Connection timed out)" },
	{ 202,
	  { 0x1000, 129, 1, 0x2000, 3, 4 },
	  1,
	  { NO_MEM },
	  { NO_MEM },
	  "futex(0x1000, FUTEX_WAKE_PRIVATE, 1) = 1" },
	{ 202,
	  { 0x1000, 0x189, 1, 0, 0, 0xffffffff },
	  0,
	  { NO_MEM },
	  { NO_MEM },
	  "futex(0x1000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 1, "
	  "NULL, FUTEX_BITSET_MATCH_ANY) = 0" },
	{ 157,
	  { 15, 0x1000 },
	  0,
	  { NO_MEM },
	  { { 0x1000, "worker", 7 } },
	  "prctl(PR_SET_NAME, \"worker\") = 0" },
	{ 157,
	  { 38, 1, 0, 0, 0 },
	  0,
	  { NO_MEM },
	  { NO_MEM },
	  "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0" },
	{ 158,
	  { 0x1002, 0x405658 },
	  0,
	  { NO_MEM },
	  { NO_MEM },
	  "arch_prctl(ARCH_SET_FS, 0x405658) = 0" },
	{ 56,
	  { 0x3d0f00, 0x7000, 0x6000, 0x5000, 0x9000 },
	  2,
	  { NO_MEM },
	  { { 0x6000, "\2\0\0", 4 } },
	  "clone(child_stack=0x7000, flags=CLONE_VM|CLONE_FS|CLONE_FILES|"
	  "CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|"
	  "CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, parent_tid=[2], "
	  "tls=0x9000, child_tidptr=0x5000) = 2" },
	{ 435,
	  { 0x1000, 64 },
	  2,
	  { NO_MEM },
	  { { 0x1000, clone_args, 64 }, { 0x6000, "\2\0\0", 4 } },
	  "clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|"
	  "CLONE_THREAD|CLONE_SYSVSEM|CLONE_SETTLS|CLONE_PARENT_SETTID|"
	  "CLONE_CHILD_CLEARTID, child_tid=0x5000, parent_tid=0x6000, "
	  "exit_signal=0, stack=0x7000, stack_size=0x8000, tls=0x9000} => "
	  "{parent_tid=[2]}, 64) = 2" },
	/* what there is no row for */
	{ 101,
	  { 1, 2, 3, 4, 5, 6 },
	  -38,
	  { NO_MEM },
	  { NO_MEM },
	  "ptrace(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not "
	  "implemented)" },
	{ 999,
	  { 1 },
	  -38,
	  { NO_MEM },
	  { NO_MEM },
	  "syscall_0x3e7(0x1, 0, 0, 0, 0, 0) = -1 ENOSYS (Function not "
	  "implemented)" },
	{ 222,
	  { 1, 0x1000, 0x2000 },
	  0,
	  { { 0x1000, sigevent, 64 } },
	  { { 0x2000, ints, 4 } },
	  "timer_create(CLOCK_MONOTONIC, {sigev_value={sival_int=5, "
	  "sival_ptr=0x5}, sigev_signo=SIGRT_1, "
	  "sigev_notify=SIGEV_THREAD_ID, sigev_notify_thread_id=7}, [7]) = "
	  "0" },
	{ 222,
	  { 0, 0, 0x2000 },
	  -22,
	  { NO_MEM },
	  { NO_MEM },
	  "timer_create(CLOCK_REALTIME, NULL, 0x2000) = -1 EINVAL (Invalid "
	  "argument)" },
	{ 223,
	  { 7, 1, 0x1000, 0x2000 },
	  0,
	  { { 0x1000, longs, 32 } },
	  { { 0x2000, longs + 4, 32 } },
	  "timer_settime(7, TIMER_ABSTIME, {it_interval={tv_sec=1, "
	  "tv_nsec=2}, it_value={tv_sec=3, tv_nsec=4}}, "
	  "{it_interval={tv_sec=5, tv_nsec=6}, it_value={tv_sec=7, "
	  "tv_nsec=8}}) = 0" },
	{ 226, { 7 }, 0, { NO_MEM }, { NO_MEM }, "timer_delete(7) = 0" },
	{ 39, { 1, 2, 3 }, 5, { NO_MEM }, { NO_MEM }, "getpid() = 5" },
};

static size_t now; /* the case at hand */

static void test_case(void)
{
	check_str(line_of(&cases[now]), cases[now].line);
}

/* The call numbers and names of the kernel, all of which have a row. */
static void test_rows(void)
{
	static const struct {
		uint32_t nr;
		const char *name;
	} calls[] = {
#define SYSCALL(nr, name) { nr, #name },
#include "sys/syscalls.def"
#undef SYSCALL
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		check_str(trace_row(calls[i].nr)->name, calls[i].name);
}

static void test_kinds(void)
{
	for (unsigned kind = 1; kind < MF_ARG_KIND_COUNT; kind++)
		check(trace_arg_fns[kind] != NULL);
}

/* Where a row says WITH, the other argument is one of the row's. */
static void test_with(void)
{
	for (uint32_t nr = 0; nr < MF_TRACE_CALLS; nr++) {
		const struct trace_row *row = trace_row(nr);

		for (unsigned i = 0; row->name && i < MF_CALL_ARGS; i++) {
			unsigned kind = MF_ARG_KIND_OF(row->args[i]);
			unsigned with = MF_ARG_WITH_OF(row->args[i]);

			if (!with || kind == MF_ARG_KIND_FLAGS ||
			    kind == MF_ARG_KIND_ENUM)
				continue;
			check(with < MF_CALL_ARGS);
			check(MF_ARG_KIND_OF(row->args[with]) != 0);
		}
	}
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	for (now = 0; now < sizeof(cases) / sizeof(cases[0]); now++)
		RUN(test_case);
	RUN(test_rows);
	RUN(test_kinds);
	RUN(test_with);
	trace_printer_fini(&p);
	return check_done();
}
