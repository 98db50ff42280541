/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds builders and asks them. Directories are looked through anew each
 * time: this happens only where something is built.
 */
#include "cli/builder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/cmd.h"
#include "host/cleanup.h"
#include "host/strlist.h"
#include "launch/paths.h"

#define SEEN_MAX 128 /* bytes of what detect says it saw */

void builders_fini(struct builders *l)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		free(l->items[i].name);
		free(l->items[i].dir);
	}
	free(l->items);
	*l = (struct builders){ 0 };
}

/* ---- finding ---- */

static bool is_known(const struct builders *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (strcmp(l->items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A directory without the two programs is not a builder. */
static bool is_builder(const char *dir)
{
	AUTO_FREE char *detect = NULL, *build = NULL;

	if (asprintf(&detect, "%s/detect", dir) < 0)
		detect = NULL;
	if (asprintf(&build, "%s/build", dir) < 0)
		build = NULL;
	return detect && build && access(detect, X_OK) == 0 &&
	       access(build, X_OK) == 0;
}

static int add(struct builders *l, const char *place, const char *name)
{
	struct builder *items, b = { 0 };

	if (is_known(l, name))
		return 0;
	if (asprintf(&b.dir, "%s/%s", place, name) < 0)
		return -ENOMEM;
	if (!is_builder(b.dir)) {
		free(b.dir);
		return 0;
	}
	b.name = strdup(name);
	items = reallocarray(l->items, l->count + 1, sizeof(*items));
	if (items)
		l->items = items;
	if (!items || !b.name) {
		free(b.name);
		free(b.dir);
		return -ENOMEM;
	}
	l->items[l->count++] = b;
	return 0;
}

/* All of a directory, by name. */
static int add_place(struct builders *l, const char *place)
{
	AUTO_STRLIST struct strlist names = { 0 };
	DIR *dir = opendir(place);
	struct dirent *d;
	size_t i;
	int r = 0;

	while (dir && r == 0 && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] != '.')
			r = strlist_add(&names, d->d_name);
	}
	if (dir)
		closedir(dir);
	strlist_sort(&names);
	for (i = 0; i < names.count && r == 0; i++)
		r = add(l, place, names.items[i]);
	return r;
}

/* $MAYFLY_BUILDERS, directories with ':' between them. */
static int add_variable(struct builders *l)
{
	const char *value = getenv("MAYFLY_BUILDERS");
	AUTO_FREE char *copy = strdup(value ? value : "");
	char *p, *save;
	int r = copy ? 0 : -ENOMEM;

	p = copy ? strtok_r(copy, ":", &save) : NULL;
	for (; p && r == 0; p = strtok_r(NULL, ":", &save)) {
		char *real = realpath(p, NULL);

		r = real ? add_place(l, real) : 0;
		free(real);
	}
	return r;
}

static int add_configured(struct builders *l)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *mid = "";
	AUTO_FREE char *place = NULL;

	if (!base || base[0] != '/') {
		base = getenv("HOME");
		mid = "/.config";
	}
	if (!base || base[0] != '/')
		return 0;
	if (asprintf(&place, "%s%s/mayfly/builders", base, mid) < 0) {
		place = NULL;
		return -ENOMEM;
	}
	return add_place(l, place);
}

/* Those that came with mayfly, in the order that a file there says. */
static int add_installed(struct builders *l)
{
	char place[PATHS_MAX], path[PATHS_MAX + 8];
	AUTO_FCLOSE FILE *f = NULL;
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (paths_builders(place) < 0)
		return 0;
	snprintf(path, sizeof(path), "%s/order", place);
	f = fopen(path, "re");
	while (f && r == 0 && getline(&line, &size, f) > 0) {
		line[strcspn(line, "#\n")] = '\0';
		if (line[0])
			r = add(l, place, line);
	}
	return r == 0 ? add_place(l, place) : r;
}

int builders_find(struct builders *ret, struct err *e)
{
	struct builders l = { 0 };
	int r = add_variable(&l);

	if (r == 0)
		r = add_configured(&l);
	if (r == 0)
		r = add_installed(&l);
	if (r < 0) {
		builders_fini(&l);
		return err_set(e, ENOMEM, "out of memory");
	}
	*ret = l;
	return 0;
}

/* ---- choosing ---- */

int builders_get(const struct builders *l, const char *name,
		 const struct builder **ret, struct err *e)
{
	char list[160] = "";
	size_t i, len = 0;

	for (i = 0; i < l->count; i++) {
		if (strcmp(l->items[i].name, name) == 0) {
			*ret = &l->items[i];
			return 0;
		}
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len,
						"%s%s", len ? ", " : "",
						l->items[i].name);
	}
	if (l->count == 0)
		return err_set(e, EINVAL,
			       "there is no builder %.60s, nor any other",
			       name);
	return err_set(e, EINVAL, "there is no builder %.60s; there are: %s",
		       name, list);
}

static void first_line(void *arg, const char *line)
{
	char *seen = arg;

	if (!seen[0])
		snprintf(seen, SEEN_MAX, "%s", line);
}

/* 1: it matches, and `seen` says why; 0: it does not. */
static int detect(const struct builder *b, const struct source *s,
		  const char *path, char seen[SEEN_MAX], struct err *e)
{
	AUTO_FREE char *program = NULL;
	const char *argv[] = { NULL, path, NULL };
	struct child c = { .argv = argv,
			   .mask = &s->guard.old,
			   .quiet_errors = true,
			   .line = first_line,
			   .arg = seen };
	int status, r;

	seen[0] = '\0';
	if (asprintf(&program, "%s/detect", b->dir) < 0) {
		program = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	argv[0] = program;
	r = child_run(&c, &status, e);
	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return WEXITSTATUS(status) == 0;
	return err_set(e, EIO,
		       "the builder %s cannot tell whether it knows %s: its "
		       "program detect ended with %s %d",
		       b->name, path, WIFEXITED(status) ? "status" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) :
					   WTERMSIG(status));
}

int builders_detect(const struct builders *l, const struct source *s,
		    const char *path, const struct builder **ret, struct err *e)
{
	char seen[SEEN_MAX], taken[SEEN_MAX] = "", others[256] = "";
	size_t i, len = 0;
	int r;

	*ret = NULL;
	for (i = 0; i < l->count; i++) {
		r = detect(&l->items[i], s, path, seen, e);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (!*ret) {
			*ret = &l->items[i];
			snprintf(taken, sizeof(taken), "%s", seen);
		} else if (len < sizeof(others)) {
			len += (size_t)snprintf(others + len,
						sizeof(others) - len,
						"%s%s (%s)", len ? ", " : "",
						l->items[i].name, seen);
		}
	}
	if (len > 0)
		log_say("built by %s (%s); also possible: %s; --builder or "
			"mayfly.yaml decides",
			(*ret)->name, taken, others);
	return 0;
}
