/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message of an http function is made once; an instance gets it with
 * another identity. A program that reads its environment at its start gets a
 * message of its own.
 */
#include "daemon/plan.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "host/cleanup.h"
#include "launch/cache.h"

/* Nothing to read, and pipes to write to. */
static const uint32_t http_console[3] = { MF_CONSOLE_NULL, 0, 0 };
static const uint32_t stdio_console[3] = { 0, 0, 0 };

static void on_egress(struct loop_watch *w, uint32_t events)
{
	struct plan *p = container_of(w, struct plan, egress_watch);

	(void)events;
	egress_serve(p->egress);
}

static int open_files(struct plan *p, struct err *e)
{
	const struct version *v = p->version;
	int r;

	if (!v->snapshot_path)
		return cache_open_image(&p->image, v->image_path, e);
	r = snapshot_open(&p->snapshot, v->snapshot_path, e);
	if (r == 0)
		r = snapshot_open_image(&p->snapshot, &p->image, e);
	p->copies = r == 0;
	return r;
}

static int choose_substrate(struct plan *p, struct err *e)
{
	p->substrate = p->kvm_fd >= 0 ? MF_SUBSTRATE_KVM : MF_SUBSTRATE_PROCESS;
	if (!p->copies)
		return 0;
	p->substrate = p->snapshot.header.facts.substrate;
	if (p->substrate == MF_SUBSTRATE_KVM && p->kvm_fd < 0)
		return err_set(e, ENODEV,
			       "its snapshot is for KVM, and /dev/kvm cannot "
			       "be opened; give mayflyd that, or deploy it "
			       "again");
	p->recycles = p->substrate == MF_SUBSTRATE_KVM;
	return 0;
}

/*
 * A program that has a mind of its own and listens elsewhere than PORT says is
 * taken at its word, unless another port than the usual one was asked for.
 */
static uint16_t choose_port(struct plan *p)
{
	uint16_t asked = p->version->spec.port, found = 0;

	if (p->copies)
		found = (uint16_t)p->snapshot.copy.facts.resume.tcp_port;
	if (found && asked == SPEC_PORT_DEFAULT)
		asked = found;
	p->listens = found == asked;
	return asked;
}

/* Before the function's own variables, which may say otherwise. */
static int set_port(struct plan *p, struct err *e)
{
	char entry[16];

	snprintf(entry, sizeof(entry), "PORT=%u", p->version->spec.port);
	return env_list_set(&p->options.env, entry, e);
}

static int set_options(struct plan *p, struct err *e)
{
	const struct spec *spec = &p->version->spec;
	struct run_options *o = &p->options;
	int r = 0;

	o->path = p->version->function->name;
	o->memory_bytes = spec->memory_bytes;
	o->keep = p->recycles && spec->isolation == ISOLATION_REQUEST &&
		  spec->mode == FUNCTION_HTTP;
	o->console_flags = spec->mode == FUNCTION_HTTP ? http_console :
							 stdio_console;
	if (p->copies)
		o->snapshot = &p->snapshot.copy;
	if (spec->mode == FUNCTION_HTTP) {
		o->port_count = 1;
		o->ports[0].guest_port = choose_port(p);
		o->ports[0].proto = IPPROTO_TCP;
	}
	/* What is part of a snapshot cannot be set again. */
	if (!p->copies && spec->mode == FUNCTION_HTTP)
		r = set_port(p, e);
	for (size_t i = 0; !p->copies && r == 0 && i < spec->env.count; i++)
		r = env_list_set(&o->env, spec->env.items[i], e);
	for (size_t i = 0; r == 0 && i < spec->egress.count; i++)
		r = egress_policy_add(&o->egress, spec->egress.items[i], e);
	return r;
}

static int make_message(struct start_message *ret, struct plan *p,
			size_t *ret_short, struct err *e)
{
	int r = start_message_init(ret, &p->options, &p->image, e);

	if (r < 0)
		return r;
	ret->start->substrate = p->substrate;
	/* Without rules too: what was refused is told. */
	ret->start->egress |= MF_EGRESS_ON;
	*ret_short = ret->len;
	if (p->substrate == MF_SUBSTRATE_KVM)
		start_message_add_kvm(ret, p->kvm_fd);
	return 0;
}

int plan_init(struct plan *ret, const struct version *v, struct loop *l,
	      int kvm_fd, struct err *e)
{
	struct plan *p = ret;
	int r;

	memset(p, 0, sizeof(*p));
	p->version = v;
	p->kvm_fd = kvm_fd;
	p->image.fd = p->snapshot.copy.fd = -1;
	r = open_files(p, e);
	if (r == 0)
		r = choose_substrate(p, e);
	if (r == 0)
		r = set_options(p, e);
	if (r == 0 && v->spec.mode == FUNCTION_HTTP)
		r = make_message(&p->message, p, &p->short_len, e);
	if (r == 0)
		r = egress_new(&p->egress, &p->options.egress, &p->options.dns,
			       e);
	if (r < 0)
		return r;
	p->egress_watch.ready = on_egress;
	r = loop_watch(l, &p->egress_watch, egress_fd(p->egress), EPOLLIN);
	return r < 0 ? err_sys(e, -r, "cannot watch outbound connections") : 0;
}

void plan_fini(struct plan *p)
{
	loop_unwatch(&p->egress_watch);
	egress_free(p->egress);
	start_message_fini(&p->message);
	env_list_fini(&p->options.env);
	snapshot_close(&p->snapshot);
	image_close(&p->image);
}

/* ---- sending ------------------------------------------------------------- */

static int could_not_send(int r, struct err *e)
{
	return err_sys(e, -r, "cannot talk to a monitor");
}

/* The message as it is, with the descriptors that belong to it. */
static int send_start(struct plan *p, struct start_message *m,
		      const struct plan_start *s, struct err *e)
{
	int fds[START_MESSAGE_FDS_MAX], r;
	unsigned n = 0;

	fds[n++] = p->image.fd;
	if (m->start->kvm_fd)
		fds[n++] = p->kvm_fd;
	if (s->listen_fd >= 0)
		fds[n++] = s->listen_fd;
	if (p->copies)
		fds[n++] = p->snapshot.copy.fd;
	r = start_message_send(m, s->ctl, fds, n);
	return r < 0 ? could_not_send(r, e) : 0;
}

static int send_shaped(struct plan *p, const struct start_message *m,
		       size_t short_len, const struct plan_start *s,
		       struct err *e)
{
	const uint32_t kvm_fd = m->start->kvm_fd;
	const uint32_t cpuid_count = m->start->cpuid_count;
	struct start_message shaped = *m;
	int r;

	if (s->shell) {
		shaped.len = short_len;
		shaped.start->kvm_fd = shaped.start->cpuid_count = 0;
	}
	r = send_start(p, &shaped, s, e);
	m->start->kvm_fd = kvm_fd;
	m->start->cpuid_count = cpuid_count;
	return r;
}

static void note_identity(struct plan_identity *ret,
			  const struct start_message *m)
{
	memcpy(ret->id, m->start->instance_id, sizeof(ret->id));
}

/* With variables of this request. */
static int send_own(struct plan *p, const struct plan_start *s,
		    struct plan_identity *ret, struct err *e)
{
	struct env_list env = p->options.env;
	struct start_message m = { 0 };
	size_t short_len = 0;
	int r = 0;

	p->options.env = (struct env_list){ 0 };
	for (size_t i = 0; r == 0 && i < env.count; i++)
		r = env_list_set(&p->options.env, env.items[i], e);
	for (size_t i = 0; r == 0 && s->env && i < s->env->count; i++)
		r = env_list_set(&p->options.env, s->env->items[i], e);
	if (r == 0)
		r = make_message(&m, p, &short_len, e);
	env_list_fini(&p->options.env);
	p->options.env = env;
	if (r)
		return r;
	note_identity(ret, &m);
	r = send_shaped(p, &m, short_len, s, e);
	start_message_fini(&m);
	return r;
}

int plan_send(struct plan *p, const struct plan_start *s,
	      struct plan_identity *ret, struct err *e)
{
	int r;

	if (!p->message.start)
		return send_own(p, s, ret, e);
	r = start_message_rename(&p->message, NULL, e);
	if (r < 0)
		return r;
	note_identity(ret, &p->message);
	return send_shaped(p, &p->message, p->short_len, s, e);
}

int plan_send_again(struct plan *p, int ctl, struct plan_identity *ret,
		    struct err *e)
{
	struct start_message m = { 0 };
	int r = start_message_init_again(&m, NULL, e);

	if (r < 0)
		return r;
	m.start->substrate = p->substrate;
	m.start->keep = 1;
	note_identity(ret, &m);
	r = start_message_send(&m, ctl, NULL, 0);
	start_message_fini(&m);
	return r < 0 ? could_not_send(r, e) : 0;
}

int plan_send_shell(int ctl, int kvm_fd, struct err *e)
{
	struct start_message m;
	int r = start_message_init_shell(&m, e);

	if (r < 0)
		return r;
	m.start->substrate = kvm_fd >= 0 ? MF_SUBSTRATE_KVM :
					   MF_SUBSTRATE_PROCESS;
	if (kvm_fd >= 0)
		start_message_add_kvm(&m, kvm_fd);
	r = start_message_send(&m, ctl, &kvm_fd, kvm_fd >= 0);
	start_message_fini(&m);
	return r < 0 ? could_not_send(r, e) : 0;
}
