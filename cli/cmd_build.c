/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly build: seals a program into an image and prints its digest. The
 * work is image/seal.c's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/env_list.h"
#include "cli/paths.h"
#include "cli/source.h"
#include "image/digest.h"
#include "image/seal.h"

enum { OPT_OUTPUT = 10, OPT_ADD, OPT_ENV };

static const struct opt opts[] = {
	{ OPT_OUTPUT, 'o', "output", "FILE",
	  "the image to write, default PROGRAM.img" },
	{ OPT_ADD, 0, "add", "HOSTPATH[:IMAGEPATH]",
	  "add a file or a directory to the image" },
	{ OPT_ENV, 'e', "env", "NAME[=VALUE]",
	  "set a variable in the image, or copy one" },
	{ 0 },
};

struct build {
	struct source_options source;
	const char *output; /* NULL: not said */
	bool help;
};

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
	case OPT_ENV:
		return env_list_set(&b->source.env, value, e);
	default:
		break;
	}
	if (b->source.path)
		return err_set(e, EINVAL,
			       "mayfly build takes one program, and %s is a "
			       "second one; its arguments go behind --",
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
			  .words_between = true };
	const char *value;
	int id, r = 0;

	while (r == 0 && o.next < argc) {
		if (b->source.path && strcmp(argv[o.next], "--") == 0) {
			o.next++;
			break;
		}
		id = opts_next(&o, &value, e);
		if (id == OPT_END)
			break;
		r = id < 0 ? id : take_option(b, id, value, e);
	}
	if (r < 0)
		return r;
	b->source.args = argv + o.next;
	b->source.args_count = argc - o.next;
	if (!b->source.path && !b->help)
		return err_set(e, EINVAL,
			       "nothing to build: mayfly build "
			       "needs a program");
	return 0;
}

static int build(const struct build *b, const struct paths *paths)
{
	AUTO_SOURCE struct source source = { .stage.fd = -1 };
	struct seal_job job = { .source = &source,
				.kernel_path = paths->kernel };
	char output[IMAGE_NAME_MAX + 8], digest[IMAGE_DIGEST_TEXT_MAX];
	struct seal_result result;
	struct err e;
	int r, status;

	if (source_prepare(&source, &b->source, &status, &e) < 0)
		return cmd_fail(status, &e);
	snprintf(output, sizeof(output), "%s.img", source_name(&b->source));
	job.out_path = b->output ? b->output : output;
	r = seal_image(&job, &result, &e);
	source_print_warnings(&source);
	if (r < 0)
		return cmd_fail(
			r == -ENOEXEC ? STATUS_CANNOT_RUN : STATUS_FAILED, &e);
	digest_text(digest, result.digest);
	printf("%s  %s\n", digest, job.out_path);
	return STATUS_OK;
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
	.usage = "[OPTIONS] PROGRAM [-- ARGUMENT...]",
	.summary = "Seal a program into an image",
	.details = "The interpreter and the shared libraries that the program "
		   "needs come along. What\nfollows -- becomes its arguments. "
		   "Prints the digest and the name of the image;\nthe same "
		   "input gives the same digest.",
	.opts = opts,
	.run = run,
};
