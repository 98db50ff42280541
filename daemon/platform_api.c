/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API wants of the rest of the platform, and where functions are
 * reached, as far as that can be told to somebody else.
 */
#include "daemon/platform_api.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/api/api.h"
#include "host/cleanup.h"
#include "launch/paths.h"

static struct dispatch *dispatch_of(void *ctx)
{
	return ((struct platform *)ctx)->dispatch;
}

static void op_each(void *ctx,
		    void (*tell)(void *arg, const struct instance_info *i),
		    void *arg)
{
	dispatch_each(dispatch_of(ctx), tell, arg);
}

static int op_stop(void *ctx, const char *id_prefix)
{
	return dispatch_stop_instance(dispatch_of(ctx), id_prefix);
}

static void op_counts(void *ctx, const struct version *v,
		      struct sched_counts *ret)
{
	(void)ctx;
	dispatch_counts(v, ret);
}

static void op_submit(void *ctx, struct dispatch_request *r)
{
	dispatch_submit(dispatch_of(ctx), r);
}

static void op_cancel(void *ctx, struct dispatch_request *r)
{
	dispatch_cancel(dispatch_of(ctx), r);
}

static void op_done(void *ctx, struct dispatch_request *r,
		    const struct dispatch_outcome *o)
{
	dispatch_done(dispatch_of(ctx), r, o);
}

static int op_connect(void *ctx, struct instance *i)
{
	(void)ctx;
	return instance_connect(i);
}

static void op_stdio(void *ctx, struct instance *i, int *ret_in, int *ret_out)
{
	(void)ctx;
	instance_stdio(i, ret_in, ret_out);
}

static const struct api_ops ops = {
	.each = op_each,
	.stop = op_stop,
	.counts = op_counts,
	.submit = op_submit,
	.cancel = op_cancel,
	.done = op_done,
	.connect = op_connect,
	.stdio = op_stdio,
};

/* An address that means all is no address to go to. */
static void make_url(struct platform *p)
{
	const struct daemon_options *o = p->options;
	const char *colon = strrchr(o->listen, ':');
	const char *port = colon ? colon + 1 : o->listen;
	int len = colon ? (int)(colon - o->listen) : 0;
	bool any = len == 0 || strncmp(o->listen, "0.0.0.0:", 8) == 0 ||
		   strncmp(o->listen, "[::]:", 5) == 0 ||
		   strncmp(o->listen, "127.0.0.1:", 10) == 0;

	snprintf(p->url, sizeof(p->url), "http%s://%.*s:%s",
		 o->tls_cert ? "s" : "", any ? 9 : len,
		 any ? "localhost" : o->listen, port);
}

static int find_group(const char *name, unsigned *ret, struct err *e)
{
	const struct group *g = getgrnam(name);

	if (!g)
		return err_set(e, ENOENT, "--api-group: there is no group %s",
			       name);
	*ret = g->gr_gid;
	return 0;
}

/* mayfly lies beside mayflyd, or mayflyd in libexec of its prefix. */
static int find_program(char ret[PATHS_MAX], struct err *e)
{
	static const char *const places[] = { "mayfly", "../../bin/mayfly",
					      "../bin/mayfly" };
	char dir[PATHS_MAX - 64] = "";
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	char *slash;

	dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(ret, PATHS_MAX, "%s/%s", dir, places[i]);
		if (access(ret, X_OK) == 0)
			return 0;
	}
	return err_set(e, ENOENT,
		       "the program mayfly is missing: it belongs beside "
		       "mayflyd in %s",
		       dir);
}

int platform_open_api(struct platform *p, struct err *e)
{
	struct api_config c = {
		.loop = p->loop,
		.registry = p->registry,
		.ledger = p->ledger,
		.logs = p->logs,
		.metrics = p->metrics,
		.ops = &ops,
		.ops_ctx = p,
		.program = p->mayfly,
		.url = p->url,
		.tcp = p->options->api,
	};
	int r = find_program(p->mayfly, e);

	if (r == 0 && p->options->api_group)
		r = find_group(p->options->api_group, &c.group, e);
	if (r < 0)
		return r;
	make_url(p);
	c.substrate = dispatch_substrate(p->dispatch) == MF_SUBSTRATE_KVM ?
			      "kvm" :
			      "process";
	return api_open(&p->api, &c, e);
}
