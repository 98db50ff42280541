/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times commands from outside: the clock starts before the program is
 * spawned and stops when it has ended. Commands are run in turns, so that
 * what disturbs one disturbs all. Prints one line per run: the command's
 * number, nanoseconds, exit status, user and system microseconds of it and
 * its children. bench/report.py makes figures of them.
 *
 *	timer [-n RUNS] [-w WARMUP] COMMAND [ARG...] [:: COMMAND...]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16
#define RUNS_MAX     100000

extern char **environ;

struct config {
	char **commands[COMMANDS_MAX]; /* argv of each */
	int count;
	int runs;
	int warmup;
};

struct sample {
	uint64_t ns;
	int status;
	uint64_t user_us, sys_us;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt,
								...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "timer: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t us_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000u + (uint64_t)t->tv_usec;
}

static pid_t start(char **argv, const posix_spawn_file_actions_t *fa)
{
	pid_t pid;
	int r = posix_spawn(&pid, argv[0], fa, NULL, argv, environ);

	if (r != 0)
		die("cannot run %s: %s", argv[0], strerror(r));
	return pid;
}

static void reap(pid_t pid, struct sample *ret)
{
	struct rusage use;

	while (wait4(pid, &ret->status, 0, &use) < 0) {
		if (errno != EINTR)
			die("cannot wait: %s", strerror(errno));
	}
	ret->user_us = us_of(&use.ru_utime);
	ret->sys_us = us_of(&use.ru_stime);
}

static struct sample measure(const struct config *c, int i,
			     const posix_spawn_file_actions_t *fa)
{
	struct sample s = { 0 };
	uint64_t begin = now_ns();
	pid_t pid = start(c->commands[i], fa);

	reap(pid, &s);
	s.ns = now_ns() - begin;
	return s;
}

static int number(const char *text, int max)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end || v < 0 || v > max)
		die("%s is not a number from 0 to %d", text, max);
	return (int)v;
}

static void parse_commands(struct config *c, char **argv)
{
	while (*argv) {
		if (c->count == COMMANDS_MAX)
			die("more than %d commands", COMMANDS_MAX);
		c->commands[c->count++] = argv;
		while (*argv && strcmp(*argv, "::") != 0)
			argv++;
		if (c->commands[c->count - 1] == argv)
			die("a command is empty");
		if (*argv)
			*argv++ = NULL;
	}
	if (!c->count)
		die("no command to time");
}

static void parse(struct config *c, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+n:w:")) != -1) {
		switch (opt) {
		case 'n':
			c->runs = number(optarg, RUNS_MAX);
			break;
		case 'w':
			c->warmup = number(optarg, RUNS_MAX);
			break;
		default:
			exit(1);
		}
	}
	parse_commands(c, argv + optind);
}

int main(int argc, char **argv)
{
	struct config c = { .runs = 50, .warmup = 5 };
	posix_spawn_file_actions_t fa;

	parse(&c, argc, argv);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	for (int run = -c.warmup; run < c.runs; run++) {
		for (int i = 0; i < c.count; i++) {
			struct sample s = measure(&c, i, &fa);

			if (run >= 0)
				printf("%d %" PRIu64 " %d %" PRIu64 " %" PRIu64
				       "\n",
				       i, s.ns, s.status, s.user_us, s.sys_us);
		}
	}
	posix_spawn_file_actions_destroy(&fa);
	return 0;
}
