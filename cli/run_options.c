/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of `mayfly run`. They stand before the program, whatever
 * follows it is the program's own.
 */
#include "cli/run_options.h"

#include <errno.h>
#include <string.h>

#define NAME_CHARS                   \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define NAME_MAX_LEN 63

enum {
	OPT_PUBLISH = 10,
	OPT_ENV,
	OPT_ENV_FILE,
	OPT_MEMORY,
	OPT_NAME,
	OPT_WORKDIR,
	OPT_TIMEOUT,
	OPT_SUBSTRATE,
	OPT_STATS,
	OPT_EGRESS,
	OPT_DNS,
	OPT_RESTART,
	OPT_CLONES,
	OPT_OVERCOMMIT,
};

const struct opt run_opts[] = {
	{ OPT_PUBLISH, 'p', "publish", "[IP:]HOST:GUEST[/PROTO]",
	  "publish a port, PROTO is tcp or udp" },
	{ OPT_EGRESS, 0, "egress", "HOST[:PORT]|ADDR[/BITS][:PORT]|all",
	  "allow connections to the outside" },
	{ OPT_DNS, 0, "dns", "ADDR[:PORT]",
	  "name server for --egress, default the host's" },
	{ OPT_ENV, 'e', "env", "NAME[=VALUE]",
	  "set a variable, or pass one on" },
	{ OPT_ENV_FILE, 0, "env-file", "FILE", "set variables from a file" },
	{ OPT_MEMORY, 'm', "memory", "SIZE",
	  "memory limit like 64m or 1g, default 512m" },
	{ OPT_NAME, 0, "name", "NAME", "name of the instance, its host name" },
	{ OPT_WORKDIR, 'w', "workdir", "DIR", "working directory" },
	{ OPT_TIMEOUT, 0, "timeout", "TIME",
	  "end the program after 500ms, 2s, 1m, ..." },
	{ OPT_SUBSTRATE, 0, "substrate", "auto|kvm|process",
	  "what the guest runs on, default auto" },
	{ OPT_RESTART, 0, "restart", "[=N]",
	  "begin again at the end, at most N times" },
	{ OPT_CLONES, 0, "clones", "N",
	  "run N copies of a snapshot, which share the ports" },
	{ OPT_OVERCOMMIT, 0, "overcommit", NULL,
	  "even if memory may not do for all the clones" },
	{ OPT_STATS, 0, "stats", NULL,
	  "print one JSON object to stderr at the end" },
	{ 0 },
};

static int set_substrate(enum mf_substrate *ret, const char *value,
			 struct err *e)
{
	static const char *const names[] = { "auto", "kvm", "process" };
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			*ret = (enum mf_substrate)i;
			return 0;
		}
	}
	return err_set(e, EINVAL,
		       "unknown substrate %s; it is auto, kvm or "
		       "process",
		       value);
}

static int set_name(struct run_options *o, const char *value, struct err *e)
{
	size_t len = strlen(value);

	if (len == 0 || len > NAME_MAX_LEN ||
	    strspn(value, NAME_CHARS) != len || strchr("_.-", value[0]))
		return err_set(e, EINVAL,
			       "%s is not a name: 1 to %d letters, "
			       "digits, '_', '.' and '-', the first a letter "
			       "or a digit",
			       value, NAME_MAX_LEN);
	o->name = value;
	return 0;
}

static int add_port(struct run_options *o, const char *value, struct err *e)
{
	struct port_map m;
	uint32_t i;
	int r;

	if (o->port_count == MF_PORTS_MAX)
		return err_set(e, EINVAL, "more than %d published ports",
			       MF_PORTS_MAX);
	r = parse_port(&m, value, e);
	if (r < 0)
		return r;
	for (i = 0; i < o->port_count; i++) {
		if (o->ports[i].proto == m.proto &&
		    o->ports[i].addr_len == m.addr_len &&
		    memcmp(&o->ports[i].addr, &m.addr, m.addr_len) == 0)
			return err_set(e, EINVAL,
				       "the host's port %u is published twice",
				       m.host_port);
		if (o->ports[i].guest_port == m.guest_port &&
		    o->ports[i].proto == m.proto)
			return err_set(e, EINVAL,
				       "the guest's port %u is "
				       "published twice",
				       m.guest_port);
	}
	o->ports[o->port_count++] = m;
	return 0;
}

static int set_workdir(struct run_options *o, const char *value, struct err *e)
{
	if (value[0] != '/')
		return err_set(e, EINVAL,
			       "the working directory %s is not an "
			       "absolute path",
			       value);
	o->cwd = value;
	return 0;
}

static int set_restart(struct run_options *o, const char *value, struct err *e)
{
	o->restart = true;
	o->restart_max = 0;
	if (!value || parse_number(&o->restart_max, value, 1, UINT64_MAX))
		return 0;
	return err_set(e, EINVAL, "--restart=%s: a number from 1 on is wanted",
		       value);
}

static int set_clones(struct run_options *o, const char *value, struct err *e)
{
	uint64_t n;

	if (!parse_number(&n, value, 1, RUN_CLONES_MAX))
		return err_set(e, EINVAL,
			       "%s is no number of clones: 1 to %u are "
			       "possible",
			       value, RUN_CLONES_MAX);
	o->clones = (uint32_t)n;
	return 0;
}

/* -e counts more than --env-file, so variables of files are read first. */
static int apply(struct run_options *o, int id, const char *value,
		 struct err *e)
{
	switch (id) {
	case OPT_PUBLISH:
		return add_port(o, value, e);
	case OPT_MEMORY:
		return parse_size(&o->memory_bytes, value, e);
	case OPT_NAME:
		return set_name(o, value, e);
	case OPT_WORKDIR:
		return set_workdir(o, value, e);
	case OPT_TIMEOUT:
		return parse_duration(&o->timeout_ms, value, e);
	case OPT_SUBSTRATE:
		return set_substrate(&o->substrate, value, e);
	case OPT_STATS:
		o->stats = true;
		return 0;
	case OPT_CLONES:
		return set_clones(o, value, e);
	case OPT_OVERCOMMIT:
		o->overcommit = true;
		return 0;
	case OPT_EGRESS:
		return egress_policy_add(&o->egress, value, e);
	case OPT_DNS:
		return name_servers_add(&o->dns, value, e);
	case OPT_RESTART:
		return set_restart(o, value, e);
	case OPT_ENV_FILE:
		return env_list_read(&o->env, value, e);
	default:
		return 0;
	}
}

static bool is_env(const struct run_more *more, int id, const char *value)
{
	return id == OPT_ENV ||
	       (id >= RUN_MORE_ID && more->is_env && more->is_env(id, value));
}

static int set_program(struct run_options *o, const char *value, struct err *e)
{
	if (o->path)
		return err_set(e, EINVAL,
			       "%s is a second program; arguments go behind --",
			       value);
	o->path = value;
	return 0;
}

static int apply_env(struct run_options *o, struct opts it,
		     const struct run_more *more, struct err *e)
{
	const char *value;
	int id, r = 0;

	while (r == 0 && (id = opts_next(&it, &value, e)) > OPT_END) {
		if (is_env(more, id, value))
			r = env_list_set(&o->env, value, e);
	}
	return r;
}

static int apply_one(struct run_options *o, int id, const char *value,
		     const struct run_more *more, struct err *e)
{
	if (id == OPT_WORD)
		return set_program(o, value, e);
	if (is_env(more, id, value))
		return 0;
	if (id >= RUN_MORE_ID && more->take)
		return more->take(more->arg, id, value, e);
	return apply(o, id, value, e);
}

int run_options_parse_more(struct run_options *ret, int argc, char **argv,
			   const struct run_more *more, struct err *e)
{
	const struct opts start = { .table = more->table,
				    .argv = argv,
				    .argc = argc,
				    .next = 1,
				    .words_between = more->words_between,
				    .program = true };
	struct opts it = start;
	const char *value;
	int id, r = 0;

	while ((id = opts_next(&it, &value, e)) != OPT_END) {
		if (id < 0)
			return id;
		if (id == OPT_HELP) {
			ret->help = true;
			return 0;
		}
		r = apply_one(ret, id, value, more, e);
		if (r < 0)
			return r;
	}
	r = apply_env(ret, start, more, e);
	if (r < 0)
		return r;
	if (ret->dns.count && !ret->egress.count)
		return err_set(e, EINVAL,
			       "--dns without --egress: nothing is allowed "
			       "that a name could lead to");
	if (!more->words_between && it.next < argc)
		ret->path = argv[it.next++];
	ret->args = argv + it.next;
	ret->args_count = argc - it.next;
	return 0;
}

int run_options_parse(struct run_options *ret, int argc, char **argv,
		      struct err *e)
{
	const struct run_more none = { .table = run_opts };
	int r = run_options_parse_more(ret, argc, argv, &none, e);

	if (r == 0 && !ret->help && !ret->path)
		return err_set(e, EINVAL,
			       "nothing to run: mayfly run needs a "
			       "program or an image; see mayfly run --help");
	return r;
}

void run_options_fini(struct run_options *o)
{
	env_list_fini(&o->env);
}
