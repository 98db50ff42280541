/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly inspect: what an image is, runs and holds, or a snapshot. Always
 * verifies the digest: who inspects wants to know.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/inspect_function.h"
#include "cli/inspect_snapshot.h"
#include "cli/inspect_space.h"
#include "cli/inspect_syscalls.h"
#include "cli/platform.h"
#include "host/cleanup.h"
#include "image/digest.h"
#include "image/walk.h"
#include "launch/snapshot.h"

enum { OPT_JSON = 10, OPT_SYSCALLS };

static const struct opt opts[] = {
	{ OPT_JSON, 0, "json", NULL, "print one JSON object" },
	{ OPT_SYSCALLS, 0, "syscalls", NULL,
	  "show which system calls were rewritten" },
	{ 0 },
};

static json_t *strings(const char **list, size_t count)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(a, json_string(list[i]));
	return a;
}

static char type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFREG:
		return '-';
	default:
		return '?';
	}
}

static unsigned stop_signal(const struct manifest *m)
{
	return m->stop_signal ? m->stop_signal : SIGTERM;
}

#define ESCAPED_LEN 4u /* \\xNN */

/* JSON is UTF-8; in a name that is not, bytes above 127 become \\xNN. */
static json_t *name_json(const char *name)
{
	json_t *string = json_string(name);
	AUTO_FREE char *text = NULL;
	char *to;

	if (string)
		return string;
	text = malloc(ESCAPED_LEN * strlen(name) + 1);
	if (!text)
		return NULL;
	for (to = text; *name; name++) {
		if (*name & 0x80)
			to += snprintf(to, ESCAPED_LEN + 1, "\\x%02x",
				       (uint8_t)*name);
		else
			*to++ = *name;
	}
	*to = '\0';
	return json_string(text);
}

static int add_file(void *arg, const char *path, const struct erofs_inode *ino)
{
	char mode[8], type[2] = { type_of(ino->mode) };

	snprintf(mode, sizeof(mode), "%04o", ino->mode & 07777);
	return json_array_append_new(
		arg, json_pack("{s:o, s:s, s:s, s:I}", "path", name_json(path),
			       "type", type, "mode", mode, "size",
			       (json_int_t)ino->size));
}

static int print_json(const struct image *img, const char *digest,
		      struct err *e)
{
	const struct manifest *m = &img->manifest;
	AUTO_FREE char *text = NULL;
	json_t *files = json_array(), *o;
	int r;

	r = image_walk(img, add_file, files);
	o = json_pack("{s:s, s:I, s:I, s:I, s:{s:i, s:I, s:s, s:o, s:o, s:s, "
		      "s:I, s:o, s:I, s:{s:I, s:I}, s:I}, s:o}",
		      "digest", digest, "size", (json_int_t)img->st.st_size,
		      "erofs_size", (json_int_t)img->erofs_size, "kernel_size",
		      (json_int_t)img->kernel_size, "manifest", "version",
		      MANIFEST_VERSION, "abi", (json_int_t)m->abi, "program",
		      m->program, "args", strings(m->args, m->args_count),
		      "env", strings(m->env, m->env_count), "cwd", m->cwd,
		      "memory", (json_int_t)m->memory_bytes, "ports",
		      strings(m->ports, m->ports_count), "args_default",
		      (json_int_t)m->args_default, "user", "uid",
		      (json_int_t)m->uid, "gid", (json_int_t)m->gid,
		      "stop_signal", (json_int_t)stop_signal(m), "files",
		      files);
	if (o)
		text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (r < 0)
		return err_sys(e, -r, "cannot read the files of %s", img->path);
	if (!text)
		return err_set(e, ENOMEM,
			       "cannot print %s: out of memory, or "
			       "a name is not UTF-8",
			       img->path);
	printf("%s\n", text);
	return 0;
}

static int print_file(void *arg, const char *path,
		      const struct erofs_inode *ino)
{
	(void)arg;
	printf("  %c %04o %10" PRIu64 "  ", type_of(ino->mode),
	       ino->mode & 07777, ino->size);
	cmd_print_text(path);
	putchar('\n');
	return 0;
}

static void print_list(const char *title, const char **list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		printf("%-12s", i == 0 ? title : "");
		cmd_print_text(list[i]);
		putchar('\n');
	}
}

static int print_table(const struct image *img, const char *digest,
		       struct err *e)
{
	const struct manifest *m = &img->manifest;
	int r;

	printf("%-12s%s\n", "digest", digest);
	printf("%-12s%jd bytes\n", "size", (intmax_t)img->st.st_size);
	printf("%-12s%" PRIu64 " bytes, contract %u\n", "kernel",
	       img->kernel_size, m->abi);
	printf("%-12sat least %" PRIu64 " MiB\n", "memory",
	       m->memory_bytes >> 20);
	print_list("program", (const char **)&(const char *){ m->program }, 1);
	print_list("args", m->args, m->args_count);
	print_list("env", m->env, m->env_count);
	print_list("ports", m->ports, m->ports_count);
	print_list("cwd", (const char **)&(const char *){ m->cwd }, 1);
	if (m->uid || m->gid)
		printf("%-12s%u:%u\n", "user", m->uid, m->gid);
	if (stop_signal(m) != SIGTERM)
		printf("%-12s%u\n", "stop signal", stop_signal(m));
	r = inspect_space(img, e);
	if (r < 0)
		return r;
	printf("files\n");
	r = image_walk(img, print_file, NULL);
	if (r < 0)
		return err_sys(e, -r, "cannot read the files of %s", img->path);
	return 0;
}

static int inspect(const char *path, bool json, bool syscalls)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	char digest[IMAGE_DIGEST_TEXT_MAX];
	struct err e;
	int r;

	r = image_open(&img, path, &e);
	if (r < 0)
		return cmd_fail(r == -ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED,
				&e);
	r = image_verify(&img, &e);
	if (r == 0)
		r = image_load(&img, &e);
	if (r < 0)
		return cmd_fail(STATUS_FAILED, &e);
	digest_text(digest, img.digest);
	r = syscalls ? inspect_syscalls(&img, json, &e) :
	    json     ? print_json(&img, digest, &e) :
		       print_table(&img, digest, &e);
	return r < 0 ? cmd_fail(STATUS_FAILED, &e) : STATUS_OK;
}

/* The program that a function was made of may lie here, with its name. */
static bool is_file(const char *path)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	struct err e;

	return snapshot_is_one(path) || image_open(&img, path, &e) == 0;
}

static int inspect_any(const char *path, bool json, bool syscalls)
{
	struct err e;
	int r;

	if (inspect_function_is_name(path) && !syscalls && !is_file(path)) {
		r = inspect_function(path, json, &e);
		/* Without mayflyd it can be a file only. */
		if (r != -ECONNREFUSED)
			return r < 0 ? cmd_fail(STATUS_NOT_FOUND, &e) :
				       STATUS_OK;
	}
	if (!snapshot_is_one(path))
		return inspect(path, json, syscalls);
	if (syscalls)
		r = err_set(&e, EINVAL,
			    "%s is a snapshot; --syscalls tells of the image "
			    "that it was taken of",
			    path);
	else
		r = inspect_snapshot(path, json, &e);
	return r < 0 ? cmd_fail(STATUS_FAILED, &e) : STATUS_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct opts o = { .table = opts,
			  .argv = argv,
			  .argc = argc,
			  .next = 1,
			  .words_between = true };
	const char *value, *path = NULL;
	bool json = false, syscalls = false;
	struct err e;
	int id;

	while ((id = opts_next(&o, &value, &e)) > OPT_END) {
		if (id == OPT_HELP) {
			cmd_print_help(cmd);
			return STATUS_OK;
		}
		if (id == OPT_JSON)
			json = true;
		else if (id == OPT_SYSCALLS)
			syscalls = true;
		else if (path)
			id = err_set(&e, EINVAL,
				     "mayfly inspect takes one image or "
				     "snapshot, and %s is a second one",
				     value);
		else
			path = value;
		if (id < 0)
			break;
	}
	if (id == OPT_END && !path)
		id = err_set(&e, EINVAL,
			     "nothing to inspect: mayfly inspect needs an "
			     "image, a snapshot or the name of a function");
	return id < 0 ? cmd_fail(STATUS_FAILED, &e) :
			inspect_any(path, json, syscalls);
}

const struct cmd cmd_inspect = {
	.name = "inspect",
	.usage = "[OPTIONS] IMAGE|SNAPSHOT|NAME",
	.summary = "Show what an image, a snapshot or a function is",
	.opts = opts,
	.run = run,
};
