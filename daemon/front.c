/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires the doors of the platform to its parts; decides nothing itself but
 * whose token is good for which function.
 */
#include "daemon/front.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "daemon/registry/tokens.h"
#include "host/cleanup.h"
#include "host/log.h"
#include "launch/paths.h"

#define TOKEN_MAX 256

/* Such addresses have a name that a person rather reads. */
static bool is_local(const char *text)
{
	return strncmp(text, "127.0.0.1:", 10) == 0 ||
	       strncmp(text, "0.0.0.0:", 8) == 0 ||
	       strncmp(text, "[::]:", 5) == 0;
}

int front_bind(struct front *f, const struct daemon_options *o, struct err *e)
{
	char text[LISTEN_TEXT];

	f->listen_fd = listen_tcp(o->listen, "--listen", e);
	if (f->listen_fd < 0)
		return f->listen_fd;
	listen_text(text, f->listen_fd);
	snprintf(f->url, sizeof(f->url), "%s://%s",
		 o->tls_cert ? "https" : "http", text);
	if (is_local(text))
		snprintf(f->url, sizeof(f->url), "%s://localhost:%u",
			 o->tls_cert ? "https" : "http",
			 listen_port(f->listen_fd));
	return o->tls_cert ? tls_new(&f->tls, o->tls_cert, o->tls_key, e) : 0;
}

/* ---- the gateway --------------------------------------------------------- */

static bool token_ok(void *ctx, const struct function *fn, const char *token,
		     size_t len)
{
	const struct front *f = ctx;
	const struct token *t;
	char text[TOKEN_MAX];

	if (len >= sizeof(text))
		return false;
	memcpy(text, token, len);
	text[len] = '\0';
	t = registry_token_find(f->c.registry, text);
	return t && token_may_invoke(t, fn->name);
}

static int open_gateway(struct front *f, struct err *e)
{
	const struct gateway_config c = {
		.loop = f->c.loop,
		.registry = f->c.registry,
		.dispatch = f->c.dispatch,
		.logs = f->c.logs,
		.metrics = f->c.metrics,
		.trust_forwarded = f->c.options->trust_forwarded,
		.connections_max = (uint32_t)f->c.options->connections_max,
		.token_ok = token_ok,
		.token_ctx = f,
	};
	int r = gateway_new(&f->gateway, &c, e);

	if (r == 0)
		r = gateway_listen(f->gateway, take_fd(&f->listen_fd), f->tls,
				   e);
	return r;
}

int front_open_functions(void *front, struct version *caller)
{
	struct front *f = front;

	return f->gateway ? gateway_open(f->gateway, caller) : -ECONNREFUSED;
}

/* ---- the API ------------------------------------------------------------- */

static struct dispatch *dispatch_of(void *ctx)
{
	return ((struct front *)ctx)->c.dispatch;
}

static void api_each(void *ctx,
		     void (*tell)(void *arg, const struct instance_info *i),
		     void *arg)
{
	dispatch_each(dispatch_of(ctx), tell, arg);
}

static int api_stop(void *ctx, const char *id_prefix)
{
	return dispatch_stop_instance(dispatch_of(ctx), id_prefix);
}

static void api_counts(void *ctx, const struct version *v,
		       struct sched_counts *ret)
{
	(void)ctx;
	dispatch_counts(v, ret);
}

static void api_submit(void *ctx, struct dispatch_request *r)
{
	dispatch_submit(dispatch_of(ctx), r);
}

static void api_cancel(void *ctx, struct dispatch_request *r)
{
	dispatch_cancel(dispatch_of(ctx), r);
}

static void api_done(void *ctx, struct dispatch_request *r,
		     const struct dispatch_outcome *o)
{
	dispatch_done(dispatch_of(ctx), r, o);
}

static int api_connect(void *ctx, struct instance *i)
{
	(void)ctx;
	return instance_connect(i);
}

static void api_stdio(void *ctx, struct instance *i, int *ret_in, int *ret_out)
{
	(void)ctx;
	instance_stdio(i, ret_in, ret_out);
}

static int api_adopt(void *ctx, int fd, const char *buf, size_t len)
{
	const struct front *f = ctx;

	return gateway_adopt(f->gateway, fd, buf, len);
}

static const struct api_ops ops = {
	.each = api_each,
	.stop = api_stop,
	.counts = api_counts,
	.submit = api_submit,
	.cancel = api_cancel,
	.done = api_done,
	.connect = api_connect,
	.stdio = api_stdio,
	.adopt = api_adopt,
};

static int find_group(const char *name, unsigned *ret, struct err *e)
{
	const struct group *g;

	*ret = 0;
	if (!name)
		return 0;
	g = getgrnam(name);
	if (!g)
		return err_set(e, ENOENT, "--api-group: there is no group %s",
			       name);
	*ret = g->gr_gid;
	return 0;
}

static int open_api(struct front *f, struct err *e)
{
	struct api_config c = {
		.loop = f->c.loop,
		.registry = f->c.registry,
		.ledger = f->c.ledger,
		.logs = f->c.logs,
		.metrics = f->c.metrics,
		.ops = &ops,
		.ops_ctx = f,
		.program = f->program,
		.url = f->url,
		.tcp = f->c.options->api,
	};
	int r = find_group(f->c.options->api_group, &c.group, e);

	c.substrate = dispatch_substrate(f->c.dispatch) == MF_SUBSTRATE_KVM ?
			      "kvm" :
			      "process";
	if (r == 0)
		r = paths_program(f->program, e);
	return r == 0 ? api_open(&f->api, &c, e) : r;
}

/* ---- both ---------------------------------------------------------------- */

int front_open(struct front *f, const struct front_config *c, struct err *e)
{
	int r;

	f->c = *c;
	r = open_gateway(f, e);
	return r == 0 ? open_api(f, e) : r;
}

void front_drain(struct front *f, void (*drained)(void *ctx), void *ctx)
{
	gateway_drain(f->gateway, drained, ctx);
}

void front_reload(struct front *f)
{
	struct err e;

	if (!f->tls)
		return;
	if (tls_reload(f->tls, &e) < 0)
		log_say("the certificates stay as they were: %s", e.text);
	else
		log_say("the certificates were read again");
}

void front_close(struct front *f)
{
	api_close(f->api);
	gateway_free(f->gateway);
	tls_free(f->tls);
	if (f->listen_fd >= 0)
		close(take_fd(&f->listen_fd));
}
