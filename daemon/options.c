/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mayfly up` passes its options on as they are, so this is their only table.
 * Defaults need no configuration at all.
 */
#include "daemon/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/opts.h"
#include "host/parse.h"
#include "spawner/protocol.h"

enum {
	OPT_STATE = 10,
	OPT_LISTEN,
	OPT_API,
	OPT_API_GROUP,
	OPT_TLS_CERT,
	OPT_TLS_KEY,
	OPT_DOMAIN,
	OPT_USER,
	OPT_CGROUPS,
	OPT_UIDS,
	OPT_MEMORY,
	OPT_INSTANCES,
	OPT_QUEUE,
	OPT_SHELLS,
	OPT_CONNECTIONS,
	OPT_TRUST,
	OPT_DRAIN,
	OPT_SUBSTRATE,
	OPT_VERSION,
};

static const struct opt table[] = {
	{ OPT_STATE, 0, "state", "DIR",
	  "keep everything there (default: see mayflyd(8))" },
	{ OPT_LISTEN, 'l', "listen", "[ADDR:]PORT",
	  "of the gateway (default: " OPTIONS_ADDR_DEFAULT ")" },
	{ OPT_API, 0, "api", "[ADDR:]PORT",
	  "of the API, for who has a token, beside its socket" },
	{ OPT_API_GROUP, 0, "api-group", "GROUP",
	  "whose members may use the API's socket, too" },
	{ OPT_TLS_CERT, 0, "tls-cert", "FILE",
	  "certificates, PEM: the gateway speaks TLS" },
	{ OPT_TLS_KEY, 0, "tls-key", "FILE", "their key, PEM" },
	{ OPT_DOMAIN, 0, "domain", "NAME",
	  "functions are NAME-OF-FUNCTION.NAME, too" },
	{ OPT_MEMORY, 'm', "memory", "SIZE",
	  "for all instances (default: three quarters of the host's)" },
	{ OPT_INSTANCES, 0, "max-instances", "N",
	  "at a time, of all functions (default: 1000)" },
	{ OPT_QUEUE, 0, "max-queue", "N",
	  "requests that wait, of all functions (default: 10000)" },
	{ OPT_CONNECTIONS, 0, "max-connections", "N",
	  "of clients of the gateway (default: 4096)" },
	{ OPT_TRUST, 0, "trust-forwarded", NULL,
	  "clients are a proxy's: believe its Forwarded headers" },
	{ OPT_SHELLS, 0, "shells", "N",
	  "empty machines made ahead (default: 2)" },
	{ OPT_DRAIN, 0, "drain", "TIME",
	  "that requests may still take at the end (default: 30s)" },
	{ OPT_SUBSTRATE, 0, "substrate", "auto|process",
	  "process: without KVM" },
	{ OPT_USER, 0, "user", "NAME",
	  "to become after the start, if started by root" },
	{ OPT_CGROUPS, 0, "cgroups", "auto|v1|v2|none",
	  "that limit instances (default: auto)" },
	{ OPT_UIDS, 0, "uids", "FIRST:COUNT",
	  "users of instances, if started by root" },
	{ OPT_VERSION, 0, "version", NULL, "print the version" },
	{ 0, 0, NULL, NULL, NULL },
};

void daemon_options_help(void)
{
	printf("Usage: mayflyd [OPTIONS]\n\n"
	       "The serverless platform on this machine: gateway, scheduler, "
	       "ledger and API.\n`mayfly up` is the same.\n\n");
	opts_help(table);
}

static int set_number(uint64_t *ret, const char *name, const char *value,
		      uint64_t max, struct err *e)
{
	if (parse_number(ret, value, 0, max))
		return 0;
	return err_set(e, EINVAL, "--%s takes a number up to %llu, not %s",
		       name, (unsigned long long)max, value);
}

static int set_choice(const char **ret, const char *name, const char *value,
		      const char *const *choices, struct err *e)
{
	for (; *choices; choices++)
		if (strcmp(value, *choices) == 0) {
			*ret = value;
			return 0;
		}
	return err_set(e, EINVAL, "--%s does not know %s; see --help", name,
		       value);
}

/* Those whose value is kept as it is. */
static const char **text_option(struct daemon_options *o, int id)
{
	switch (id) {
	case OPT_STATE:
		return &o->state;
	case OPT_LISTEN:
		return &o->listen;
	case OPT_API:
		return &o->api;
	case OPT_API_GROUP:
		return &o->api_group;
	case OPT_TLS_CERT:
		return &o->tls_cert;
	case OPT_TLS_KEY:
		return &o->tls_key;
	case OPT_DOMAIN:
		return &o->domain;
	case OPT_USER:
		return &o->user;
	case OPT_UIDS:
		return &o->uids;
	default:
		return NULL;
	}
}

static int take(struct daemon_options *o, int id, const char *value,
		struct err *e)
{
	static const char *const cgroups[] = { "auto", "v1", "v2", "none",
					       NULL };
	static const char *const substrates[] = { "auto", "process", NULL };
	const char **text = text_option(o, id), *chosen = "";
	int r;

	if (text) {
		*text = value;
		return 0;
	}
	switch (id) {
	case OPT_CGROUPS:
		return set_choice(&o->cgroups, "cgroups", value, cgroups, e);
	case OPT_SUBSTRATE:
		r = set_choice(&chosen, "substrate", value, substrates, e);
		o->no_kvm = r == 0 && strcmp(chosen, "process") == 0;
		return r;
	case OPT_MEMORY:
		return parse_size(&o->memory_bytes, value, e);
	case OPT_INSTANCES:
		return set_number(&o->instances_max, "max-instances", value,
				  SPAWNER_INSTANCES_MAX, e);
	case OPT_QUEUE:
		return set_number(&o->queue_max, "max-queue", value, 1000000,
				  e);
	case OPT_CONNECTIONS:
		return set_number(&o->connections_max, "max-connections", value,
				  1000000, e);
	case OPT_TRUST:
		o->trust_forwarded = true;
		break;
	case OPT_SHELLS:
		return set_number(&o->shells, "shells", value, 64, e);
	case OPT_DRAIN:
		return parse_duration(&o->drain_ms, value, e);
	case OPT_VERSION:
		o->version = true;
		break;
	default:
		o->help = true;
		break;
	}
	return 0;
}

static int find_state(struct daemon_options *o, struct err *e)
{
	int r = o->state ? 0 : paths_state(o->state_buf, e);

	if (r == 0 && !o->state)
		o->state = o->state_buf;
	return r;
}

int daemon_options_parse(struct daemon_options *ret, int argc, char **argv,
			 struct err *e)
{
	struct opts opts = {
		.table = table, .argv = argv, .argc = argc, .next = 1
	};
	const char *value;
	int id, r = 0;

	*ret = (struct daemon_options){ .listen = OPTIONS_ADDR_DEFAULT,
					.cgroups = "auto",
					.instances_max = 1000,
					.queue_max = 10000,
					.shells = 2,
					.drain_ms = 30000 };
	while (r == 0 && (id = opts_next(&opts, &value, e)) != OPT_END)
		r = id < 0 ? id : take(ret, id, value, e);
	if (r == 0 && opts.next < argc)
		return err_set(e, EINVAL, "%s: mayflyd takes options only",
			       argv[opts.next]);
	if (r == 0 && !ret->tls_cert != !ret->tls_key)
		return err_set(e, EINVAL,
			       "--tls-cert and --tls-key go together");
	return r == 0 ? find_state(ret, e) : r;
}
