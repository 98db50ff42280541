/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest has one process and nothing to start scripts with, so what the
 * kernel of Linux would do with a script at its start is done here, once.
 */
#include "image/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"

#define DEPTH_MAX 5 /* scripts whose interpreters are scripts, as in Linux */

/* Splits off the first word of *rest, or NULL. */
static const char *word(char **rest)
{
	char *p = *rest + strspn(*rest, " \t");
	size_t n = strcspn(p, " \t");

	*rest = p + n + (p[n] != '\0');
	p[n] = '\0';
	return n > 0 ? p : NULL;
}

static bool is_env(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, "env") == 0;
}

bool entry_read_script(struct entry_script *ret, int fd)
{
	ssize_t n = pread(fd, ret->text, sizeof(ret->text) - 1, 0);
	char *rest = ret->text + 2;
	size_t len;

	if (n < 3 || ret->text[0] != '#' || ret->text[1] != '!')
		return false;
	ret->text[n] = '\0';
	rest[strcspn(rest, "\r\n")] = '\0';
	len = strlen(rest);
	while (len > 0 && strchr(" \t", rest[len - 1]))
		rest[--len] = '\0';
	ret->interp = word(&rest);
	ret->env = ret->interp && is_env(ret->interp);
	if (ret->env)
		ret->interp = word(&rest);
	if (ret->env && ret->interp && strcmp(ret->interp, "-S") == 0)
		ret->interp = word(&rest);
	rest += strspn(rest, " \t");
	ret->arg = rest[0] ? rest : NULL;
	return ret->interp != NULL;
}

struct entry {
	struct source *s;
	struct err *e;
	char path[PATH_MAX]; /* of the file in question, in the image */
	char here[PATH_MAX], root[PATH_MAX], real[PATH_MAX]; /* work space */
};

/* ---- finding a file ---- */

/* The path of an open file of the tree, without links, to en->path. */
static int take_real(struct entry *en, int fd)
{
	char link[64];
	ssize_t root, n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", en->s->stage.fd);
	root = readlink(link, en->root, sizeof(en->root) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, en->real, sizeof(en->real) - 1);
	if (root < 0 || n < 0)
		return -errno;
	if (n <= root || memcmp(en->real, en->root, (size_t)root) != 0)
		return -EXDEV;
	en->real[n] = '\0';
	snprintf(en->path, sizeof(en->path), "%s", en->real + root);
	return 0;
}

/* 0 if the path is a regular file; en->path is then its real path. */
static int try_path(struct entry *en, const char *base, const char *path)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (stage_normalize(en->here, base, path) < 0)
		return -ENAMETOOLONG;
	fd = stage_open(&en->s->stage, en->here, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EACCES;
	return take_real(en, fd);
}

static const char *search_path(const struct source *s)
{
	size_t i;

	for (i = 0; i < s->config.env.count; i++) {
		if (strncmp(s->config.env.items[i], "PATH=", 5) == 0)
			return s->config.env.items[i] + 5;
	}
	return "";
}

static int try_name(struct entry *en, const char *name)
{
	const char *p = search_path(en->s);
	char dir[512];
	int r;

	for (;; p++) {
		size_t n = strcspn(p, ":");

		snprintf(dir, sizeof(dir), "%.*s/%s", (int)n, p, name);
		if (n > 0 && strlen(name) + n + 1 < sizeof(dir)) {
			r = try_path(en, "/", dir);
			if (r == 0)
				return 0;
		}
		p += n;
		if (!*p)
			return -ENOENT;
	}
}

static int find(struct entry *en, const char *name)
{
	const char *cwd = en->s->config.cwd ? en->s->config.cwd : "/";
	int r = strchr(name, '/') ? try_path(en, cwd, name) :
				    try_name(en, name);

	if (r == 0)
		return 0;
	if (r == -ENOENT || r == -ENOTDIR)
		return err_set(en->e, ENOEXEC,
			       "the program %s is not in the image", name);
	if (r == -ELOOP)
		return err_set(en->e, ENOEXEC,
			       "the program %s of the image cannot be found: "
			       "its symbolic links go round in a circle",
			       name);
	return err_sys(en->e, ENOEXEC,
		       "the program %s of the image is not a regular file",
		       name);
}

/* ---- scripts ---- */

/* args becomes INTERP [ARG] SCRIPT and what followed the script's name. */
static int prepend(struct entry *en, const char *script,
		   const struct entry_script *line)
{
	struct strlist *args = &en->s->config.args, all = { 0 };
	int r = strlist_add(&all, line->interp);
	size_t i;

	if (r == 0 && line->arg)
		r = strlist_add(&all, line->arg);
	if (r == 0)
		r = strlist_add(&all, script);
	for (i = 1; i < args->count && r == 0; i++)
		r = strlist_add(&all, args->items[i]);
	if (r < 0) {
		strlist_fini(&all);
		return err_set(en->e, ENOMEM, "out of memory");
	}
	strlist_fini(args);
	*args = all;
	return 0;
}

/* 1 if en->path is a script and args were changed, 0 if it is none. */
static int unfold(struct entry *en, const char *name)
{
	AUTO_CLOSE int fd = stage_open(&en->s->stage, en->path, O_RDONLY);
	AUTO_FREE char *script = NULL;
	struct entry_script line;
	int r;

	if (fd < 0)
		return err_sys(en->e, -fd, "cannot read %s", en->path);
	if (!entry_read_script(&line, fd))
		return 0;
	/* The interpreter opens it by name: where it is, not through PATH. */
	script = strdup(strchr(name, '/') ? name : en->path);
	if (!script)
		return err_set(en->e, ENOMEM, "out of memory");
	r = prepend(en, script, &line);
	return r < 0 ? r : 1;
}

static int resolve(struct entry *en)
{
	struct source_config *c = &en->s->config;
	AUTO_FREE char *script = NULL;
	int depth, r = 1;

	for (depth = 0; r == 1; depth++) {
		const char *name = c->args.items[0];

		if (depth == DEPTH_MAX)
			return err_set(en->e, ENOEXEC,
				       "the scripts that start %s name each "
				       "other as interpreters",
				       script);
		r = find(en, name);
		if (r < 0 && depth > 0)
			return err_set(en->e, ENOEXEC,
				       "the script %s wants the interpreter "
				       "%s, which is not in the image",
				       script, name);
		if (r < 0)
			return r;
		free(script);
		script = strdup(en->path);
		r = unfold(en, name);
	}
	if (r < 0)
		return r;
	c->program = strdup(en->path);
	return c->program ? 0 : err_set(en->e, ENOMEM, "out of memory");
}

int entry_resolve(struct source *s, struct err *e)
{
	struct entry *en;
	int r;

	if (s->config.program)
		return 0;
	if (s->config.args.count == 0)
		return err_set(e, ENOEXEC,
			       "nothing says what the image runs; say it: "
			       "mayfly build SOURCE -- PROGRAM [ARGUMENT...]");
	en = calloc(1, sizeof(*en));
	if (!en)
		return err_set(e, ENOMEM, "out of memory");
	en->s = s;
	en->e = e;
	r = resolve(en);
	free(en);
	return r;
}
