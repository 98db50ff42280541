/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds our cgroups. A hierarchy may be mounted anywhere, and only in part:
 * of a container the mount's root is a cgroup below the real one.
 */
#include "host/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

#define LINE_MAX_LEN 1024

static FILE *open_at(const char *root, const char *name)
{
	char path[CGROUP_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/proc/self/%s", root, name);

	return n < (int)sizeof(path) ? fopen(path, "re") : NULL;
}

/* A mounted hierarchy. */
struct hierarchy {
	char top[CGROUP_PATH_MAX]; /* the cgroup that is its root, "/" mostly */
	char mount[CGROUP_PATH_MAX];
	char group[CGROUP_PATH_MAX]; /* the one that we are in */
};

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, word, len) == 0 && strchr(",\n", list[len]))
			return true;
	}
	return false;
}

/* Of the controller in version 1, or the unified one. */
static bool find_group(struct hierarchy *h, const char *root,
		       const char *controller)
{
	AUTO_FCLOSE FILE *f = open_at(root, "cgroup");
	char line[LINE_MAX_LEN], *list, *path;

	while (f && fgets(line, sizeof(line), f)) {
		list = strchr(line, ':');
		path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		*list++ = *path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (!controller ? strcmp(line, "0") != 0 :
				  !has_word(list, controller))
			continue;
		snprintf(h->group, sizeof(h->group), "%s", path);
		return true;
	}
	return false;
}

/* Splits "id parent dev TOP MOUNT options ... - TYPE source SUPER". */
static bool parse_mount(char *line, char *ret[4])
{
	char *save = NULL, *dash = strstr(line, " - ");
	char *word = strtok_r(line, " ", &save);

	if (!dash)
		return false;
	for (int i = 0; i < 5 && word; i++) {
		if (i >= 3)
			ret[i - 3] = word;
		word = strtok_r(NULL, " ", &save);
	}
	if (!word)
		return false;
	ret[2] = strtok_r(dash + 3, " ", &save);
	ret[3] = strtok_r(NULL, " ", &save) ? strtok_r(NULL, " ", &save) : NULL;
	return ret[2] && ret[3];
}

static bool find_mount(struct hierarchy *h, const char *root,
		       const char *controller)
{
	AUTO_FCLOSE FILE *f = open_at(root, "mountinfo");
	char line[2 * LINE_MAX_LEN], *part[4];

	while (f && fgets(line, sizeof(line), f)) {
		if (!parse_mount(line, part) ||
		    strcmp(part[2], controller ? "cgroup" : "cgroup2") != 0 ||
		    (controller && !has_word(part[3], controller)))
			continue;
		snprintf(h->top, sizeof(h->top), "%s", part[0]);
		snprintf(h->mount, sizeof(h->mount), "%s", part[1]);
		return true;
	}
	return false;
}

/* Our cgroup's path below the mount, without "/" at its end. */
static const char *below(const struct hierarchy *h)
{
	size_t len = strcmp(h->top, "/") == 0 ? 0 : strlen(h->top);

	if (strncmp(h->group, h->top, len) != 0 ||
	    (h->group[len] && h->group[len] != '/'))
		return "";
	return strcmp(h->group + len, "/") == 0 ? "" : h->group + len;
}

bool cgroup_own_dir(char ret[CGROUP_PATH_MAX], size_t *ret_mount_len,
		    const char *root, const char *controller)
{
	AUTO_FREE struct hierarchy *h = calloc(1, sizeof(*h));

	if (!h || !find_group(h, root, controller) ||
	    !find_mount(h, root, controller))
		return false;
	*ret_mount_len = strlen(h->mount);
	return snprintf(ret, CGROUP_PATH_MAX, "%s%s", h->mount, below(h)) <
	       CGROUP_PATH_MAX;
}
