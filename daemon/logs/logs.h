/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What functions say: one log for each function, STATE/logs/NAME.log, lines
 * of JSON (docs/formats/logs.md), rotated by size, a few generations kept.
 * Lines are written at the end of a round of the event loop.
 *
 * A function that says too much is not believed that it matters: beyond its
 * rate, lines are dropped and counted, and its pipe is read slowly. When the
 * disk is full lines are dropped too, and counted. All calls are of the
 * loop's thread.
 */
#ifndef DAEMON_LOGS_LOGS_H
#define DAEMON_LOGS_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/metrics/metrics.h"
#include "host/err.h"
#include "host/loop.h"
#include "lib/list.h"

#define LOG_TEXT_MAX   (16u << 10) /* bytes of a line; longer ones are parted */
#define LOG_RECORD_MAX (100u << 10) /* bytes of a line of a file */
#define LOG_NAME_MAX   63u

struct logs;

/* 0 stands for what is right nearly always. */
struct logs_limits {
	uint64_t file_bytes_max; /* then it is rotated; default 8 MiB */
	uint32_t files_max; /* generations kept; default 4 */
	uint32_t lines_per_s, lines_burst; /* default 2,000 and 10,000 */
	uint32_t bytes_per_s, bytes_burst; /* default 1 MiB and 4 MiB */
};

/* Makes STATE/logs if it is not there. */
int logs_open(struct logs **ret, const char *state_dir, struct loop *loop,
	      const struct logs_limits *limits, struct err *e);
/* Writes what is left. NULL is fine. */
void logs_close(struct logs *l);
/* Writes now what waits for the end of the round. */
void logs_flush(struct logs *l);
/* The function is gone, and its log with it. */
void logs_remove(struct logs *l, const char *function);

/* Lines dropped of all functions since the start, beyond their rates. */
uint64_t logs_dropped(const struct logs *l);
/* Lines that could not be written. */
uint64_t logs_unwritten(const struct logs *l);

/* Shows these, and what each function wrote, whenever metrics are asked
 * for. */
void logs_set_metrics(struct logs *l, struct metrics *m);

/* Where a line comes from; the strings are the caller's. */
struct log_source {
	const char *function;
	uint32_t version;
	const char *instance; /* id; NULL: none */
	const char *request; /* id; NULL: none, or not known */
	const char *stream; /* stdout, stderr, platform */
	const bool *gone; /* the function: its lines are dropped; may be NULL */
};

/* A line; any bytes, `len` of them without the newline. */
void logs_line(struct logs *l, const struct log_source *s, const char *text,
	       size_t len);
/* A line of the platform about a function (stream "platform"). */
void logs_say(struct logs *l, const struct log_source *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- what an instance writes --------------------------------------------- */

/* The end of a pipe that an instance writes to; embedded in its owner. */
struct log_pipe {
	struct logs *logs;
	/* The owner's: may be changed at any time, holds for the lines that
	 * are read from then on. The strings must stay. */
	struct log_source source;
	/* The other end is closed, all is read; may close the log_pipe. May
	 * be NULL. */
	void (*ended)(struct log_pipe *p);
	struct loop *loop; /* the rest is private */
	struct loop_watch watch;
	struct loop_timer pause;
	int fd;
	char *buf; /* LOG_TEXT_MAX, while a line is incomplete */
	size_t len;
};

/* Takes over `fd`, non-blocking, also on failure. p->source and p->ended are
 * set by the caller. 0 or -errno. */
int log_pipe_open(struct log_pipe *p, struct loop *loop, struct logs *logs,
		  int fd);
/* Reads what is there, but at most 64 KiB: before the source changes. */
void log_pipe_flush(struct log_pipe *p);
/* Reads what is there, but at most 64 KiB, and closes it. Harmless if it is
 * closed, or all zero. */
void log_pipe_close(struct log_pipe *p);

/* ---- reading ------------------------------------------------------------ */

struct log_query {
	const char *function;
	uint64_t since_ms; /* realtime; 0: from the oldest */
	const char *grep; /* only lines whose text has these bytes, or NULL */
	const char *instance, *request; /* only theirs, or NULL */
	uint32_t tail; /* only the last so many, at most LOG_TAIL_MAX; 0: all */
	bool follow; /* and what comes then */
};

#define LOG_TAIL_MAX 10000u

/*
 * Reads a log from a moment on and, if it follows, waits for more. Nothing
 * that was rotated away meanwhile stops it.
 */
struct log_reader {
	/* There may be more: log_reader_next should be called. Not called
	 * again until that said -EAGAIN. Set by the caller. */
	void (*more)(struct log_reader *r);
	struct log_reading *reading; /* private */
};

int log_reader_open(struct log_reader *r, struct logs *l,
		    const struct log_query *q, struct err *e);
/*
 * Fills buf (of at least LOG_RECORD_MAX) with whole lines of JSON: how many
 * bytes, 0 at the end, -EAGAIN if more() will come, or -errno. Bounded work.
 */
ssize_t log_reader_next(struct log_reader *r, char *buf, size_t size);
/* Harmless if it was never opened (all zero). */
void log_reader_close(struct log_reader *r);

#endif
