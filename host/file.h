/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole-buffer input and output, and files that appear complete or not at
 * all. Functions return 0 or -errno.
 */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exactly len bytes, or -errno; -ENODATA if the file ends before. */
int file_pread(int fd, void *buf, size_t len, uint64_t off);
int file_pwrite(int fd, const void *buf, size_t len, uint64_t off);
int file_write(int fd, const void *buf, size_t len);
/* All of src, from its start, to dst, at its position. */
int file_copy(int dst, int src);

/*
 * A file under construction. Lives beside its destination until
 * file_draft_publish() renames it; file_draft_drop() removes it and is
 * harmless afterwards.
 */
struct file_draft {
	int fd; /* -1: nothing is under construction */
	char *temp; /* owned */
	char *path; /* owned */
};

int file_draft_init(struct file_draft *d, const char *path, mode_t mode);
/* Makes it durable if `sync`, and visible. */
int file_draft_publish(struct file_draft *d, bool sync);
void file_draft_drop(struct file_draft *d);

#define AUTO_DRAFT __attribute__((cleanup(file_draft_drop)))

/* Creates `path` and what is missing above it, mode 0700. */
int file_mkdirs(const char *path);

#endif
