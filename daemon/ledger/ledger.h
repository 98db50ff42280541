/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what every instance was, did and cost, from birth to death.
 *
 * What is told is appended to a journal, once per round of the event loop,
 * and nothing here waits for a disk: a thread carries the journal into
 * STATE/ledger.db. Whatever has been written to the journal survives kill -9
 * of this process at any moment, and is counted once. Beyond the limits old
 * rows go; the totals, by function and month, stay (docs/formats/ledger.md).
 *
 * When the disk is full or the database fails, the platform goes on:
 * records wait in memory and in the journal, up to a limit, beyond which
 * they are dropped, counted (struct ledger_facts) and said once.
 *
 * All calls are of the loop's thread.
 */
#ifndef DAEMON_LEDGER_LEDGER_H
#define DAEMON_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/ctl.h"
#include "daemon/metrics/metrics.h"
#include "host/err.h"
#include "host/loop.h"

#define LEDGER_ID_LEN	     32u /* hex digits of an instance id */
#define LEDGER_NAME_MAX	     63u /* bytes of a function's name */
#define LEDGER_WORD_MAX	     15u /* of trigger, substrate, how */
#define LEDGER_REQUEST_MAX   64u /* of a request id */
#define LEDGER_WHY_MAX	     511u /* longer ones are cut */
#define LEDGER_BACKTRACE_MAX 8191u

struct ledger;

/* 0 is no reason; the names of reasons.def, LEDGER_FINISHED and so on. */
enum ledger_reason {
	LEDGER_NO_REASON,
#define REASON(name, word, help) LEDGER_##name,
#include "daemon/ledger/reasons.def"
#undef REASON
	LEDGER_REASON_COUNT,
};

/* "crash"; NULL if there is no such reason. */
const char *ledger_reason_word(enum ledger_reason reason);
/* LEDGER_NO_REASON if there is no such word. */
enum ledger_reason ledger_reason_find(const char *word);

/* In all of these a moment of 0 is now, or what fits a duration that ends
 * now; moments are realtime. */

struct ledger_birth {
	const char *id;
	const char *function;
	uint32_t version;
	const char *trigger; /* http, invoke, probe, pool */
	const char *substrate; /* kvm, process */
	const char *how; /* boot, copy, again: enum mf_start_kind */
	uint64_t memory_bytes; /* its limit */
	uint64_t born_ms;
};

/* It is ready for its first request. */
struct ledger_start {
	const char *id;
	uint64_t queue_us; /* that the request waited which summoned it */
	uint64_t phase_us[MF_PHASE_COUNT];
	uint64_t total_us; /* from the decision to start it until now */
	uint64_t ready_ms;
};

/* It has answered a request, or should have. */
struct ledger_run {
	const char *id;
	const char *request;
	const char *trigger;
	uint64_t arrived_ms;
	uint64_t queue_us; /* until it had the instance */
	uint64_t duration_us; /* from its arrival until the end */
	uint16_t status; /* of the answer; 0: none */
	uint64_t bytes_in, bytes_out;
};

struct ledger_death {
	const char *id;
	enum ledger_reason reason;
	uint32_t signal; /* of a crash, else 0 */
	uint32_t status; /* wait status as of Linux, if it finished */
	const char *why; /* one sentence, or NULL */
	const char *backtrace; /* of a crash, lines, or NULL */
	uint64_t cpu_us, run_us, mem_peak_bytes, bytes_in, bytes_out, syscalls;
	uint64_t died_ms;
};

/* 0 stands for what is right nearly always. */
struct ledger_limits {
	uint64_t instances_max; /* rows; default 500,000 */
	uint64_t runs_max; /* rows; default 1,000,000 */
	uint64_t age_ms_max; /* of both; default 90 days */
	uint32_t months_max; /* of totals; default 60 */
	uint64_t journal_bytes_max; /* on disk; default 256 MiB */
	size_t memory_bytes_max; /* unwritten; default 8 MiB */
};

/*
 * Opens, or makes, STATE/ledger.db, carries over what the journal still has,
 * and gives those who were alive then a death of reason `lost`. A database
 * that is damaged, of another version, or somebody else's is refused and
 * left as it is.
 */
int ledger_open(struct ledger **ret, const char *state_dir, struct loop *loop,
		const struct ledger_limits *limits, struct err *e);
/* Writes what is left. NULL is fine. */
void ledger_close(struct ledger *l);

void ledger_birth(struct ledger *l, const struct ledger_birth *b);
void ledger_started(struct ledger *l, const struct ledger_start *s);
void ledger_run(struct ledger *l, const struct ledger_run *r);
void ledger_death(struct ledger *l, const struct ledger_death *d);
/* Writes to the journal now what waits for the end of the round. */
void ledger_flush(struct ledger *l);

/* The cost of one life, as far as the monitor told. */
void ledger_death_stats(struct ledger_death *d, const struct mf_ctl_stats *s);

/* ---- questions ----------------------------------------------------------- */

enum ledger_format {
	LEDGER_JSON,
	LEDGER_CSV,
};

struct ledger_query {
	char function[LEDGER_NAME_MAX + 1]; /* empty: all */
	char id[LEDGER_ID_LEN + 1]; /* how it begins, hex; empty: all */
	uint64_t since_ms, until_ms; /* born in [since, until); 0: open */
	uint64_t before; /* `seq` of a row: older ones than that; 0: open */
	uint32_t limit; /* rows; 0: 100; at most LEDGER_LIMIT_MAX */
	uint32_t runs_max; /* requests of each instance, the last; at most
			    * LEDGER_RUNS_MAX */
	uint32_t reasons; /* bits 1 << enum ledger_reason; 0: all */
	enum ledger_format format;
};

#define LEDGER_LIMIT_MAX 10000u
#define LEDGER_RUNS_MAX	 1000u

/*
 * An answer comes by done(), from the loop: text of the format, the
 * callee's to free, or NULL and an error. It knows everything that was told
 * before the question.
 */
struct ledger_call {
	void (*done)(struct ledger_call *c, char *text, size_t len,
		     const struct err *e);
	struct ledger_job *job; /* private */
};

/*
 * Instances, the youngest first: {"instances": [...], "next": SEQ or null}.
 * 0, or -EBUSY if too many questions are open; done() is not called then.
 */
int ledger_history(struct ledger *l, struct ledger_call *c,
		   const struct ledger_query *q);
/*
 * Sums by function and month (UTC), those of a life in the month of its
 * death: {"totals": [...]}. Of the query function, since_ms and until_ms
 * (whole months, that they lie in), limit and format are used.
 */
int ledger_totals(struct ledger *l, struct ledger_call *c,
		  const struct ledger_query *q);
/* done() will not be called. Harmless if it was, or nothing was asked. */
void ledger_cancel(struct ledger *l, struct ledger_call *c);

/* ---- how it is ----------------------------------------------------------- */

struct ledger_facts {
	uint64_t records; /* told */
	uint64_t imported; /* that are in the database, since the start */
	uint64_t dropped; /* no room: nobody will know of them */
	uint64_t damaged; /* segments of the journal with a bad record */
	uint64_t journal_bytes; /* not yet in the database */
	bool failing; /* cannot write at the moment */
};

void ledger_facts(const struct ledger *l, struct ledger_facts *ret);
/* Shows them whenever metrics are asked for. */
void ledger_set_metrics(struct ledger *l, struct metrics *m);

#endif
