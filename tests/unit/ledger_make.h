/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger in a directory of its own for tests, lives to put into it, and
 * questions whose answer is waited for.
 */
#ifndef TESTS_UNIT_LEDGER_MAKE_H
#define TESTS_UNIT_LEDGER_MAKE_H

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/ledger/ledger.h"
#include "lib/list.h"
#include "tests/unit/check.h"

#define MONTH_MS 1795000000000ull /* in November 2026 */

static struct loop *loop;
static struct ledger *ledger;
static char state_dir[64];

static inline void new_state_dir(void)
{
	snprintf(state_dir, sizeof(state_dir), "./ledger-XXXXXX");
	check(mkdtemp(state_dir) != NULL);
}

static inline void open_ledger(const struct ledger_limits *limits)
{
	struct err e = { .text = "" };

	if (ledger_open(&ledger, state_dir, loop, limits, &e) < 0)
		check_str(e.text, "opened");
}

static inline void close_ledger(void)
{
	ledger_close(ledger);
	ledger = NULL;
}

static inline const char *id_of(unsigned n)
{
	static char id[LEDGER_ID_LEN + 1];

	snprintf(id, sizeof(id), "%08x%024x", n * 2654435761u, n);
	return id;
}

static inline void tell_birth(const char *function, unsigned n)
{
	struct ledger_birth b = {
		.id = id_of(n),
		.function = function,
		.version = 3,
		.trigger = "http",
		.substrate = "kvm",
		.how = "copy",
		.memory_bytes = 64 << 20,
		.born_ms = MONTH_MS + n,
	};

	ledger_birth(ledger, &b);
}

static inline void tell_run(unsigned n, const char *request, unsigned status)
{
	struct ledger_run r = {
		.id = id_of(n),
		.request = request,
		.trigger = "http",
		.arrived_ms = MONTH_MS + n,
		.queue_us = 40,
		.duration_us = 1500,
		.status = (uint16_t)status,
		.bytes_in = 10,
		.bytes_out = 1000,
	};

	ledger_run(ledger, &r);
}

static inline void tell_death(unsigned n, enum ledger_reason reason)
{
	struct ledger_death d = {
		.id = id_of(n),
		.reason = reason,
		.cpu_us = 800,
		.run_us = 2000000,
		.mem_peak_bytes = 500000000,
		.bytes_in = 100,
		.bytes_out = 2000,
		.syscalls = 17,
		.died_ms = MONTH_MS + n + 5,
	};

	ledger_death(ledger, &d);
}

struct waiting {
	struct ledger_call call;
	char *text;
	struct err error;
	bool done;
};

static inline void on_done(struct ledger_call *c, char *text, size_t len,
			   const struct err *e)
{
	struct waiting *w = container_of(c, struct waiting, call);

	w->text = text;
	w->done = true;
	if (e)
		w->error = *e;
	else
		check_int(len, strlen(text));
}

static inline struct waiting wait_for(bool totals, const struct ledger_query *q)
{
	struct waiting w = { .call.done = on_done };

	check_int(totals ? ledger_totals(ledger, &w.call, q) :
			   ledger_history(ledger, &w.call, q),
		  0);
	while (!w.done)
		check_int(loop_once(loop, 1000), 0);
	return w;
}

static inline json_t *ask(bool totals, const struct ledger_query *q)
{
	struct waiting w = wait_for(totals, q);
	json_t *answer;

	check_str(w.error.text, "");
	answer = json_loads(w.text, 0, NULL);
	check(answer != NULL);
	free(w.text);
	return answer;
}

static inline json_t *ask_rows(bool totals, const struct ledger_query *q)
{
	json_t *answer = ask(totals, q);
	json_t *rows = json_incref(
		json_object_get(answer, totals ? "totals" : "instances"));

	check(json_is_array(rows));
	json_decref(answer);
	return rows;
}

static inline json_int_t int_of(const json_t *row, const char *key)
{
	check(json_is_integer(json_object_get(row, key)));
	return json_integer_value(json_object_get(row, key));
}

static inline const char *text_of(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

/* A sum of a column of the totals of all functions. */
static inline json_int_t total_of(const char *key)
{
	struct ledger_query q = { .format = LEDGER_JSON };
	json_t *rows = ask_rows(true, &q), *row;
	json_int_t sum = 0;
	size_t i;

	json_array_foreach(rows, i, row)
		sum += int_of(row, key);
	json_decref(rows);
	return sum;
}

static inline void begin_ledger_tests(void)
{
	struct err e;

	/* A file that may not grow is to be an error, not a death. */
	signal(SIGXFSZ, SIG_IGN);
	check_int(loop_new(&loop, &e), 0);
}

#endif
