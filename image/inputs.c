/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of inputs. The file is text: a first line with the version and a
 * note, then per input "KIND DEV INO SIZE MODE MTIME CTIME PATH" and a NUL,
 * numbers in hex, times in nanoseconds, KIND 'f' or 'l'. It is compared, not
 * parsed: each line is written anew from what stat says and must come out
 * the same.
 */
#include "image/inputs.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"

#define HEAD	"mayfly inputs 1 "
#define NUMBERS 160 /* bytes, more than all fields before the path */
#define FIELDS	7

static uint64_t ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

static int format(char ret[NUMBERS], bool link, const struct stat *st)
{
	return snprintf(ret, NUMBERS,
			"%c %jx %jx %jx %x %" PRIx64 " %" PRIx64 " ",
			link ? 'l' : 'f', (uintmax_t)st->st_dev,
			(uintmax_t)st->st_ino, (uintmax_t)st->st_size,
			st->st_mode, ns_of(&st->st_mtim), ns_of(&st->st_ctim));
}

static int grow(struct inputs *l)
{
	size_t room = l->room ? 2 * l->room : 64;
	struct input *items;

	if (l->count < l->room)
		return 0;
	if (l->count == INPUTS_MAX)
		return -E2BIG;
	items = reallocarray(l->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	l->items = items;
	l->room = room;
	return 0;
}

static char *absolute(const char *path)
{
	AUTO_FREE char *cwd = NULL;
	char *text;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&text, "%s/%s", cwd, path) < 0)
		return NULL;
	return text;
}

static int add(struct inputs *l, const char *path, const struct stat *st,
	       bool link)
{
	char *copy;
	int r = grow(l);

	if (r < 0)
		return r;
	copy = absolute(path);
	if (!copy)
		return -ENOMEM;
	l->items[l->count++] =
		(struct input){ .path = copy, .st = *st, .link = link };
	return 0;
}

int inputs_add(struct inputs *l, const char *path, const struct stat *st)
{
	return add(l, path, st, false);
}

int inputs_add_path(struct inputs *l, const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -errno : add(l, path, &st, false);
}

int inputs_add_link(struct inputs *l, const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? -errno : add(l, path, &st, true);
}

static int add_entry(struct inputs *l, FTS *fts, FTSENT *f)
{
	switch (f->fts_info) {
	case FTS_D:
		if (f->fts_level > 0 && strcmp(f->fts_name, ".git") == 0) {
			fts_set(fts, f, FTS_SKIP);
			return 0;
		}
		return add(l, f->fts_path, f->fts_statp, true);
	case FTS_DP:
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return -f->fts_errno;
	default:
		return add(l, f->fts_path, f->fts_statp, true);
	}
}

int inputs_add_tree(struct inputs *l, const char *path)
{
	AUTO_FREE char *real = realpath(path, NULL);
	char *const paths[] = { real, NULL };
	FTSENT *f;
	FTS *fts;
	int r = 0;

	if (!real)
		return -errno;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return -errno;
	while (r == 0 && (f = fts_read(fts)) != NULL)
		r = add_entry(l, fts, f);
	fts_close(fts);
	return r;
}

void inputs_fini(struct inputs *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->items[i].path);
	free(l->items);
	*l = (struct inputs){ 0 };
}

/* What format() would write about the path now; false: there is nothing. */
static bool format_now(char ret[NUMBERS], bool link, const char *path)
{
	struct stat st;

	if ((link ? lstat(path, &st) : stat(path, &st)) < 0)
		return false;
	format(ret, link, &st);
	return true;
}

const char *inputs_changed(const struct inputs *l, bool dirs)
{
	char was[NUMBERS], now[NUMBERS];
	size_t i;

	for (i = 0; i < l->count; i++) {
		const struct input *in = &l->items[i];

		if (S_ISDIR(in->st.st_mode) && !dirs)
			continue;
		format(was, in->link, &in->st);
		if (!format_now(now, in->link, in->path) ||
		    strcmp(was, now) != 0)
			return in->path;
	}
	return NULL;
}

struct timespec inputs_newest(const struct inputs *l)
{
	struct timespec t = { 0 };
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (ns_of(&l->items[i].st.st_ctim) > ns_of(&t))
			t = l->items[i].st.st_ctim;
	}
	return t;
}

int inputs_write(const struct inputs *l, int fd, const char *note)
{
	AUTO_FREE char *text = NULL;
	char line[NUMBERS];
	size_t len = 0, i;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return -ENOMEM;
	fprintf(f, HEAD "%s\n", note);
	for (i = 0; i < l->count; i++) {
		format(line, l->items[i].link, &l->items[i].st);
		fprintf(f, "%s%s%c", line, l->items[i].path, '\0');
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	return file_write(fd, text, len);
}

/* The line, which ends at the NUL behind it, is what stat says now. */
static bool line_current(const char *line)
{
	char now[NUMBERS];
	const char *path = line;
	int i;

	for (i = 0; i < FIELDS && path; i++) {
		path = strchr(path, ' ');
		if (path)
			path++;
	}
	return path && format_now(now, line[0] == 'l', path) &&
	       strlen(now) == (size_t)(path - line) &&
	       memcmp(now, line, (size_t)(path - line)) == 0;
}

static bool text_current(const char *text, size_t len,
			 char ret_note[INPUTS_NOTE_MAX])
{
	const size_t head = strlen(HEAD);
	const char *line, *end = text + len;

	line = memchr(text, '\n', len);
	if (!line || (size_t)(line - text) < head ||
	    (size_t)(line - text) - head >= INPUTS_NOTE_MAX ||
	    memcmp(text, HEAD, head) != 0)
		return false;
	snprintf(ret_note, INPUTS_NOTE_MAX, "%.*s", (int)(line - text - head),
		 text + head);
	for (line++; line < end; line += strlen(line) + 1) {
		if (!line_current(line))
			return false;
	}
	return true;
}

bool inputs_current(int fd, char ret_note[INPUTS_NOTE_MAX])
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return false;
	len = (size_t)st.st_size;
	text = malloc(len + 1);
	if (!text || file_pread(fd, text, len, 0) < 0)
		return false;
	text[len] = '\0';
	return text_current(text, len, ret_note);
}
