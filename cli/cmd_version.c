/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly version: the release and the versions of the formats it speaks,
 * which is what one needs to know when an image is refused.
 */
#include <stdio.h>

#include "abi/guest.h"
#include "cli/cmd.h"
#include "image/format.h"
#include "image/manifest.h"

static const struct opt opts[] = { { 0 } };

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct opts o = { .table = opts, .argv = argv, .argc = argc };
	const char *value;
	struct err e;
	int id;

	o.next = 1;
	id = opts_next(&o, &value, &e);
	if (id < 0)
		return cmd_fail(STATUS_FAILED, &e);
	if (id == OPT_HELP) {
		cmd_print_help(cmd);
		return STATUS_OK;
	}
	printf("mayfly %s (contract %u, image format %u, manifest %d)\n",
	       MF_VERSION, MF_ABI_VERSION, IMAGE_VERSION, MANIFEST_VERSION);
	return STATUS_OK;
}

const struct cmd cmd_version = {
	.name = "version",
	.usage = "",
	.summary = "Say which version this is",
	.opts = opts,
	.run = run,
};
