/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions in memory: lists, a hash of names, references. A function
 * has a reference of the registry and one of each of its versions; a version
 * one of the registry while it is listed. What is on disk is load.c's and
 * change.c's.
 */
#include "daemon/registry/registry.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/registry/db.h"
#include "daemon/registry/lock.h"
#include "daemon/registry/private.h"
#include "daemon/registry/spec.h"
#include "host/cleanup.h"
#include "host/file.h"

uint64_t registry_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- functions ---- */

/* FNV-1a. */
static uint32_t bucket_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h & (BUCKETS - 1);
}

struct function *function_new(struct registry *r, const char *name)
{
	struct function *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->registry = r;
	f->next_number = 1;
	f->created_ms = registry_now_ms();
	f->refs = 1;
	list_init(&f->node);
	list_init(&f->versions);
	list_init(&f->aliases);
	return f;
}

static void function_free(struct function *f)
{
	struct registry *r = f->registry;
	struct list *pos, *tmp;

	list_del(&f->node);
	if (r->gone && !registry_find(r, f->name) &&
	    !registry_find_staged(r, f->name))
		r->gone(r->gone_ctx, f->name);
	list_for_each_safe(pos, tmp, &f->aliases)
		free(container_of(pos, struct alias, node));
	free(f);
}

void function_unref(struct function *f)
{
	f->refs--;
	if (f->refs == 0 || (f->refs == 1 && !f->id && !f->removed))
		function_free(f);
}

void function_list(struct function *f)
{
	struct registry *r = f->registry;
	struct function **bucket = &r->buckets[bucket_of(f->name)];
	struct list *pos;

	list_del(&f->node);
	list_for_each(pos, &r->functions)
		if (strcmp(container_of(pos, struct function, node)->name,
			   f->name) > 0)
			break;
	list_add_tail(pos, &f->node);
	f->hash_next = *bucket;
	*bucket = f;
}

void function_unlist(struct function *f)
{
	struct function **at = &f->registry->buckets[bucket_of(f->name)];

	while (*at && *at != f)
		at = &(*at)->hash_next;
	if (*at)
		*at = f->hash_next;
	list_del(&f->node);
}

struct list *registry_functions(struct registry *r)
{
	return &r->functions;
}

struct function *registry_find(struct registry *r, const char *name)
{
	struct function *f = r->buckets[bucket_of(name)];

	while (f && strcmp(f->name, name) != 0)
		f = f->hash_next;
	return f;
}

struct function *registry_find_staged(struct registry *r, const char *name)
{
	struct list *pos;

	list_for_each(pos, &r->staged) {
		struct function *f = container_of(pos, struct function, node);

		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

/* ---- versions ---- */

struct version *version_new(struct function *f, uint32_t number,
			    struct spec *spec)
{
	struct version *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->function = f;
	f->refs++;
	v->number = number;
	v->spec = *spec;
	*spec = (struct spec){ 0 };
	v->created_ms = registry_now_ms();
	v->refs = 1;
	list_init(&v->node);
	list_add_tail(&f->registry->versions, &v->all_node);
	return v;
}

int version_set_files(struct version *v, const char *digest, const char *image,
		      const char *snapshot)
{
	AUTO_FREE char *d = strdup(digest), *i = strdup(image);
	AUTO_FREE char *s = snapshot ? strdup(snapshot) : NULL;

	if (!d || !i || (snapshot && !s))
		return -ENOMEM;
	free(v->digest);
	free(v->image_path);
	free(v->snapshot_path);
	v->digest = take_ptr(d);
	v->image_path = take_ptr(i);
	v->snapshot_path = take_ptr(s);
	return 0;
}

char *version_new_snapshot_path(const struct version *v)
{
	char *path;
	uint64_t random;

	randombytes_buf(&random, sizeof(random));
	return asprintf(&path, "%s/versions/%s-%u-%016llx.snap",
			v->function->registry->state_dir, v->function->name,
			v->number, (unsigned long long)random) < 0 ?
		       NULL :
		       path;
}

/* Any version but `but`, which may be NULL. */
static bool file_is_used(const struct registry *r, const char *path,
			 const struct version *but)
{
	struct list *pos;

	list_for_each(pos, &r->versions) {
		const struct version *v =
			container_of(pos, struct version, all_node);

		if (but && v == but)
			continue;
		if ((v->image_path && strcmp(v->image_path, path) == 0) ||
		    (v->snapshot_path && strcmp(v->snapshot_path, path) == 0))
			return true;
	}
	return false;
}

/* What cannot be removed now is when the registry is opened again. */
static void remove_files(const struct version *v)
{
	const struct registry *r = v->function->registry;

	if (v->snapshot_path && !file_is_used(r, v->snapshot_path, v))
		unlink(v->snapshot_path);
	if (v->image_path && !file_is_used(r, v->image_path, v))
		unlink(v->image_path);
}

static void version_free(struct version *v)
{
	struct function *f = v->function;

	list_del(&v->all_node);
	list_del(&v->node);
	spec_fini(&v->spec);
	free(v->digest);
	free(v->image_path);
	free(v->snapshot_path);
	free(v);
	function_unref(f);
}

struct version *version_ref(struct version *v)
{
	v->refs++;
	return v;
}

void version_unref(struct version *v)
{
	if (!v || --v->refs > 0)
		return;
	if (v->removed)
		remove_files(v);
	version_free(v);
}

void version_list(struct version *v)
{
	version_ref(v);
	v->listed = true;
	list_add_tail(&v->function->versions, &v->node);
}

void version_retire(struct version *v)
{
	v->removed = true;
	list_del(&v->node);
	if (!v->listed)
		return;
	v->listed = false;
	version_unref(v);
}

struct version *function_version(struct function *f, uint32_t number)
{
	struct list *pos;

	list_for_each(pos, &f->versions) {
		struct version *v = container_of(pos, struct version, node);

		if (v->number == number)
			return v;
	}
	return NULL;
}

/* ---- aliases ---- */

struct alias *function_alias(struct function *f, const char *name)
{
	struct list *pos;

	list_for_each(pos, &f->aliases) {
		struct alias *a = container_of(pos, struct alias, node);

		if (strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

struct alias *alias_put(struct function *f, const struct alias *want)
{
	struct alias *a = function_alias(f, want->name);

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return NULL;
		list_add_tail(&f->aliases, &a->node);
	}
	memcpy(a->name, want->name, sizeof(a->name));
	memcpy(a->shares, want->shares, sizeof(a->shares));
	a->share_count = want->share_count;
	return a;
}

static struct version *pick_number(struct function *f, const char *text)
{
	uint64_t n = 0;

	for (; isdigit((unsigned char)*text) && n <= UINT32_MAX; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	return *text || n > UINT32_MAX ? NULL :
					 function_version(f, (uint32_t)n);
}

struct version *function_pick(struct function *f, const char *alias,
			      uint32_t dice)
{
	const struct alias *a;
	uint64_t sum = 0, at;

	if (alias && isdigit((unsigned char)alias[0]) &&
	    !alias[strspn(alias, "0123456789")])
		return pick_number(f, alias);
	a = function_alias(f, alias ? alias : ALIAS_DEFAULT);
	for (uint32_t i = 0; a && i < a->share_count; i++)
		sum += a->shares[i].weight;
	if (sum == 0)
		return NULL;
	at = dice % sum;
	for (uint32_t i = 0; i < a->share_count; i++) {
		if (at < a->shares[i].weight)
			return function_version(f, a->shares[i].version);
		at -= a->shares[i].weight;
	}
	return NULL;
}

static bool alias_leads_to(const struct alias *a, const struct version *v)
{
	for (uint32_t i = 0; i < a->share_count; i++)
		if (a->shares[i].weight && a->shares[i].version == v->number)
			return true;
	return false;
}

bool version_is_public(const struct version *v)
{
	struct function *f = v->function;
	const struct alias *live = function_alias(f, ALIAS_DEFAULT);
	struct list *pos;
	bool is_led_to = false;

	if (v->spec.needs_token)
		return false;
	list_for_each(pos, &f->versions) {
		const struct version *o =
			container_of(pos, struct version, node);

		if (live && o->spec.needs_token && alias_leads_to(live, o))
			return false;
	}
	list_for_each(pos, &f->aliases)
		is_led_to |= alias_leads_to(
			container_of(pos, struct alias, node), v);
	return is_led_to;
}

/* ---- routes ---- */

/* A table that lacks a route for want of memory is better than none. */
static void add_routes(struct route_table *t, struct function *f)
{
	const struct alias *a = function_alias(f, ALIAS_DEFAULT);

	for (uint32_t i = 0; a && i < a->share_count; i++) {
		struct version *v = function_version(f, a->shares[i].version);

		for (size_t k = 0; v && k < v->spec.routes.count; k++)
			(void)route_table_add(t, v->spec.routes.items[k], f);
	}
}

void registry_changed(struct registry *r)
{
	struct list *pos;

	route_table_fini(&r->routes);
	list_for_each(pos, &r->functions)
		add_routes(&r->routes,
			   container_of(pos, struct function, node));
	route_table_sort(&r->routes);
	if (r->changed)
		r->changed(r->changed_ctx);
}

void registry_on_change(struct registry *r, void (*changed)(void *ctx),
			void *ctx)
{
	r->changed = changed;
	r->changed_ctx = ctx;
}

void registry_on_gone(struct registry *r,
		      void (*gone)(void *ctx, const char *name), void *ctx)
{
	r->gone = gone;
	r->gone_ctx = ctx;
}

/* The function whose name is the host's part before ".DOMAIN". */
static struct function *find_by_host(struct registry *r, const char *host,
				     const char *domain)
{
	size_t len = strlen(host), tail = strlen(domain);
	char name[FUNCTION_NAME_MAX + 1];

	if (len <= tail + 1 || len - tail - 1 > FUNCTION_NAME_MAX ||
	    strcmp(host + len - tail, domain) != 0 ||
	    host[len - tail - 1] != '.')
		return NULL;
	memcpy(name, host, len - tail - 1);
	name[len - tail - 1] = '\0';
	return registry_find(r, name);
}

/* /fn/NAME[@ALIAS], then / or nothing. */
static void find_by_path(struct registry *r, struct route *ret,
			 const char *path)
{
	static const char prefix[] = "/fn/";
	const char *name = path + sizeof(prefix) - 1;
	size_t len, alias_len;
	char text[FUNCTION_NAME_MAX + 1];

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return;
	len = strcspn(name, "@/");
	if (len > FUNCTION_NAME_MAX)
		return;
	memcpy(text, name, len);
	text[len] = '\0';
	alias_len = name[len] == '@' ? strcspn(name + len + 1, "/") : 0;
	if (alias_len > FUNCTION_NAME_MAX || (name[len] == '@' && !alias_len))
		return;
	ret->function = registry_find(r, text);
	if (!ret->function)
		return;
	memcpy(ret->alias, name + len + 1, alias_len);
	ret->alias[alias_len] = '\0';
	len += alias_len ? alias_len + 1 : 0;
	ret->prefix_len = (uint32_t)(sizeof(prefix) - 1 + len);
}

void registry_route(struct registry *r, struct route *ret, const char *host,
		    const char *path)
{
	char lower[256];
	size_t len = strnlen(host, sizeof(lower) - 1), i;

	for (i = 0; i < len; i++)
		lower[i] = (char)tolower((unsigned char)host[i]);
	if (i > 0 && lower[i - 1] == '.')
		i--;
	lower[i] = '\0';
	*ret = (struct route){ 0 };
	if (lower[0])
		ret->function = route_table_find(&r->routes, lower, path);
	if (!ret->function)
		ret->function = find_by_host(r, lower, "localhost");
	if (!ret->function && r->domain)
		ret->function = find_by_host(r, lower, r->domain);
	if (!ret->function)
		find_by_path(r, ret, path);
	if (!ret->function)
		ret->function = route_table_find(&r->routes, "", path);
}

int registry_set_domain(struct registry *r, const char *domain, struct err *e)
{
	AUTO_FREE char *route = NULL;

	if (asprintf(&route, "%s/", domain) < 0) {
		route = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (!domain[0] || !route_check(route) || strchr(domain, '/'))
		return err_set(e, EINVAL, "%.80s is not a domain in lower case",
			       domain);
	route[strlen(domain)] = '\0';
	free(r->domain);
	r->domain = take_ptr(route);
	return 0;
}

const char *registry_state_dir(const struct registry *r)
{
	return r->state_dir;
}

/* ---- opening ---- */

void registry_drop_image(const struct registry *r, const char *path)
{
	if (!file_is_used(r, path, NULL))
		unlink(path);
}

static bool is_old(const char *path, unsigned age_s)
{
	struct stat st;

	return !age_s || (stat(path, &st) == 0 &&
			  st.st_mtime + (time_t)age_s < time(NULL));
}

static void sweep_dir(const struct registry *r, const char *dir, DIR *d,
		      unsigned age_s)
{
	struct dirent *entry;

	while ((entry = readdir(d))) {
		AUTO_FREE char *path = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0)
			path = NULL;
		else if (!file_is_used(r, path, NULL) && is_old(path, age_s))
			unlink(path);
	}
}

static int sweep(const struct registry *r, const char *name, unsigned age_s,
		 struct err *e)
{
	AUTO_FREE char *dir = NULL;
	DIR *d;
	int err;

	if (asprintf(&dir, "%s/%s", r->state_dir, name) < 0) {
		dir = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	err = file_mkdirs(dir);
	if (err < 0)
		return err_sys(e, -err, "cannot make %s", dir);
	d = opendir(dir);
	if (!d)
		return err_sys(e, errno, "cannot read %s", dir);
	sweep_dir(r, dir, d, age_s);
	closedir(d);
	return 0;
}

void registry_drop_images(const struct registry *r, unsigned age_s)
{
	struct err e;

	/* What could not be removed now is by the next one. */
	(void)sweep(r, "images", age_s, &e);
}

/* The directory is there: state_lock made it. */
static int open_db(struct registry *r, const char *dir, struct err *e)
{
	AUTO_FREE char *path = NULL;

	r->state_dir = realpath(dir, NULL);
	if (!r->state_dir) {
		err_sys(e, errno, "cannot find %s", dir);
		return -ENOENT;
	}
	if (asprintf(&path, "%s/registry.db", r->state_dir) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	return db_open(&r->db, path, e);
}

int registry_open(struct registry **ret, const char *state_dir, struct err *e)
{
	struct registry *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	r->lock_fd = -1;
	list_init(&r->functions);
	list_init(&r->staged);
	list_init(&r->versions);
	list_init(&r->tokens);
	err = r->lock_fd = state_lock(state_dir, e);
	if (err >= 0)
		err = open_db(r, state_dir, e);
	if (err == 0)
		err = registry_load(r, e);
	if (err == 0)
		err = tokens_load(r, e);
	if (err == 0)
		err = sweep(r, "images", 0, e);
	if (err == 0)
		err = sweep(r, "versions", 0, e);
	if (err < 0) {
		registry_close(r);
		return err;
	}
	registry_changed(r);
	*ret = r;
	return 0;
}

void registry_close(struct registry *r)
{
	struct list *pos, *tmp;

	if (!r)
		return;
	r->gone = NULL;
	list_for_each_safe(pos, tmp, &r->versions)
		version_free(container_of(pos, struct version, all_node));
	list_for_each_safe(pos, tmp, &r->functions)
		function_unref(container_of(pos, struct function, node));
	list_for_each_safe(pos, tmp, &r->staged)
		function_unref(container_of(pos, struct function, node));
	tokens_fini(r);
	route_table_fini(&r->routes);
	db_close(r->db);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	free(r->domain);
	free(r->state_dir);
	free(r);
}
