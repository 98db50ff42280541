/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for any of several files: what poll and select share. */
#ifndef KERNEL_FS_POLL_H
#define KERNEL_FS_POLL_H

#include "fs/file.h"

struct poll_entry {
	struct file *file; /* a reference is held; NULL: skipped */
	uint32_t events; /* EPOLL* bits asked for; ERR and HUP always are */
	uint32_t revents; /* what holds; given for file == NULL */
	int index; /* the caller's */
	struct waiter waiter;
	struct poll_table *table;
};

/*
 * Waits until at least one entry has revents, or deadline_ns (0: does not
 * wait). The number of those entries, 0, or -EINTR.
 */
long poll_files(struct poll_entry *entries, uint32_t count,
		uint64_t deadline_ns);

/* Zeroed entries, NULL if there is no memory; freed with their files. */
struct poll_entry *poll_entries_new(uint32_t count);
void poll_entries_free(struct poll_entry *entries, uint32_t count);

#endif
