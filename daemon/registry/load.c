/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables to memory, when the registry is opened. Whatever they say that
 * cannot be is an error: what comes up is all there was, or nothing. Paths
 * below the state directory are stored relative to it, so that it can be
 * moved.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/db.h"
#include "daemon/registry/private.h"
#include "daemon/registry/spec.h"
#include "host/cleanup.h"

static int damaged(const char *what, struct err *e)
{
	return err_set(e, EUCLEAN,
		       "the registry is damaged: %s; restore a backup of it",
		       what);
}

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

static const char *text(sqlite3_stmt *s, int column)
{
	const char *t = (const char *)sqlite3_column_text(s, column);

	return t ? t : "";
}

static int load_functions(struct registry *r, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = db_query(
		r->db, e,
		"SELECT id, name, next_number, created_ms FROM functions", "");
	struct function *f;
	int err;

	if (!s)
		return -e->code;
	while ((err = db_step(s, e)) > 0) {
		if (function_name_check(text(s, 1), e) < 0 ||
		    registry_find(r, text(s, 1)))
			return damaged("the name of a function", e);
		f = function_new(r, text(s, 1));
		if (!f)
			return no_memory(e);
		f->id = sqlite3_column_int64(s, 0);
		f->next_number = (uint32_t)sqlite3_column_int64(s, 2);
		f->created_ms = (uint64_t)sqlite3_column_int64(s, 3);
		function_list(f);
	}
	return err;
}

/* NULL if memory is short. */
static char *absolute(const struct registry *r, const char *path)
{
	char *full;

	if (path[0] == '/')
		return strdup(path);
	return asprintf(&full, "%s/%s", r->state_dir, path) < 0 ? NULL : full;
}

static int load_version(struct function *f, sqlite3_stmt *s, struct err *e)
{
	AUTO_SPEC struct spec spec = { 0 };
	AUTO_FREE char *image = absolute(f->registry, text(s, 3));
	AUTO_FREE char *snapshot = NULL;
	int64_t number = sqlite3_column_int64(s, 0);
	struct version *v;
	int r;

	r = spec_parse_text(&spec, text(s, 1), strlen(text(s, 1)), e);
	if (r < 0)
		return err_at(e, "the registry is damaged", r);
	if (number < 1 || number > UINT32_MAX)
		return damaged("the number of a version", e);
	if (sqlite3_column_type(s, 4) != SQLITE_NULL) {
		snapshot = absolute(f->registry, text(s, 4));
		if (!snapshot)
			return no_memory(e);
	}
	v = image ? version_new(f, (uint32_t)number, &spec) : NULL;
	if (!v)
		return no_memory(e);
	version_list(v);
	v->created_ms = (uint64_t)sqlite3_column_int64(s, 5);
	r = version_set_files(v, text(s, 2), image, snapshot);
	version_unref(v);
	return r < 0 ? no_memory(e) : 0;
}

static int load_versions(struct function *f, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s =
		db_query(f->registry->db, e,
			 "SELECT number, spec, digest, image, snapshot,"
			 " created_ms FROM versions WHERE function = ?"
			 " ORDER BY number",
			 "i", f->id);
	int r = s ? 0 : -e->code;

	while (r == 0 && (r = db_step(s, e)) > 0)
		r = load_version(f, s, e);
	return r;
}

void alias_text(const struct alias *a, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < a->share_count && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%u:%u",
				       i ? "," : "", a->shares[i].version,
				       a->shares[i].weight);
}

static bool read_number(const char **at, char end, uint32_t *ret)
{
	char *stop;
	unsigned long n;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	n = strtoul(*at, &stop, 10);
	if (errno || n > UINT32_MAX || (*stop != end && *stop))
		return false;
	*ret = (uint32_t)n;
	*at = *stop ? stop + 1 : stop;
	return true;
}

int alias_parse(struct alias *ret, const char *text)
{
	struct alias_share *share;

	ret->share_count = 0;
	while (*text) {
		if (ret->share_count == ALIAS_SHARES_MAX)
			return -EINVAL;
		share = &ret->shares[ret->share_count++];
		if (!read_number(&text, ':', &share->version) ||
		    !read_number(&text, ',', &share->weight))
			return -EINVAL;
	}
	return ret->share_count ? 0 : -EINVAL;
}

static int load_alias(struct function *f, const char *name, const char *shares,
		      struct err *e)
{
	struct alias a = { 0 };

	if (function_name_check(name, e) < 0 || alias_parse(&a, shares) < 0)
		return damaged("an alias", e);
	snprintf(a.name, sizeof(a.name), "%s", name);
	for (uint32_t i = 0; i < a.share_count; i++)
		if (!function_version(f, a.shares[i].version))
			return damaged("an alias has a version that is not "
				       "there",
				       e);
	return alias_put(f, &a) ? 0 : no_memory(e);
}

/* The last state of each; SQLite takes the other columns from that row. */
static int load_aliases(struct function *f, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s =
		db_query(f->registry->db, e,
			 "SELECT alias, shares, max(id) FROM alias_states"
			 " WHERE function = ? GROUP BY alias",
			 "i", f->id);
	int r = s ? 0 : -e->code;

	while (r == 0 && (r = db_step(s, e)) > 0)
		r = load_alias(f, text(s, 0), text(s, 1), e);
	return r;
}

int registry_load(struct registry *r, struct err *e)
{
	struct list *pos;
	int err = load_functions(r, e);

	list_for_each(pos, &r->functions) {
		struct function *f = container_of(pos, struct function, node);

		if (err == 0)
			err = load_versions(f, e);
		if (err == 0)
			err = load_aliases(f, e);
	}
	return err;
}
