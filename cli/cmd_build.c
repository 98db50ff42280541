/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly build: seals a program into an image and prints its digest. The
 * work is image/seal.c's.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/paths.h"
#include "image/digest.h"
#include "image/seal.h"

enum { OPT_OUTPUT = 10 };

static const struct opt opts[] = {
	{ OPT_OUTPUT, 'o', "output", "FILE",
	  "the image to write, default PROGRAM.img" },
	{ 0 },
};

struct build {
	const char *program;
	const char *output; /* NULL: not said */
	bool help;
};

static int parse(struct build *b, int argc, char **argv, struct err *e)
{
	struct opts o = { .table = opts,
			  .argv = argv,
			  .argc = argc,
			  .next = 1,
			  .words_between = true };
	const char *value;
	int id;

	while ((id = opts_next(&o, &value, e)) > OPT_END) {
		if (id == OPT_HELP)
			b->help = true;
		else if (id == OPT_OUTPUT)
			b->output = value;
		else if (b->program)
			return err_set(e, EINVAL,
				       "mayfly build takes one "
				       "program, and %s is a second one",
				       value);
		else
			b->program = value;
	}
	if (id < 0)
		return id;
	if (!b->program && !b->help)
		return err_set(e, EINVAL,
			       "nothing to build: mayfly build "
			       "needs a program");
	return 0;
}

static int build(const struct build *b, const struct paths *paths)
{
	AUTO_PROGRAM struct program p = { .fd = -1 };
	struct seal_job job = { .program = &p, .kernel_path = paths->kernel };
	char output[IMAGE_NAME_MAX + 8], digest[IMAGE_DIGEST_TEXT_MAX];
	struct seal_result result;
	struct err e;
	int r;

	r = program_open(&p, b->program, &e);
	if (r == -ENOENT || r == -ENOTDIR)
		return cmd_fail(STATUS_NOT_FOUND, &e);
	if (r < 0)
		return cmd_fail(STATUS_CANNOT_RUN, &e);
	snprintf(output, sizeof(output), "%s.img", p.name);
	job.out_path = b->output ? b->output : output;
	if (seal_image(&job, &result, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	digest_text(digest, result.digest);
	printf("%s  %s\n", digest, job.out_path);
	return STATUS_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct paths paths;
	struct build b = { 0 };
	struct err e;

	if (parse(&b, argc, argv, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	if (b.help) {
		cmd_print_help(cmd);
		return STATUS_OK;
	}
	if (paths_find(&paths, &e) < 0)
		return cmd_fail(STATUS_FAILED, &e);
	return build(&b, &paths);
}

const struct cmd cmd_build = {
	.name = "build",
	.usage = "[OPTIONS] PROGRAM",
	.summary = "Seal a program into an image",
	.details = "Prints the digest and the name of the image. The same "
		   "input gives the same\ndigest.",
	.opts = opts,
	.run = run,
};
