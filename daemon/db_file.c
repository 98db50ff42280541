/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of the file is read before SQLite opens it: opening alone would
 * roll back a journal that lies beside a file which is not ours. A new file
 * is made under another name and renamed.
 */
#include "daemon/db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"

#define BUSY_MS	    5000 /* somebody looks at it with sqlite3(1) */
#define HEADER_SIZE 100
#define AT_VERSION  60
#define AT_APP_ID   68

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static int damaged(const char *path, const struct db_format *f, const char *how,
		   struct err *e)
{
	return err_set(e, EUCLEAN,
		       "%s is damaged (%.60s); put a backup in its place, or "
		       "move it away to begin %s",
		       path, how, f->without);
}

/* 1: it may be ours; 0: there is none. */
static int look(const char *path, const struct db_format *f, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t h[HEADER_SIZE];
	uint32_t version;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	r = file_pread(fd, h, sizeof(h), 0);
	if (r < 0 && r != -ENODATA)
		return err_sys(e, -r, "cannot read %s", path);
	if (r < 0 || memcmp(h, "SQLite format 3", 16) != 0)
		return damaged(path, f, "it is no database", e);
	if (big_endian(h + AT_APP_ID) != f->application_id)
		return err_set(
			e, EUCLEAN,
			"%s is another program's database; move it away, "
			"or choose another state directory",
			path);
	version = big_endian(h + AT_VERSION);
	if (version != f->version)
		return err_set(
			e, EPROTONOSUPPORT,
			"%s has version %u of its format and this "
			"mayflyd knows %u; use the mayflyd that wrote it",
			path, version, f->version);
	return 1;
}

static int fail(sqlite3 *db, const char *path, const char *does, struct err *e)
{
	int code = sqlite3_errcode(db) & 0xff;

	return err_set(e, code == SQLITE_FULL ? ENOSPC : EIO,
		       "cannot %s %s: %s", does, path, sqlite3_errmsg(db));
}

static int fill(const char *path, const struct db_format *f, struct err *e)
{
	char ids[80];
	sqlite3 *db = NULL;
	int r = 0;

	snprintf(ids, sizeof(ids),
		 "PRAGMA application_id = %u; PRAGMA user_version = %u;",
		 f->application_id, f->version);
	if (sqlite3_open_v2(path, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK ||
	    sqlite3_exec(db, ids, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, f->schema, NULL, NULL, NULL) != SQLITE_OK)
		r = fail(db, path, "make", e);
	sqlite3_close(db);
	return r;
}

static int create(const char *path, const struct db_format *f, struct err *e)
{
	AUTO_FREE char *temp = NULL;
	int r;

	if (asprintf(&temp, "%s.new", path) < 0) {
		temp = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	unlink(temp);
	r = fill(temp, f, e);
	if (r == 0 && (chmod(temp, 0600) < 0 || rename(temp, path) < 0))
		r = err_sys(e, errno, "cannot make %s", path);
	if (r < 0)
		unlink(temp);
	return r;
}

static int check(sqlite3 *db, const char *path, const struct db_format *f,
		 struct err *e)
{
	sqlite3_stmt *s = NULL;
	const char *verdict = NULL;
	struct stat st;
	int r = 0;

	if (stat(path, &st) < 0)
		return err_sys(e, errno, "cannot look at %s", path);
	if ((uint64_t)st.st_size > f->check_bytes_max)
		return 0;
	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		verdict = (const char *)sqlite3_column_text(s, 0);
	if (!verdict || strcmp(verdict, "ok") != 0)
		r = damaged(path, f, verdict ? verdict : sqlite3_errmsg(db), e);
	sqlite3_finalize(s);
	return r;
}

int db_file_open(sqlite3 **ret, const char *path, const struct db_format *f,
		 struct err *e)
{
	sqlite3 *db = NULL;
	int r = look(path, f, e);

	if (r == 0)
		r = create(path, f, e);
	if (r < 0)
		return r;
	if (sqlite3_open_v2(path, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK) {
		r = fail(db, path, "open", e);
		sqlite3_close(db);
		return r;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	/* Until all is well, the file stays as it is. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	r = check(db, path, f, e);
	if (r == 0 && sqlite3_exec(db,
				   "PRAGMA journal_mode = WAL;"
				   "PRAGMA synchronous = FULL;"
				   "PRAGMA foreign_keys = ON;"
				   "PRAGMA trusted_schema = OFF;",
				   NULL, NULL, NULL) != SQLITE_OK)
		r = fail(db, path, "open", e);
	if (r < 0) {
		sqlite3_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

void db_file_close(sqlite3 *db)
{
	if (db)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
				  NULL);
	sqlite3_close(db);
}
