/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions, their versions and aliases, as the registry has them and with
 * what the scheduler knows of their instances.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/json.h"
#include "daemon/api/private.h"
#include "daemon/registry/spec.h"

struct function *api_find_function(struct api_request *r)
{
	struct function *f = registry_find(r->api->c.registry, r->params[0]);

	if (!f)
		api_problem(r, 404, "there is no function %s", r->params[0]);
	return f;
}

/* ---- as JSON ---- */

static json_t *shares_json(const struct alias *a)
{
	json_t *list = json_array();

	for (uint32_t i = 0; a && i < a->share_count; i++)
		json_array_append_new(
			list, json_pack("{s:i, s:i}", "version",
					(int)a->shares[i].version, "weight",
					(int)a->shares[i].weight));
	return list;
}

static json_t *aliases_json(const struct function *f)
{
	json_t *o = json_object();
	struct list *pos;

	list_for_each(pos, &f->aliases) {
		const struct alias *a = container_of(pos, struct alias, node);

		json_object_set_new(o, a->name, shares_json(a));
	}
	return o;
}

static json_t *version_json(const struct version *v)
{
	return json_pack("{s:i, s:s, s:I, s:b, s:o}", "number", (int)v->number,
			 "digest", v->digest, "created_ms",
			 (json_int_t)v->created_ms, "snapshot",
			 v->snapshot_path != NULL, "spec", spec_json(&v->spec));
}

static json_t *versions_json(const struct function *f)
{
	json_t *list = json_array();
	struct list *pos;

	list_for_each(pos, &f->versions)
		json_array_append_new(
			list,
			version_json(container_of(pos, struct version, node)));
	return list;
}

static void add_counts(struct sched_counts *sum, const struct sched_counts *c)
{
	sum->starting += c->starting;
	sum->ready += c->ready;
	sum->busy += c->busy;
	sum->stopping += c->stopping;
	sum->waiting += c->waiting;
	sum->failing |= c->failing;
}

static struct sched_counts function_counts(struct api *a,
					   const struct function *f)
{
	struct sched_counts sum = { 0 }, c;
	struct list *pos;

	list_for_each(pos, &f->versions) {
		a->c.ops->counts(a->c.ops_ctx,
				 container_of(pos, struct version, node), &c);
		add_counts(&sum, &c);
	}
	return sum;
}

/* The version that gets most, or all, of the requests. */
static const struct version *main_version(struct function *f)
{
	const struct alias *a = function_alias(f, ALIAS_DEFAULT);
	const struct alias_share *best = NULL;

	for (uint32_t i = 0; a && i < a->share_count; i++)
		if (!best || a->shares[i].weight > best->weight)
			best = &a->shares[i];
	return best ? function_version(f, best->version) : NULL;
}

json_t *api_function_json(struct api *a, struct function *f, bool whole)
{
	struct sched_counts c = function_counts(a, f);
	const struct version *v = main_version(f);
	json_t *o;

	o = json_pack("{s:s, s:s+++, s:I, s:s, s:o, s:o}", "name", f->name,
		      "url", a->c.url, "/fn/", f->name, "/", "created_ms",
		      (json_int_t)f->created_ms, "state",
		      c.failing ? "failing" : "ok", "live",
		      shares_json(function_alias(f, ALIAS_DEFAULT)),
		      "instances",
		      json_pack("{s:i, s:i, s:i, s:i, s:i}", "starting",
				(int)c.starting, "ready", (int)c.ready, "busy",
				(int)c.busy, "stopping", (int)c.stopping,
				"waiting", (int)c.waiting));
	if (o && v)
		json_object_update_new(
			o, json_pack("{s:s, s:s, s:I, s:b}", "mode",
				     spec_mode_name(v->spec.mode), "isolation",
				     spec_isolation_name(v->spec.isolation),
				     "memory_bytes",
				     (json_int_t)v->spec.memory_bytes,
				     "needs_token", v->spec.needs_token));
	if (o && whole)
		json_object_update_new(o, json_pack("{s:o, s:o}", "aliases",
						    aliases_json(f), "versions",
						    versions_json(f)));
	return o;
}

/* ---- handlers ---- */

void api_list_functions(struct api_request *r)
{
	struct list *pos, *all = registry_functions(r->api->c.registry);
	json_t *list = json_array();

	list_for_each(pos, all)
		json_array_append_new(
			list, api_function_json(
				      r->api,
				      container_of(pos, struct function, node),
				      false));
	api_reply_json(r, 200, json_pack("{s:o}", "functions", list));
}

void api_get_function(struct api_request *r)
{
	struct function *f = api_find_function(r);

	if (f)
		api_reply_json(r, 200, api_function_json(r->api, f, true));
}

void api_get_version(struct api_request *r)
{
	struct function *f = api_find_function(r);
	const struct version *v;

	if (!f)
		return;
	v = function_pick(f, r->params[1], 0);
	if (v)
		api_reply_json(r, 200, version_json(v));
	else
		api_problem(r, 404, "%s has no version %s", f->name,
			    r->params[1]);
}

void api_delete_function(struct api_request *r)
{
	struct api *a = r->api;
	struct function *f = api_find_function(r);
	struct err e;

	if (!f)
		return;
	if (registry_remove(a->c.registry, f, &e) < 0) {
		api_problem_err(r, &e);
		return;
	}
	if (a->c.logs)
		logs_remove(a->c.logs, r->params[0]);
	if (a->c.metrics)
		metrics_forget(a->c.metrics, r->params[0]);
	api_reply_empty(r, 204);
}

/* {"shares": [{"version": 1, "weight": 90}, ...]} */
static int read_shares(const json_t *o, struct alias *ret, struct err *e)
{
	static const char *const keys[] = { "shares", NULL };
	static const char *const share_keys[] = { "version", "weight", NULL };
	const json_t *list = json_object_get(o, "shares");
	int r = json_check_keys(o, keys, e);

	if (r < 0)
		return r;
	if (!json_is_array(list) || json_array_size(list) > ALIAS_SHARES_MAX)
		return err_set(e, EINVAL,
			       "shares is not a list of at most %u versions",
			       ALIAS_SHARES_MAX);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const json_t *share = json_array_get(list, i);
		uint64_t version = 0, weight = 100;

		r = json_check_keys(share, share_keys, e);
		if (r == 0)
			r = json_get_number(share, "version", &version,
					    UINT32_MAX, e);
		if (r == 0)
			r = json_get_number(share, "weight", &weight, 1000000,
					    e);
		ret->shares[ret->share_count++] =
			(struct alias_share){ .version = (uint32_t)version,
					      .weight = (uint32_t)weight };
	}
	return r;
}

void api_put_alias(struct api_request *r)
{
	struct function *f = api_find_function(r);
	struct alias want = { 0 };
	struct err e;
	int err;

	if (!f)
		return;
	err = function_name_check(r->params[1], &e);
	if (err == 0) {
		memcpy(want.name, r->params[1], strlen(r->params[1]) + 1);
		err = read_shares(r->json, &want, &e);
	}
	if (err == 0)
		err = registry_set_alias(r->api->c.registry, f, &want, &e);
	if (err < 0)
		api_problem_err(r, &e);
	else
		api_reply_json(r, 200, api_function_json(r->api, f, true));
}

void api_delete_alias(struct api_request *r)
{
	struct function *f = api_find_function(r);
	struct err e;

	if (!f)
		return;
	if (registry_remove_alias(r->api->c.registry, f, r->params[1], &e) < 0)
		api_problem_err(r, &e);
	else
		api_reply_empty(r, 204);
}

void api_rollback(struct api_request *r)
{
	const char *alias = api_query(r, "alias");
	struct function *f = api_find_function(r);
	struct err e;

	if (!f)
		return;
	if (registry_rollback(r->api->c.registry, f,
			      alias ? alias : ALIAS_DEFAULT, &e) < 0)
		api_problem(r, e.code == ENOENT ? 409 : api_status_of(e.code),
			    "%s", e.text);
	else
		api_reply_json(r, 200, api_function_json(r->api, f, true));
}
