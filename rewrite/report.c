/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report is an object of jansson's from the start. Names come from files
 * that may hold anything, so what JSON cannot hold is replaced.
 */
#include "rewrite/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"

#define NAME_MAX_LEN 256u
/* Bytes of symbol tables looked through for the names of one file. */
#define NAME_WORK_MAX (1ull << 32)

struct report {
	json_t *files; /* array of objects, "path" is the key */
	unsigned rows;
	bool truncated;
	unsigned counts[SITE_VERDICT_COUNT];
};

struct report *report_new(void)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	json_object_seed(1);
	r->files = json_array();
	if (r->files)
		return r;
	free(r);
	return NULL;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	json_decref(r->files);
	free(r);
}

/* Printable ASCII only. */
static json_t *clean_string(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	char *copy = malloc(len + 1);
	json_t *j;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < len; i++)
		copy[i] = s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
	j = json_stringn(copy, len);
	free(copy);
	return j;
}

static json_t *row(const struct rewritten *w, const struct site *s,
		   uint64_t *work)
{
	const char *function = NULL;
	uint64_t distance;
	char text[32];

	if (*work < NAME_WORK_MAX)
		function = elf_symbol_near(w->view.buf, w->view.size, s->va,
					   &distance);
	*work += w->view.size;
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)s->va);
	return json_pack("{s:s, s:o, s:o, s:s}", "address", text, "section",
			 clean_string(view_code_name(&w->view, s->va),
				      NAME_MAX_LEN),
			 "function",
			 clean_string(function ? function : "", NAME_MAX_LEN),
			 "how", site_verdict_name(s->verdict));
}

static json_t *rows(struct report *r, const struct rewritten *w)
{
	json_t *list = json_array();
	uint64_t work = 0;

	for (size_t i = 0; i < w->sites.count && list; i++) {
		if (r->rows == REPORT_SITES_MAX) {
			r->truncated = true;
			break;
		}
		r->rows++;
		if (json_array_append_new(list, row(w, &w->sites.list[i],
						    &work)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static unsigned total(const unsigned *counts, unsigned from, unsigned to)
{
	unsigned n = 0;

	while (from < to)
		n += counts[from++];
	return n;
}

/* {"found": 3, "rewritten": 2, "left": {"sigreturn": 1}} */
static json_t *summary(const unsigned counts[SITE_VERDICT_COUNT])
{
	json_t *left = json_object();

	for (unsigned v = SITE_REWRITTEN_COUNT; v < SITE_VERDICT_COUNT; v++) {
		if (counts[v])
			json_object_set_new(left, site_verdict_name(v),
					    json_integer(counts[v]));
	}
	return json_pack("{s:I, s:I, s:o}", "found",
			 (json_int_t)total(counts, 0, SITE_VERDICT_COUNT),
			 "rewritten",
			 (json_int_t)total(counts, 0, SITE_REWRITTEN_COUNT),
			 "left", left);
}

int report_add(struct report *r, const char *path, const struct rewritten *w)
{
	unsigned counts[SITE_VERDICT_COUNT] = { 0 };
	json_t *file, *list;

	if (!w->sites.count && !w->odd)
		return 0;
	for (size_t i = 0; i < w->sites.count; i++) {
		counts[w->sites.list[i].verdict]++;
		r->counts[w->sites.list[i].verdict]++;
	}
	file = summary(counts);
	list = rows(r, w);
	if (!file || !list ||
	    json_object_set_new(file, "path", clean_string(path, SIZE_MAX)) ||
	    (w->why && json_object_set_new(file, "why", json_string(w->why))) ||
	    json_object_set(file, "sites", list) ||
	    json_array_append(r->files, file)) {
		json_decref(file);
		json_decref(list);
		return -ENOMEM;
	}
	json_decref(file);
	json_decref(list);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;

	return strcmp(json_string_value(json_object_get(*x, "path")),
		      json_string_value(json_object_get(*y, "path")));
}

/* A new array with the files in order. */
static json_t *sorted(const json_t *files)
{
	size_t count = json_array_size(files);
	json_t **list = calloc(count + 1, sizeof(json_t *));
	json_t *r = list ? json_array() : NULL;

	for (size_t i = 0; i < count && r; i++)
		list[i] = json_array_get(files, i);
	if (r && count)
		qsort(list, count, sizeof(json_t *), by_path);
	for (size_t i = 0; i < count && r; i++)
		json_array_append(r, list[i]);
	free(list);
	return r;
}

int report_write(const struct report *r, FILE *out)
{
	json_t *all = summary(r->counts);
	json_t *files = sorted(r->files);
	int err = -ENOMEM;

	if (all && files &&
	    !json_object_set_new(all, "version", json_integer(1)) &&
	    !json_object_set_new(all, "truncated",
				 json_boolean(r->truncated)) &&
	    !json_object_set(all, "files", files))
		err = 0;
	if (!err && (json_dumpf(all, out, JSON_INDENT(1) | JSON_SORT_KEYS) ||
		     fputc('\n', out) == EOF || fflush(out) == EOF))
		err = -EIO;
	json_decref(files);
	json_decref(all);
	return err;
}
