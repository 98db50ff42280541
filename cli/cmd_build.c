/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly build: makes an image of whatever source it is given, and prints its
 * digest, name and size. The work is cli/source.c's and image/seal.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "host/cleanup.h"
#include "image/digest.h"
#include "image/seal.h"
#include "launch/env_list.h"
#include "launch/paths.h"

enum {
	OPT_OUTPUT = 10,
	OPT_ADD,
	OPT_BUILDER,
	OPT_CONFIG,
	OPT_ENV,
	OPT_NO_REWRITE,
	OPT_VERBOSE,
};

static const struct opt opts[] = {
	{ OPT_OUTPUT, 'o', "output", "FILE",
	  "the image to write, default the source's name and .img" },
	{ OPT_ADD, 0, "add", "HOSTPATH[:IMAGEPATH]",
	  "add a file or a directory to the image" },
	{ OPT_ENV, 'e', "env", "NAME[=VALUE]",
	  "set a variable in the image, or copy one" },
	{ OPT_BUILDER, 0, "builder", "NAME",
	  "what builds the source, if it is not to be guessed" },
	{ OPT_CONFIG, 0, "config", "FILE",
	  "a mayfly.yaml, default that of a directory" },
	{ OPT_NO_REWRITE, 0, "no-rewrite", "[=IMAGEPATH]",
	  "leave system calls as they are" },
	{ OPT_VERBOSE, 'v', "verbose", NULL, "show what the builder writes" },
	{ 0 },
};

struct build {
	struct source_options source;
	const char *output; /* NULL: not said */
	bool verbose;
	bool help;
};

static int not_rewritten(struct source_options *o, const char *path,
			 struct err *e)
{
	if (!path) {
		o->no_rewrite = true;
		return 0;
	}
	if (path[0] != '/')
		return err_set(e, EINVAL,
			       "--no-rewrite wants a path in the image, and %s "
			       "does not begin with /",
			       path);
	return strlist_add(&o->not_rewritten, path) < 0 ?
		       err_set(e, ENOMEM, "out of memory") :
		       0;
}

static int take_option(struct build *b, int id, const char *value,
		       struct err *e)
{
	switch (id) {
	case OPT_HELP:
		b->help = true;
		return 0;
	case OPT_OUTPUT:
		b->output = value;
		return 0;
	case OPT_ADD:
		return strlist_add(&b->source.adds, value) < 0 ?
			       err_set(e, ENOMEM, "out of memory") :
			       0;
	case OPT_BUILDER:
		b->source.builder = value;
		return 0;
	case OPT_CONFIG:
		b->source.config = value;
		return 0;
	case OPT_VERBOSE:
		b->verbose = true;
		return 0;
	case OPT_ENV:
		return env_list_set(&b->source.env, value, e);
	case OPT_NO_REWRITE:
		return not_rewritten(&b->source, value, e);
	default:
		break;
	}
	if (b->source.path)
		return err_set(e, EINVAL,
			       "mayfly build takes one source, and %s is a "
			       "second one; arguments go behind --",
			       value);
	b->source.path = value;
	return 0;
}

static int parse(struct build *b, int argc, char **argv, struct err *e)
{
	struct opts o = { .table = opts,
			  .argv = argv,
			  .argc = argc,
			  .next = 1,
			  .words_between = true,
			  .program = true };
	const char *value;
	int id, r = 0;

	while (r == 0 && (id = opts_next(&o, &value, e)) != OPT_END)
		r = id < 0 ? id : take_option(b, id, value, e);
	if (r < 0)
		return r;
	b->source.args = argv + o.next;
	b->source.args_count = argc - o.next;
	if (!b->source.path && !b->help)
		return err_set(e, EINVAL,
			       "nothing to build: mayfly build "
			       "needs a program, a directory or an image "
			       "reference");
	return 0;
}

/* An image in the place of what it is made of would be the end of that. */
static int refuse_own_source(const char *source, const char *out, struct err *e)
{
	struct stat s, o;

	if (!source || stat(source, &s) < 0 || stat(out, &o) < 0 ||
	    s.st_dev != o.st_dev || s.st_ino != o.st_ino)
		return 0;
	return err_set(e, EINVAL,
		       "the image would replace its own source %s: --output "
		       "names another file",
		       source);
}

static int seal(struct source *source, const struct build *b,
		const struct paths *paths, struct progress *progress,
		struct err *e)
{
	AUTO_FREE char *name = source_name(&b->source), *output = NULL;
	struct seal_job job = { .source = source,
				.parts = { paths->kernel, paths->rewriter } };
	char digest[IMAGE_DIGEST_TEXT_MAX];
	struct seal_result result;
	int r;

	if (!name ||
	    asprintf(&output, "%.*s.img", (int)IMAGE_NAME_MAX, name) < 0) {
		output = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	job.out_path = b->output ? b->output : output;
	r = refuse_own_source(b->source.path, job.out_path, e);
	if (r < 0)
		return r;
	r = seal_image(&job, &result, e);
	progress_clear(progress);
	if (r < 0)
		return r;
	digest_text(digest, result.digest);
	printf("%s  %s  %llu bytes\n", digest, job.out_path,
	       (unsigned long long)result.size);
	return 0;
}

static int build(const struct build *b, const struct paths *paths)
{
	AUTO_SOURCE struct source source = { .stage.fd = -1 };
	struct progress progress;
	struct err e;
	int r, status;

	progress_init(&progress, b->verbose);
	r = source_prepare(&source, &b->source, &progress, &status, &e);
	if (r == 0) {
		r = seal(&source, b, paths, &progress, &e);
		status = r == -ENOEXEC ? STATUS_CANNOT_RUN : STATUS_FAILED;
	}
	progress_clear(&progress);
	source_print_warnings(&source);
	return r < 0 ? cmd_fail(status, &e) : STATUS_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct paths paths;
	struct build b = { 0 };
	struct err e;
	int status;

	if (parse(&b, argc, argv, &e) < 0 ||
	    (!b.help && paths_find(&paths, &e) < 0)) {
		status = cmd_fail(STATUS_FAILED, &e);
	} else if (b.help) {
		cmd_print_help(cmd);
		status = STATUS_OK;
	} else {
		status = build(&b, &paths);
	}
	source_options_fini(&b.source);
	return status;
}

const struct cmd cmd_build = {
	.name = "build",
	.usage = "[OPTIONS] SOURCE [-- ARGUMENT...]",
	.summary = "Seal a program, a source or a container image",
	.details =
		"SOURCE is a program, a script, a directory with the source of "
		"one, or the\nreference of an image: docker://NAME, oci:DIR, "
		"oci-archive:FILE or\ndocker-archive:FILE. The interpreter and "
		"the shared libraries that a program needs\ncome along. What "
		"follows -- is added to its arguments. Prints the digest, the\n"
		"name and the size of the image; the same input gives the same "
		"digest.",
	.opts = opts,
	.run = run,
};
