/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment that a program is started with. Lists are short, so a
 * linear search finds the name that a new value replaces.
 */
#include "launch/env_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

static int put(struct env_list *l, char *item, size_t name_len, struct err *e)
{
	char **items;
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (strncmp(l->items[i], item, name_len + 1) == 0) {
			free(l->items[i]);
			l->items[i] = item;
			return 0;
		}
	}
	if (l->count == ENV_LIST_MAX)
		return err_set(e, E2BIG, "more than %u environment variables",
			       ENV_LIST_MAX);
	items = reallocarray(l->items, l->count + 1, sizeof(*items));
	if (!items)
		return err_set(e, ENOMEM, "out of memory");
	items[l->count++] = item;
	l->items = items;
	return 0;
}

int env_list_set(struct env_list *l, const char *entry, struct err *e)
{
	size_t name_len = strcspn(entry, "=");
	AUTO_FREE char *item = NULL;
	const char *value;
	int r;

	if (name_len == 0)
		return err_set(e, EINVAL,
			       "%s is not an environment variable; "
			       "write it like NAME=value",
			       entry);
	if (entry[name_len] == '=') {
		item = strdup(entry);
	} else {
		value = getenv(entry);
		if (!value)
			return 0;
		if (asprintf(&item, "%s=%s", entry, value) < 0)
			item = NULL;
	}
	if (!item)
		return err_set(e, ENOMEM, "out of memory");
	r = put(l, item, name_len, e);
	if (r == 0)
		item = NULL;
	return r;
}

int env_list_read(struct env_list *l, const char *path, struct err *e)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int r = 0;

	if (!f)
		return err_sys(e, errno, "cannot open the environment file %s",
			       path);
	while (r == 0 && (n = getline(&line, &size, f)) > 0) {
		char *p = line + strspn(line, " \t");

		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (*p != '\0' && *p != '#')
			r = env_list_set(l, p, e);
	}
	if (r == 0 && ferror(f))
		return err_sys(e, EIO, "cannot read the environment file %s",
			       path);
	return r;
}

void env_list_fini(struct env_list *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct env_list){ 0 };
}
