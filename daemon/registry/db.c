/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is looked at before SQLite opens it, so that what is not ours is
 * not touched: not even a journal beside it is rolled back. A new one is made
 * under another name, so that there never is half of one.
 */
#include "daemon/registry/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"

#define BUSY_MS 5000 /* for somebody with sqlite3(1) */

static const char schema[] =
	"PRAGMA application_id = 1298559609;"
	"PRAGMA user_version = 1;"
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

_Static_assert(DB_APPLICATION_ID == 1298559609u, "as in the schema");
_Static_assert(DB_VERSION == 1, "as in the schema");

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

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

#define REMEDY                                             \
	"restore a backup of it, or move it away to begin" \
	" without functions"

/* 1: it is there and can be ours; 0: it is not there. */
static int look(const char *path, struct err *e)
{
	static const char magic[16] = "SQLite format 3";
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t head[100];
	uint32_t version;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	r = file_pread(fd, head, sizeof(head), 0);
	if (r < 0 && r != -ENODATA)
		return err_sys(e, -r, "cannot read %s", path);
	if (r < 0 || memcmp(head, magic, sizeof(magic)) != 0)
		return err_set(e, EUCLEAN,
			       "%s is damaged: it is no database; " REMEDY,
			       path);
	if (big_endian(head + 68) != DB_APPLICATION_ID)
		return err_set(e, EUCLEAN,
			       "%s is another program's database; choose "
			       "another state directory, or move it away",
			       path);
	version = big_endian(head + 60);
	if (version != DB_VERSION)
		return err_set(e, EPROTONOSUPPORT,
			       "%s has version %u of the format, and this "
			       "mayflyd reads version %u; use the mayflyd that "
			       "wrote it",
			       path, version, DB_VERSION);
	return 1;
}

static int create(const char *path, struct err *e)
{
	AUTO_FREE char *temp = NULL;
	sqlite3 *db = NULL;
	int r;

	if (asprintf(&temp, "%s.new", path) < 0) {
		temp = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (unlink(temp) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove %s", temp);
	r = sqlite3_open_v2(temp, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOFOLLOW,
			    NULL);
	r = r == SQLITE_OK ? exec(db, "PRAGMA synchronous = FULL;", e) :
			     fail(db, e);
	if (r == 0)
		r = exec(db, schema, e);
	if (sqlite3_close(db) != SQLITE_OK && r == 0)
		r = err_set(e, EIO, "cannot close %s", temp);
	if (r == 0 && rename(temp, path) < 0)
		r = err_sys(e, errno, "cannot name %s", path);
	if (r < 0)
		unlink(temp);
	return r;
}

static int damaged(const char *path, const char *what, struct err *e)
{
	return err_set(e, EUCLEAN, "%s is damaged: %.80s; " REMEDY, path, what);
}

static int check(sqlite3 *db, const char *path, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = NULL;
	const char *verdict;

	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) !=
		    SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		return damaged(path, sqlite3_errmsg(db), e);
	verdict = (const char *)sqlite3_column_text(s, 0);
	return verdict && strcmp(verdict, "ok") == 0 ?
		       0 :
		       damaged(path, verdict ? verdict : "unreadable", e);
}

static int open_checked(sqlite3 **ret, const char *path, struct err *e)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(
		path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);

	if (r != SQLITE_OK) {
		r = fail(db, e);
		sqlite3_close(db);
		return r;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	/* Until all is well, the file stays as it is. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	r = check(db, path, e);
	if (r == 0)
		r = exec(db,
			 "PRAGMA journal_mode = WAL;"
			 "PRAGMA synchronous = FULL;"
			 "PRAGMA foreign_keys = ON;"
			 "PRAGMA trusted_schema = OFF;",
			 e);
	if (r < 0) {
		sqlite3_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

int db_open(sqlite3 **ret, const char *path, struct err *e)
{
	int r = look(path, e);

	if (r == 0)
		r = create(path, e);
	return r < 0 ? r : open_checked(ret, path, e);
}

void db_close(sqlite3 *db)
{
	if (db)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
				  NULL);
	sqlite3_close(db);
}
