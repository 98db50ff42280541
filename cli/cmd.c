/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all verbs share: help and messages. A message is one line on stderr
 * that begins with "mayfly: ", so that it can be told from the program's
 * (host/log.h).
 */
#include "cli/cmd.h"

#include <stdio.h>

#include "host/log.h"

void cmd_print_help(const struct cmd *cmd)
{
	printf("Usage: mayfly %s %s\n\n%s.\n\n", cmd->name, cmd->usage,
	       cmd->summary);
	if (cmd->details)
		printf("%s\n\n", cmd->details);
	opts_help(cmd->opts);
}

int cmd_fail(int status, const struct err *e)
{
	log_say("%s", e->text);
	return status;
}

void cmd_print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' :
								       *text);
}
