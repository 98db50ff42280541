/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly snapshot, as docs/man/mayfly-snapshot.1 has it. Values of variables
 * are secrets more often than not: they are passed by the environment, which
 * nobody else can read, and only their names by the command line.
 */
#include "daemon/api/deploy_job.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/cleanup.h"

/* To where it first waits for work; copies then start in no time, so this
 * may take longer than start_ms. */
#define SNAPSHOT_STARTS 6u

/* Of mayfly itself: what it reads in its own environment. */
static bool is_mayflys(const char *entry)
{
	static const char *const names[] = {
		"HOME=", "PATH=", "TMPDIR=", "XDG_", "LD_", "MAYFLY_", "MALLOC_"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(entry, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static int add(struct strlist *l, const char *name, uint64_t value,
	       const char *unit)
{
	char *text;

	if (asprintf(&text, "%s%" PRIu64 "%s", name, value, unit) < 0)
		text = NULL;
	return strlist_take(l, text);
}

static int add_variable(struct deploy_job *j, const char *entry)
{
	size_t len = strcspn(entry, "=");
	int r = strlist_add(&j->argv, "-e");

	if (r < 0)
		return r;
	if (is_mayflys(entry))
		return strlist_add(&j->argv, entry);
	r = strlist_take(&j->argv, strndup(entry, len));
	return r < 0 ? r : strlist_add(&j->env, entry);
}

static bool names_port(const struct strlist *env)
{
	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], "PORT=", 5) == 0)
			return true;
	return false;
}

static int add_environment(struct deploy_job *j, const struct spec *s)
{
	int r = 0;

	for (char **v = environ; r == 0 && *v; v++)
		if (is_mayflys(*v))
			r = strlist_add(&j->env, *v);
	for (size_t i = 0; r == 0 && i < s->env.count; i++)
		r = add_variable(j, s->env.items[i]);
	if (r == 0 && !names_port(&s->env)) {
		r = strlist_add(&j->argv, "-e");
		if (r == 0)
			r = add(&j->argv, "PORT=", s->port, "");
	}
	return r;
}

/* A guest that may reach something has a name server, from its boot on. */
static int add_egress(struct deploy_job *j, const struct spec *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->egress.count; i++) {
		r = strlist_add(&j->argv, "--egress");
		if (r == 0)
			r = strlist_add(&j->argv, s->egress.items[i]);
	}
	return r;
}

static int add_words(struct deploy_job *j, const char *const *words)
{
	int r = 0;

	for (; r == 0 && *words; words++)
		r = strlist_add(&j->argv, *words);
	return r;
}

static int add_requests(struct deploy_job *j, const struct spec *s,
			uint64_t warm_up)
{
	const char *ask[] = { "--request", s->readiness, NULL };
	const char *const silent[] = { "--no-request", NULL };
	int r = add_words(j, s->readiness ? ask : silent);

	return r == 0 && s->readiness && warm_up ?
		       add(&j->argv, "--warm-up=", warm_up, "") :
		       r;
}

int deploy_job_init(struct deploy_job *ret, const struct api_config *c,
		    const struct version *v, const struct deploy_files *f,
		    struct err *e)
{
	const struct spec *s = &v->spec;
	const char *const head[] = { c->program,   "snapshot", "--substrate",
				     c->substrate, "-o",       f->snapshot,
				     NULL };
	const char *const tail[] = { f->image, NULL };
	uint64_t wait_ms = (uint64_t)s->start_ms * SNAPSHOT_STARTS;
	int r;

	*ret = (struct deploy_job){ 0 };
	r = add_words(ret, head);
	if (r == 0)
		r = add(&ret->argv, "-m", s->memory_bytes, "");
	if (r == 0)
		r = add(&ret->argv, "--timeout=", wait_ms, "ms");
	if (r == 0)
		r = add_requests(ret, s, f->warm_up);
	if (r == 0)
		r = add_egress(ret, s);
	if (r == 0)
		r = add_environment(ret, s);
	if (r == 0)
		r = add_words(ret, tail);
	return r < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

void deploy_job_fini(struct deploy_job *j)
{
	strlist_fini(&j->argv);
	strlist_fini(&j->env);
}

/* mayfly's own statuses: 124 is a timeout, 125 says why in words. */
bool deploy_may_boot(int wait_status, enum function_mode mode,
		     const char *last_line)
{
	int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;

	if (mode != FUNCTION_HTTP)
		return false;
	return status == 124 ||
	       (status == 125 && !strstr(last_line, "there is nothing to"));
}

void deploy_describe_end(int wait_status, char *ret, size_t size)
{
	int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;

	if (status < 0)
		snprintf(ret, size, "its snapshot was not taken to the end");
	else if (status == 126)
		snprintf(ret, size, "it cannot be run");
	else if (status == 125)
		snprintf(ret, size, "no snapshot can be taken of it");
	else if (status > 128)
		snprintf(ret, size,
			 "signal %d ended it before it waited for a request",
			 status - 128);
	else
		snprintf(ret, size,
			 "it ended with status %d before it waited for a "
			 "request",
			 status);
}

void deploy_remove_drafts(const char *path)
{
	AUTO_FREE char *dir = strdup(path);
	char *base = dir ? strrchr(dir, '/') : NULL;
	struct dirent *entry;
	size_t len;
	DIR *d;

	if (!base)
		return;
	*base++ = '\0';
	len = strlen(base);
	d = opendir(dir);
	if (!d)
		return;
	while ((entry = readdir(d)))
		if (strncmp(entry->d_name, base, len) == 0 &&
		    entry->d_name[len] == '.')
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
}
