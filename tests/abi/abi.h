/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ABI programs share. Each program prints one line per check,
 * "name: result", and the same program must print the same on Linux and in
 * the guest: results are values, errno names and offsets, never addresses,
 * process numbers, ports or times. Nothing forks. A program that hangs is
 * ended by its own alarm.
 */
#ifndef TESTS_ABI_ABI_H
#define TESTS_ABI_ABI_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define PAGE 4096UL

struct abi_name {
	int number;
	const char *name;
};

#define N(x)          \
	{             \
		x, #x \
	}

static inline const char *name_of(const struct abi_name *t, size_t n, int v)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].number == v)
			return t[i].name;
	return "?";
}

#define LOOKUP(table, v) name_of(table, sizeof(table) / sizeof(*(table)), v)

static inline const char *err_name(int e)
{
	static const struct abi_name names[] = {
		N(EPERM),	 N(ENOENT),	  N(ESRCH),
		N(EINTR),	 N(EIO),	  N(ENXIO),
		N(E2BIG),	 N(EBADF),	  N(ECHILD),
		N(EAGAIN),	 N(ENOMEM),	  N(EACCES),
		N(EFAULT),	 N(EBUSY),	  N(EEXIST),
		N(EXDEV),	 N(ENODEV),	  N(ENOTDIR),
		N(EISDIR),	 N(EINVAL),	  N(ENFILE),
		N(EMFILE),	 N(ENOTTY),	  N(ETXTBSY),
		N(EFBIG),	 N(ENOSPC),	  N(ESPIPE),
		N(EROFS),	 N(EMLINK),	  N(EPIPE),
		N(EDOM),	 N(ERANGE),	  N(EDEADLK),
		N(ENAMETOOLONG), N(ENOLCK),	  N(ENOSYS),
		N(ENOTEMPTY),	 N(ELOOP),	  N(EOVERFLOW),
		N(EILSEQ),	 N(ENOTSOCK),	  N(EDESTADDRREQ),
		N(EMSGSIZE),	 N(EPROTOTYPE),	  N(ENOPROTOOPT),
		N(EOPNOTSUPP),	 N(EAFNOSUPPORT), N(EPROTONOSUPPORT),
		N(EADDRINUSE),	 N(ENETUNREACH),  N(EADDRNOTAVAIL),
		N(ECONNABORTED), N(ECONNRESET),	  N(ESOCKTNOSUPPORT),
		N(ENOBUFS),	 N(EISCONN),	  N(ENOTCONN),
		N(ETIMEDOUT),	 N(ECONNREFUSED), N(EHOSTUNREACH),
		N(EALREADY),	 N(EINPROGRESS),  N(ECANCELED),
		N(EOWNERDEAD),	 N(ENODATA),	  N(ENOTRECOVERABLE),
	};

	return e == 0 ? "0" : LOOKUP(names, e);
}

static inline const char *sig_name(int s)
{
	static const struct abi_name names[] = {
		N(SIGHUP),  N(SIGINT),	 N(SIGQUIT), N(SIGILL),	 N(SIGTRAP),
		N(SIGABRT), N(SIGBUS),	 N(SIGFPE),  N(SIGKILL), N(SIGUSR1),
		N(SIGSEGV), N(SIGUSR2),	 N(SIGPIPE), N(SIGALRM), N(SIGTERM),
		N(SIGCHLD), N(SIGCONT),	 N(SIGURG),  N(SIGSYS),	 N(SIGVTALRM),
		N(SIGPROF), N(SIGWINCH),
	};

	return LOOKUP(names, s);
}

static inline const char *si_code_name(int sig, int code)
{
	static const struct abi_name segv[] = { N(SEGV_MAPERR), N(SEGV_ACCERR),
						N(SI_KERNEL) };
	static const struct abi_name bus[] = { N(BUS_ADRALN), N(BUS_ADRERR),
					       N(SI_KERNEL) };
	static const struct abi_name fpe[] = { N(FPE_INTDIV), N(FPE_INTOVF),
					       N(FPE_FLTDIV), N(FPE_FLTINV) };
	static const struct abi_name ill[] = { N(ILL_ILLOPN), N(ILL_ILLOPC) };
	static const struct abi_name trap[] = { N(TRAP_BRKPT), N(TRAP_TRACE),
						N(SI_KERNEL) };
	static const struct abi_name sent[] = { N(SI_USER), N(SI_TKILL),
						N(SI_QUEUE), N(SI_KERNEL),
						N(SI_TIMER) };

	switch (code > 0 ? sig : 0) {
	case SIGSEGV:
		return LOOKUP(segv, code);
	case SIGBUS:
		return LOOKUP(bus, code);
	case SIGFPE:
		return LOOKUP(fpe, code);
	case SIGILL:
		return LOOKUP(ill, code);
	case SIGTRAP:
		return LOOKUP(trap, code);
	default:
		return LOOKUP(sent, code);
	}
}

/* ---- printing results -------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static inline void
say(const char *name, const char *fmt, ...)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "%s: ", name);
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	if (write(1, line, (size_t)n) != n)
		_exit(99);
}

/* The result of a call: its value, or the name of errno for -1. */
static inline void ret(const char *name, long r)
{
	if (r == -1)
		say(name, "%s", err_name(errno));
	else
		say(name, "%ld", r);
}

/* Success or the name of errno, where the value may differ. */
static inline void okay(const char *name, long r)
{
	say(name, "%s", r == -1 ? err_name(errno) : "ok");
}

/* An error number returned as such, as the pthread functions do. */
static inline void err(const char *name, int e)
{
	say(name, "%s", err_name(e));
}

static inline void val(const char *name, long v)
{
	say(name, "%ld", v);
}

static inline void yes(const char *name, bool b)
{
	say(name, "%s", b ? "yes" : "no");
}

/* ---- faults ------------------------------------------------------------ */

struct abi_fault {
	sigjmp_buf out;
	volatile int sig, code;
	void *volatile addr;
	volatile bool armed;
};

static struct abi_fault abi_fault;

static inline void abi_on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (!abi_fault.armed)
		_exit(97);
	abi_fault.sig = sig;
	abi_fault.code = si->si_code;
	abi_fault.addr = si->si_addr;
	siglongjmp(abi_fault.out, 1);
}

static inline void catch_faults(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction sa = { .sa_sigaction = abi_on_fault,
				.sa_flags = SA_SIGINFO };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		sigaction(sigs[i], &sa, NULL);
}

/* Says the signal, its code and the fault address relative to `base`. */
static inline void abi_say_fault(const char *name, const volatile void *base)
{
	say(name, "%s %s %+ld", sig_name(abi_fault.sig),
	    si_code_name(abi_fault.sig, abi_fault.code),
	    (long)((intptr_t)abi_fault.addr - (intptr_t)base));
}

typedef void (*abi_touch_fn)(const volatile void *p);

/*
 * Calls touch(p) and says "ok" or what abi_say_fault says. catch_faults()
 * has been called.
 */
__attribute__((noinline, unused)) static void attempt(const char *name,
						      const volatile void *base,
						      abi_touch_fn touch,
						      const volatile void *p)
{
	if (sigsetjmp(abi_fault.out, 1) == 0) {
		abi_fault.armed = true;
		touch(p);
		say(name, "ok");
	} else {
		abi_say_fault(name, base);
	}
	abi_fault.armed = false;
}

static inline void abi_read_byte(const volatile void *p)
{
	(void)*(const volatile char *)p;
}

static inline void abi_write_byte(const volatile void *p)
{
	volatile char *volatile q = (volatile char *)(uintptr_t)p;

	*q = 1;
}

static inline void peek(const char *name, const volatile void *base,
			const volatile void *p)
{
	attempt(name, base, abi_read_byte, p);
}

static inline void poke(const char *name, const volatile void *base,
			const volatile void *p)
{
	attempt(name, base, abi_write_byte, p);
}

/* A pointer that no call can use; compilers do not see through it. */
static inline void *bad_pointer(void)
{
	void *volatile p = (void *)8;

	return p;
}

/* A number that compilers do not reason about. */
static inline int plain(int n)
{
	volatile int v = n;

	return v;
}

/* ---- a directory of its own -------------------------------------------- */

static char abi_dir[64];

static inline void abi_remove(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (unlinkat(fd, e->d_name, 0) < 0)
			abi_remove(fd, e->d_name);
	}
	if (d)
		closedir(d);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static inline void abi_leave_dir(void)
{
	if (chdir("/") == 0)
		abi_remove(AT_FDCWD, abi_dir);
}

/* Makes an empty directory on a tmpfs, and goes there until exit. */
static inline void enter_dir(void)
{
	bool shm = access("/dev/shm", W_OK) == 0;

	snprintf(abi_dir, sizeof(abi_dir), "%s/abiXXXXXX",
		 shm ? "/dev/shm" : "/tmp");
	umask(022);
	if (!mkdtemp(abi_dir) || chdir(abi_dir) < 0) {
		say("enter_dir", "%s", err_name(errno));
		_exit(98);
	}
	atexit(abi_leave_dir);
}

/* Creates (or replaces) a file with this text. */
static inline void put_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		say("put_file", "%s: %s", path, err_name(errno));
	close(fd);
}

/* Says what a file holds (printable, up to 200 bytes). */
static inline void say_file(const char *name, const char *path)
{
	char buf[201];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0) {
		say(name, "%s", err_name(errno));
	} else {
		buf[n] = '\0';
		say(name, "\"%s\"", buf);
	}
	if (fd >= 0)
		close(fd);
}

static inline void abi_start(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(60);
}

#endif
