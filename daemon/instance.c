/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor tells becomes calls of dispatch: an instance is ready, or it
 * is over. Reset and next start are sent in one go; what comes until EXITED
 * is of the life that ends, what comes after it of the next.
 */
#include "daemon/instance.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/dispatch_private.h"
#include "daemon/walls.h"
#include "host/cleanup.h"

#define BACKLOG	     1024
#define PROBE_MS_MAX 50u
#define FINISH_MS    2000u
#define MS_NS	     1000000ull

static const struct vm_ops instance_vm_ops;

/* ---- the socket it listens on -------------------------------------------- */

static struct sockaddr_un socket_addr(const struct instance *i)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s",
		 i->dispatch->sockets_fd, i->socket_name);
	return a;
}

/*
 * Bound here; it listens at once for a copy that did when its snapshot was
 * taken, and else when the program does.
 */
static int make_socket(struct instance *i, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct sockaddr_un a;

	snprintf(i->socket_name, sizeof(i->socket_name), "%llx",
		 (unsigned long long)++i->dispatch->sockets_made);
	a = socket_addr(i);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    (i->plan->listens && listen(fd, BACKLOG) < 0)) {
		i->socket_name[0] = '\0';
		return err_sys(e, errno, "cannot make the socket of %s",
			       i->plan->version->function->name);
	}
	return take_fd(&fd);
}

static void remove_socket(struct instance *i)
{
	struct instance_link *l;

	while (!list_empty(&i->links)) {
		l = container_of(i->links.next, struct instance_link, node);
		list_del(&l->node);
		l->drop(l);
	}
	if (i->socket_name[0])
		unlinkat(i->dispatch->sockets_fd, i->socket_name, 0);
	i->socket_name[0] = '\0';
}

int instance_connect(struct instance *i)
{
	struct sockaddr_un a;
	AUTO_CLOSE int fd = -1;

	if (!i->socket_name[0])
		return -ECONNREFUSED;
	a = socket_addr(i);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return take_fd(&fd);
}

struct instance_link *instance_take_link(struct instance *i)
{
	struct list *n;

	if (list_empty(&i->links))
		return NULL;
	n = i->links.next;
	list_del(n);
	return container_of(n, struct instance_link, node);
}

void instance_keep(struct instance *i, struct instance_link *l)
{
	list_init(&l->node);
	if (i->over || i->plan->version->spec.isolation == ISOLATION_REQUEST)
		l->drop(l);
	else
		list_add_head(&i->links, &l->node);
}

void instance_stdio(struct instance *i, int *ret_in, int *ret_out)
{
	*ret_in = i->vm ? take_fd(&i->vm->in_fd) : -1;
	*ret_out = i->vm ? take_fd(&i->vm->out_fd) : -1;
}

const char *instance_id(const struct instance *i)
{
	return i->life.id;
}

/* ---- references ---------------------------------------------------------- */

void instance_ref(struct instance *i)
{
	i->refs++;
}

void instance_unref(struct instance *i)
{
	if (--i->refs)
		return;
	list_del(&i->node);
	dispatch_forget(i);
	free(i);
}

/* ---- lives --------------------------------------------------------------- */

static bool is_stdio(const struct instance *i)
{
	return i->plan->version->spec.mode == FUNCTION_STDIO;
}

static void log_request(struct instance *i, const char *id)
{
	snprintf(i->log_request, sizeof(i->log_request), "%s", id);
	i->out_log.source.request = i->err_log.source.request =
		id[0] ? i->log_request : NULL;
}

static void begin_life(struct instance *i, const struct plan_identity *id,
		       bool again)
{
	struct life *life = &i->life;

	*life = (struct life){ .born_ns = loop_now_ns(i->dispatch->loop),
			       .again = again };
	for (size_t k = 0; k < sizeof(id->id); k++)
		snprintf(life->id + 2 * k, 3, "%02x", id->id[k]);
	i->exited = false;
	i->why[0] = i->crash[0] = '\0';
	dispatch_born(i);
	log_request(i, "");
}

/*
 * What comes late belongs to the request that was; until there is another one
 * it is left at that. What is in the pipes by then is still the old one's.
 */
void instance_log_for(struct instance *i)
{
	const struct dispatch_request *r = NULL;

	if (list_empty(&i->requests))
		return;
	if (i->requests.next == i->requests.prev)
		r = container_of(i->requests.next, struct dispatch_request,
				 node);
	if (i->log_request[0]) {
		log_pipe_flush(&i->out_log);
		log_pipe_flush(&i->err_log);
	}
	log_request(i, r ? r->id : "");
}

static int open_log(struct instance *i, struct log_pipe *p, int fd,
		    const char *stream)
{
	p->source = (struct log_source){
		.function = i->plan->version->function->name,
		.version = i->plan->version->number,
		.instance = i->life.id,
		.stream = stream,
		.gone = &i->plan->version->function->removed,
	};
	return log_pipe_open(p, i->dispatch->loop, i->dispatch->logs, fd);
}

static int open_logs(struct instance *i)
{
	int r = 0;

	if (!is_stdio(i))
		r = open_log(i, &i->out_log, take_fd(&i->vm->out_fd), "stdout");
	if (r == 0)
		r = open_log(i, &i->err_log, take_fd(&i->vm->err_fd), "stderr");
	return r;
}

static void close_logs(struct instance *i)
{
	log_pipe_close(&i->out_log);
	log_pipe_close(&i->err_log);
}

/* ---- starting ------------------------------------------------------------ */

static void on_timer(struct loop_timer *t);

static void set_timer(struct instance *i, uint64_t ms)
{
	struct loop *l = i->dispatch->loop;

	/* Without room for a timer it is only not ended in time. */
	(void)loop_timer_set(l, &i->timer, loop_now_ns(l) + ms * MS_NS);
}

static int start_program(struct instance *i, bool shell, struct err *e)
{
	AUTO_CLOSE int listen_fd = make_socket(i, e);
	struct plan_start s = { .ctl = i->vm->ctl,
				.listen_fd = listen_fd,
				.shell = shell };
	struct plan_identity id;
	int r;

	if (listen_fd < 0)
		return listen_fd;
	/* It reads the end of its input, as /dev/null would have it. */
	close(take_fd(&i->vm->in_fd));
	r = plan_send(i->plan, &s, &id, e);
	if (r == 0)
		begin_life(i, &id, false);
	return r;
}

/* A machine that waits for the variables of a request. */
static int start_waiting(struct instance *i, bool shell, struct err *e)
{
	if (!shell)
		return plan_send_shell(i->vm->ctl, i->plan->kvm_fd, e);
	dispatch_ready_later(i);
	return 0;
}

static int get_vm(struct instance *i, bool *ret_shell, struct err *e)
{
	const struct spec *spec = &i->plan->version->spec;
	const struct spawner_limits limits = walls_of(spec);
	struct dispatch *d = i->dispatch;

	*ret_shell = false;
	/* What is not kept promises a machine that was made for its request. */
	if (spec->keep_ms || is_stdio(i))
		i->vm = shells_take(&d->shells, i->plan->substrate);
	*ret_shell = i->vm != NULL;
	if (i->vm && spec->cpu_milli)
		vm_limit(i->vm, &limits);
	else
		i->limit_later = i->vm != NULL;
	if (i->vm)
		return 0;
	return vm_new(&i->vm, d->vms, &limits, e);
}

static void on_ready_soon(struct loop_task *t);

int instance_new(struct instance **ret, struct dispatch *d, struct pool *p,
		 struct err *e)
{
	struct instance *i = calloc(1, sizeof(*i));
	bool shell;
	int r;

	if (!i)
		return err_set(e, ENOMEM, "out of memory");
	i->dispatch = d;
	i->pool = p;
	i->plan = &p->plan;
	i->refs = 1;
	i->timer.fire = on_timer;
	i->ready_soon.run = on_ready_soon;
	list_init(&i->requests);
	list_init(&i->links);
	list_init(&i->node);
	r = get_vm(i, &shell, e);
	if (r < 0) {
		free(i);
		return r;
	}
	vm_set_owner(i->vm, &instance_vm_ops, i);
	r = open_logs(i);
	if (r < 0)
		err_sys(e, -r, "cannot read what an instance writes");
	else
		r = is_stdio(i) ? start_waiting(i, shell, e) :
				  start_program(i, shell, e);
	if (r < 0)
		goto out_vm;
	list_add_tail(&d->instances, &i->node);
	set_timer(i, i->plan->version->spec.start_ms);
	*ret = i;
	return 0;
out_vm:
	remove_socket(i);
	close_logs(i);
	vm_free(i->vm);
	free(i);
	return r;
}

int instance_fill(struct instance *i, const struct strlist *env, struct err *e)
{
	const struct plan_start s = {
		.ctl = i->vm->ctl, .listen_fd = -1, .shell = true, .env = env
	};
	struct plan_identity id;
	int r = plan_send(i->plan, &s, &id, e);

	if (r < 0) {
		snprintf(i->why, sizeof(i->why), "%s", e->text);
		vm_kill(i->vm);
		return r;
	}
	i->filled = true;
	begin_life(i, &id, false);
	return 0;
}

static void limit(struct instance *i)
{
	const struct spawner_limits limits = walls_of(&i->plan->version->spec);

	vm_limit(i->vm, &limits);
	i->limit_later = false;
}

static void become_ready(struct instance *i)
{
	loop_timer_cancel(i->dispatch->loop, &i->timer);
	/* The monitor itself has counted memory all the time. */
	if (i->limit_later)
		limit(i);
	i->told_ready = true;
	i->life.ready_ns = loop_now_ns(i->dispatch->loop);
	liveness_start(&i->liveness, i);
	dispatch_ready(i);
}

static void on_ready_soon(struct loop_task *t)
{
	become_ready(container_of(t, struct instance, ready_soon));
}

/* A program that booted waits for something; for connections, too? */
static void probe(struct instance *i)
{
	int fd = instance_connect(i);

	if (fd >= 0) {
		close(fd);
		become_ready(i);
		return;
	}
	i->probe_ms = i->probe_ms ? i->probe_ms * 2 : 1;
	if (i->probe_ms > PROBE_MS_MAX)
		i->probe_ms = PROBE_MS_MAX;
	set_timer(i, i->probe_ms);
}

static bool start_took_too_long(const struct instance *i)
{
	uint64_t ms = i->plan->version->spec.start_ms;

	return loop_now_ns(i->dispatch->loop) - i->sched.since_ns >= ms * MS_NS;
}

static void on_timer(struct loop_timer *t)
{
	struct instance *i = container_of(t, struct instance, timer);

	if (!i->vm)
		return;
	if (i->exited || (i->stopping && i->stop_why == SCHED_STOP_BROKEN)) {
		vm_kill(i->vm);
	} else if (i->stopping) {
		vm_finish(i->vm);
		i->stop_why = SCHED_STOP_BROKEN;
		set_timer(i, i->plan->version->spec.grace_ms);
	} else if (!i->told_ready && !start_took_too_long(i)) {
		probe(i);
	} else if (!i->told_ready) {
		i->timed_out = true;
		vm_kill(i->vm);
	}
}

/* ---- ending -------------------------------------------------------------- */

/* The request it served is answered: it becomes as new. */
void instance_recycle(struct instance *i)
{
	struct plan_identity id;
	struct err e;

	vm_finish(i->vm);
	i->recycling = true;
	i->told_ready = false;
	set_timer(i, i->plan->version->spec.start_ms);
	if (plan_send_again(i->plan, i->vm->ctl, &id, &e) < 0) {
		i->recycling = false;
		return;
	}
	i->next_id = id;
}

/* One that nobody used, or may use, has nothing to say any more. */
static bool is_asked(const struct instance *i, enum sched_stop why)
{
	return !is_stdio(i) && why != SCHED_STOP_BROKEN &&
	       i->plan->version->spec.isolation == ISOLATION_REUSE &&
	       i->told_ready;
}

void instance_stop(struct instance *i, enum sched_stop why)
{
	uint32_t signal = i->plan->image.manifest.stop_signal;

	i->stopping = true;
	i->stop_why = why;
	liveness_stop(&i->liveness);
	if (is_asked(i, why)) {
		vm_signal(i->vm, signal ? signal : SIGTERM);
		set_timer(i, i->plan->version->spec.grace_ms);
		return;
	}
	/* A machine without a program has no guest to end. */
	if (!i->life.begun)
		vm_kill(i->vm);
	else
		vm_finish(i->vm);
	set_timer(i, FINISH_MS);
}

/* Of the life that ended, to whom it concerns. */
static void tell_end(struct instance *i)
{
	const struct instance_end end = {
		.reason = i->exited ? (enum mf_exit_reason)i->exit.reason : 0,
		.status = i->exit.status,
		.why = i->why,
	};
	struct dispatch_request *r;
	struct list *n, *next;

	list_for_each_safe(n, next, &i->requests) {
		r = container_of(n, struct dispatch_request, node);
		if (r->told_end)
			continue;
		r->told_end = true;
		r->sched.instance = NULL;
		r->ended(r, &end);
	}
}

static void end_life(struct instance *i)
{
	if (i->life.begun)
		dispatch_died(i);
	i->life.begun = false;
	/* Also of a machine that never got a program. */
	tell_end(i);
}

/* The scheduler has it no more; its monitor may take a moment still. */
static void be_over(struct instance *i)
{
	if (i->over)
		return;
	i->over = true;
	liveness_stop(&i->liveness);
	/* By no wish of ours, and no request has a part in it. */
	i->failed = !i->stopping && !i->life.served && list_empty(&i->requests);
	remove_socket(i);
	end_life(i);
	dispatch_over(i);
}

/* ---- what the monitor says ----------------------------------------------- */

/* The place first, then from where that was called. */
static void on_crash(struct instance *i, const struct mf_ctl_event *ev,
		     const char *text)
{
	static char calls[BACKTRACE_TEXT_MAX];
	char place[CRASH_TEXT_MAX];

	crash_text(place, &ev->u.crash, &i->plan->image);
	backtrace_text(calls, text, ev->text_len, &i->plan->image);
	snprintf(i->crash, sizeof(i->crash), "%s\n%s", place, calls);
	logs_say(i->dispatch->logs, &i->err_log.source, "crashed: %s", place);
}

static void on_exited(struct instance *i, const struct mf_ctl_exit *x,
		      const char *text)
{
	if (i->over)
		return;
	i->exit = *x;
	i->exited = true;
	snprintf(i->why, sizeof(i->why), "%s", text);
	log_pipe_flush(&i->out_log);
	log_pipe_flush(&i->err_log);
	if (i->recycling) {
		i->recycling = false;
		end_life(i);
		begin_life(i, &i->next_id, true);
		return;
	}
	be_over(i);
	/* A kept copy waits for a next start, which will not come. */
	set_timer(i, FINISH_MS);
	vm_hang_up(i->vm);
}

static void on_ready(struct instance *i, const uint64_t *phase_us)
{
	if (i->filled && !i->life.ready_ns) {
		memcpy(i->life.phase_us, phase_us, sizeof(i->life.phase_us));
		i->life.ready_ns = loop_now_ns(i->dispatch->loop);
		dispatch_started(i);
	}
	if (i->told_ready || i->stopping || i->recycling || is_stdio(i))
		return;
	memcpy(i->life.phase_us, phase_us, sizeof(i->life.phase_us));
	if (i->plan->listens)
		become_ready(i);
	else
		probe(i);
}

static void on_log(struct instance *i, const char *text)
{
	struct log_source source = i->err_log.source;

	source.stream = "platform";
	logs_line(i->dispatch->logs, &source, text, strlen(text));
}

static void on_event(void *owner, const struct mf_ctl_event *ev,
		     const char *text)
{
	struct instance *i = owner;

	switch ((enum mf_event_kind)ev->kind) {
	case MF_EV_READY:
		on_ready(i, ev->u.phase_us);
		break;
	case MF_EV_SHELL:
		if (is_stdio(i) && !i->filled && !i->told_ready)
			become_ready(i);
		break;
	case MF_EV_LOG:
		on_log(i, text);
		break;
	case MF_EV_CRASH:
		on_crash(i, ev, text);
		break;
	case MF_EV_EXITED:
		on_exited(i, &ev->u.exit, text);
		break;
	case MF_EV_CONNECT:
		/* The answer would reach the next life. */
		if (!i->recycling && !i->over)
			dispatch_connect(i, &ev->u.connect);
		break;
	case MF_EV_SNAPSHOT:
	case MF_EV_TOUCHED:
	default:
		break;
	}
}

/* It ended without a word of its own. */
static void explain(struct instance *i, const struct vm_end *end)
{
	const int status = end->wait_status;

	if (i->exited || i->why[0])
		return;
	if (end->error)
		snprintf(i->why, sizeof(i->why), "%s", end->error);
	else if (i->timed_out)
		snprintf(i->why, sizeof(i->why),
			 "it was not ready for requests within %u ms%s",
			 i->plan->version->spec.start_ms,
			 i->plan->listens ? "" : ": does it listen on PORT?");
	else if (end->oom)
		snprintf(i->why, sizeof(i->why),
			 "the host ended it for lack of memory");
	else if (status != -1 && WIFSIGNALED(status))
		snprintf(i->why, sizeof(i->why),
			 "its monitor was killed by signal %d",
			 WTERMSIG(status));
	else
		snprintf(i->why, sizeof(i->why),
			 "its monitor ended without a reason");
	i->exit = (struct mf_ctl_exit){ .reason = end->oom ? MF_EXIT_OOM : 0 };
	i->monitor_killed = status != -1 && WIFSIGNALED(status) &&
			    !i->stopping && !i->timed_out && !end->oom;
}

static void on_gone(void *owner, const struct vm_end *end)
{
	struct instance *i = owner;

	explain(i, end);
	loop_timer_cancel(i->dispatch->loop, &i->timer);
	loop_undefer(i->dispatch->loop, &i->ready_soon);
	close_logs(i);
	be_over(i);
	vm_free(take_ptr(i->vm));
	instance_unref(i);
}

static const struct vm_ops instance_vm_ops = {
	.event = on_event,
	.gone = on_gone,
};
