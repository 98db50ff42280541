/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a builder. What it writes is kept, and shown only if it fails: on a
 * good day nobody wants to read it. It is kept in memory, for a full disk is
 * one of the things that a builder complains about.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/builder.h"
#include "cli/child.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "image/config.h"
#include "image/inputs.h"
#include "image/sanitize.h"
#include "launch/cache.h"
#include "launch/paths.h"

#define SHOWN_MAX    (256u << 10) /* bytes of output after a failure */
#define STEP	     "step: "
#define WARNING	     "warning: "
#define WARNINGS_MAX 100

struct building {
	struct source *source;
	struct progress *progress;
	FILE *log;
};

static void take_line(void *arg, const char *line)
{
	struct building *b = arg;

	if (strncmp(line, STEP, strlen(STEP)) == 0) {
		progress_step(b->progress, line + strlen(STEP));
		return;
	}
	if (strncmp(line, WARNING, strlen(WARNING)) == 0 &&
	    b->source->warnings.count < WARNINGS_MAX)
		source_warn(b->source, "%s", line + strlen(WARNING));
	fprintf(b->log, "%s\n", line);
	progress_output(b->progress, line);
}

static void tick(void *arg)
{
	struct building *b = arg;

	progress_tick(b->progress);
}

/* The end of what the builder wrote, harmless for a terminal. */
static void show_log(FILE *log)
{
	long size = fflush(log) == 0 ? ftell(log) : -1;
	int c;

	if (size > (long)SHOWN_MAX) {
		fprintf(stderr, "(%ld bytes of output left out)\n",
			size - (long)SHOWN_MAX);
		fseek(log, -(long)SHOWN_MAX, SEEK_END);
	} else {
		rewind(log);
	}
	while ((c = getc(log)) != EOF) {
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			c = '?';
		putc(c, stderr);
	}
	fflush(stderr);
}

/* Where it may keep downloads: the cache, else beside the tree. */
static int cache_dir(char ret[PATH_MAX], const struct source *s)
{
	char kept[CACHE_PATH_MAX];

	if (cache_path(kept, "builders") == 0 && file_mkdirs(kept) == 0 &&
	    access(kept, W_OK) == 0) {
		snprintf(ret, PATH_MAX, "MAYFLY_CACHE_DIR=%s", kept);
		return 0;
	}
	if (snprintf(ret, PATH_MAX, "MAYFLY_CACHE_DIR=%s/cache",
		     s->stage.temp) >= PATH_MAX)
		return -ENAMETOOLONG;
	return file_mkdirs(strchr(ret, '=') + 1);
}

/* Where mayfly's own programs are, for the builders that come with it. */
static void set_libexec(char ret[PATHS_MAX + 16])
{
	char dir[PATHS_MAX];

	if (paths_libexec(dir) < 0)
		dir[0] = '\0';
	snprintf(ret, PATHS_MAX + 16, "MAYFLY_LIBEXEC=%s", dir);
}

static int failed(const struct build_job *job, const struct building *b,
		  int status, struct err *e)
{
	progress_clear(job->progress);
	if (!job->progress->verbose)
		show_log(b->log);
	if (WIFSIGNALED(status))
		return err_set(e, ECHILD,
			       "the builder %s was ended by signal %d; "
			       "nothing was sealed",
			       job->builder->name, WTERMSIG(status));
	return err_set(e, ECHILD,
		       "the builder %s failed with status %d; nothing was "
		       "sealed",
		       job->builder->name, WEXITSTATUS(status));
}

static int run_build(struct source *s, const struct build_job *job,
		     const char *program, FILE *log, struct err *e)
{
	AUTO_FREE char *cache = calloc(1, PATH_MAX), *entry = NULL;
	char libexec[PATHS_MAX + 16];
	struct building b = { s, job->progress, log };
	const char *argv[] = { program, job->source, s->stage.out, NULL };
	const char *env[] = { cache,	libexec, "LC_ALL=C.UTF-8",
			      "TZ=UTC", NULL,	 NULL };
	struct child c = { .argv = argv,
			   .env = env,
			   .mask = &s->guard.old,
			   .line = take_line,
			   .tick = tick,
			   .arg = &b };
	int status = 0, r;

	if (!cache || asprintf(&entry, "MAYFLY_ENTRY=%s",
			       job->entry ? job->entry : "") < 0) {
		entry = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	r = cache_dir(cache, s);
	if (r < 0)
		return err_sys(e, -r, "cannot make a directory for %s",
			       job->builder->name);
	set_libexec(libexec);
	env[4] = job->entry ? entry : NULL;
	r = child_run(&c, &status, e);
	if (r == 0 && status != 0)
		r = failed(job, &b, status, e);
	return r;
}

/* The builder itself, and what it says it read outside the source. */
static int add_inputs(struct source *s, const char *program, struct err *e)
{
	AUTO_FREE char *list = NULL, *line = NULL;
	AUTO_FCLOSE FILE *f = NULL;
	size_t size = 0;
	ssize_t n;
	int r;

	if (asprintf(&list, "%s/inputs", s->stage.out) < 0) {
		list = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	r = inputs_add_path(&s->inputs, program);
	f = fopen(list, "re");
	while (f && r == 0 && (n = getline(&line, &size, f)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[0] != '/')
			return err_set(e, EINVAL,
				       "the builder's list of inputs holds "
				       "%.80s, which is not an absolute path",
				       line);
		r = inputs_add_tree(&s->inputs, line);
		if (r < 0)
			return err_sys(e, -r,
				       "cannot read %s, which the builder "
				       "lists as an input",
				       line);
	}
	return r < 0 ? err_sys(e, -r, "cannot remember the inputs") : 0;
}

int builder_run(struct source *s, const struct build_job *job, struct err *e)
{
	AUTO_FREE char *program = NULL;
	AUTO_FCLOSE FILE *log = NULL;
	int fd, r;

	if (asprintf(&program, "%s/build", job->builder->dir) < 0) {
		program = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	fd = memfd_create("log", MFD_CLOEXEC);
	log = fd < 0 ? NULL : fdopen(fd, "w+");
	if (!log) {
		if (fd >= 0)
			close(fd);
		return err_sys(e, errno, "cannot keep what %s writes",
			       job->builder->name);
	}
	progress_step(job->progress, job->builder->name);
	r = run_build(s, job, program, log, e);
	if (r == 0)
		r = stage_open_root(&s->stage, e);
	if (r == 0)
		r = config_read(s, job->builder->name, e);
	if (r == 0)
		r = add_inputs(s, program, e);
	return r == 0 ? sanitize_tree(s, e) : r;
}
