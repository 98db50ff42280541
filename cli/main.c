/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mayfly command: finds the verb and runs it. Each verb is a struct cmd
 * in its own file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "launch/console.h"

static const struct cmd *const cmds[] = {
	/* the platform */
	&cmd_up,
	&cmd_deploy,
	&cmd_invoke,
	&cmd_ls,
	&cmd_ps,
	&cmd_logs,
	&cmd_top,
	&cmd_history,
	&cmd_rollback,
	&cmd_promote,
	&cmd_alias,
	&cmd_stop,
	&cmd_rm,
	&cmd_token,
	/* programs and images */
	&cmd_run,
	&cmd_build,
	&cmd_snapshot,
	&cmd_inspect,
	&cmd_trace,
	&cmd_bench,
	&cmd_doctor,
	&cmd_version,
};

#define CMD_COUNT ((int)(sizeof(cmds) / sizeof(cmds[0])))

static const struct cmd *cmd_find(const char *name)
{
	int i;

	for (i = 0; i < CMD_COUNT; i++) {
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	}
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *names[CMD_COUNT + 1] = { NULL };
	const char *near;
	int i;

	for (i = 0; i < CMD_COUNT; i++)
		names[i] = cmds[i]->name;
	near = opts_nearest(name, names);
	if (near)
		log_say("unknown command %s; did you mean mayfly %s?", name,
			near);
	else
		log_say("unknown command %s; mayfly --help lists the "
			"commands",
			name);
	return STATUS_FAILED;
}

static int help(int argc, char **argv)
{
	const struct cmd *cmd = argc > 2 ? cmd_find(argv[2]) : NULL;
	int i;

	if (argc > 2 && !cmd)
		return unknown_verb(argv[2]);
	if (cmd) {
		cmd_print_help(cmd);
		return STATUS_OK;
	}
	printf("Usage: mayfly COMMAND [OPTIONS] ...\n\n"
	       "Runs unmodified Linux programs, each in a virtual machine of "
	       "its own, or all of\nthem as functions that are summoned by "
	       "requests: mayfly up, mayfly deploy.\n\nCommands:\n");
	for (i = 0; i < CMD_COUNT; i++)
		printf("  %-10s %s\n", cmds[i]->name, cmds[i]->summary);
	printf("\nmayfly COMMAND --help explains one; man mayfly explains "
	       "all.\n");
	return STATUS_OK;
}

static int run(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "--help";
	const struct cmd *cmd;

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 ||
	    strcmp(verb, "help") == 0)
		return help(argc, argv);
	if (strcmp(verb, "--version") == 0)
		verb = cmd_version.name;
	cmd = cmd_find(verb);
	if (!cmd)
		return unknown_verb(verb);
	return cmd->run(cmd, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status;

	console_hold();
	status = run(argc, argv);
	if (status != STATUS_OK || (fflush(stdout) == 0 && !ferror(stdout)))
		return status;
	log_say("cannot write to standard output: %s", strerror(errno));
	return STATUS_FAILED;
}
