/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of daemon/logs share. */
#ifndef DAEMON_LOGS_PRIVATE_H
#define DAEMON_LOGS_PRIVATE_H

#include "daemon/logs/logs.h"
#include "host/textbuf.h"

#define LOGS_TABLE     256u
#define LOGS_READ_MAX  (64u << 10) /* bytes of a pipe in a round */
#define LOGS_FIRST_GEN 1000000u

/* Tokens of a rate, refilled as time passes. */
struct bucket {
	uint64_t tokens, at_ns;
};

/* A log: the file that is written to and its earlier generations. */
struct log_file {
	struct log_file *next; /* of its place in the table */
	char base[LOG_NAME_MAX + sizeof("../.log")]; /* below STATE/logs */
	char name[LOG_NAME_MAX + 1]; /* of the function */
	struct list open_node; /* of logs->open, if fd is not -1 */
	struct list dirty_node; /* of logs->dirty, if lines are pending */
	struct list readers; /* struct log_reading */
	int fd;
	uint64_t size; /* of the file, if it is open */
	uint64_t generation; /* of the file; BASE.1 is the one before */
	struct textbuf pending; /* lines for the end of the round */
	uint32_t pending_lines;
	struct bucket lines, bytes;
	uint64_t dropped; /* that no line has told of yet */
	uint32_t version; /* of who wrote last */
	uint64_t kept_total, dropped_total;
};

struct logs {
	struct loop *loop;
	struct logs_limits limits;
	int dir_fd;
	struct log_file *table[LOGS_TABLE];
	struct list open; /* most recently used first */
	unsigned open_count;
	struct list dirty;
	struct loop_task flush;
	struct loop_timer tell; /* of what was dropped */
	uint64_t dropped, unwritten;
	bool failing; /* and it was said */
	struct metrics_source source;
	char scratch[LOGS_READ_MAX];
};

/* The log, or NULL: no memory, or no name for one. */
struct log_file *logs_file(struct logs *l, const char *function);
struct log_file *logs_access_file(struct logs *l);
/* A line, with its newline, is at the end of f->pending. */
void logs_appended(struct logs *l, struct log_file *f);
void logs_flush_file(struct logs *l, struct log_file *f);

/* Of logs->tell: lines about what was dropped. */
void logs_tell_dropped(struct loop_timer *t);

/* False: beyond the rate; it is counted. */
bool logs_admit(struct logs *l, struct log_file *f, size_t len);
/* As logs_line; `cut`: the rest of the line comes next. False: dropped. */
bool logs_put(struct logs *l, const struct log_source *s, const char *text,
	      size_t len, bool cut);

/* There is more to read of a log. */
void log_readers_wake(struct log_file *f);
/* The log is gone. */
void log_readers_end(struct log_file *f);
int log_file_open_read(struct logs *l, const struct log_file *f,
		       uint64_t generation);

#endif
