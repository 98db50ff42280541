/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM and SIGINT drain: nothing new is taken, what is under way may end.
 * The second one, or the end of --drain, ends it at once. SIGHUP reads the
 * certificates again.
 */
#include "daemon/platform.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "host/log.h"
#include "launch/host_room.h"
#include "launch/paths.h"

#define MS_NS		1000000ull
#define MEMORY_SHARE_OF 4 /* instances get all of these parts but one */
#define SPARES_PER_CPU	4
#define SHORT_PART	16 /* of that; if less is left, memory is short */

/* ---- the end ------------------------------------------------------------- */

static void on_drained(void *arg)
{
	struct platform *p = arg;

	loop_stop(p->loop);
}

/* All answers are out: the instances can go. */
static void on_front_drained(void *arg)
{
	struct platform *p = arg;

	dispatch_drain(p->dispatch, on_drained, p);
}

static void begin_end(struct platform *p)
{
	if (p->ending) {
		loop_stop(p->loop);
		return;
	}
	p->ending = true;
	notify_manager("STOPPING=1");
	log_say("draining; again, or %llu s, to end at once",
		(unsigned long long)(p->options->drain_ms / 1000));
	(void)loop_timer_set(p->loop, &p->too_late,
			     loop_now_ns(p->loop) +
				     p->options->drain_ms * MS_NS);
	front_drain(&p->front, on_front_drained, p);
}

static void on_too_late(struct loop_timer *t)
{
	struct platform *p = container_of(t, struct platform, too_late);

	log_say("what still runs is ended");
	loop_stop(p->loop);
}

static void on_lost(void *arg, const struct err *why)
{
	struct platform *p = arg;

	log_say("%s: nothing can be started any more, ending", why->text);
	p->failed = -EPIPE;
	loop_stop(p->loop);
}

static void on_signal(struct loop_watch *w, uint32_t events)
{
	struct platform *p = container_of(w, struct platform, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		front_reload(&p->front);
	else
		begin_end(p);
}

/* ---- the functions ------------------------------------------------------- */

static void bring_up(struct platform *p, struct function *f,
		     const struct alias *a)
{
	struct version *v;
	struct err e;

	for (uint32_t i = 0; i < a->share_count; i++) {
		v = function_version(f, a->shares[i].version);
		if (v && dispatch_version_up(p->dispatch, v, true, &e) < 0)
			log_say("version %u of %s cannot run: %s", v->number,
				f->name, e.text);
	}
}

static void on_changed_soon(struct loop_task *t)
{
	struct platform *p = container_of(t, struct platform, changed);
	struct list *n, *k, *functions = registry_functions(p->registry);
	uint32_t count = 0;

	if (p->ending)
		return;
	list_for_each(n, functions) {
		struct function *f = container_of(n, struct function, node);

		count++;
		list_for_each(k, &f->aliases)
			bring_up(p, f, container_of(k, struct alias, node));
	}
	dispatch_versions_changed(p->dispatch);
	metrics_set(p->metrics, METRIC_FUNCTIONS, NO_LABELS, count);
}

static void on_changed(void *ctx)
{
	struct platform *p = ctx;

	loop_defer(p->loop, &p->changed);
}

static void on_gone(void *ctx, const char *name)
{
	struct platform *p = ctx;

	metrics_forget(p->metrics, name);
	logs_remove(p->logs, name);
}

/* ---- the beginning ------------------------------------------------------- */

static int watch_signals(struct platform *p, struct err *e)
{
	sigset_t set;
	int fd, r;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Before there is a second thread, which inherits it. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	p->signals.ready = on_signal;
	r = fd < 0 ? -errno : loop_watch(p->loop, &p->signals, fd, EPOLLIN);
	return r < 0 ? err_sys(e, -r, "cannot watch signals") : 0;
}

/* Each instance takes a handful of descriptors. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int start_vms(struct platform *p, struct err *e)
{
	char libexec[PATHS_MAX];
	struct vms_config c = {
		.loop = p->loop,
		.libexec = libexec,
		.cgroups = p->options->cgroups,
		.uids = p->options->uids,
		.lost = on_lost,
		.arg = p,
	};
	int r = paths_libexec(libexec);

	if (r < 0)
		return err_sys(e, -r,
			       "mayfly-monitor is missing: it belongs "
			       "beside mayflyd");
	return vms_new(&p->vms, &c, e);
}

/* The spawner runs: whatever we do from here on, we do as an ordinary user. */
static int become_user(struct platform *p, struct err *e)
{
	const char *state = p->options->state;
	int r = file_mkdirs(state);

	if (r < 0)
		return err_sys(e, -r, "cannot make the state directory %s",
			       state);
	r = daemon_user_own(&p->user, state, e);
	if (r == 0)
		r = daemon_user_become(&p->user, e);
	if (r == 0 && access(state, R_OK | W_OK | X_OK) < 0)
		r = err_sys(e, errno,
			    "cannot use the state directory %s; say --state "
			    "DIR, or under root --user root",
			    state);
	if (r == 0 && p->user.uid == 0 && !p->options->user)
		log_say("there is no user " DAEMON_USER
			", so this stays root; see --user");
	return r;
}

static int open_state(struct platform *p, struct err *e)
{
	static const struct ledger_limits ledger;
	static const struct logs_limits logs;
	const char *state = p->options->state;
	int r = registry_open(&p->registry, state, e);

	if (r == 0 && p->options->domain)
		r = registry_set_domain(p->registry, p->options->domain, e);
	if (r == 0)
		r = logs_open(&p->logs, state, p->loop, &logs, e);
	if (r == 0)
		r = ledger_open(&p->ledger, state, p->loop, &ledger, e);
	if (r == 0 && metrics_new(&p->metrics) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	if (r < 0)
		return r;
	logs_set_metrics(p->logs, p->metrics);
	ledger_set_metrics(p->ledger, p->metrics);
	return 0;
}

static int start_dispatch(struct platform *p, struct err *e)
{
	const struct daemon_options *o = p->options;
	uint64_t memory = o->memory_bytes;
	AUTO_FREE char *sockets = NULL;
	struct dispatch_config c = {
		.loop = p->loop,
		.logs = p->logs,
		.ledger = p->ledger,
		.metrics = p->metrics,
		.vms = p->vms,
		.shells = (uint32_t)o->shells,
		.drain_ms = o->drain_ms,
		.no_kvm = o->no_kvm,
	};

	if (!memory)
		memory = host_room_memory("") / MEMORY_SHARE_OF *
			 (MEMORY_SHARE_OF - 1);
	c.limits = (struct sched_limits){
		.instances_max = (uint32_t)o->instances_max,
		.queue_max = (uint32_t)o->queue_max,
		.memory_bytes = memory,
		.spares_max = SPARES_PER_CPU * (uint32_t)get_nprocs(),
	};
	if (asprintf(&sockets, "%s/run", o->state) < 0) {
		sockets = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	c.sockets_dir = sockets;
	c.open_functions = front_open_functions;
	c.open_arg = &p->front;
	p->shortage.low_bytes = memory / SHORT_PART;
	return dispatch_new(&p->dispatch, &c, e);
}

static void on_shortage(void *arg, uint64_t bytes)
{
	const struct platform *p = arg;

	dispatch_relieve(p->dispatch, bytes);
}

/* Without it Linux decides what ends, and that is an instance as well. */
static void watch_memory(struct platform *p)
{
	struct err e;

	p->shortage.relieve = on_shortage;
	p->shortage.arg = p;
	if (shortage_init(&p->shortage, p->loop, &e) < 0)
		log_say("%s", e.text);
}

static int open_front(struct platform *p, struct err *e)
{
	const struct front_config c = {
		.options = p->options,
		.loop = p->loop,
		.registry = p->registry,
		.logs = p->logs,
		.ledger = p->ledger,
		.metrics = p->metrics,
		.dispatch = p->dispatch,
	};

	return front_open(&p->front, &c, e);
}

static int start_parts(struct platform *p, struct err *e)
{
	int r = loop_new(&p->loop, e);

	raise_limits();
	if (r == 0)
		r = watch_signals(p, e);
	if (r == 0)
		r = daemon_user_find(&p->user, p->options->user, e);
	if (r == 0)
		r = start_vms(p, e);
	if (r == 0)
		r = front_bind(&p->front, p->options, e);
	if (r == 0)
		r = become_user(p, e);
	if (r == 0)
		r = open_state(p, e);
	if (r == 0)
		r = start_dispatch(p, e);
	if (r == 0)
		r = open_front(p, e);
	if (r == 0)
		watch_memory(p);
	return r;
}

int platform_start(struct platform *p, const struct daemon_options *o,
		   struct err *e)
{
	int r;

	memset(p, 0, sizeof(*p));
	/* Whoever may pass through the state directory reads nothing there. */
	umask(0077);
	p->options = o;
	p->shortage.fd = p->front.listen_fd = -1;
	p->too_late.fire = on_too_late;
	p->changed.run = on_changed_soon;
	r = start_parts(p, e);
	if (r < 0) {
		platform_end(p);
		return r;
	}
	registry_on_change(p->registry, on_changed, p);
	registry_on_gone(p->registry, on_gone, p);
	on_changed(p);
	log_say("gateway on %s, state in %s", p->front.url, o->state);
	return 0;
}

int platform_run(struct platform *p)
{
	int r = loop_run(p->loop);

	return r < 0 ? r : p->failed;
}

void platform_end(struct platform *p)
{
	shortage_fini(&p->shortage);
	front_close(&p->front);
	dispatch_free(p->dispatch);
	vms_free(p->vms);
	metrics_free(p->metrics);
	ledger_close(p->ledger);
	logs_close(p->logs);
	registry_close(p->registry);
	if (p->loop) {
		int fd = p->signals.fd;

		loop_timer_cancel(p->loop, &p->too_late);
		loop_unwatch(&p->signals);
		if (fd > 0)
			close(fd);
	}
	loop_free(p->loop);
}
