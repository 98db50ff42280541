/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly-rewrite gets paths as the tree has them, without symbolic links, and
 * works on the tree in place: what is in it are copies.
 */
#include "image/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "host/cleanup.h"
#include "image/format.h"
#include "image/tool.h"

#define NOT_INSTALLED 127 /* the dynamic loader's, without libZydis */

/* The path of an open file; NULL on failure. */
static char *path_of(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n < 0 || n == sizeof(path) ? NULL : strndup(path, (size_t)n);
}

/* Adds where in the tree `path` leads to, from '/'. */
static int add_resolved(const struct stage *s, const char *path,
			struct strlist *argv, struct err *e)
{
	AUTO_CLOSE int fd = stage_open(s, path, O_PATH);
	AUTO_FREE char *root = NULL, *real = NULL;
	size_t len;

	if (fd < 0)
		return err_sys(e, -fd, "cannot leave %s of the image as it is",
			       path);
	root = path_of(s->fd);
	real = path_of(fd);
	len = root ? strlen(root) : 0;
	if (!root || !real || strncmp(root, real, len) != 0 ||
	    strlist_add(argv, real[len] ? real + len : "/") < 0)
		return err_set(e, ENOMEM, "cannot find %s in the image", path);
	return 0;
}

static int add_excluded(const struct source *s, struct strlist *argv,
			struct err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; i < s->config.not_rewritten.count && r == 0; i++)
		r = err_at(e, s->config.not_rewritten_at,
			   add_resolved(&s->stage,
					s->config.not_rewritten.items[i], argv,
					e));
	return r;
}

static int report(int status, int err_fd, struct err *e)
{
	char text[200];

	if (status < 0)
		return err_sys(e, -status, "cannot run mayfly-rewrite");
	if (WIFSIGNALED(status))
		return err_set(e, EINTR,
			       "mayfly-rewrite was ended by signal %d",
			       WTERMSIG(status));
	tool_complaint(err_fd, text, sizeof(text));
	if (WEXITSTATUS(status) == NOT_INSTALLED)
		return err_set(e, ENOPKG,
			       "mayfly-rewrite cannot be started; install the "
			       "package libzydis4.0 (%.150s)",
			       text);
	return err_set(e, EIO, "%s", text[0] ? text : "mayfly-rewrite failed");
}

static int run(const struct source *s, struct strlist *argv,
	       const sigset_t *mask, struct err *e)
{
	AUTO_CLOSE int out_fd = memfd_create("rewrite", MFD_CLOEXEC);
	AUTO_CLOSE int err_fd = memfd_create("errors", MFD_CLOEXEC);
	struct tool tool = { NULL, out_fd, err_fd, mask, &s->watch };
	int status;

	if (out_fd < 0 || err_fd < 0)
		return err_sys(e, errno, "cannot run mayfly-rewrite");
	tool.argv = (void *)argv->items;
	status = tool_run(&tool);
	if (status != 0)
		return report(status, err_fd, e);
	return stage_put_copy(&s->stage, IMAGE_PATH_REWRITE, out_fd, 0644, e);
}

int rewrite_source(struct source *s, const char *rewriter, const sigset_t *mask,
		   struct err *e)
{
	struct strlist argv = { 0 };
	int r = strlist_add(&argv, rewriter);

	source_step(s, "rewriting system calls");

	if (r == 0 && s->config.no_rewrite)
		r = strlist_add(&argv, "--none");
	if (r == 0)
		r = strlist_add(&argv, s->stage.path);
	if (r < 0)
		r = err_set(e, ENOMEM, "out of memory");
	if (r == 0)
		r = add_excluded(s, &argv, e);
	if (r == 0)
		r = run(s, &argv, mask, e);
	strlist_fini(&argv);
	return r;
}

int rewrite_probe(const char *rewriter)
{
	const char *const argv[] = { rewriter, "--version", NULL };
	const struct tool tool = { argv, -1, -1, NULL, NULL };
	int status = tool_run(&tool);

	if (status < 0)
		return status;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOPKG;
}
