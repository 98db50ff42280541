/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements as the registry needs them: prepared, bound by the letters of a
 * string, and SQLite's errors as ours. The file itself is daemon/db_file.c's.
 */
#include "daemon/registry/db.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "daemon/db_file.h"

static const char schema[] =
	"CREATE TABLE functions (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, next_number INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL);"
	"CREATE TABLE versions (function INTEGER NOT NULL"
	" REFERENCES functions ON DELETE CASCADE,"
	" number INTEGER NOT NULL, spec TEXT NOT NULL, digest TEXT NOT NULL,"
	" image TEXT NOT NULL, snapshot TEXT, created_ms INTEGER NOT NULL,"
	" PRIMARY KEY (function, number)) WITHOUT ROWID;"
	"CREATE TABLE alias_states (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" function INTEGER NOT NULL REFERENCES functions ON DELETE CASCADE,"
	" alias TEXT NOT NULL, shares TEXT NOT NULL, at_ms INTEGER NOT NULL);"
	"CREATE INDEX alias_states_of ON alias_states (function, alias, id);"
	"CREATE TABLE tokens (name TEXT PRIMARY KEY, role TEXT NOT NULL,"
	" function TEXT, hash BLOB NOT NULL, created_ms INTEGER NOT NULL)"
	" WITHOUT ROWID;";

/* ---- statements ---- */

static int fail(sqlite3 *db, struct err *e)
{
	int code = sqlite3_errcode(db) & 0xff;
	int error = code == SQLITE_FULL	    ? ENOSPC :
		    code == SQLITE_NOMEM    ? ENOMEM :
		    code == SQLITE_READONLY ? EROFS :
		    code == SQLITE_BUSY	    ? EBUSY :
					      EIO;

	return err_set(e, error, "the registry cannot be used: %s%s",
		       sqlite3_errmsg(db),
		       code == SQLITE_FULL ? "; nothing was changed" : "");
}

static int bind(sqlite3_stmt *s, const char *types, va_list ap)
{
	const char *text;
	int r = SQLITE_OK;

	for (int i = 0; types[i] && r == SQLITE_OK; i++) {
		if (types[i] == 'i') {
			r = sqlite3_bind_int64(s, i + 1, va_arg(ap, int64_t));
			continue;
		}
		text = va_arg(ap, const char *);
		if (types[i] == 'h')
			r = sqlite3_bind_blob(s, i + 1, text, DB_HASH_SIZE,
					      SQLITE_TRANSIENT);
		else
			r = sqlite3_bind_text(s, i + 1, text, -1,
					      SQLITE_TRANSIENT);
	}
	return r;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *types,
			     va_list ap)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK &&
	    bind(s, types, ap) == SQLITE_OK)
		return s;
	sqlite3_finalize(s);
	return NULL;
}

int db_run(sqlite3 *db, struct err *e, const char *sql, const char *types, ...)
{
	AUTO_STMT sqlite3_stmt *s = NULL;
	va_list ap;

	va_start(ap, types);
	s = prepare(db, sql, types, ap);
	va_end(ap);
	return s && sqlite3_step(s) == SQLITE_DONE ? 0 : fail(db, e);
}

sqlite3_stmt *db_query(sqlite3 *db, struct err *e, const char *sql,
		       const char *types, ...)
{
	sqlite3_stmt *s;
	va_list ap;

	va_start(ap, types);
	s = prepare(db, sql, types, ap);
	va_end(ap);
	if (!s)
		fail(db, e);
	return s;
}

int db_step(sqlite3_stmt *s, struct err *e)
{
	int r = sqlite3_step(s);

	if (r == SQLITE_ROW || r == SQLITE_DONE)
		return r == SQLITE_ROW;
	return fail(sqlite3_db_handle(s), e);
}

static int exec(sqlite3 *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ?
		       0 :
		       fail(db, e);
}

int db_begin(sqlite3 *db, struct err *e)
{
	return exec(db, "BEGIN IMMEDIATE", e);
}

int db_end(sqlite3 *db, int r, struct err *e)
{
	if (r == 0)
		r = exec(db, "COMMIT", e);
	if (r < 0 && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

/* ---- the file ---- */

static const struct db_format format = {
	.without = "without functions",
	.application_id = DB_APPLICATION_ID,
	.version = DB_VERSION,
	.schema = schema,
	.check_bytes_max = UINT64_MAX,
};

int db_open(sqlite3 **ret, const char *path, struct err *e)
{
	return db_file_open(ret, path, &format, e);
}

void db_close(sqlite3 *db)
{
	db_file_close(db);
}
