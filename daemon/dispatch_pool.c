/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and taking away: dispatch itself, the pools of versions, and what an
 * operator sees and ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/dispatch_private.h"
#include "host/cleanup.h"
#include "host/log.h"

#define MS_NS	   1000000ull
#define COPY_BYTES (4ull << 20) /* of an idle copy, about */
#define BOOT_SHARE 8 /* of its limit that one which booted holds, about */

/* ---- pools --------------------------------------------------------------- */

static struct sched_pool_config config_of(const struct pool *p)
{
	const struct spec *s = &p->version->spec;
	bool stdio = s->mode == FUNCTION_STDIO;

	return (struct sched_pool_config){
		.pristine = stdio || s->isolation == ISOLATION_REQUEST,
		.recycles = p->plan.recycles && !stdio,
		.concurrency = s->concurrency,
		.min_instances = stdio ? 0 : s->min_instances,
		.max_instances = s->max_instances,
		.queue_max = s->queue_max,
		.memory_bytes = p->plan.copies ? COPY_BYTES :
						 s->memory_bytes / BOOT_SHARE,
		.keep_ns = stdio ? 0 : s->keep_ms * MS_NS,
		.start_ns = s->start_ms * MS_NS,
	};
}

/* Into the function's log, of the instance that asks if one does now. */
static void on_refusal(void *arg, const char *text)
{
	const struct pool *p = arg;
	struct log_source s = {
		.function = p->version->function->name,
		.version = p->version->number,
	};

	if (p->asking)
		s = p->asking->err_log.source;
	s.stream = "platform";
	logs_say(p->dispatch->logs, &s, "%s", text);
}

static int on_call(void *arg)
{
	const struct pool *p = arg;

	return p->dispatch->open_functions(p->dispatch->open_arg, p->version);
}

static void set_egress(struct pool *p)
{
	struct egress_policy *policy = &p->plan.options.egress;

	policy->refused = on_refusal;
	policy->refused_arg = p;
	policy->open_functions = p->dispatch->open_functions ? on_call : NULL;
	policy->open_arg = p;
}

struct pool *dispatch_pool(struct dispatch *d, struct version *v, struct err *e)
{
	struct sched_pool_config config;
	struct pool *p = v->pool;

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	p->dispatch = d;
	p->version = v;
	if (plan_init(&p->plan, v, d->loop, d->kvm_fd, e) < 0)
		goto out_plan;
	set_egress(p);
	config = config_of(p);
	config.min_instances = 0; /* until it is live */
	list_add_tail(&d->pools, &p->node);
	p->version = version_ref(v);
	v->pool = p;
	p->sched = sched_pool_new(d->sched, &config, p);
	if (p->sched)
		return p;
	err_set(e, ENOMEM, "out of memory");
	v->pool = NULL;
	version_unref(v);
	list_del(&p->node);
out_plan:
	plan_fini(&p->plan);
	free(p);
	return NULL;
}

/*
 * What the last instances of a removed function left behind after it was
 * removed; unless there is a new function by that name.
 */
static void forget_function(struct dispatch *d, const char *name)
{
	struct list *n;

	list_for_each(n, &d->pools) {
		const struct pool *p = container_of(n, struct pool, node);

		if (strcmp(p->version->function->name, name) == 0)
			return;
	}
	metrics_forget(d->metrics, name);
	logs_remove(d->logs, name);
}

static void pool_free(struct pool *p)
{
	struct version *v = p->version;

	loop_timer_cancel(p->dispatch->loop, &p->too_late);
	sched_pool_free(p->sched);
	list_del(&p->node);
	if (v->function->removed)
		forget_function(p->dispatch, v->function->name);
	plan_fini(&p->plan);
	v->pool = NULL;
	free(p);
	version_unref(v);
}

/* Those that were drained and have nothing left. */
void dispatch_sweep(struct dispatch *d)
{
	struct list *n, *next;
	struct pool *p;

	list_for_each_safe(n, next, &d->pools) {
		p = container_of(n, struct pool, node);
		if (p->down && !p->instances && sched_pool_empty(p->sched))
			pool_free(p);
	}
}

int dispatch_version_up(struct dispatch *d, struct version *v, bool live,
			struct err *e)
{
	struct pool *p = dispatch_pool(d, v, e);

	if (!p)
		return -e->code;
	p->live |= live;
	return 0;
}

/* Whoever still has a request by now, such as an open tunnel, loses it. */
static void on_too_late(struct loop_timer *t)
{
	struct pool *p = container_of(t, struct pool, too_late);
	struct dispatch *d = p->dispatch;
	struct instance *i;
	struct list *n;

	list_for_each(n, &d->instances) {
		i = container_of(n, struct instance, node);
		if (i->pool == p && !i->over)
			sched_stop_one(&i->sched, SCHED_STOP_DRAINED,
				       loop_now_ns(d->loop));
	}
	dispatch_tick_soon(d);
}

static void take_down(struct pool *p)
{
	struct loop *l = p->dispatch->loop;

	p->down = true;
	p->too_late.fire = on_too_late;
	(void)loop_timer_set(l, &p->too_late,
			     loop_now_ns(l) + p->dispatch->drain_ns);
	sched_pool_drain(p->sched, loop_now_ns(p->dispatch->loop));
}

void dispatch_versions_changed(struct dispatch *d)
{
	struct list *n;
	struct pool *p;

	list_for_each(n, &d->pools) {
		p = container_of(n, struct pool, node);
		if (p->version->removed && !p->down)
			take_down(p);
		sched_pool_set_min(p->sched,
				   p->live ? config_of(p).min_instances : 0);
		p->live = false;
	}
	dispatch_tick_soon(d);
}

void dispatch_counts(const struct version *v, struct sched_counts *ret)
{
	const struct pool *p = v->pool;

	*ret = (struct sched_counts){ 0 };
	if (p)
		sched_pool_counts(p->sched, ret);
}

bool dispatch_may_call(const struct version *caller, const char *function)
{
	const struct pool *p = caller->pool;

	return p && egress_policy_may_call(&p->plan.options.egress, function);
}

const char *dispatch_failure(const struct version *v)
{
	const struct pool *p = v->pool;

	return p ? p->last_failure : "";
}

/* ---- all of it ----------------------------------------------------------- */

/* What a daemon that was killed has left there is nobody's. */
static int open_sockets(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct dirent *entry;
	DIR *dir;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	dir = opendir(path);
	if (fd < 0 || !dir)
		return err_sys(e, errno, "cannot open %s", path);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(fd, entry->d_name, 0);
	closedir(dir);
	return take_fd(&fd);
}

static void collect(struct metrics_source *source, struct metrics *m)
{
	struct dispatch *d = container_of(source, struct dispatch, source);
	struct sched_counts c;
	const char *name;
	struct list *n;
	struct pool *p;

	metrics_clear(m, METRIC_INSTANCES);
	metrics_clear(m, METRIC_QUEUE_LENGTH);
	metrics_clear(m, METRIC_FAILING);
	metrics_set(m, METRIC_SHELLS, NO_LABELS, d->shells.ready_count);
	list_for_each(n, &d->pools) {
		p = container_of(n, struct pool, node);
		name = p->version->function->name;
		sched_pool_counts(p->sched, &c);
		metrics_add(m, METRIC_INSTANCES, LABELS(name, "starting"),
			    c.starting);
		metrics_add(m, METRIC_INSTANCES, LABELS(name, "ready"),
			    c.ready);
		metrics_add(m, METRIC_INSTANCES, LABELS(name, "busy"), c.busy);
		metrics_add(m, METRIC_INSTANCES, LABELS(name, "stopping"),
			    c.stopping);
		metrics_add(m, METRIC_QUEUE_LENGTH, LABELS(name), c.waiting);
		metrics_add(m, METRIC_FAILING, LABELS(name), c.failing);
	}
}

int dispatch_new(struct dispatch **ret, const struct dispatch_config *c,
		 struct err *e)
{
	struct shells_config shells = { c->vms, c->shells, -1 };
	struct dispatch *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_set(e, ENOMEM, "out of memory");
	d->loop = c->loop;
	d->logs = c->logs;
	d->ledger = c->ledger;
	d->metrics = c->metrics;
	d->vms = c->vms;
	d->kvm_fd = c->no_kvm ? -1 : open("/dev/kvm", O_RDWR | O_CLOEXEC);
	d->drain_ns = c->drain_ms * MS_NS;
	d->open_functions = c->open_functions;
	d->open_arg = c->open_arg;
	d->tick.fire = dispatch_on_tick;
	d->tick_soon.run = dispatch_on_tick_soon;
	d->source.collect = collect;
	list_init(&d->pools);
	list_init(&d->instances);
	d->sockets_fd = r = open_sockets(c->sockets_dir, e);
	if (r >= 0 && sched_new(&d->sched, &dispatch_ops, d, &c->limits) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	if (r < 0) {
		dispatch_free(d);
		return r;
	}
	shells.kvm_fd = d->kvm_fd;
	shells_init(&d->shells, d->loop, &shells);
	metrics_source_add(d->metrics, &d->source);
	*ret = d;
	return 0;
}

static void kill_instances(struct dispatch *d)
{
	struct instance *i;
	struct list *n;

	list_for_each(n, &d->instances) {
		i = container_of(n, struct instance, node);
		if (i->vm)
			vm_kill(i->vm);
	}
}

void dispatch_free(struct dispatch *d)
{
	if (!d)
		return;
	d->draining = true;
	kill_instances(d);
	/* Their ends are told by the spawner. */
	while (!list_empty(&d->instances) && loop_once(d->loop, -1) == 0)
		;
	shells_fini(&d->shells);
	while (!list_empty(&d->pools))
		pool_free(container_of(d->pools.next, struct pool, node));
	if (d->source.collect && d->shells.vms)
		metrics_source_remove(&d->source);
	sched_free(d->sched);
	loop_timer_cancel(d->loop, &d->tick);
	loop_undefer(d->loop, &d->tick_soon);
	if (d->kvm_fd >= 0)
		close(d->kvm_fd);
	if (d->sockets_fd >= 0)
		close(d->sockets_fd);
	free(d);
}

void dispatch_drain(struct dispatch *d, void (*done)(void *arg), void *arg)
{
	struct list *n;

	d->draining = true;
	d->drained = done;
	d->drained_arg = arg;
	list_for_each(n, &d->pools)
		sched_pool_drain(container_of(n, struct pool, node)->sched,
				 loop_now_ns(d->loop));
	dispatch_tick_soon(d);
}

enum mf_substrate dispatch_substrate(const struct dispatch *d)
{
	return d->kvm_fd >= 0 ? MF_SUBSTRATE_KVM : MF_SUBSTRATE_PROCESS;
}

void dispatch_relieve(struct dispatch *d, uint64_t bytes)
{
	uint32_t count = sched_evict(d->sched, bytes, loop_now_ns(d->loop));

	if (count)
		log_say("memory is short: %u idle instances ended", count);
	dispatch_tick_soon(d);
}

/* ---- operators ----------------------------------------------------------- */

static const char *state_word(const struct instance *i)
{
	if (i->over || i->stopping)
		return "stopping";
	switch (i->sched.state) {
	case SCHED_STARTING:
		return i->recycling ? "resetting" : "starting";
	case SCHED_READY:
		return "ready";
	case SCHED_BUSY:
		return "busy";
	case SCHED_STOPPING:
		break;
	}
	return "stopping";
}

void dispatch_each(struct dispatch *d,
		   void (*tell)(void *arg, const struct instance_info *info),
		   void *arg)
{
	const struct instance *i;
	struct list *n;

	list_for_each(n, &d->instances) {
		struct instance_info info;

		i = container_of(n, struct instance, node);
		info = (struct instance_info){
			.id = i->life.id,
			.function = i->plan->version->function->name,
			.version = i->plan->version->number,
			.state = state_word(i),
			.substrate = i->plan->substrate == MF_SUBSTRATE_KVM ?
					     "kvm" :
					     "process",
			.how = instance_how(i),
			.in_flight = i->sched.in_flight,
			.served = i->life.served,
			.age_ms = (loop_now_ns(d->loop) - i->life.born_ns) /
				  MS_NS,
			.pid = i->vm ? i->vm->pid : 0,
		};
		tell(arg, &info);
	}
}

int dispatch_stop_instance(struct dispatch *d, const char *id_prefix)
{
	struct instance *i, *found = NULL;
	struct list *n;

	list_for_each(n, &d->instances) {
		i = container_of(n, struct instance, node);
		if (i->over ||
		    strncmp(i->life.id, id_prefix, strlen(id_prefix)) != 0)
			continue;
		if (found)
			return -EEXIST;
		found = i;
	}
	if (!found || !found->vm)
		return -ENOENT;
	found->killed_by_operator = true;
	sched_stop_one(&found->sched, SCHED_STOP_DRAINED, loop_now_ns(d->loop));
	return 0;
}
