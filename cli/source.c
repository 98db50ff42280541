/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources. What the command line adds comes last, so that it replaces what
 * the source brings itself.
 */
#include "cli/source.h"

#include <errno.h>
#include <string.h>

#include "cli/cmd.h"
#include "image/add.h"
#include "image/program.h"

void source_options_fini(struct source_options *o)
{
	env_list_fini(&o->env);
	strlist_fini(&o->adds);
}

const char *source_name(const struct source_options *o)
{
	const char *slash = strrchr(o->path, '/');

	return slash ? slash + 1 : o->path;
}

static int prepare_program(struct source *s, const char *path, int *ret_status,
			   struct err *e)
{
	AUTO_PROGRAM struct program p = { .fd = -1 };
	int r = program_open(&p, path, e);

	if (r < 0)
		*ret_status = r == -ENOENT || r == -ENOTDIR ? STATUS_NOT_FOUND :
							      STATUS_CANNOT_RUN;
	return r < 0 ? r : program_stage(s, &p, e);
}

static int add_options(struct source *s, const struct source_options *o,
		       struct err *e)
{
	size_t i;
	int k, r = 0;

	for (i = 0; i < o->adds.count && r == 0; i++)
		r = add_host(s, o->adds.items[i], e);
	if (r < 0)
		return r;
	for (i = 0; i < o->env.count && r == 0; i++)
		r = strlist_add(&s->config.env, o->env.items[i]);
	for (k = 0; k < o->args_count && r == 0; k++)
		r = strlist_add(&s->config.args, o->args[k]);
	return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

int source_prepare(struct source *ret, const struct source_options *o,
		   int *ret_status, struct err *e)
{
	int r = source_init(ret, e);

	*ret_status = STATUS_FAILED;
	if (r < 0)
		return r;
	r = prepare_program(ret, o->path, ret_status, e);
	return r < 0 ? r : add_options(ret, o, e);
}

void source_print_warnings(const struct source *s)
{
	size_t i;

	for (i = 0; i < s->warnings.count; i++)
		cmd_log("%s", s->warnings.items[i]);
}
