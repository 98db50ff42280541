/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of the command line and what they share. Exit statuses follow
 * docker; mayfly(1) documents them.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "host/err.h"
#include "host/log.h"
#include "host/opts.h"

enum cli_status {
	STATUS_OK = 0,
	STATUS_BUILD_FAILED = 1, /* of mayfly build: the builder failed */
	STATUS_REFUSED = 1, /* mayflyd, or a function, says no */
	STATUS_UNHEALTHY = 1, /* of mayfly doctor: a check failed */
	STATUS_TIMEOUT = 124, /* --timeout ended the program */
	STATUS_FAILED = 125, /* mayfly itself failed, or was misused */
	STATUS_CANNOT_RUN = 126, /* the file is not a program we can run */
	STATUS_NOT_FOUND = 127, /* there is no such file */
	STATUS_SIGNAL = 128, /* plus the signal that ended the program */
	STATUS_OOM = 137, /* memory exhausted; also 128 + SIGKILL */
};

struct cmd {
	const char *name;
	const char *usage; /* the words after "mayfly NAME" */
	const char *summary; /* one line */
	const char *details; /* paragraphs, or NULL */
	const struct opt *opts;
	int (*run)(const struct cmd *cmd, int argc, char **argv);
};

extern const struct cmd cmd_run, cmd_build, cmd_snapshot, cmd_inspect;
extern const struct cmd cmd_up, cmd_deploy, cmd_invoke, cmd_ls, cmd_ps;
extern const struct cmd cmd_logs, cmd_top, cmd_history, cmd_rollback;
extern const struct cmd cmd_promote, cmd_alias, cmd_stop, cmd_rm, cmd_token;
extern const struct cmd cmd_trace, cmd_bench, cmd_doctor, cmd_version;

void cmd_print_help(const struct cmd *cmd);

/* "mayfly: " and the sentence, to stderr. Returns `status`. */
int cmd_fail(int status, const struct err *e);

/*
 * To stdout. For names that come from an image: what could act on a terminal
 * is shown as ?.
 */
void cmd_print_text(const char *text);

#endif
