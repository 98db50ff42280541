/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines of the platform's verbs: words and options in any order, and
 * the errors of the API as exit statuses.
 */
#include "cli/platform.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/parse.h"

static int add_word(const struct cmd *cmd, struct platform_words *w,
		    const char *word, struct err *e)
{
	if (w->count == w->max || w->count == WORDS_MAX)
		return err_set(e, EINVAL,
			       "mayfly %s takes %s, and %s is one word too "
			       "many",
			       cmd->name, w->what, word);
	w->words[w->count++] = word;
	return 0;
}

int platform_parse(const struct cmd *cmd, int argc, char **argv,
		   struct platform_words *w, int *ret_status)
{
	struct opts o = { .table = cmd->opts,
			  .argv = argv,
			  .argc = argc,
			  .next = 1,
			  .words_between = true };
	const char *value;
	struct err e;
	int id, r = 0;

	while (r == 0 && (id = opts_next(&o, &value, &e)) != OPT_END) {
		if (id == OPT_HELP) {
			cmd_print_help(cmd);
			*ret_status = STATUS_OK;
			return 1;
		}
		if (id < 0)
			r = id;
		else if (id == OPT_WORD)
			r = add_word(cmd, w, value, &e);
		else
			r = w->option(w->arg, id, value, &e);
	}
	if (r == 0 && w->count < w->min)
		r = err_set(&e, EINVAL,
			    "mayfly %s needs %s; see mayfly %s "
			    "--help",
			    cmd->name, w->what, cmd->name);
	*ret_status = r < 0 ? cmd_fail(STATUS_FAILED, &e) : STATUS_OK;
	return r;
}

int platform_fail(int r, const struct err *e)
{
	return cmd_fail(r == -EREMOTEIO ? STATUS_REFUSED : STATUS_FAILED, e);
}

uint64_t platform_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool read_date(uint64_t *ret_ms, const char *text)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M",
					       "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%dT%H:%M:%SZ" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, formats[i], &tm);

		if (end && !*end) {
			*ret_ms = (uint64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	return false;
}

int platform_since(uint64_t *ret_ms, const char *text, struct err *e)
{
	uint64_t ago_ms, now = platform_now_ms();

	if (read_date(ret_ms, text))
		return 0;
	if (parse_duration(&ago_ms, text, e) < 0)
		return err_set(e, EINVAL,
			       "%s is neither a time like 10m, that is, 10 "
			       "minutes ago, nor a date like "
			       "2026-11-21T10:00 (UTC)",
			       text);
	*ret_ms = ago_ms < now ? now - ago_ms : 1;
	return 0;
}

char *platform_path(const char *collection, const char *name, const char *more,
		    struct err *e)
{
	AUTO_FREE char *code = talk_encode(name);
	char *path;

	if (!code ||
	    asprintf(&path, "/v1/%s/%s%s", collection, code, more) < 0) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	if (name[0] && strcmp(code, name) == 0)
		return path;
	err_set(e, EINVAL, "%s is not a name",
		name[0] ? name : "an empty word");
	free(path);
	return NULL;
}

int platform_split(const char *word, char **ret_name, char **ret_alias,
		   struct err *e)
{
	const char *at = strchr(word, '@');

	*ret_name = at ? strndup(word, (size_t)(at - word)) : strdup(word);
	*ret_alias = at ? strdup(at + 1) : NULL;
	if (!*ret_name || (at && !*ret_alias))
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}
