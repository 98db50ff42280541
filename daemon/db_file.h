/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of ours that are SQLite databases: made complete or not at all, and
 * never touched if they are damaged, of another version, or somebody else's.
 */
#ifndef DAEMON_DB_FILE_H
#define DAEMON_DB_FILE_H

#include <sqlite3.h>
#include <stdint.h>

#include "host/err.h"

struct db_format {
	const char *without; /* what a new one lacks: "without its totals" */
	uint32_t application_id, version;
	const char *schema; /* statements; ids and version come from here */
	/* Files up to this size are read whole and checked; larger ones would
	 * keep the platform from starting. */
	uint64_t check_bytes_max;
};

/* In WAL mode, every commit synced. */
int db_file_open(sqlite3 **ret, const char *path, const struct db_format *f,
		 struct err *e);
void db_file_close(sqlite3 *db); /* NULL is fine */

#endif
