/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program asks about itself and its machine: identity, limits,
 * random numbers, auxiliary vector, /proc, /dev, calls that do not exist.
 *
 * test: flavours musl glibc musl-pie glibc-pie
 * test: hardware
 */
#include <elf.h>
#include <linux/limits.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

extern char **environ;

static void identity(void)
{
	struct utsname u;

	ret("uname", uname(&u));
	say("sysname", "%s", u.sysname);
	say("machine", "%s", u.machine);
	yes("release", u.release[0] >= '3' && u.release[0] <= '9');
	yes("nodename", u.nodename[0] != 0);
	ret("uname, bad pointer", syscall(SYS_uname, bad_pointer()));
	yes("pid", getpid() > 0);
	yes("gettid", syscall(SYS_gettid) == getpid());
	yes("uids agree", getuid() == geteuid() && getgid() == getegid());
	yes("process group", getpgrp() > 0);
	ret("no children", wait(NULL));
	ret("waitpid", waitpid(-1, NULL, WNOHANG));
}

static void unknown_calls(void)
{
	ret("no such call", syscall(1023));
	ret("far beyond", syscall(0x7fffffff));
	ret("negative", syscall(-5));
	ret("never assigned", syscall(400));
}

static void limits(void)
{
	struct rlimit rl, old;
	struct rusage ru;
	struct sysinfo si;
	struct tms tms;

	ret("getrlimit stack", getrlimit(RLIMIT_STACK, &rl));
	yes("at least 1 MiB", rl.rlim_cur >= 1 << 20);
	ret("getrlimit files", getrlimit(RLIMIT_NOFILE, &rl));
	yes("at least 256", rl.rlim_cur >= 256);
	ret("bad resource", getrlimit(99, &rl));
	ret("prlimit", prlimit(0, RLIMIT_CORE, NULL, &old));
	rl = (struct rlimit){ 0, old.rlim_max };
	ret("setrlimit", setrlimit(RLIMIT_CORE, &rl));
	ret("getrlimit", getrlimit(RLIMIT_CORE, &rl));
	val("is set", (long)rl.rlim_cur);
	ret("getrusage", getrusage(RUSAGE_SELF, &ru));
	yes("resident", ru.ru_maxrss > 0);
	ret("bad who", getrusage(77, &ru));
	ret("sysinfo", sysinfo(&si));
	yes("memory", si.totalram > 1 << 20 && si.freeram <= si.totalram);
	yes("units", si.mem_unit >= 1);
	yes("times", times(&tms) != -1);
}

static void processors(void)
{
	cpu_set_t set;
	unsigned cpu = 99, node = 99;
	long n;

	n = syscall(SYS_sched_getaffinity, 0, sizeof(set), &set);
	yes("affinity", n >= 8 && n % 8 == 0);
	yes("at least one", CPU_COUNT(&set) >= 1);
	ret("short set", syscall(SYS_sched_getaffinity, 0, 1, &set));
	ret("getcpu", (long)syscall(SYS_getcpu, &cpu, &node, NULL));
	yes("cpu number", cpu < 1024);
	yes("online", sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	ret("scheduler", sched_getscheduler(0));
	val("nice", getpriority(PRIO_PROCESS, 0));
}

static void random_numbers(void)
{
	static unsigned char a[100000], b[100000];
	int fd = open("/dev/urandom", O_RDONLY);
	unsigned seen[256] = { 0 };
	int values = 0;

	ret("256", getrandom(a, 256, 0));
	ret("100000", getrandom(a, sizeof(a), 0));
	ret("GRND_NONBLOCK", getrandom(b, 16, GRND_NONBLOCK));
	ret("0", getrandom(a, 0, 0));
	ret("bad flags", getrandom(a, 1, 0x100));
	ret("bad pointer", syscall(SYS_getrandom, bad_pointer(), 8, 0));
	for (size_t i = 0; i < sizeof(a); i++)
		seen[a[i]]++;
	for (int i = 0; i < 256; i++)
		values += seen[i] > 200 && seen[i] < 700;
	val("values as often as they should be", values);
	ret("/dev/urandom", read(fd, b, 5000));
	yes("differs", memcmp(a, b, 5000) != 0);
	close(fd);
}

static void auxiliary(void)
{
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);
	const unsigned char *r = (const void *)getauxval(AT_RANDOM);
	int loads = 0, bits = 0;

	val("AT_PAGESZ", (long)getauxval(AT_PAGESZ));
	val("AT_PHENT", (long)getauxval(AT_PHENT));
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += ph[i].p_type == PT_LOAD;
	yes("program headers", loads >= 2);
	yes("AT_ENTRY", getauxval(AT_ENTRY) != 0);
	for (int i = 0; i < 16; i++)
		bits |= r[i];
	yes("AT_RANDOM", bits != 0);
	val("AT_CLKTCK", (long)getauxval(AT_CLKTCK));
	val("AT_SECURE", (long)getauxval(AT_SECURE));
	yes("AT_UID", getauxval(AT_UID) == getuid());
	yes("AT_EXECFN", getauxval(AT_EXECFN) != 0);
	val("AT_BASE", (long)getauxval(AT_BASE));
	val("unknown", (long)getauxval(9999));
}

static void control(void)
{
	char name[20] = "";
	unsigned long base = 0;

	ret("PR_SET_NAME", prctl(PR_SET_NAME, "new name"));
	ret("PR_GET_NAME", prctl(PR_GET_NAME, name));
	say("name", "%s", name);
	ret("unknown prctl", prctl(987654));
	ret("ARCH_GET_FS", syscall(SYS_arch_prctl, 0x1003, &base));
	yes("thread pointer",
	    base == (unsigned long)__builtin_thread_pointer());
	ret("unknown arch_prctl", syscall(SYS_arch_prctl, 0x7777, &base));
	ret("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ret("PR_GET_DUMPABLE", prctl(PR_GET_DUMPABLE) >= 0 ? 0 : -1);
}

static bool file_has(const char *path, const char *text)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n, len = 0;

	while (fd >= 0 && len < (ssize_t)sizeof(buf) - 1 &&
	       (n = read(fd, buf + len, sizeof(buf) - 1 - (size_t)len)) > 0)
		len += n;
	if (fd >= 0)
		close(fd);
	buf[len] = '\0';
	return strstr(buf, text) != NULL;
}

static void proc(void)
{
	char path[PATH_MAX], text[64];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct stat st;
	int fd;

	yes("/proc/self/exe", n > 0 && path[0] == '/');
	snprintf(text, sizeof(text), "%d (", getpid());
	yes("/proc/self/stat", file_has("/proc/self/stat", text));
	yes("/proc/self/maps has the stack",
	    file_has("/proc/self/maps", "[stack]"));
	yes("/proc/self/status", file_has("/proc/self/status", "VmRSS:"));
	yes("/proc/meminfo", file_has("/proc/meminfo", "MemTotal:"));
	yes("/proc/cpuinfo", file_has("/proc/cpuinfo", "processor"));
	yes("/proc/self/cmdline", file_has("/proc/self/cmdline", "misc"));
	fd = open("/proc/self/exe", O_RDONLY);
	fstat(fd, &st);
	yes("program is a regular file", S_ISREG(st.st_mode) && st.st_size > 0);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	yes("/proc/self/fd", readlink(text, path, sizeof(path) - 1) == n);
	close(fd);
	ret("closed one", readlink(text, path, sizeof(path) - 1));
	ret("missing", open("/proc/self/nothing", O_RDONLY));
	ret("/proc/sys/vm/overcommit_memory",
	    access("/proc/sys/vm/overcommit_memory", R_OK));
}

static void devices(void)
{
	char buf[8] = "abcdefg";
	struct stat st;
	int fd = open("/dev/null", O_RDWR);

	ret("/dev/null write", write(fd, buf, 7));
	ret("/dev/null read", read(fd, buf, 7));
	fstat(fd, &st);
	say("type", "%#o %#lx", st.st_mode & S_IFMT, (unsigned long)st.st_rdev);
	ret("isatty", isatty(fd));
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	ret("/dev/zero read", read(fd, buf, 7));
	val("zero", buf[0] | buf[6]);
	ret("/dev/zero write", write(fd, buf, 7));
	close(fd);
	ret("/dev/full",
	    access("/dev/full", F_OK) == 0 ?
		    write(fd = open("/dev/full", O_WRONLY), "x", 1) :
		    -1);
	ret("/dev/nothing", open("/dev/nothing", O_RDONLY));
	stat("/tmp", &st);
	yes("/tmp is a directory", S_ISDIR(st.st_mode));
	stat("/", &st);
	yes("/ is a directory", S_ISDIR(st.st_mode));
}

int main(int argc, char **argv)
{
	abi_start();
	val("argc", argc);
	yes("argv ends", argv[argc] == NULL);
	yes("environment", environ != NULL);
	identity();
	unknown_calls();
	limits();
	processors();
	random_numbers();
	auxiliary();
	control();
	proc();
	devices();
	return 0;
}
