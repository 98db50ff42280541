/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes of deploys. Between fork and exec only system calls are
 * made: this process has a second thread. The pipe is not waited for, only
 * emptied: who has it may outlive the child.
 */
#include "daemon/api/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/api/deploy_job.h"
#include "host/cleanup.h"
#include "lib/list.h"

#define STATUS_NO_EXEC 126
#define READS_MAX      16 /* of one turn */

static _Noreturn void child_main(const struct api_child_job *job, int out,
				 pid_t parent)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 ||
	    dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(STATUS_NO_EXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (job->sync_fd >= 0 && fsync(job->sync_fd) < 0)
		_exit(STATUS_NO_EXEC);
	if (!job->argv)
		_exit(0);
	execve(job->argv[0], job->argv, job->env);
	_exit(STATUS_NO_EXEC);
}

/* ---- output ---- */

/* Keeps the last of it. */
static void keep(struct api_child *c, const char *data, size_t len)
{
	size_t drop;

	if (len > API_CHILD_OUTPUT) {
		data += len - API_CHILD_OUTPUT;
		len = API_CHILD_OUTPUT;
	}
	drop = c->len + len > API_CHILD_OUTPUT ?
		       c->len + len - API_CHILD_OUTPUT :
		       0;
	memmove(c->text, c->text + drop, c->len - drop);
	memcpy(c->text + c->len - drop, data, len);
	c->len += len - drop;
	c->text[c->len] = '\0';
}

static void read_output(struct api_child *c)
{
	char buf[4096];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(c->fd, buf, sizeof(buf));

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			loop_unwatch(&c->output);
			return;
		}
		keep(c, buf, (size_t)n);
	}
}

static void on_output(struct loop_watch *w, uint32_t events)
{
	(void)events;
	read_output(container_of(w, struct api_child, output));
}

/* ---- the end ---- */

static int reap(struct api_child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	loop_unwatch(&c->end);
	loop_unwatch(&c->output);
	close(take_fd(&c->pidfd));
	close(take_fd(&c->fd));
	c->pid = 0;
	return status;
}

static void on_end(struct loop_watch *w, uint32_t events)
{
	struct api_child *c = container_of(w, struct api_child, end);
	int status;

	(void)events;
	if (c->output.loop)
		read_output(c);
	status = reap(c);
	c->done(c, status);
}

static void child_free(struct api_child *c)
{
	if (c->leftovers)
		deploy_remove_drafts(c->leftovers);
	list_del(&c->node);
	free(c->leftovers);
	free(c);
}

/* It was killed; perhaps when its file had just got its name. */
static void left_ended(struct api_child *c, int wait_status)
{
	(void)wait_status;
	if (c->leftovers)
		unlink(c->leftovers);
	child_free(c);
}

void api_child_leave(struct api_child *c, struct list *list,
		     const char *leftovers)
{
	if (!c)
		return;
	list_init(&c->node);
	c->leftovers = leftovers ? strdup(leftovers) : NULL;
	if (c->pid <= 0) {
		child_free(c);
		return;
	}
	c->done = left_ended;
	list_add_tail(list, &c->node);
	kill(c->pid, SIGKILL);
}

void api_children_end(struct list *list)
{
	while (!list_empty(list)) {
		struct api_child *c =
			container_of(list->next, struct api_child, node);

		left_ended(c, reap(c));
	}
}

static int watch(struct api_child *c)
{
	int r;

	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0)
		return -errno;
	fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	c->end.ready = on_end;
	c->output.ready = on_output;
	r = loop_watch(c->loop, &c->end, c->pidfd, EPOLLIN);
	return r < 0 ? r : loop_watch(c->loop, &c->output, c->fd, EPOLLIN);
}

int api_child_start(struct api_child *c, struct loop *l,
		    const struct api_child_job *job, struct err *e)
{
	pid_t parent = getpid();
	int pipes[2], r;

	c->loop = l;
	c->pidfd = c->fd = -1;
	c->len = 0;
	c->text[0] = '\0';
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	c->fd = pipes[0];
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->pid = fork();
	if (c->pid == 0)
		child_main(job, pipes[1], parent);
	r = c->pid < 0 ? -errno : 0;
	close(pipes[1]);
	if (r < 0)
		close(take_fd(&c->fd));
	else
		r = watch(c);
	if (r < 0 && c->pid > 0) {
		kill(c->pid, SIGKILL);
		(void)reap(c);
	}
	return r < 0 ? err_sys(e, -r, "cannot start a process") : 0;
}
