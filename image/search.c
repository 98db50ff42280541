/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search paths. ld.so.conf stands for ld.so.cache, which ldconfig makes
 * of it: its lines say the directories and their order without a format that
 * belongs to glibc alone.
 */
#include "image/search.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

#define CONF_DEPTH_MAX 8

static const char *const lib_names[] = { "lib/x86_64-linux-gnu", "lib64",
					 "lib" };
static const char *const platform_names[] = { "x86_64", "haswell" };

/* ---- run paths ---- */

struct text {
	char *base; /* PATH_MAX bytes */
	size_t len;
	bool full;
};

static void put(struct text *t, const char *s, size_t len)
{
	if (len >= PATH_MAX - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->base + t->len, s, len);
	t->len += len;
	t->base[t->len] = '\0';
}

/* The length of $NAME or ${NAME} at p, or 0. */
static size_t token(const char *p, const char *end, const char *name)
{
	size_t n = strlen(name), left = (size_t)(end - p);

	if (left > n + 2 && p[1] == '{' && memcmp(p + 2, name, n) == 0 &&
	    p[2 + n] == '}')
		return n + 3;
	if (left > n && memcmp(p + 1, name, n) == 0)
		return n + 1;
	return 0;
}

struct values {
	const char *origin, *lib, *platform; /* origin NULL: unknown */
	bool uses_platform;
};

/* False if the text uses an origin that is not known, or is too long. */
static bool expand(char ret[PATH_MAX], const char *p, const char *end,
		   struct values *v)
{
	struct text t = { .base = ret };
	size_t n;

	ret[0] = '\0';
	while (p < end) {
		if (*p == '$' && (n = token(p, end, "ORIGIN")) > 0) {
			if (!v->origin)
				return false;
			put(&t, v->origin, strlen(v->origin));
		} else if (*p == '$' && (n = token(p, end, "LIB")) > 0) {
			put(&t, v->lib, strlen(v->lib));
		} else if (*p == '$' && (n = token(p, end, "PLATFORM")) > 0) {
			put(&t, v->platform, strlen(v->platform));
			v->uses_platform = true;
		} else {
			n = 1;
			put(&t, p, n);
		}
		p += n;
	}
	return !t.full && ret[0] == '/';
}

/* The directory of a file, "" for one in the root. */
static char *dir_of(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? strndup(path, (size_t)(slash - path)) : NULL;
}

bool search_expand(struct search_dir *ret, const struct object *o,
		   const char *lib, const char *text, int variant)
{
	AUTO_FREE char *image = dir_of(o->path), *host = dir_of(o->host);
	struct values v = { .origin = image,
			    .lib = lib,
			    .platform = platform_names[variant] };
	const char *end = text + strcspn(text, ":");
	char raw[PATH_MAX];

	if (!image || !expand(raw, text, end, &v) ||
	    stage_normalize(ret->image, "/", raw) < 0 ||
	    (variant > 0 && !v.uses_platform))
		return false;
	v.origin = host;
	ret->host[0] = '\0';
	if (expand(raw, text, end, &v) &&
	    stage_normalize(ret->host, "/", raw) < 0)
		ret->host[0] = '\0';
	return true;
}

const char *search_lib(const struct object *loader)
{
	size_t i, n, count = sizeof(lib_names) / sizeof(lib_names[0]);
	char text[64];

	for (i = 0; loader && i < count; i++) {
		n = (size_t)snprintf(text, sizeof(text), "%c%s", '\0',
				     lib_names[i]) +
		    1;
		if (memmem(loader->map, (size_t)loader->st.st_size, text, n))
			return lib_names[i];
	}
	return lib_names[count - 1];
}

/* ---- the system's directories ---- */

static int open_file(const struct stage *stage, const char *path, int flags)
{
	int fd;

	if (stage)
		return stage_open(stage, path, flags);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_conf(struct strlist *ret, const struct stage *stage,
		     const char *path, int depth);

/* The files of a directory that match, in the order of their names. */
static int read_matching(struct strlist *ret, const struct stage *stage,
			 const char *pattern, int depth)
{
	const char *slash = strrchr(pattern, '/');
	AUTO_FREE char *dir_path = dir_of(pattern);
	AUTO_STRLIST struct strlist names = { 0 };
	struct dirent *d;
	DIR *dir = NULL;
	size_t i;
	int fd, r = 0;

	if (!dir_path)
		return slash ? -ENOMEM : 0;
	fd = open_file(stage, dir_path, O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		dir = fdopendir(fd);
	while (dir && r == 0 && (d = readdir(dir)) != NULL) {
		char *text = NULL;

		if (fnmatch(slash + 1, d->d_name, FNM_PERIOD) != 0)
			continue;
		if (asprintf(&text, "%s/%s", dir_path, d->d_name) < 0)
			text = NULL;
		r = strlist_take(&names, text);
	}
	if (dir)
		closedir(dir);
	strlist_sort(&names);
	for (i = 0; i < names.count && r == 0; i++)
		r = read_conf(ret, stage, names.items[i], depth + 1);
	return r;
}

static int read_line(struct strlist *ret, const struct stage *stage, char *line,
		     int depth)
{
	static const char include[] = "include";
	char *p = line + strspn(line, " \t");
	size_t n = sizeof(include) - 1;

	p[strcspn(p, "#\n")] = '\0';
	while (*p && strchr(" \t\r", p[strlen(p) - 1]))
		p[strlen(p) - 1] = '\0';
	if (strncmp(p, include, n) == 0 && (p[n] == ' ' || p[n] == '\t'))
		return read_matching(ret, stage, p + n + strspn(p + n, " \t"),
				     depth);
	if (p[0] != '/' || strlist_has(ret, p))
		return 0;
	return strlist_add(ret, p);
}

static int read_conf(struct strlist *ret, const struct stage *stage,
		     const char *path, int depth)
{
	AUTO_FCLOSE FILE *f = NULL;
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int fd, r = 0;

	if (depth > CONF_DEPTH_MAX)
		return 0;
	fd = open_file(stage, path, O_RDONLY);
	if (fd < 0)
		return 0;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && getline(&line, &size, f) > 0)
		r = read_line(ret, stage, line, depth);
	return r;
}

static int add_all(struct strlist *ret, const char *const *list)
{
	int r = 0;

	for (; *list && r == 0; list++) {
		if (!strlist_has(ret, *list))
			r = strlist_add(ret, *list);
	}
	return r;
}

int search_system_glibc(struct strlist *ret, const struct stage *stage)
{
	static const char *const builtin[] = {
		"/lib/x86_64-linux-gnu",
		"/usr/lib/x86_64-linux-gnu",
		"/lib64",
		"/usr/lib64",
		"/lib",
		"/usr/lib",
		NULL,
	};
	int r = read_conf(ret, stage, "/etc/ld.so.conf", 0);

	return r < 0 ? r : add_all(ret, builtin);
}

int search_system_musl(struct strlist *ret, const struct stage *stage)
{
	static const char *const builtin[] = { "/lib", "/usr/local/lib",
					       "/usr/lib", NULL };
	AUTO_FCLOSE FILE *f = NULL;
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int fd = open_file(stage, SEARCH_MUSL_PATH_FILE, O_RDONLY), r = 0;

	if (fd < 0)
		return add_all(ret, builtin);
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && getline(&line, &size, f) > 0) {
		char *save, *p = strtok_r(line, ":\n", &save);

		for (; p && r == 0; p = strtok_r(NULL, ":\n", &save))
			r = p[0] == '/' ? strlist_add(ret, p) : 0;
	}
	return r;
}
