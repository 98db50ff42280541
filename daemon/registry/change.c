/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes functions. Each change is one transaction, and memory follows
 * when it is on disk; a change that failed has changed neither.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/db.h"
#include "daemon/registry/private.h"
#include "daemon/registry/spec.h"
#include "host/cleanup.h"

#define STATES_MAX   16 /* of an alias, that are remembered */
#define VERSIONS_MAX 1000u /* of a function */
#define ALIASES_MAX  64u /* of a function */

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

/* ---- staging ---- */

static struct function *find_or_make(struct registry *r, const char *name)
{
	struct function *f = registry_find(r, name);

	if (!f)
		f = registry_find_staged(r, name);
	if (f)
		return f;
	f = function_new(r, name);
	if (f)
		list_add_tail(&r->staged, &f->node);
	return f;
}

static int check_routes(struct registry *r, const char *name,
			const struct spec *spec, struct err *e)
{
	const struct function *f = registry_find(r, name);
	const struct route_entry *other;

	for (size_t i = 0; i < spec->routes.count; i++) {
		other = route_table_clash(&r->routes, spec->routes.items[i], f);
		if (other)
			return err_set(e, EEXIST, "route %.80s is %s's already",
				       spec->routes.items[i],
				       other->function->name);
	}
	return 0;
}

int registry_stage(struct registry *r, const char *name, struct spec *spec,
		   struct version **ret, struct err *e)
{
	struct function *f;
	struct version *v;
	int err = function_name_check(name, e);

	if (err == 0)
		err = check_routes(r, name, spec, e);
	if (err < 0)
		return err;
	f = find_or_make(r, name);
	if (!f)
		return no_memory(e);
	v = version_new(f, f->next_number, spec);
	if (!v) {
		/* If it was made for this, it goes. */
		f->refs++;
		function_unref(f);
		return no_memory(e);
	}
	f->next_number++;
	*ret = v;
	return 0;
}

void registry_drop(struct registry *r, struct version *v)
{
	version_retire(v);
	version_unref(v);
	/* Its instances, those of a probe, are to go too. */
	registry_changed(r);
}

/* ---- rows ---- */

/* What is stored of a path; see load.c. */
static const char *relative(const struct registry *r, const char *path)
{
	size_t len = strlen(r->state_dir);

	if (path && strncmp(path, r->state_dir, len) == 0 && path[len] == '/')
		return path + len + 1;
	return path;
}

static int insert_function(struct function *f, struct err *e)
{
	sqlite3 *db = f->registry->db;

	return db_run(db, e,
		      "INSERT INTO functions (name, next_number, created_ms)"
		      " VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
		      " SET next_number = excluded.next_number",
		      "tii", f->name, (int64_t)f->next_number,
		      (int64_t)f->created_ms);
}

static int function_row(struct function *f, int64_t *ret, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = db_query(
		f->registry->db, e, "SELECT id FROM functions WHERE name = ?",
		"t", f->name);
	int r = s ? db_step(s, e) : -e->code;

	if (r == 0)
		return err_set(e, ENOENT, "there is no function %s", f->name);
	if (r > 0)
		*ret = sqlite3_column_int64(s, 0);
	return r > 0 ? 0 : r;
}

static int insert_version(const struct version *v, int64_t function,
			  struct err *e)
{
	struct registry *r = v->function->registry;
	json_t *o = spec_json(&v->spec);
	AUTO_FREE char *spec = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	if (!spec)
		return no_memory(e);
	return db_run(r->db, e,
		      "INSERT INTO versions (function, number, spec, digest,"
		      " image, snapshot, created_ms) VALUES (?,?,?,?,?,?,?)",
		      "iitttti", function, (int64_t)v->number, spec, v->digest,
		      relative(r, v->image_path), relative(r, v->snapshot_path),
		      (int64_t)v->created_ms);
}

static int insert_state(struct registry *r, int64_t function,
			const struct alias *a, struct err *e)
{
	char shares[ALIAS_TEXT_MAX];
	int err;

	alias_text(a, shares, sizeof(shares));
	err = db_run(r->db, e,
		     "INSERT INTO alias_states (function, alias, shares, at_ms)"
		     " VALUES (?, ?, ?, ?)",
		     "itti", function, a->name, shares,
		     (int64_t)registry_now_ms());
	if (err < 0)
		return err;
	return db_run(r->db, e,
		      "DELETE FROM alias_states WHERE id IN (SELECT id FROM"
		      " alias_states WHERE function = ? AND alias = ?"
		      " ORDER BY id DESC LIMIT -1 OFFSET ?)",
		      "iti", function, a->name, (int64_t)STATES_MAX);
}

/* ---- committing ---- */

/* The heaviest version of an alias; 0: there is none. */
static uint32_t main_version(const struct alias *a)
{
	uint32_t version = 0, weight = 0;

	for (uint32_t i = 0; a && i < a->share_count; i++) {
		if (a->shares[i].weight <= weight)
			continue;
		version = a->shares[i].version;
		weight = a->shares[i].weight;
	}
	return version;
}

/* The default alias after a deploy; no shares: it stays as it is. */
static void next_live(const struct version *v, uint32_t percent,
		      struct alias *ret)
{
	uint32_t before =
		main_version(function_alias(v->function, ALIAS_DEFAULT));

	*ret = (struct alias){ .name = ALIAS_DEFAULT };
	if (before && percent == 0)
		return;
	if (before && percent < 100)
		ret->shares[ret->share_count++] =
			(struct alias_share){ .version = before,
					      .weight = 100 - percent };
	ret->shares[ret->share_count++] =
		(struct alias_share){ .version = v->number,
				      .weight = before ? percent : 100 };
}

static int commit_rows(struct version *v, const struct alias *live, int64_t *id,
		       struct err *e)
{
	struct registry *r = v->function->registry;
	int err = db_begin(r->db, e);

	if (err < 0)
		return err;
	err = insert_function(v->function, e);
	if (err == 0)
		err = function_row(v->function, id, e);
	if (err == 0)
		err = insert_version(v, *id, e);
	if (err == 0 && live->share_count)
		err = insert_state(r, *id, live, e);
	return db_end(r->db, err, e);
}

static int check_commit(struct version *v, struct err *e)
{
	struct function *f = v->function;
	struct list *pos;
	uint32_t count = 0;

	list_for_each(pos, &f->versions)
		count++;
	if (count >= VERSIONS_MAX)
		return err_set(e, ENOSPC,
			       "%s has %u versions; remove some of its aliases",
			       f->name, count);
	if (f->removed)
		return err_set(e, ENOENT,
			       "function %s was removed while it was deployed",
			       f->name);
	return check_routes(f->registry, f->name, &v->spec, e);
}

int registry_commit(struct registry *r, struct version *v, uint32_t percent,
		    struct err *e)
{
	struct function *f = v->function;
	struct alias live, *made = NULL;
	bool had_live = function_alias(f, ALIAS_DEFAULT);
	int64_t id = 0;
	int err = check_commit(v, e);

	if (err < 0)
		return err;
	next_live(v, percent, &live);
	if (!had_live) {
		made = alias_put(f, &live);
		if (!made)
			return no_memory(e);
	}
	err = commit_rows(v, &live, &id, e);
	if (err < 0) {
		if (made) {
			list_del(&made->node);
			free(made);
		}
		return err;
	}
	version_list(v);
	if (live.share_count)
		alias_put(f, &live);
	if (!f->id) {
		f->id = id;
		function_list(f);
	}
	registry_changed(r);
	return 0;
}

/* ---- aliases ---- */

static int check_shares(struct function *f, const struct alias *want,
			struct err *e)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < want->share_count; i++) {
		if (!function_version(f, want->shares[i].version))
			return err_set(e, ENOENT, "%s has no version %u",
				       f->name, want->shares[i].version);
		for (uint32_t k = 0; k < i; k++)
			if (want->shares[k].version == want->shares[i].version)
				return err_set(e, EINVAL,
					       "version %u is said twice",
					       want->shares[i].version);
		sum += want->shares[i].weight;
	}
	if (sum == 0 || sum > UINT32_MAX ||
	    want->share_count > ALIAS_SHARES_MAX)
		return err_set(e, EINVAL,
			       "an alias needs 1 to %u versions with a weight",
			       ALIAS_SHARES_MAX);
	return 0;
}

static int check_alias(struct function *f, const struct alias *want,
		       struct err *e)
{
	struct list *pos;
	uint32_t count = 0;
	int r = function_name_check(want->name, e);

	if (r == 0 && !want->name[strspn(want->name, "0123456789")])
		r = err_set(e, EINVAL,
			    "%s is a number; numbers are versions, an alias "
			    "needs another name",
			    want->name);
	list_for_each(pos, &f->aliases)
		count++;
	if (r == 0 && count >= ALIASES_MAX && !function_alias(f, want->name))
		r = err_set(e, ENOSPC, "%s has %u aliases already", f->name,
			    count);
	return r == 0 ? check_shares(f, want, e) : r;
}

int registry_set_alias(struct registry *r, struct function *f,
		       const struct alias *want, struct err *e)
{
	bool is_new = !function_alias(f, want->name);
	struct alias *a;
	int err = check_alias(f, want, e);

	if (err < 0)
		return err;
	/* Before the transaction, what can fail of memory. */
	a = is_new ? alias_put(f, want) : NULL;
	if (is_new && !a)
		return no_memory(e);
	err = db_begin(r->db, e);
	if (err == 0)
		err = db_end(r->db, insert_state(r, f->id, want, e), e);
	if (err < 0 && a) {
		list_del(&a->node);
		free(a);
	}
	if (err < 0)
		return err;
	alias_put(f, want);
	registry_changed(r);
	return 0;
}

int registry_remove_alias(struct registry *r, struct function *f,
			  const char *name, struct err *e)
{
	struct alias *a = function_alias(f, name);
	int err;

	if (!a)
		return err_set(e, ENOENT, "%s has no alias %.63s", f->name,
			       name);
	if (strcmp(name, ALIAS_DEFAULT) == 0)
		return err_set(e, EINVAL,
			       "alias %s is what requests go to; it cannot be "
			       "removed",
			       name);
	err = db_run(r->db, e,
		     "DELETE FROM alias_states WHERE function = ?"
		     " AND alias = ?",
		     "it", f->id, name);
	if (err < 0)
		return err;
	list_del(&a->node);
	free(a);
	registry_changed(r);
	return 0;
}

static uint32_t newest_version(const struct alias *a)
{
	uint32_t newest = 0;

	for (uint32_t i = 0; i < a->share_count; i++)
		if (a->shares[i].version > newest)
			newest = a->shares[i].version;
	return newest;
}

/* Finds what a rollback leads to: *ret_id of its row. 0, 1 or -errno. */
static int previous_state(struct function *f, const struct alias *now,
			  struct alias *ret, int64_t *ret_id, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s =
		db_query(f->registry->db, e,
			 "SELECT id, shares FROM alias_states WHERE"
			 " function = ? AND alias = ? ORDER BY id DESC",
			 "it", f->id, now->name);
	uint32_t newest = newest_version(now);
	int r = s ? 0 : -e->code;

	*ret = *now;
	while (r == 0 && (r = db_step(s, e)) > 0) {
		const char *text = (const char *)sqlite3_column_text(s, 1);

		r = 0;
		if (!text || alias_parse(ret, text) < 0)
			return err_set(e, EUCLEAN,
				       "the history of alias %s is "
				       "damaged",
				       now->name);
		*ret_id = sqlite3_column_int64(s, 0);
		if (ret->share_count == 1 && ret->shares[0].version != newest &&
		    function_version(f, ret->shares[0].version))
			return 1;
	}
	return r;
}

int registry_rollback(struct registry *r, struct function *f, const char *name,
		      struct err *e)
{
	const struct alias *now = function_alias(f, name);
	struct alias before = { 0 };
	int64_t id = 0;
	int err;

	if (!now)
		return err_set(e, ENOENT, "%s has no alias %.63s", f->name,
			       name);
	err = previous_state(f, now, &before, &id, e);
	if (err == 0)
		return err_set(e, ENOENT,
			       "%s has no version before version %u to go "
			       "back to",
			       f->name, newest_version(now));
	if (err < 0)
		return err;
	err = db_run(r->db, e,
		     "DELETE FROM alias_states WHERE function = ? AND"
		     " alias = ? AND id > ?",
		     "iti", f->id, name, id);
	if (err < 0)
		return err;
	alias_put(f, &before);
	registry_changed(r);
	return 0;
}

/* ---- removing ---- */

int registry_remove(struct registry *r, struct function *f, struct err *e)
{
	struct list *pos, *tmp;
	int err = db_run(r->db, e, "DELETE FROM functions WHERE id = ?", "i",
			 f->id);

	if (err < 0)
		return err;
	f->removed = true;
	function_unlist(f);
	list_for_each_safe(pos, tmp, &f->versions)
		version_retire(container_of(pos, struct version, node));
	function_unref(f);
	registry_changed(r);
	return 0;
}

static bool alias_has(const struct alias *a, uint32_t version)
{
	for (uint32_t i = 0; i < a->share_count; i++)
		if (a->shares[i].version == version)
			return true;
	return false;
}

static bool version_is_used(const struct version *v)
{
	struct list *pos;

	list_for_each(pos, &v->function->aliases)
		if (alias_has(container_of(pos, struct alias, node), v->number))
			return true;
	return false;
}

/* States that name a version which is not there lead nowhere: rollback
 * passes over them, and new ones push them out. */
static int prune_rows(struct function *f, const uint32_t *numbers, size_t count,
		      struct err *e)
{
	sqlite3 *db = f->registry->db;
	int r = db_begin(db, e);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = db_run(db, e,
			   "DELETE FROM versions WHERE function = ?"
			   " AND number = ?",
			   "ii", f->id, (int64_t)numbers[i]);
	return db_end(db, r, e);
}

/* In numbers: those to go, of the `count` listed. Returns how many. */
static size_t choose(struct function *f, uint32_t keep, uint32_t back,
		     uint32_t *numbers)
{
	struct list *pos;
	size_t count = 0, kept = 0;

	for (pos = f->versions.prev; pos != &f->versions; pos = pos->prev) {
		const struct version *v =
			container_of(pos, struct version, node);

		if (kept++ < keep || version_is_used(v) || v->number == back)
			continue;
		if (count < VERSIONS_MAX)
			numbers[count++] = v->number;
	}
	return count;
}

int registry_prune_versions(struct registry *r, struct function *f,
			    uint32_t keep, struct err *e)
{
	AUTO_FREE uint32_t *numbers = calloc(VERSIONS_MAX, sizeof(*numbers));
	const struct alias *live = function_alias(f, ALIAS_DEFAULT);
	struct alias before = { 0 };
	uint32_t back = 0;
	int64_t id;
	size_t count;
	int err = 0;

	if (!numbers)
		return no_memory(e);
	if (live)
		err = previous_state(f, live, &before, &id, e);
	if (err > 0)
		back = before.shares[0].version;
	if (err < 0)
		return err;
	count = choose(f, keep, back, numbers);
	if (count == 0)
		return 0;
	err = prune_rows(f, numbers, count, e);
	for (size_t i = 0; err == 0 && i < count; i++)
		version_retire(function_version(f, numbers[i]));
	if (err == 0)
		registry_changed(r);
	return err;
}
