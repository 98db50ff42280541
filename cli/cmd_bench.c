/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly bench: measurements that a user can repeat. Finds the one that is
 * asked for; each is a struct cmd in its own file.
 */
#include <errno.h>
#include <string.h>

#include "cli/cmd_bench.h"

static const struct {
	const char *word;
	const struct cmd *cmd;
} benches[] = {
	{ "start", &cmd_bench_start },
	{ "compare", &cmd_bench_compare },
};

#define BENCH_COUNT (sizeof(benches) / sizeof(benches[0]))

static int run(const struct cmd *cmd, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	struct err e;
	size_t i;

	if (word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
		cmd_print_help(cmd);
		return STATUS_OK;
	}
	for (i = 0; word && i < BENCH_COUNT; i++) {
		if (strcmp(benches[i].word, word) == 0)
			return benches[i].cmd->run(benches[i].cmd, argc - 1,
						   argv + 1);
	}
	err_set(&e, EINVAL,
		"mayfly bench measures two things: mayfly bench start "
		"SNAPSHOT, and mayfly bench compare");
	return cmd_fail(STATUS_FAILED, &e);
}

static const struct opt opts[] = { { 0 } };

const struct cmd cmd_bench = {
	.name = "bench",
	.usage = "start [OPTIONS] SNAPSHOT [-- COMMAND [ARGUMENT...]]\n"
		 "       mayfly bench compare [OPTIONS]",
	.summary = "Measure how soon a program answers, by every way to "
		   "start it",
	.details =
		"start measures one program: as an image, as clones of a "
		"snapshot, as a process.\n"
		"compare measures two programs in containers, as processes and "
		"as machines of\n"
		"Mayfly, in turns, and writes a report. Each has its own "
		"--help.",
	.opts = opts,
	.run = run,
};
