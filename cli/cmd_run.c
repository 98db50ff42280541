/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly run. What it does is in cli/run.c, because mayfly trace does it as
 * well.
 */
#include "cli/cmd.h"
#include "cli/run.h"
#include "cli/run_options.h"

static int run(const struct cmd *cmd, int argc, char **argv)
{
	static struct run_options o;
	uint64_t begin_us = run_now_us();
	struct err e;
	int status;

	if (run_options_parse(&o, argc, argv, &e) < 0) {
		status = cmd_fail(STATUS_FAILED, &e);
	} else if (o.help) {
		cmd_print_help(cmd);
		status = STATUS_OK;
	} else {
		status = run_program(&o, NULL, begin_us);
	}
	run_options_fini(&o);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.usage = "[OPTIONS] SOURCE|IMAGE|SNAPSHOT [ARGUMENT...]",
	.summary = "Run a program or an image in a virtual machine",
	.details =
		"SOURCE is what mayfly build takes: a program, a script, a "
		"directory, a reference.\nIt is sealed into an image at its "
		"first run, which later runs reuse until it\nchanges. "
		"Input, output and exit status are the "
		"program's. Ctrl-C sends SIGINT, a second\none kills; other "
		"signals are passed on.\n\n"
		"Exit status: the program's; 128+N if signal N ended it; 124 "
		"after --timeout;\n125 if mayfly failed or was misused; 126 "
		"if the file cannot be run; 127 if it\nis not there; 137 if "
		"memory ran out.",
	.opts = run_opts,
	.run = run,
};
