/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a monitor, in three steps: what can fail because of what the user
 * asked for comes first, so that nothing is running yet when it does.
 */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "host/cleanup.h"
#include "host/log.h"
#include "launch/start_message.h"

#define OOM_SCORE_PATH "/proc/self/oom_score_adj"
#define OOM_SCORE_MORE 500 /* thousandths of the memory */

/* ---- ports ------------------------------------------------------------- */

static int bind_failed(const struct port_map *m, int code, struct err *e)
{
	const char *proto = m->proto == IPPROTO_UDP ? "udp" : "tcp";

	if (code == EADDRINUSE)
		return err_set(e, code,
			       "port %u/%s of the host is already in "
			       "use",
			       m->host_port, proto);
	if (code == EACCES)
		return err_set(e, code,
			       "port %u/%s of the host needs "
			       "privileges; use a port from 1024 on",
			       m->host_port, proto);
	if (code == EADDRNOTAVAIL)
		return err_set(e, code,
			       "cannot publish port %u/%s: the host "
			       "does not have that address",
			       m->host_port, proto);
	return err_sys(e, code, "cannot publish port %u/%s", m->host_port,
		       proto);
}

/*
 * With SO_REUSEADDR Linux lets two sockets have one port until one of them
 * listens, and a program may listen late. So it is used only where needed:
 * when connections of an earlier instance still linger.
 */
static int bind_once(int fd, const struct port_map *m)
{
	const struct sockaddr *addr = (const struct sockaddr *)&m->addr;
	const int one = 1;

	if (bind(fd, addr, m->addr_len) == 0)
		return 0;
	if (errno != EADDRINUSE || m->proto == IPPROTO_UDP)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, addr, m->addr_len);
}

static int bind_port(const struct port_map *m, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	const int one = 1;
	int type = m->proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;

	fd = socket(m->addr.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return bind_failed(m, errno, e);
	if (m->addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind_once(fd, m) < 0)
		return bind_failed(m, errno, e);
	return take_fd(&fd);
}

static int bind_ports(struct launch *l, const struct run_options *o,
		      struct err *e)
{
	int fd;

	while (l->port_count < o->port_count) {
		fd = bind_port(&o->ports[l->port_count], e);
		if (fd < 0)
			return fd;
		l->port_fds[l->port_count++] = fd;
	}
	return 0;
}

/* ---- substrate --------------------------------------------------------- */

/* Of a snapshot there is nothing to choose. */
static int no_kvm_for_copy(const struct run_options *o, int code, struct err *e)
{
	return err_sys(e, code,
		       "%s was taken on the kvm substrate, and /dev/kvm "
		       "cannot be opened; a snapshot for here takes mayfly "
		       "snapshot --substrate process",
		       o->path);
}

static int pick_substrate(struct launch *l, const struct run_options *o,
			  struct err *e)
{
	enum mf_substrate want = o->substrate;
	int code;

	l->substrate = MF_SUBSTRATE_PROCESS;
	if (want == MF_SUBSTRATE_PROCESS)
		return 0;
	l->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (l->kvm_fd >= 0) {
		l->substrate = MF_SUBSTRATE_KVM;
		return 0;
	}
	code = errno;
	if (o->snapshot && o->snapshot->kind == MF_START_COPY)
		return no_kvm_for_copy(o, code, e);
	if (want == MF_SUBSTRATE_AUTO && code == EACCES)
		log_say("no permission for /dev/kvm (join the group kvm); "
			"using the process substrate");
	else if (want == MF_SUBSTRATE_AUTO)
		log_say("/dev/kvm is not there; using the process substrate");
	else if (code == EACCES)
		return err_set(e, code,
			       "no permission for /dev/kvm; add "
			       "yourself to the group kvm, or use --substrate "
			       "process");
	else
		return err_sys(e, code,
			       "cannot open /dev/kvm; use "
			       "--substrate process");
	return 0;
}

/* Nothing can have made a directory before the program starts. */
static int check_workdir(const struct run_options *o, const struct image *img,
			 struct err *e)
{
	struct erofs_inode ino;

	if (!o->cwd)
		return 0;
	if (erofs_lookup_path(&img->fs, o->cwd, &ino) < 0 || !S_ISDIR(ino.mode))
		return err_set(e, ENOTDIR,
			       "the working directory %s is not a directory "
			       "of the image",
			       o->cwd);
	return 0;
}

int launch_prepare(struct launch *ret, struct run_options *o,
		   const struct image *img, struct err *e)
{
	uint64_t need = img->manifest.memory_bytes;
	int r;

	ret->pid = 0;
	ret->ctl = -1;
	ret->kvm_fd = -1;
	ret->port_count = 0;
	ret->egress = NULL;
	ret->shell = false;
	if (o->memory_bytes && o->memory_bytes < need)
		return err_set(e, ENOMEM,
			       "the program needs at least %llum "
			       "of memory, more than the limit that --memory "
			       "sets",
			       (unsigned long long)((need + 0xfffff) >> 20));
	if (o->memory_bytes > MF_RAM_MAX)
		return err_set(e, EINVAL,
			       "the limit that --memory sets is "
			       "above %llug, the most a guest can have",
			       MF_RAM_MAX >> 30);
	r = check_workdir(o, img, e);
	if (r == 0)
		r = pick_substrate(ret, o, e);
	if (r == 0)
		r = bind_ports(ret, o, e);
	if (r == 0 && o->egress.count)
		r = egress_new(&ret->egress, &o->egress, &o->dns, e);
	return r;
}

/* ---- process ----------------------------------------------------------- */

struct child {
	const char *path;
	int ctl; /* MF_CTL_FD: our descriptors are not copied before */
	const char *oom_score; /* or NULL: ours */
	int code; /* the errno, if exec failed */
};

/*
 * Runs in the new process, on our memory, while we wait. posix_spawn() would
 * do the same, after 130 calls that look at signal handlers we do not have.
 * Of descriptors that it shares with us it takes copies of the few it needs.
 */
static void set_oom_score(const char *score)
{
	int fd = open(OOM_SCORE_PATH, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, score, strlen(score)) >= 0)
		close(fd);
}

static int child_main(void *arg)
{
	char name[] = "mayfly-monitor";
	char *argv[] = { name, NULL }, *envp[] = { NULL };
	struct child *c = arg;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (c->ctl != MF_CTL_FD)
		dup2(c->ctl, MF_CTL_FD);
	close_range(MF_CTL_FD + 1, ~0u,
		    c->ctl == MF_CTL_FD ? CLOSE_RANGE_UNSHARE : 0);
	fcntl(MF_CTL_FD, F_SETFD, 0);
	if (c->oom_score)
		set_oom_score(c->oom_score);
	execve(c->path, argv, envp);
	c->code = errno;
	_exit(127);
}

static int spawn(pid_t *ret, struct child c)
{
	static _Alignas(16) char stack[16384];
	pid_t pid;

	pid = clone(child_main, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | SIGCHLD |
			    (c.ctl == MF_CTL_FD ? CLONE_FILES : 0),
		    &c);
	if (pid < 0)
		return -errno;
	if (c.code) {
		waitpid(pid, NULL, 0);
		return -c.code;
	}
	*ret = pid;
	return 0;
}

/*
 * A monitor that was killed leaves its guest's process behind for a moment;
 * it dies of PR_SET_PDEATHSIG and becomes ours to wait for. Not so if we have
 * children already (a shell ran something, then exec): they may live on.
 */
void launch_adopt_orphans(struct launch *l)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 &&
	    errno == ECHILD)
		l->adopts = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

int launch_spawn(struct launch *l, const char *monitor_path, struct err *e)
{
	AUTO_CLOSE int theirs = -1;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "cannot make the control socket");
	launch_adopt_orphans(l);
	l->ctl = pair[0];
	theirs = pair[1];
	r = spawn(&l->pid,
		  (struct child){ .path = monitor_path, .ctl = theirs });
	if (r < 0) {
		l->pid = 0;
		return err_sys(e, -r, "cannot start %s", monitor_path);
	}
	return 0;
}

/*
 * If the host's memory runs out, one of many monitors is to be ended and not
 * we, with whom all would end.
 */
static const char *oom_score(void)
{
	static char text[24];
	AUTO_CLOSE int fd = -1;
	long score;

	if (text[0])
		return text;
	fd = open(OOM_SCORE_PATH, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return NULL;
	score = strtol(text, NULL, 10) + OOM_SCORE_MORE;
	snprintf(text, sizeof(text), "%ld", score > 1000 ? 1000 : score);
	return text;
}

int launch_spawn_next(pid_t *ret_pid, int *ret_ctl, const char *monitor_path,
		      struct err *e)
{
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "cannot make a control socket");
	ours = pair[0];
	theirs = pair[1];
	if (dup3(theirs, MF_CTL_FD, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot hand over a control socket");
	r = spawn(ret_pid, (struct child){ .path = monitor_path,
					   .ctl = MF_CTL_FD,
					   .oom_score = oom_score() });
	dup3(STDIN_FILENO, MF_CTL_FD, O_CLOEXEC);
	if (r < 0)
		return err_sys(e, -r, "cannot start %s", monitor_path);
	*ret_ctl = take_fd(&ours);
	return 0;
}

int launch_send_shell(struct launch *l, const struct mf_snapshot_facts *f,
		      struct err *e)
{
	struct start_message m;
	unsigned n = 0;
	int r;

	r = start_message_init_shell(&m, e);
	if (r < 0)
		return r;
	m.start->substrate = l->substrate;
	m.start->ram_size = f->ram_size;
	m.start->ram_max = f->ram_max;
	m.start->image_size = f->image_size;
	if (l->kvm_fd >= 0) {
		start_message_add_kvm(&m, l->kvm_fd);
		n = 1;
	}
	r = start_message_send(&m, l->ctl, &l->kvm_fd, n);
	start_message_fini(&m);
	l->shell = r == 0;
	return r < 0 ? err_sys(e, -r, "cannot talk to the monitor") : 0;
}

int launch_send(struct launch *l, const struct run_options *o,
		const struct image *img, struct err *e)
{
	int fds[START_MESSAGE_FDS_MAX];
	unsigned n = 0, i;
	struct start_message m;
	int r;

	r = start_message_init(&m, o, img, e);
	if (r < 0)
		return r;
	m.start->substrate = l->substrate;
	snprintf(l->name, sizeof(l->name), "%s",
		 (const char *)(m.start + 1) + m.start->hostname_off);
	fds[n++] = img->fd;
	if (l->kvm_fd >= 0 && !l->shell) {
		start_message_add_kvm(&m, l->kvm_fd);
		fds[n++] = l->kvm_fd;
	}
	for (i = 0; i < l->port_count; i++)
		fds[n++] = l->port_fds[i];
	if (o->trace)
		fds[n++] = o->trace->fd;
	if (o->snapshot)
		fds[n++] = o->snapshot->fd;
	r = start_message_send(&m, l->ctl, fds, n);
	start_message_fini(&m);
	/* A monitor that is dead already: supervise() says how it ended. */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_sys(e, -r, "cannot talk to the monitor");
	/* They are the monitor's now: a port is free when it has closed it. */
	for (i = 0; i < l->port_count; i++)
		close(l->port_fds[i]);
	l->port_count = 0;
	return 0;
}

int launch_send_again(struct launch *l, const struct run_options *o,
		      struct err *e)
{
	struct start_message m;
	int r = start_message_init_again(&m, o, e);

	if (r < 0)
		return r;
	m.start->substrate = l->substrate;
	m.start->keep = 1;
	r = start_message_send(&m, l->ctl, NULL, 0);
	start_message_fini(&m);
	return r < 0 ? err_sys(e, -r, "cannot talk to the monitor") : 0;
}

int launch_wait_event(const struct launch *l, enum mf_event_kind kind,
		      int timeout_ms, struct err *e)
{
	static struct {
		struct mf_ctl_event ev;
		char text[4096];
	} m;
	struct pollfd p = { .fd = l->ctl, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, timeout_ms) == 0)
			return err_set(e, ETIMEDOUT,
				       "it does not come to wait "
				       "for work");
		n = recv(l->ctl, &m, sizeof(m) - 1, 0);
		/* It ended without reading our command: what it said comes. */
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n < (ssize_t)sizeof(m.ev))
			return err_set(e, EIO, "its monitor is gone");
		((char *)&m)[n] = '\0';
		if (m.ev.kind == kind)
			return m.text[0] && kind == MF_EV_TOUCHED ?
				       err_set(e, EIO, "%s", m.text) :
				       0;
		if (m.ev.kind == MF_EV_EXITED)
			return err_set(e, EIO, "it ended: %s", m.text);
	}
}

static void reap(const struct launch *l)
{
	pid_t which = l->adopts ? -1 : l->pid;

	while ((which > 0 || l->adopts) &&
	       (waitpid(which, NULL, 0) > 0 || errno == EINTR))
		;
}

void launch_fini(struct launch *l)
{
	uint32_t i;

	if (l->pid > 0)
		kill(l->pid, SIGKILL);
	reap(l);
	if (l->ctl >= 0)
		close(l->ctl);
	if (l->kvm_fd >= 0)
		close(l->kvm_fd);
	for (i = 0; i < l->port_count; i++)
		close(l->port_fds[i]);
	egress_free(l->egress);
	*l = (struct launch){ .ctl = -1, .kvm_fd = -1 };
}
