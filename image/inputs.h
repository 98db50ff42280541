/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of this machine that an image was made from, and how to see that
 * one of them changed: device, inode, size, mode, mtime and ctime, as stat(2)
 * gives them. A list is written beside a cached image and compared at the
 * next start; that a file was added to a directory shows in the directory's
 * own times.
 */
#ifndef IMAGE_INPUTS_H
#define IMAGE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "host/err.h"

#define INPUTS_MAX (1u << 20)

struct input {
	char *path; /* owned, absolute */
	struct stat st;
	bool link; /* st is that of the symbolic link itself */
};

struct inputs {
	struct input *items;
	size_t count, room;
};

/* Remembers a path; a relative one is made absolute. 0 or -errno. */
int inputs_add(struct inputs *l, const char *path, const struct stat *st);
/* The same with what stat(2), or lstat(2), says now. */
int inputs_add_path(struct inputs *l, const char *path);
int inputs_add_link(struct inputs *l, const char *path);
/*
 * A file, or a directory with all it holds except version control (.git),
 * none of it through symbolic links. -E2BIG beyond INPUTS_MAX.
 */
int inputs_add_tree(struct inputs *l, const char *path);
void inputs_fini(struct inputs *l);

#define AUTO_INPUTS __attribute__((cleanup(inputs_fini)))

/*
 * The path of an input that is no longer what it was, or NULL. Directories
 * count only if `dirs`.
 */
const char *inputs_changed(const struct inputs *l, bool dirs);
/* The latest ctime of all. */
struct timespec inputs_newest(const struct inputs *l);

#define INPUTS_NOTE_MAX 128 /* bytes with the NUL */

/* The list as a file, with a word of the caller's; 0 or -errno. */
int inputs_write(const struct inputs *l, int fd, const char *note);
/*
 * Is everything in the list as it was? Anything unexpected is a no. A yes
 * comes with the note.
 */
bool inputs_current(int fd, char ret_note[INPUTS_NOTE_MAX]);

#endif
