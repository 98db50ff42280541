/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book-keeping of a source: where files came from, what to tell the user.
 */
#include "image/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

int source_init(struct source *s, struct err *e)
{
	*s = (struct source){ .stage.fd = -1 };
	sigguard_init(&s->guard);
	return stage_init(&s->stage, e);
}

void source_fini(struct source *s)
{
	size_t i;

	stage_drop(&s->stage);
	free(take_ptr(s->config.program));
	free(take_ptr(s->config.cwd));
	free(take_ptr(s->config.args_at));
	free(take_ptr(s->config.cwd_at));
	free(take_ptr(s->config.not_rewritten_at));
	strlist_fini(&s->config.args);
	strlist_fini(&s->config.env);
	strlist_fini(&s->config.ports);
	strlist_fini(&s->config.not_rewritten);
	for (i = 0; i < s->origin_count; i++) {
		free(s->origins[i].image);
		free(s->origins[i].host);
	}
	free(take_ptr(s->origins));
	s->origin_count = 0;
	inputs_fini(&s->inputs);
	strlist_fini(&s->warnings);
	sigguard_fini(&s->guard);
}

int source_add_origin(struct source *s, const char *image, const char *host,
		      struct err *e)
{
	struct origin o = { strdup(strcmp(image, "/") == 0 ? "" : image),
			    strdup(host) };
	struct origin *list =
		reallocarray(s->origins, s->origin_count + 1, sizeof(*list));

	if (list)
		s->origins = list;
	if (!list || !o.image || !o.host) {
		free(o.image);
		free(o.host);
		return err_set(e, ENOMEM, "out of memory");
	}
	s->origins[s->origin_count++] = o;
	return 0;
}

bool source_origin(const struct source *s, const char *image,
		   char ret[PATH_MAX])
{
	size_t i, len, best_len = 0;
	const struct origin *best = NULL;

	for (i = 0; i < s->origin_count; i++) {
		const struct origin *o = &s->origins[i];

		len = strlen(o->image);
		if (len < best_len || strncmp(image, o->image, len) != 0 ||
		    (image[len] != '/' && image[len] != '\0'))
			continue;
		best = o;
		best_len = len;
	}
	return best && snprintf(ret, PATH_MAX, "%s%s", best->host,
				image + best_len) < PATH_MAX;
}

int source_set_env(struct source *s, const char *entry)
{
	struct strlist *env = &s->config.env;
	size_t i, len = strcspn(entry, "=") + 1;
	char *copy;

	for (i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], entry, len) != 0)
			continue;
		copy = strdup(entry);
		if (!copy)
			return -ENOMEM;
		free(env->items[i]);
		env->items[i] = copy;
		return 0;
	}
	return strlist_add(env, entry);
}

int source_warn(struct source *s, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : strlist_take(&s->warnings, text);
}

int source_warn_files(struct source *s, const char *what, const char *first,
		      unsigned count)
{
	if (count == 0)
		return 0;
	if (count == 1)
		return source_warn(s, "%s: %s", what, first);
	return source_warn(s, "%s: %s and %u more", what, first, count - 1);
}

void source_step(const struct source *s, const char *fmt, ...)
{
	char text[PATH_MAX];
	va_list ap;

	if (!s->watch.step)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->watch.step(s->watch.arg, text);
}

int source_copy(struct source *s, const char *image, const char *host,
		mode_t mode, struct err *e)
{
	AUTO_CLOSE int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot read %s", host);
	r = inputs_add(&s->inputs, host, &st);
	if (r < 0)
		return err_sys(e, -r, "cannot remember %s", host);
	return stage_put_copy(&s->stage, image, fd, mode, e);
}
