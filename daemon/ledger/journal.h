/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: segments STATE/ledger-journal/NNNNNNNNNN of records, each
 * with a keyed checksum. One writer appends; readers read what is complete,
 * also of a segment that is being written. A process begins a new segment,
 * so nothing is ever written behind a torn record.
 */
#ifndef DAEMON_LEDGER_JOURNAL_H
#define DAEMON_LEDGER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ledger/record.h"
#include "host/err.h"
#include "host/textbuf.h"

#define JOURNAL_KEY_SIZE     16u
#define JOURNAL_HEADER_SIZE  32u
#define JOURNAL_FRAME_SIZE   12u /* bytes before a record */
#define JOURNAL_SEGMENT_SIZE (1u << 20) /* bytes; then a new one begins */

/* A place between two records. Segments count from 1. */
struct journal_mark {
	uint32_t segment;
	uint32_t offset;
};

static inline bool journal_before(struct journal_mark a, struct journal_mark b)
{
	return a.segment != b.segment ? a.segment < b.segment :
					a.offset < b.offset;
}

/* ---- writing ---- */

struct journal {
	int dir_fd, fd; /* -1: none */
	struct journal_mark end; /* what is in files ends there */
	uint8_t key[JOURNAL_KEY_SIZE];
	struct textbuf unwritten;
	size_t unwritten_max; /* bytes; 0: no limit */
	bool torn; /* the last record of the segment is not complete */
	uint8_t frame[JOURNAL_FRAME_SIZE + RECORD_SIZE_MAX]; /* scratch */
};

/* The directory, made if it is not there. */
int journal_dir_open(int *ret_fd, const char *state_dir, struct err *e);
/* Segments after `last`; `dir_fd` stays the caller's. */
void journal_init(struct journal *j, int dir_fd, uint32_t last);
void journal_fini(struct journal *j);

/* To be written. 0, or -ENOBUFS when too much is. */
int journal_append(struct journal *j, const struct record *r);
/* Writes all of it. 0 or -errno; what could not be written stays. */
int journal_write(struct journal *j);

/* ---- reading ---- */

/* Reads a segment's bytes; they may be anything. */
struct journal_parser {
	const uint8_t *data;
	size_t len;
	size_t at; /* of the next record */
	uint8_t key[JOURNAL_KEY_SIZE];
};

/* The bytes of a header. 0, -EBADMSG, or -ENODATA: it is not complete. */
int journal_parse_header(const uint8_t *data, size_t len,
			 uint8_t ret_key[JOURNAL_KEY_SIZE]);
/* 1 and a record, whose texts point into the data; 0 at the end, or where
 * the last one is not complete; -EBADMSG for what no writer wrote. */
int journal_parse(struct journal_parser *p, struct record *ret);

/* Ascending numbers of the segments that there are, malloc'd. */
int journal_list(int dir_fd, uint32_t **ret, size_t *ret_count);
int journal_segment_open(int dir_fd, uint32_t segment); /* or -errno */
int journal_segment_remove(int dir_fd, uint32_t segment);

#endif
