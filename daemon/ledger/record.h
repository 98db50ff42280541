/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger is told, as bytes of the journal: a kind, a moment, an
 * instance, then numbers and texts, as many as the kind has. The tables of
 * docs/formats/ledger.md say in which order.
 */
#ifndef DAEMON_LEDGER_RECORD_H
#define DAEMON_LEDGER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/ledger/ledger.h"

#define RECORD_NUMS_MAX	 9u
#define RECORD_TEXTS_MAX 4u
#define RECORD_SIZE_MAX	 (16u << 10) /* bytes */
#define RECORD_ID_SIZE	 (LEDGER_ID_LEN / 2)

enum record_kind {
	RECORD_BIRTH = 1,
	RECORD_START = 2,
	RECORD_RUN = 3,
	RECORD_DEATH = 4,
};

/* The places of what a record has. */
enum { BIRTH_VERSION, BIRTH_MEMORY };
enum { BIRTH_FUNCTION, BIRTH_TRIGGER, BIRTH_SUBSTRATE, BIRTH_HOW };
enum { START_QUEUE, START_PHASE, START_TOTAL = START_PHASE + MF_PHASE_COUNT };
enum { RUN_QUEUE, RUN_DURATION, RUN_STATUS, RUN_IN, RUN_OUT };
enum { RUN_REQUEST, RUN_TRIGGER };
enum {
	DEATH_REASON,
	DEATH_SIGNAL,
	DEATH_STATUS,
	DEATH_CPU,
	DEATH_RUN,
	DEATH_MEM_PEAK,
	DEATH_IN,
	DEATH_OUT,
	DEATH_SYSCALLS,
};
enum { DEATH_WHY, DEATH_BACKTRACE };

struct record {
	enum record_kind kind;
	uint8_t id[RECORD_ID_SIZE];
	uint64_t at_ms;
	uint64_t num[RECORD_NUMS_MAX]; /* at most INT64_MAX */
	const char *text[RECORD_TEXTS_MAX]; /* NULL is "" */
};

unsigned record_nums(enum record_kind kind);
unsigned record_texts(enum record_kind kind);

/* Into `buf` of RECORD_SIZE_MAX; the number of bytes. Texts that are too
 * long are cut, numbers that are too large are the largest. */
size_t record_encode(const struct record *r, uint8_t *buf);
/* Texts point into `buf`. 0, or -EBADMSG. */
int record_decode(struct record *ret, const uint8_t *buf, size_t len);

/* 32 hex digits; all zero if they are not. */
void record_id(uint8_t ret[RECORD_ID_SIZE], const char *hex);

#endif
