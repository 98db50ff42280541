/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone, and what the new process does before it is a monitor. It runs on our
 * memory while we wait, where it can; into a cgroup of version 2 Linux puts it
 * only by clone3, with which C cannot share a stack: there it gets a copy.
 * Either way it makes system calls only, and says in `report` what failed.
 *
 * The monitor keeps one capability of root, to change its root directory: it
 * reads the start message, which comes from mayflyd, as a user that owns
 * nothing. It dies with us: PR_SET_PDEATHSIG comes after the change of user,
 * which would reset it, and lasts through exec and the monitor's jail.
 */
#include "spawner/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"

#define STACK_SIZE 16384

/* What the new process tells us, in memory that both see. */
struct report {
	int code; /* an errno; 0: it runs the monitor */
	const char *what; /* that failed */
	uid_t uid;
};

struct start {
	const struct child_config *c;
	const int *fds;
	const struct group *group; /* to enter; or NULL */
	pid_t parent;
	struct report *report;
};

static _Noreturn void give_up(const struct start *s, const char *what, int code)
{
	s->report->what = what;
	s->report->code = code;
	_exit(127);
}

static void set_oom_score(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, score, strlen(score)) >= 0)
		close(fd);
}

/* ---- its user ----------------------------------------------------------- */

/* No two live processes have one number, so a range as large as theirs has one
 * for each; of a smaller one the next that is free. */
static uid_t pick_uid(const struct child_config *c)
{
	uid_t at = (uid_t)syscall(SYS_getpid) % c->uids.count;

	for (uid_t i = 0; i < c->uids.count; i++) {
		uid_t uid = c->uids.first + (at + i) % c->uids.count;

		if (!c->uid_taken(c->arg, uid))
			return uid;
	}
	return 0;
}

static bool keep_chroot_only(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {
		{ .permitted = 1u << CAP_SYS_CHROOT,
		  .inheritable = 1u << CAP_SYS_CHROOT },
	};

	return syscall(SYS_capset, &head, caps) == 0 &&
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0,
		     0) == 0;
}

/* By the system calls: those of the C library are for a whole process. */
static void change_user(const struct start *s)
{
	uid_t uid = pick_uid(s->c);

	if (!uid)
		give_up(s, "no user of the range is free", EUSERS);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresgid, uid, uid, uid) < 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) < 0 || !keep_chroot_only())
		give_up(s, "cannot change the user", errno);
	s->report->uid = uid;
}

/* ---- the new process ---------------------------------------------------- */

static void place_fds(const struct start *s)
{
	static const int places[SPAWNER_FD_COUNT] = {
		[SPAWNER_FD_CONTROL] = SPAWNER_FD,
		[SPAWNER_FD_STDIN] = STDIN_FILENO,
		[SPAWNER_FD_STDOUT] = STDOUT_FILENO,
		[SPAWNER_FD_STDERR] = STDERR_FILENO,
	};

	for (int i = 0; i < SPAWNER_FD_COUNT; i++) {
		if (dup2(s->fds[i], places[i]) < 0)
			give_up(s, "cannot hand over a descriptor", errno);
	}
}

static int child_main(void *arg)
{
	char name[] = "mayfly-monitor";
	char *argv[] = { name, NULL }, *envp[] = { NULL };
	const struct start *s = arg;
	sigset_t none;
	int r;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	r = s->group ? groups_enter(s->c->groups, s->group) : 0;
	if (r < 0)
		give_up(s, "cannot enter its cgroup", -r);
	if (s->c->oom_score[0])
		set_oom_score(s->c->oom_score);
	place_fds(s);
	if (s->c->uids.count)
		change_user(s);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		give_up(s, "cannot bind its life to ours", errno);
	if ((pid_t)syscall(SYS_getppid) != s->parent)
		give_up(s, "the spawner is gone", ESRCH);
	syscall(SYS_execveat, s->c->monitor, "", argv, envp, AT_EMPTY_PATH);
	give_up(s, "cannot run the monitor", errno);
}

/* ---- ours --------------------------------------------------------------- */

static pid_t clone_here(struct start *s)
{
	static _Alignas(16) char stack[STACK_SIZE];
	pid_t pid = clone(child_main, stack + sizeof(stack),
			  CLONE_VM | CLONE_VFORK | SIGCHLD, s);

	return pid < 0 ? -errno : pid;
}

static pid_t clone_into(struct start *s, int group_fd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_VFORK,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)group_fd,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(child_main(s));
	return pid < 0 ? -errno : (pid_t)pid;
}

static pid_t start(struct start *s, const struct group *group)
{
	AUTO_CLOSE int fd = -1;

	if (!group || s->c->groups->kind != SPAWNER_CGROUPS_V2) {
		s->group = group;
		return clone_here(s);
	}
	fd = groups_open(s->c->groups, group);
	return fd < 0 ? fd : clone_into(s, fd);
}

static struct report *shared_report(void)
{
	static struct report *report;
	void *at;

	if (report)
		return report;
	at = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? NULL : (report = at);
}

int child_start(const struct child_config *c, const int *fds,
		const struct group *group, struct child *ret, struct err *e)
{
	struct start s = { .c = c,
			   .fds = fds,
			   .parent = getpid(),
			   .report = shared_report() };
	pid_t pid;

	if (!s.report)
		return err_set(e, ENOMEM, "no memory to start a monitor");
	*s.report = (struct report){ 0 };
	pid = start(&s, group);
	if (pid < 0)
		return err_sys(e, -pid, "cannot make a process");
	if (s.report->code) {
		waitpid(pid, NULL, 0);
		return err_sys(e, s.report->code, "cannot start a monitor: %s",
			       s.report->what);
	}
	ret->pid = pid;
	ret->uid = s.report->uid;
	return 0;
}
