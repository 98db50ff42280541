/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress. The line is shorter than the terminal is wide, else it could not
 * be written over.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "host/file.h"

#define WIDTH_DEFAULT 80
#define SHOW_TIME_MS  1000 /* shorter steps show none */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void make_printable(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

void progress_init(struct progress *p, bool verbose)
{
	*p = (struct progress){ .live = isatty(2) == 1 && !verbose,
				.verbose = verbose };
}

void progress_clear(struct progress *p)
{
	static const char back[] = "\r\033[K";

	if (p->shown)
		file_write(2, back, sizeof(back) - 1);
	p->shown = false;
}

static void show(struct progress *p)
{
	uint64_t age_ms = now_ms() - p->begin_ms;
	struct winsize w;
	char line[256];
	size_t width = WIDTH_DEFAULT;

	if (ioctl(2, TIOCGWINSZ, &w) == 0 && w.ws_col > 1)
		width = w.ws_col;
	if (age_ms < SHOW_TIME_MS)
		snprintf(line, sizeof(line), "%s", p->step);
	else
		snprintf(line, sizeof(line), "%s (%u s)", p->step,
			 (unsigned)(age_ms / 1000));
	if (strlen(line) >= width)
		line[width - 1] = '\0';
	progress_clear(p);
	file_write(2, line, strlen(line));
	p->shown = true;
}

void progress_step(struct progress *p, const char *text)
{
	snprintf(p->step, sizeof(p->step), "%s", text);
	make_printable(p->step);
	p->begin_ms = now_ms();
	if (p->live)
		show(p);
	else if (p->verbose)
		log_say("%s", p->step);
}

void progress_tick(struct progress *p)
{
	if (p->live && p->step[0])
		show(p);
}

void progress_output(struct progress *p, const char *line)
{
	char text[1024];

	if (!p->verbose)
		return;
	snprintf(text, sizeof(text) - 1, "%s", line);
	make_printable(text);
	strncat(text, "\n", sizeof(text) - strlen(text) - 1);
	file_write(2, text, strlen(text));
}
