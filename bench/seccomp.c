/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls may a thread still make? Stops it for a moment, fetches
 * its seccomp filters, lets it go, and evaluates them for every number of
 * x86-64 (seccomp_bpf.h). Prints one JSON object: filters, how many calls
 * are allowed whatever their arguments are, how many only with some
 * (conditional), how many there are in the system's header (known), and the
 * names of both kinds.
 *
 *	seccomp PID		(root, in no filter itself)
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/seccomp_bpf.h"

#define FILTERS_MAX   32
#define STOP_TRIES    5000 /* milliseconds */
#define MODE_STRICT   1
#define MODE_FILTER   2
#define NAMES_MAX     (sizeof(names) / sizeof(*names))
#define OUTCOME_COUNT 4

static const char *const names[] = {
#include "bench/syscall_names.inc"
};

struct filter {
	struct sock_filter insns[BPF_MAXINSNS];
	size_t count;
};

struct thread {
	pid_t tid;
	long mode;
	struct filter *filters;
	int count;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt,
								...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "seccomp: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

/* The line `Seccomp: N` of its status. */
static long read_mode(pid_t tid)
{
	char path[64], line[256];
	long mode = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	if (!f)
		die("there is no process %d", tid);
	while (mode < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Seccomp:", 8) == 0)
			mode = strtol(line + 8, NULL, 10);
	}
	fclose(f);
	if (mode < 0)
		die("the kernel does not say whether %d has filters", tid);
	return mode;
}

/* Stops it as a debugger does. */
static void stop(pid_t tid)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0)
		die("cannot attach to %d: %s", tid, strerror(errno));
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		die("cannot stop %d: %s", tid, strerror(errno));
	for (int i = 0; i < STOP_TRIES; i++) {
		pid_t r = waitpid(tid, &status, WNOHANG | __WALL);

		if (r == tid && WIFSTOPPED(status))
			return;
		if (r != 0)
			die("%d ended", tid);
		nanosleep(&pause, NULL);
	}
	die("%d does not stop", tid);
}

/* Fetches the filters; 0 or -errno. */
static int fetch(struct thread *t)
{
	for (t->count = 0; t->count < FILTERS_MAX; t->count++) {
		void *index = (void *)(long)t->count;
		struct filter *f = &t->filters[t->count];
		long n = ptrace(PTRACE_SECCOMP_GET_FILTER, t->tid, index, NULL);

		if (n < 0)
			return errno == ENOENT ? 0 : -errno;
		if (n > BPF_MAXINSNS)
			return -E2BIG;
		n = ptrace(PTRACE_SECCOMP_GET_FILTER, t->tid, index, f->insns);
		if (n < 0)
			return -errno;
		f->count = (size_t)n;
	}
	return -E2BIG;
}

static void read_filters(struct thread *t)
{
	int r;

	t->filters = calloc(FILTERS_MAX, sizeof(*t->filters));
	if (!t->filters)
		die("out of memory");
	stop(t->tid);
	r = fetch(t);
	ptrace(PTRACE_DETACH, t->tid, NULL, NULL);
	if (r < 0)
		die("cannot fetch the filters of %d: %s", t->tid, strerror(-r));
}

/* The four calls of mode 1. */
static bool is_strict(const char *name)
{
	return strcmp(name, "read") == 0 || strcmp(name, "write") == 0 ||
	       strcmp(name, "exit") == 0 || strcmp(name, "rt_sigreturn") == 0;
}

static unsigned int outcomes_of(const struct thread *t, uint32_t nr)
{
	unsigned int all = SECCOMP_MAY_RUN;

	if (t->mode == MODE_STRICT)
		return is_strict(names[nr]) ? SECCOMP_MAY_RUN :
					      SECCOMP_MAY_FAIL;
	for (int i = 0; i < t->count; i++) {
		const struct filter *f = &t->filters[i];
		int r = seccomp_bpf_outcomes(f->insns, f->count, nr,
					     AUDIT_ARCH_X86_64);

		if (r < 0)
			die("cannot evaluate a filter of %d: %s", t->tid,
			    strerror(-r));
		all = seccomp_bpf_join(all, (unsigned int)r);
	}
	return all;
}

static void print_names(const char *key, const unsigned int *outcomes,
			unsigned int wanted)
{
	const char *separator = "";

	printf(", \"%s\": [", key);
	for (size_t i = 0; i < NAMES_MAX; i++) {
		if (!names[i] || outcomes[i] != wanted)
			continue;
		printf("%s\"%s\"", separator, names[i]);
		separator = ", ";
	}
	printf("]");
}

static void report(const struct thread *t)
{
	static unsigned int outcomes[NAMES_MAX];
	const unsigned int conditional = SECCOMP_MAY_RUN | SECCOMP_MAY_FAIL;
	int counts[OUTCOME_COUNT] = { 0 }, known = 0;

	for (size_t i = 0; i < NAMES_MAX; i++) {
		if (!names[i])
			continue;
		outcomes[i] = outcomes_of(t, (uint32_t)i);
		counts[outcomes[i]]++;
		known++;
	}
	printf("{\"filters\": %d, \"allowed\": %d, \"conditional\": %d, "
	       "\"known\": %d",
	       t->count, counts[SECCOMP_MAY_RUN], counts[conditional], known);
	print_names("names", outcomes, SECCOMP_MAY_RUN);
	print_names("conditional_names", outcomes, conditional);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct thread t = { 0 };
	char *end = NULL;
	long pid = argc == 2 ? strtol(argv[1], &end, 10) : 0;

	if (pid <= 0 || pid > INT32_MAX || *end) {
		fprintf(stderr, "usage: seccomp PID\n");
		return 2;
	}
	t.tid = (pid_t)pid;
	t.mode = read_mode(t.tid);
	if (t.mode == MODE_FILTER)
		read_filters(&t);
	report(&t);
	free(t.filters);
	return 0;
}
