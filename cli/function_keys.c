/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table. Values are checked here as far as their form goes; ranges, and
 * what fits together, are mayflyd's to judge.
 */
#include "cli/function_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"
#include "host/parse.h"

enum kind { WORD, NUMBER, SIZE, TIME, CPU, FLAG, LIST, NONE_OR };

const struct function_key function_keys[FUNCTION_KEYS + 1] = {
	{ "name", "name", WORD, 'n', "NAME",
	  "of the function, default the source's" },
	{ "mode", "mode", WORD, 0, "http|stdio",
	  "an HTTP server (default), or a program for each request" },
	{ "isolation", "isolation", WORD, 0, "request|reuse",
	  "an instance for each request (default), or for many" },
	{ "concurrency", "concurrency", NUMBER, 0, "N",
	  "requests at a time in an instance, with reuse" },
	{ "min", "min_instances", NUMBER, 0, "N",
	  "instances that always are there" },
	{ "max", "max_instances", NUMBER, 0, "N", "instances at most" },
	{ "queue", "queue_max", NUMBER, 0, "N", "requests that may wait" },
	{ "memory", "memory_bytes", SIZE, 'm', "SIZE",
	  "of an instance, default 512m" },
	{ "cpu", "cpu_milli", CPU, 0, "SHARE",
	  "of a CPU that an instance may use, as 0.5" },
	{ "port", "port", NUMBER, 'p', "PORT",
	  "where the program listens, default PORT or 8080" },
	{ "token-protected", "needs_token", FLAG, 0, NULL,
	  "requests must bring a token" },
	{ "max-request", "request_bytes_max", SIZE, 0, "SIZE",
	  "of the body of a request" },
	{ "max-response", "response_bytes_max", SIZE, 0, "SIZE",
	  "of the body of an answer" },
	{ "start-timeout", "start_ms", TIME, 0, "TIME",
	  "until an instance is ready, default 10s" },
	{ "first-byte-timeout", "first_byte_ms", TIME, 0, "TIME",
	  "until an answer begins, default 30s; 0: none" },
	{ "idle-timeout", "idle_ms", TIME, 0, "TIME",
	  "between two bytes, default 60s; 0: none" },
	{ "timeout", "total_ms", TIME, 0, "TIME",
	  "of a request, default 5m; 0: none" },
	{ "keep", "keep_ms", TIME, 0, "TIME",
	  "that an idle instance lives on, default 60s" },
	{ "grace", "grace_ms", TIME, 0, "TIME",
	  "from SIGTERM to the end, default 5s" },
	{ "readiness", "readiness", NONE_OR, 0, "PATH|none",
	  "that a new version must answer, default /" },
	{ "liveness", "liveness", NONE_OR, 0, "PATH|none",
	  "that an instance is asked for now and then" },
	{ "content-type", "content_type", NONE_OR, 0, "TYPE",
	  "of answers of mode stdio" },
	{ "warm-up", "warm_up", NUMBER, 0, "N",
	  "requests before the snapshot is taken" },
	{ "egress", "egress", LIST, 0, "DEST",
	  "it may connect to HOST[:PORT], ADDR[/BITS] or all" },
	{ "route", "routes", LIST, 0, "[HOST]/PATH",
	  "requests that are its, too" },
	{ 0 },
};

const struct function_key *function_key_find(const char *name)
{
	for (size_t i = 0; i < FUNCTION_KEYS; i++)
		if (strcmp(function_keys[i].name, name) == 0)
			return &function_keys[i];
	return strcmp(name, "routes") == 0 ? function_key_find("route") : NULL;
}

const char *function_key_name(const struct function_key *k)
{
	return k->name;
}

bool function_key_is_list(const struct function_key *k)
{
	return k->kind == LIST;
}

struct opt function_key_option(const struct function_key *k, int id)
{
	return (struct opt){ .id = id,
			     .letter = k->letter,
			     .name = k->name,
			     .arg = k->arg,
			     .help = k->help };
}

static int put(json_t *spec, const char *key, json_t *value, struct err *e)
{
	return json_object_set_new(spec, key, value) < 0 ?
		       err_set(e, ENOMEM, "out of memory, or not UTF-8") :
		       0;
}

static int put_number(const struct function_key *k, json_t *spec,
		      uint64_t value, struct err *e)
{
	return put(spec, k->json, json_integer((json_int_t)value), e);
}

static int set_number(const struct function_key *k, json_t *spec,
		      const char *value, struct err *e)
{
	uint64_t n;

	if (!parse_number(&n, value, 0, INT32_MAX))
		return err_set(e, EINVAL, "%s is not a number: %.40s", k->name,
			       value);
	return put_number(k, spec, n, e);
}

/* 0 is none, for both. */
static int set_quantity(const struct function_key *k, json_t *spec,
			const char *value, struct err *e)
{
	uint64_t n = 0;
	int r = 0;

	if (strcmp(value, "0") != 0)
		r = k->kind == SIZE ? parse_size(&n, value, e) :
				      parse_duration(&n, value, e);
	return r < 0 ? err_at(e, k->name, r) : put_number(k, spec, n, e);
}

/* "0.5", "1", ".25": thousandths. */
static int set_cpu(const struct function_key *k, json_t *spec,
		   const char *value, struct err *e)
{
	char *end;
	double share;

	errno = 0;
	share = strtod(value, &end);
	if (errno || end == value || *end || !(share >= 0 && share <= 1))
		return err_set(e, EINVAL,
			       "%s is not a share of a CPU from 0 to 1: %.40s",
			       k->name, value);
	return put_number(k, spec, (uint64_t)(share * 1000 + 0.5), e);
}

static int set_flag(const struct function_key *k, json_t *spec,
		    const char *value, struct err *e)
{
	bool yes = !value || strcmp(value, "true") == 0 ||
		   strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "false") != 0 && strcmp(value, "no") != 0)
		return err_set(e, EINVAL, "%s is neither true nor false",
			       k->name);
	return put(spec, k->json, json_boolean(yes), e);
}

static int add_to_list(const struct function_key *k, json_t *spec,
		       const char *value, struct err *e)
{
	json_t *list = json_object_get(spec, k->json);
	int r = 0;

	if (!list) {
		list = json_array();
		r = put(spec, k->json, list, e);
	}
	if (r == 0 && json_array_append_new(list, json_string(value)) < 0)
		r = err_set(e, EINVAL, "%s is not UTF-8", k->name);
	return r;
}

int function_key_set(const struct function_key *k, json_t *spec,
		     const char *value, struct err *e)
{
	switch ((enum kind)k->kind) {
	case NUMBER:
		return set_number(k, spec, value, e);
	case SIZE:
	case TIME:
		return set_quantity(k, spec, value, e);
	case CPU:
		return set_cpu(k, spec, value, e);
	case FLAG:
		return set_flag(k, spec, value, e);
	case LIST:
		return add_to_list(k, spec, value, e);
	case NONE_OR:
		if (strcmp(value, "none") == 0)
			return put(spec, k->json, json_null(), e);
		break;
	case WORD:
		break;
	}
	return put(spec, k->json, json_string(value), e);
}

int function_env_set(json_t *spec, const char *name, const char *value,
		     struct err *e)
{
	json_t *env = json_object_get(spec, "env");
	int r = 0;

	if (!env) {
		env = json_object();
		r = put(spec, "env", env, e);
	}
	return r == 0 ? put(env, name, json_string(value), e) : r;
}
