/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table says each key, its type, its range and its default; parsing and
 * printing read nothing else. What concerns several keys is check_whole.
 */
#include "daemon/registry/spec.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/route.h"
#include "host/cleanup.h"
#include "launch/egress_policy.h"

enum kind { U16, U32, U64, BOOL, WORD, TEXT, ENV, LIST };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t min, max, initial;
	const char *const *words; /* WORD, ends with NULL */
	/* Of a TEXT, or an entry of a LIST. */
	int (*check)(const char *name, const char *text, struct err *e);
};

static const char *const modes[] = { "http", "stdio", NULL };
static const char *const isolations[] = { "request", "reuse", NULL };

#define MIB    (1ull << 20)
#define DAY_MS (24u * 3600 * 1000)

static int check_path(const char *name, const char *text, struct err *e)
{
	const char *p;

	for (p = text; *p > ' ' && *p <= '~'; p++)
		;
	if (text[0] == '/' && !*p)
		return 0;
	return err_set(e, EINVAL,
		       "%s is not a path that begins with / and has no blanks",
		       name);
}

static int check_type(const char *name, const char *text, struct err *e)
{
	const char *p;

	for (p = text; *p >= ' ' && *p <= '~'; p++)
		;
	if (p > text && !*p && strchr(text, '/'))
		return 0;
	return err_set(e, EINVAL, "%s is not a media type as text/plain", name);
}

static int check_egress(const char *name, const char *text, struct err *e)
{
	AUTO_FREE struct egress_policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_set(e, ENOMEM, "out of memory");
	r = egress_policy_add(p, text, e);
	return err_at(e, name, r);
}

static int check_route(const char *name, const char *text, struct err *e)
{
	return route_check(text) ?
		       0 :
		       err_set(e, EINVAL,
			       "%s: %.80s is not a route: [HOST]/PATH", name,
			       text);
}

#define AT(member) offsetof(struct spec, member)

#define NUMBER(member, kind_, min_, max_, initial_)                     \
	{                                                               \
		.name = #member, .kind = (kind_), .offset = AT(member), \
		.min = (min_), .max = (max_), .initial = (initial_)     \
	}
#define TEXTS(member, kind_, max_, check_)                              \
	{                                                               \
		.name = #member, .kind = (kind_), .offset = AT(member), \
		.max = (max_), .check = (check_)                        \
	}

static const struct key keys[] = {
	{ .name = "mode", .kind = WORD, .offset = AT(mode), .words = modes },
	{ .name = "isolation",
	  .kind = WORD,
	  .offset = AT(isolation),
	  .words = isolations },
	NUMBER(concurrency, U32, 1, 10000, 1),
	NUMBER(min_instances, U32, 0, 10000, 0),
	NUMBER(max_instances, U32, 1, 10000, 100),
	NUMBER(queue_max, U32, 0, 100000, 1000),
	NUMBER(memory_bytes, U64, 16 * MIB, 1024 * 1024 * MIB, 512 * MIB),
	NUMBER(cpu_milli, U32, 0, 1000, 0),
	NUMBER(port, U16, 1, 65535, SPEC_PORT_DEFAULT),
	NUMBER(needs_token, BOOL, 0, 1, 0),
	NUMBER(request_bytes_max, U64, 0, INT64_MAX, 0),
	NUMBER(response_bytes_max, U64, 0, INT64_MAX, 0),
	NUMBER(start_ms, U32, 1, DAY_MS, 10000),
	NUMBER(first_byte_ms, U32, 0, DAY_MS, 30000),
	NUMBER(idle_ms, U32, 0, DAY_MS, 60000),
	NUMBER(total_ms, U32, 0, DAY_MS, 300000),
	NUMBER(keep_ms, U32, 0, DAY_MS, 60000),
	NUMBER(grace_ms, U32, 0, DAY_MS, 5000),
	TEXTS(readiness, TEXT, 0, check_path),
	TEXTS(liveness, TEXT, 0, check_path),
	NUMBER(liveness_ms, U32, 100, DAY_MS, 10000),
	TEXTS(content_type, TEXT, 0, check_type),
	TEXTS(env, ENV, SPEC_ENV_MAX, NULL),
	TEXTS(egress, LIST, SPEC_LIST_MAX, check_egress),
	TEXTS(routes, LIST, SPEC_LIST_MAX, check_route),
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* ---- one value ---- */

static void *at(struct spec *s, const struct key *k)
{
	return (char *)s + k->offset;
}

static const void *at_const(const struct spec *s, const struct key *k)
{
	return (const char *)s + k->offset;
}

static void set_number(struct spec *s, const struct key *k, uint64_t value)
{
	if (k->kind == U16)
		*(uint16_t *)at(s, k) = (uint16_t)value;
	else if (k->kind == U32 || k->kind == WORD)
		*(uint32_t *)at(s, k) = (uint32_t)value;
	else if (k->kind == U64)
		*(uint64_t *)at(s, k) = value;
	else if (k->kind == BOOL)
		*(bool *)at(s, k) = value != 0;
}

static int read_number(struct spec *s, const struct key *k, const json_t *v,
		       struct err *e)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n < k->min ||
	    (uint64_t)n > k->max)
		return err_set(e, EINVAL,
			       "%s is not a whole number from %" PRIu64
			       " to %" PRIu64,
			       k->name, k->min, k->max);
	set_number(s, k, (uint64_t)n);
	return 0;
}

static int read_word(struct spec *s, const struct key *k, const json_t *v,
		     struct err *e)
{
	const char *text = json_string_value(v);

	for (uint32_t i = 0; text && k->words[i]; i++) {
		if (strcmp(text, k->words[i]) != 0)
			continue;
		set_number(s, k, i);
		return 0;
	}
	return err_set(e, EINVAL, "%s is neither %s nor %s", k->name,
		       k->words[0], k->words[1]);
}

/* A text without NULs that is not too long; NULL after an error. */
static const char *plain_text(const char *name, const json_t *v, size_t max,
			      struct err *e)
{
	const char *text = json_string_value(v);

	if (text && strlen(text) == json_string_length(v) &&
	    json_string_length(v) <= max)
		return text;
	err_set(e, EINVAL, "%s is not a text of at most %zu bytes", name, max);
	return NULL;
}

static int read_text(struct spec *s, const struct key *k, const json_t *v,
		     struct err *e)
{
	char **slot = at(s, k);
	const char *text;
	int r;

	free(take_ptr(*slot));
	if (json_is_null(v))
		return 0;
	text = plain_text(k->name, v, SPEC_TEXT_MAX, e);
	if (!text)
		return -EINVAL;
	r = k->check(k->name, text, e);
	if (r < 0)
		return r;
	*slot = strdup(text);
	return *slot ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int read_list(struct spec *s, const struct key *k, const json_t *v,
		     struct err *e)
{
	struct strlist *list = at(s, k);
	int r = 0;

	if (!json_is_array(v) || json_array_size(v) > k->max)
		return err_set(e, EINVAL,
			       "%s is not a list of at most %" PRIu64 " texts",
			       k->name, k->max);
	for (size_t i = 0; r == 0 && i < json_array_size(v); i++) {
		const char *text = plain_text(k->name, json_array_get(v, i),
					      SPEC_TEXT_MAX, e);

		if (!text)
			return -EINVAL;
		r = k->check(k->name, text, e);
		if (r == 0 && strlist_add(list, text) < 0)
			r = err_set(e, ENOMEM, "out of memory");
	}
	return r;
}

static bool variable_name_ok(const char *name)
{
	const char *p;

	for (p = name; *p > ' ' && *p <= '~' && *p != '='; p++)
		;
	return p > name && !*p;
}

static int read_env(struct spec *s, const struct key *k, json_t *v,
		    struct err *e)
{
	const char *name, *text;
	json_t *value;
	char *entry;

	if (!json_is_object(v) || json_object_size(v) > k->max)
		return err_set(e, EINVAL,
			       "%s is not a map of at most %" PRIu64 " texts",
			       k->name, k->max);
	json_object_foreach(v, name, value) {
		if (!variable_name_ok(name))
			return err_set(e, EINVAL,
				       "%s: %.80s is not the name of a "
				       "variable",
				       k->name, name);
		text = plain_text(name, value, SPEC_ENV_LENGTH, e);
		if (!text)
			return err_at(e, k->name, -EINVAL);
		if (asprintf(&entry, "%s=%s", name, text) < 0)
			entry = NULL;
		if (strlist_take(at(s, k), entry) < 0)
			return err_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

static int read_key(struct spec *s, const struct key *k, json_t *v,
		    struct err *e)
{
	switch (k->kind) {
	case U16:
	case U32:
	case U64:
		return read_number(s, k, v, e);
	case BOOL:
		if (!json_is_boolean(v))
			return err_set(e, EINVAL,
				       "%s is neither true nor false", k->name);
		set_number(s, k, json_is_true(v));
		return 0;
	case WORD:
		return read_word(s, k, v, e);
	case TEXT:
		return read_text(s, k, v, e);
	case ENV:
		return read_env(s, k, v, e);
	case LIST:
		break;
	}
	return read_list(s, k, v, e);
}

/* ---- the whole ---- */

static int set_defaults(struct spec *s, struct err *e)
{
	*s = (struct spec){ 0 };
	for (size_t i = 0; i < KEYS; i++)
		set_number(s, &keys[i], keys[i].initial);
	s->readiness = strdup("/");
	return s->readiness ? 0 : err_set(e, ENOMEM, "out of memory");
}

#define REUSE_CONCURRENCY 16u

static int check_whole(struct spec *s, const json_t *o, struct err *e)
{
	if (s->isolation == ISOLATION_REUSE &&
	    !json_object_get(o, "concurrency"))
		s->concurrency = s->mode == FUNCTION_HTTP ? REUSE_CONCURRENCY :
							    1;
	if (s->isolation == ISOLATION_REQUEST && s->concurrency > 1)
		return err_set(e, EINVAL,
			       "concurrency is more than 1, and isolation "
			       "request gives each instance one request");
	if (s->mode == FUNCTION_STDIO && s->isolation == ISOLATION_REUSE)
		return err_set(e, EINVAL,
			       "isolation reuse needs mode http: a program of "
			       "mode stdio ends with its request");
	if (s->min_instances > s->max_instances)
		return err_set(e, EINVAL,
			       "min_instances is more than max_instances");
	return 0;
}

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* jansson's iterators want what they do not change. */
static json_t *writable(const json_t *o)
{
	union {
		const json_t *in;
		json_t *out;
	} u = { .in = o };

	return u.out;
}

int spec_parse(struct spec *ret, const json_t *o, struct err *e)
{
	const struct key *k;
	const char *name;
	json_t *value;
	int r = set_defaults(ret, e);

	if (r < 0)
		return r;
	if (!json_is_object(o))
		return err_set(e, EINVAL, "the spec is not a JSON object");
	json_object_foreach(writable(o), name, value) {
		k = find_key(name);
		if (!k)
			return err_set(e, EINVAL,
				       "there is no key %.40s in a spec", name);
		r = read_key(ret, k, value, e);
		if (r < 0)
			return r;
	}
	return check_whole(ret, o, e);
}

int spec_parse_text(struct spec *ret, const char *text, size_t len,
		    struct err *e)
{
	json_error_t where;
	json_t *o;
	int r;

	*ret = (struct spec){ 0 };
	if (len > SPEC_JSON_MAX)
		return err_set(e, E2BIG, "the spec has more than %u bytes",
			       SPEC_JSON_MAX);
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!o)
		return err_set(e, EINVAL, "the spec is not JSON: %s, line %d",
			       where.text, where.line);
	r = spec_parse(ret, o, e);
	json_decref(o);
	return r;
}

static json_t *env_json(const struct strlist *l)
{
	json_t *o = json_object();

	for (size_t i = 0; o && i < l->count; i++) {
		const char *eq = strchr(l->items[i], '=');
		AUTO_FREE char *name =
			strndup(l->items[i], (size_t)(eq - l->items[i]));

		if (name &&
		    json_object_set_new(o, name, json_string(eq + 1)) == 0)
			continue;
		json_decref(o);
		o = NULL;
	}
	return o;
}

static json_t *list_json(const struct strlist *l)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < l->count; i++) {
		if (json_array_append_new(a, json_string(l->items[i])) == 0)
			continue;
		json_decref(a);
		a = NULL;
	}
	return a;
}

static json_t *key_json(const struct spec *s, const struct key *k)
{
	const void *p = at_const(s, k);

	switch (k->kind) {
	case U16:
		return json_integer(*(const uint16_t *)p);
	case U32:
		return json_integer(*(const uint32_t *)p);
	case U64:
		return json_integer(*(const int64_t *)p);
	case BOOL:
		return json_boolean(*(const bool *)p);
	case WORD:
		return json_string(k->words[*(const uint32_t *)p]);
	case TEXT:
		return *(char *const *)p ? json_string(*(char *const *)p) :
					   json_null();
	case ENV:
		return env_json(p);
	case LIST:
		break;
	}
	return list_json(p);
}

json_t *spec_json(const struct spec *s)
{
	json_t *o = json_object();

	for (size_t i = 0; o && i < KEYS; i++) {
		if (json_object_set_new(o, keys[i].name,
					key_json(s, &keys[i])) == 0)
			continue;
		json_decref(o);
		o = NULL;
	}
	return o;
}

void spec_fini(struct spec *s)
{
	free(take_ptr(s->readiness));
	free(take_ptr(s->liveness));
	free(take_ptr(s->content_type));
	strlist_fini(&s->env);
	strlist_fini(&s->egress);
	strlist_fini(&s->routes);
}

const char *spec_mode_name(enum function_mode m)
{
	return modes[m];
}

const char *spec_isolation_name(enum function_isolation i)
{
	return isolations[i];
}

int function_name_check(const char *name, struct err *e)
{
	size_t len = strlen(name), i;

	for (i = 0; i < len; i++)
		if (!islower((unsigned char)name[i]) &&
		    !isdigit((unsigned char)name[i]) &&
		    (name[i] != '-' || i == 0 || i + 1 == len))
			break;
	if (len > 0 && len <= FUNCTION_NAME_MAX && i == len)
		return 0;
	return err_set(e, EINVAL,
		       "%.80s is not a name: 1 to %u of a-z, 0-9 and, inside, "
		       "- are wanted",
		       name, FUNCTION_NAME_MAX);
}
