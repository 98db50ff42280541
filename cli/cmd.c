/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all verbs share: help and messages. A message is one line on stderr
 * that begins with "mayfly: ", so that it can be told from the program's.
 */
#include "cli/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/file.h"

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
	cmd_log("%s", e->text);
	return status;
}

/*
 * One write, so that lines of several processes do not mix. What guests say
 * passes through here; it must not move the cursor or begin a new line.
 */
void cmd_log(const char *fmt, ...)
{
	char line[1024] = "mayfly: ";
	const size_t start = strlen(line), max = sizeof(line) - 1;
	va_list ap;
	size_t i, len;

	va_start(ap, fmt);
	vsnprintf(line + start, max - start, fmt, ap);
	va_end(ap);
	len = strlen(line);
	for (i = start; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	file_write(2, line, len);
}

void cmd_print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' :
								       *text);
}
