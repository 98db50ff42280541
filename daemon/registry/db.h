/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of the registry, and SQLite by the words that its users need.
 * docs/formats/registry.md has the tables.
 */
#ifndef DAEMON_REGISTRY_DB_H
#define DAEMON_REGISTRY_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include "host/err.h"

#define DB_APPLICATION_ID 0x4d667279u /* "Mfry" */
#define DB_VERSION	  1u
#define DB_HASH_SIZE	  32u

/* Checked, or made; as registry_open says. */
int db_open(sqlite3 **ret, const char *path, struct err *e);
void db_close(sqlite3 *db); /* NULL is fine */

/*
 * One statement without rows. `types` has a letter for each ?: i int64_t,
 * t const char * (NULL is NULL), h DB_HASH_SIZE bytes.
 */
int db_run(sqlite3 *db, struct err *e, const char *sql, const char *types, ...);
/* The same, the statement still to be stepped: NULL and *e. */
sqlite3_stmt *db_query(sqlite3 *db, struct err *e, const char *sql,
		       const char *types, ...);
/* 1: a row, 0: no more, -errno. */
int db_step(sqlite3_stmt *s, struct err *e);

int db_begin(sqlite3 *db, struct err *e);
/* Ends what db_begin began: commits if `r` is 0, else undoes. Returns the
 * error that there was, or 0. */
int db_end(sqlite3 *db, int r, struct err *e);

static inline void db_finalize(sqlite3_stmt *const *s)
{
	sqlite3_finalize(*s);
}
#define AUTO_STMT __attribute__((cleanup(db_finalize)))

#endif
