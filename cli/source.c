/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources. What the command line adds comes last, so that it replaces what
 * the source brings itself.
 */
#include "cli/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/builder.h"
#include "cli/cmd.h"
#include "host/cleanup.h"
#include "image/add.h"
#include "image/image.h"
#include "image/program.h"

void source_options_fini(struct source_options *o)
{
	env_list_fini(&o->env);
	strlist_fini(&o->adds);
}

/* As skopeo names them. */
static const char *const transports[] = {
	"docker://", "oci:",	       "oci-archive:",	      "docker-archive:",
	"dir:",	     "docker-daemon:", "containers-storage:", NULL
};

bool source_is_reference(const char *path)
{
	int i;

	for (i = 0; transports[i]; i++) {
		if (strncmp(path, transports[i], strlen(transports[i])) == 0)
			return true;
	}
	return false;
}

/* The last component of a path; of a reference without its tag or digest. */
char *source_name(const struct source_options *o)
{
	bool reference = source_is_reference(o->path);
	AUTO_FREE char *real = reference ? NULL : realpath(o->path, NULL);
	const char *path = o->path, *slash;
	struct stat st;
	size_t len;

	if (reference)
		path += strcspn(path, ":") + 1;
	else if (real && stat(real, &st) == 0 && S_ISDIR(st.st_mode))
		path = real;
	slash = strrchr(path, '/');
	if (slash)
		path = slash + 1;
	len = reference ? strcspn(path, ":@") : strlen(path);
	return len > 0 ? strndup(path, len) : strdup("image");
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

/* The builder that the user named, or the one that matches; NULL: none. */
static int choose_builder(const struct builders *l, const struct source *s,
			  const struct source_options *o, struct build_job *job,
			  struct err *e)
{
	if (o->builder)
		return builders_get(l, o->builder, &job->builder, e);
	return builders_detect(l, s, job->source, &job->builder, e);
}

static int prepare_built(struct source *s, const struct source_options *o,
			 struct progress *progress, int *ret_status,
			 struct err *e)
{
	AUTO_BUILDERS struct builders l = { 0 };
	bool reference = source_is_reference(o->path);
	AUTO_FREE char *path = reference ? strdup(o->path) :
					   realpath(o->path, NULL);
	struct build_job job = { .source = path, .progress = progress };
	int r;

	if (!path)
		return err_sys(e, errno, "cannot open %s", o->path);
	r = builders_find(&l, e);
	if (r == 0)
		r = choose_builder(&l, s, o, &job, e);
	if (r < 0)
		return r;
	if (!job.builder) {
		*ret_status = STATUS_CANNOT_RUN;
		return err_set(e, ENOEXEC,
			       "%s is neither an ELF program nor a mayfly "
			       "image, and no builder knows what to do with it",
			       o->path);
	}
	if (!reference && inputs_add_tree(&s->inputs, path) < 0)
		return err_sys(e, errno, "cannot read %s", path);
	r = builder_run(s, &job, e);
	if (r == -ECHILD)
		*ret_status = STATUS_BUILD_FAILED;
	return r;
}

/* Everything but a builder's failure is said about the path as typed. */
static int prepare(struct source *s, const struct source_options *o,
		   struct progress *progress, int *ret_status, struct err *e)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	int is_elf;

	if (source_is_reference(o->path))
		return prepare_built(s, o, progress, ret_status, e);
	is_elf = image_path_is_elf(o->path);
	if (is_elf == -ENOENT || is_elf == -ENOTDIR)
		*ret_status = STATUS_NOT_FOUND;
	else if (is_elf < 0 && is_elf != -EISDIR)
		*ret_status = STATUS_CANNOT_RUN;
	if (is_elf < 0 && is_elf != -EISDIR)
		return err_sys(e, -is_elf, "cannot open %s", o->path);
	if (is_elf > 0 && !o->builder)
		return prepare_program(s, o->path, ret_status, e);
	if (is_elf == 0 && image_open(&img, o->path, e) == 0) {
		*ret_status = STATUS_CANNOT_RUN;
		return err_set(e, ENOEXEC,
			       "%s is an image already; mayfly run starts it",
			       o->path);
	}
	return prepare_built(s, o, progress, ret_status, e);
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
		r = source_set_env(s, o->env.items[i]);
	for (k = 0; k < o->args_count && r == 0; k++)
		r = strlist_add(&s->config.args, o->args[k]);
	return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

int source_prepare(struct source *ret, const struct source_options *o,
		   struct progress *progress, int *ret_status, struct err *e)
{
	int r = source_init(ret, e);

	*ret_status = STATUS_FAILED;
	if (r < 0)
		return r;
	r = prepare(ret, o, progress, ret_status, e);
	return r < 0 ? r : add_options(ret, o, e);
}

void source_print_warnings(const struct source *s)
{
	size_t i;

	for (i = 0; i < s->warnings.count; i++)
		cmd_log("%s", s->warnings.items[i]);
}
