/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of `mayfly doctor`. They look and change nothing; what they do
 * not find falls back to something that the finding names.
 */
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/sealed.h"
#include "host/cleanup.h"
#include "image/mkfs.h"
#include "launch/paths.h"

void doctor_found(struct finding *f, enum doctor_level level, const char *fmt,
		  ...)
{
	va_list ap;

	f->level = level;
	va_start(ap, fmt);
	vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
}

void doctor_remedy(struct finding *f, const char *text)
{
	snprintf(f->remedy, sizeof(f->remedy), "%s", text);
}

/* The first line of a small file; false if it cannot be read. */
static bool read_line(const char *path, char *ret, int size)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");

	if (!f || !fgets(ret, size, f))
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

/* The flags of the first CPU, with a blank at both ends. */
static const char *cpu_flags(void)
{
	static char line[8192];
	AUTO_FCLOSE FILE *f = fopen("/proc/cpuinfo", "re");
	char *colon;

	while (f && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (strncmp(line, "flags", 5) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = ' ';
		return colon + 1;
	}
	return " ";
}

static bool cpu_has(const char *flag)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", flag);
	return strstr(cpu_flags(), word) != NULL;
}

/* ---- the kvm substrate ------------------------------------------------- */

static void look_kvm(struct finding *f)
{
	AUTO_CLOSE int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	AUTO_CLOSE int vm = -1;
	int version;

	if (fd < 0 && errno == EACCES) {
		doctor_found(f, DOCTOR_WARN,
			     "no permission for /dev/kvm; programs "
			     "run on the process substrate");
		doctor_remedy(f,
			      "join the group kvm: sudo usermod -aG kvm $USER, "
			      "then log in again");
		return;
	}
	if (fd < 0) {
		doctor_found(f, DOCTOR_WARN,
			     "/dev/kvm is not there (%s); programs "
			     "run on the process substrate",
			     strerror(errno));
		doctor_remedy(f,
			      "load the module kvm_intel or kvm_amd, or allow "
			      "nested virtualization");
		return;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		vm = ioctl(fd, KVM_CREATE_VM, 0);
	if (vm < 0) {
		doctor_found(f, DOCTOR_FAIL,
			     "/dev/kvm cannot make a virtual machine "
			     "(API version %d)",
			     version);
		doctor_remedy(f, "use --substrate process");
		return;
	}
	doctor_found(f, DOCTOR_OK,
		     "/dev/kvm makes virtual machines (API version %d)",
		     version);
}

static void look_hardware(struct finding *f)
{
	if (cpu_has("vmx") || cpu_has("svm"))
		doctor_found(f, DOCTOR_OK, "the CPU offers %s",
			     cpu_has("vmx") ? "VMX" : "SVM");
	else
		doctor_found(f, DOCTOR_OK,
			     "the CPU offers neither VMX nor SVM; "
			     "kvm emulates ring 0, which guests do "
			     "not use");
}

/* ---- the CPU ----------------------------------------------------------- */

static void look_cpu(struct finding *f)
{
	static const char *const needed[] = { "fsgsbase", "xsave", "nx" };
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (cpu_has(needed[i]))
			continue;
		doctor_found(f, DOCTOR_FAIL, "the CPU lacks %s", needed[i]);
		doctor_remedy(
			f, "use a machine, or a CPU model of the hypervisor, "
			   "that has it");
		return;
	}
	doctor_found(f, DOCTOR_OK, "fsgsbase, xsave and nx are there");
}

static void look_tsc(struct finding *f)
{
	if (cpu_has("constant_tsc") && cpu_has("nonstop_tsc")) {
		doctor_found(f, DOCTOR_OK,
			     "the time stamp counter is constant");
		return;
	}
	doctor_found(f, DOCTOR_WARN,
		     "the time stamp counter may change its pace; "
		     "clocks in guests may drift");
	doctor_remedy(f,
		      "use a CPU model of the hypervisor with constant_tsc and "
		      "nonstop_tsc");
}

/* ---- the system -------------------------------------------------------- */

static void look_seccomp(struct finding *f)
{
	if (prctl(PR_GET_SECCOMP) < 0) {
		doctor_found(f, DOCTOR_FAIL, "the kernel has no seccomp");
		doctor_remedy(f, "use a kernel with CONFIG_SECCOMP_FILTER");
		return;
	}
	doctor_found(f, DOCTOR_OK, "monitors are confined by seccomp");
}

static void look_dispatch(struct finding *f)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0) <
	    0) {
		doctor_found(f, DOCTOR_WARN,
			     "the kernel has no Syscall User "
			     "Dispatch; only the kvm substrate works");
		doctor_remedy(f, "use Linux 5.11 or later");
		return;
	}
	doctor_found(f, DOCTOR_OK,
		     "system calls of guest processes can be caught");
}

static void look_userns(struct finding *f)
{
	char text[32] = "";

	if (access("/proc/self/ns/user", F_OK) < 0 ||
	    !read_line("/proc/sys/user/max_user_namespaces", text,
		       sizeof(text)) ||
	    strcmp(text, "0") == 0 ||
	    (read_line("/proc/sys/kernel/unprivileged_userns_clone", text,
		       sizeof(text)) &&
	     strcmp(text, "0") == 0 && geteuid() != 0)) {
		doctor_found(f, DOCTOR_WARN,
			     "no user namespaces; monitors keep your "
			     "user and root directory, seccomp still "
			     "confines them");
		doctor_remedy(f, "sysctl kernel.unprivileged_userns_clone=1 "
				 "user.max_user_namespaces=10000");
		return;
	}
	doctor_found(f, DOCTOR_OK, "user namespaces are there");
}

static void look_mkfs(struct finding *f)
{
	int r = mkfs_probe();

	if (r == 0) {
		doctor_found(f, DOCTOR_OK, "mkfs.erofs is installed");
		return;
	}
	doctor_found(f, DOCTOR_FAIL,
		     "mkfs.erofs: %s; programs cannot be sealed, "
		     "images run",
		     strerror(-r));
	doctor_remedy(f, "install the package erofs-utils");
}

static void look_parts(struct finding *f)
{
	static char path[PATHS_MAX + 32];
	static struct paths paths;
	struct err e;

	if (paths_find(&paths, &e) < 0) {
		doctor_found(f, DOCTOR_FAIL, "%.150s", e.text);
		doctor_remedy(f, "install mayfly again");
		return;
	}
	if (paths_libexec(path) == 0)
		strncat(path, "/mayfly-spawner", 16);
	if (access(path, X_OK) < 0) {
		doctor_found(f, DOCTOR_FAIL,
			     "mayfly-spawner is missing: it belongs beside "
			     "mayfly-monitor");
		doctor_remedy(f, "install mayfly again");
		return;
	}
	doctor_found(f, DOCTOR_OK,
		     "the monitor, the spawner and the guest kernel are in "
		     "place");
}

static void look_cache(struct finding *f)
{
	struct err e;

	if (sealed_probe(&e) < 0) {
		doctor_found(f, DOCTOR_WARN,
			     "%.100s; programs are sealed at each "
			     "start",
			     e.text);
		doctor_remedy(f, "set XDG_CACHE_HOME to a directory of yours");
		return;
	}
	doctor_found(f, DOCTOR_OK, "the cache directory can be written");
}

const struct doctor_check doctor_checks[] = {
	{ "kvm", look_kvm },
	{ "hardware", look_hardware },
	{ "cpu", look_cpu },
	{ "clock", look_tsc },
	{ "seccomp", look_seccomp },
	{ "dispatch", look_dispatch },
	{ "namespaces", look_userns },
	{ "mkfs.erofs", look_mkfs },
	{ "parts", look_parts },
	{ "cache", look_cache },
	{ "cgroup", doctor_look_cgroup },
	{ "pressure", doctor_look_pressure },
	{ "files", doctor_look_files },
	{ "memory", doctor_look_memory },
	{ "state", doctor_look_state },
	{ "port", doctor_look_port },
	{ "user", doctor_look_user },
	{ NULL, NULL },
};
