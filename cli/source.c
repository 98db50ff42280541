/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources. What mayfly.yaml says comes after what the source brings itself,
 * and what the command line says after that: the later replaces.
 */
#include "cli/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/builder.h"
#include "cli/cmd.h"
#include "cli/settings.h"
#include "host/cleanup.h"
#include "image/add.h"
#include "image/image.h"
#include "image/program.h"

void source_options_fini(struct source_options *o)
{
	env_list_fini(&o->env);
	strlist_fini(&o->adds);
	strlist_fini(&o->not_rewritten);
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

/* What is on the way from a path to a source. */
struct preparation {
	struct source *s;
	const struct source_options *o;
	struct settings settings;
	char *base; /* of relative paths in settings */
	struct progress *progress;
	int *ret_status;
};

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
static int choose_builder(const struct preparation *p, const struct builders *l,
			  struct build_job *job, struct err *e)
{
	if (p->o->builder)
		return builders_get(l, p->o->builder, &job->builder, e);
	if (p->settings.builder) {
		AUTO_FREE char *at = settings_at(&p->settings, "builder");

		return err_at(e, at,
			      builders_get(l, p->settings.builder,
					   &job->builder, e));
	}
	return builders_detect(l, p->s, job->source, &job->builder, e);
}

static int prepare_built(const struct preparation *p, struct err *e)
{
	const char *typed = p->o->path;
	AUTO_BUILDERS struct builders l = { 0 };
	bool reference = source_is_reference(typed);
	AUTO_FREE char *path = reference ? strdup(typed) :
					   realpath(typed, NULL);
	struct build_job job = { .source = path,
				 .entry = p->settings.entry,
				 .progress = p->progress };
	int r;

	if (!path)
		return err_sys(e, errno, "cannot open %s", typed);
	r = builders_find(&l, e);
	if (r == 0)
		r = choose_builder(p, &l, &job, e);
	if (r < 0)
		return r;
	if (!job.builder) {
		*p->ret_status = STATUS_CANNOT_RUN;
		return err_set(e, ENOEXEC,
			       "%s is neither an ELF program nor a mayfly "
			       "image, and no builder knows what to do with it",
			       typed);
	}
	r = reference ? 0 : inputs_add_tree(&p->s->inputs, path);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", path);
	r = builder_run(p->s, &job, e);
	if (r == -ECHILD)
		*p->ret_status = STATUS_BUILD_FAILED;
	return r;
}

/* ---- mayfly.yaml ---- */

/* That of the option, or the one in the directory that is the source. */
static int read_settings(struct preparation *p, struct err *e)
{
	AUTO_FREE char *path = NULL;
	char *slash;
	int r;

	if (p->o->config)
		path = strdup(p->o->config);
	else if (asprintf(&path, "%s/" SETTINGS_NAME, p->o->path) < 0)
		path = NULL;
	if (!path)
		return err_set(e, ENOMEM, "out of memory");
	if (!p->o->config && access(path, F_OK) < 0)
		return 0;
	r = settings_read(&p->settings, path, e);
	if (r == 0)
		r = inputs_add_path(&p->s->inputs, path);
	if (r < 0)
		return r;
	slash = strrchr(path, '/');
	p->base = slash ? strndup(path, (size_t)(slash - path) + 1) :
			  strdup(".");
	return p->base ? 0 : err_set(e, ENOMEM, "out of memory");
}

static void move_list(struct strlist *to, struct strlist *from)
{
	if (from->count == 0)
		return;
	strlist_fini(to);
	*to = *from;
	*from = (struct strlist){ 0 };
}

/* Arguments of the user's or of mayfly.yaml come instead of these. */
static void drop_default_args(struct source_config *c)
{
	strlist_cut(&c->args, c->args.count - c->args_default);
	c->args_default = 0;
}

static int add_files(const struct preparation *p, struct err *e)
{
	AUTO_FREE char *at = settings_at(&p->settings, "files");
	const struct strlist *files = &p->settings.files;
	size_t i;
	int r = 0;

	for (i = 0; i < files->count && r == 0; i++)
		r = add_host(p->s, p->base, files->items[i], e);
	return err_at(e, at, r);
}

static int apply_settings(struct preparation *p, struct err *e)
{
	struct source_config *c = &p->s->config;
	struct settings *set = &p->settings;
	size_t i;
	int r = 0;

	if (set->command.count > 0) {
		free(take_ptr(c->program));
		c->args_default = 0;
		c->args_at = settings_at(set, "command");
	}
	move_list(&c->args, &set->command);
	move_list(&c->ports, &set->ports);
	if (set->cwd) {
		free(c->cwd);
		c->cwd = take_ptr(set->cwd);
		c->cwd_at = settings_at(set, "cwd");
	}
	if (set->memory_bytes)
		c->memory_bytes = set->memory_bytes;
	c->no_rewrite = set->no_rewrite;
	move_list(&c->not_rewritten, &set->not_rewritten);
	c->not_rewritten_at = settings_at(set, "no-rewrite");
	for (i = 0; i < set->env.count && r == 0; i++)
		r = source_set_env(p->s, set->env.items[i]);
	if (!p->o->args_count && set->args.count > 0)
		drop_default_args(c);
	for (i = 0; !p->o->args_count && i < set->args.count && r == 0; i++)
		r = strlist_add(&c->args, set->args.items[i]);
	if (r < 0)
		return err_set(e, ENOMEM, "out of memory");
	return add_files(p, e);
}

/* ---- all of it ---- */

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Everything but a builder's failure is said about the path as typed. */
static int prepare(const struct preparation *p, struct err *e)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	const char *path = p->o->path;
	int is_elf;

	if (source_is_reference(path) || is_directory(path))
		return prepare_built(p, e);
	is_elf = image_path_is_elf(path);
	if (is_elf < 0) {
		*p->ret_status = is_elf == -ENOENT || is_elf == -ENOTDIR ?
					 STATUS_NOT_FOUND :
					 STATUS_CANNOT_RUN;
		return err_sys(e, -is_elf, "cannot open %s", path);
	}
	if (is_elf > 0 && !p->o->builder && !p->settings.builder)
		return prepare_program(p->s, path, p->ret_status, e);
	if (is_elf == 0 && image_open(&img, path, e) == 0) {
		*p->ret_status = STATUS_CANNOT_RUN;
		return err_set(e, ENOEXEC,
			       "%s is an image already; mayfly run starts it",
			       path);
	}
	return prepare_built(p, e);
}

static int add_options(struct source *s, const struct source_options *o,
		       struct err *e)
{
	size_t i;
	int k, r = 0;

	for (i = 0; i < o->adds.count && r == 0; i++)
		r = add_host(s, NULL, o->adds.items[i], e);
	if (r < 0)
		return r;
	for (i = 0; i < o->env.count && r == 0; i++)
		r = source_set_env(s, o->env.items[i]);
	if (o->no_rewrite)
		s->config.no_rewrite = true;
	for (i = 0; i < o->not_rewritten.count && r == 0; i++)
		r = strlist_add(&s->config.not_rewritten,
				o->not_rewritten.items[i]);
	if (o->args_count > 0)
		drop_default_args(&s->config);
	for (k = 0; k < o->args_count && r == 0; k++)
		r = strlist_add(&s->config.args, o->args[k]);
	return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

static int fill(struct preparation *p, struct err *e)
{
	int r = 0;

	if (p->o->config || is_directory(p->o->path))
		r = read_settings(p, e);
	if (r == 0)
		r = prepare(p, e);
	if (r == 0)
		r = apply_settings(p, e);
	return r == 0 ? add_options(p->s, p->o, e) : r;
}

static void on_step(void *arg, const char *text)
{
	progress_step(arg, text);
}

static void on_tick(void *arg)
{
	progress_tick(arg);
}

int source_prepare(struct source *ret, const struct source_options *o,
		   struct progress *progress, int *ret_status, struct err *e)
{
	struct preparation p = {
		.s = ret, .o = o, .progress = progress, .ret_status = ret_status
	};
	int r = source_init(ret, e);

	ret->watch = (struct watch){ on_step, on_tick, progress };
	*ret_status = STATUS_FAILED;
	if (r == 0)
		r = fill(&p, e);
	settings_fini(&p.settings);
	free(p.base);
	return r;
}

void source_print_warnings(const struct source *s)
{
	size_t i;

	for (i = 0; i < s->warnings.count; i++)
		log_say("%s", s->warnings.items[i]);
}
