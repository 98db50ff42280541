/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is going on and what was: instances, logs, the ledger, metrics.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/private.h"
#include "host/cleanup.h"

#define NDJSON "application/x-ndjson"

void api_get_health(struct api_request *r)
{
	api_reply_json(r, 200, json_pack("{s:s}", "status", "ok"));
}

void api_get_info(struct api_request *r)
{
	const struct api_config *c = &r->api->c;

	api_reply_json(r, 200,
		       json_pack("{s:s, s:s, s:s, s:s, s:I}", "version",
				 MF_VERSION, "substrate", c->substrate, "url",
				 c->url, "state",
				 registry_state_dir(c->registry), "started_ms",
				 (json_int_t)r->api->started_ms));
}

/* ---- instances ---- */

struct listing {
	json_t *list;
	const char *function; /* NULL: all */
};

static void add_instance(void *arg, const struct instance_info *i)
{
	struct listing *l = arg;

	if (l->function && strcmp(l->function, i->function) != 0)
		return;
	json_array_append_new(
		l->list,
		json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:i, s:I, s:I, s:i}",
			  "id", i->id, "function", i->function, "version",
			  (int)i->version, "state", i->state, "substrate",
			  i->substrate, "how", i->how, "in_flight",
			  (int)i->in_flight, "served", (json_int_t)i->served,
			  "age_ms", (json_int_t)i->age_ms, "pid", i->pid));
}

void api_list_instances(struct api_request *r)
{
	const struct api_config *c = &r->api->c;
	struct listing l = { .list = json_array(),
			     .function = api_query(r, "function") };

	c->ops->each(c->ops_ctx, add_instance, &l);
	api_reply_json(r, 200, json_pack("{s:o}", "instances", l.list));
}

void api_delete_instance(struct api_request *r)
{
	const struct api_config *c = &r->api->c;
	int err = c->ops->stop(c->ops_ctx, r->params[0]);

	if (err == -ENOENT)
		api_problem(r, 404, "there is no instance %s", r->params[0]);
	else if (err < 0)
		api_problem(r, 409,
			    "several instances begin with %s; say more of the "
			    "id",
			    r->params[0]);
	else
		api_reply_empty(r, 204);
}

static json_t *stats_of(struct api *a, struct function *f)
{
	json_t *o = api_function_json(a, f, false);
	json_t *stats;

	if (!o)
		return NULL;
	stats = json_pack("{s:O, s:O, s:O}", "name", json_object_get(o, "name"),
			  "state", json_object_get(o, "state"), "instances",
			  json_object_get(o, "instances"));
	json_decref(o);
	return stats;
}

void api_get_stats(struct api_request *r)
{
	struct list *pos, *all = registry_functions(r->api->c.registry);
	json_t *list = json_array();

	list_for_each(pos, all)
		json_array_append_new(
			list,
			stats_of(r->api,
				 container_of(pos, struct function, node)));
	api_reply_json(r, 200, json_pack("{s:o}", "functions", list));
}

void api_get_metrics(struct api_request *r)
{
	size_t len = 0;
	char *text = metrics_render(r->api->c.metrics, &len);

	if (text)
		api_reply_text(r, METRICS_CONTENT_TYPE, text, len);
	else
		api_problem(r, 503, "out of memory");
}

/* ---- logs ---- */

struct tailing {
	struct log_reader reader;
	struct api_request *request;
	char buf[LOG_RECORD_MAX];
};

static void tailing_release(struct api_request *r)
{
	struct tailing *t = r->data;

	log_reader_close(&t->reader);
	free(t);
}

/* Until the client has enough to read, or there is no more. */
static void pump(struct tailing *t)
{
	ssize_t n;

	while (!api_stream_full(t->request)) {
		n = log_reader_next(&t->reader, t->buf, sizeof(t->buf));
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			log_reader_close(&t->reader);
			api_stream_end(t->request);
			return;
		}
		api_stream_write(t->request, t->buf, (size_t)n);
	}
}

static void on_more(struct log_reader *reader)
{
	pump(container_of(reader, struct tailing, reader));
}

static void on_writable(struct api_request *r)
{
	pump(r->data);
}

static bool is_yes(const char *text)
{
	return text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
}

void api_get_logs(struct api_request *r)
{
	struct log_query q = { .function = r->params[0],
			       .grep = api_query(r, "grep"),
			       .instance = api_query(r, "instance"),
			       .request = api_query(r, "request"),
			       .follow = is_yes(api_query(r, "follow")) };
	struct tailing *t;
	uint64_t tail;
	struct err e;

	if (!api_find_function(r) ||
	    api_query_number(r, "since", 0, &q.since_ms) < 0 ||
	    api_query_number(r, "tail", 0, &tail) < 0)
		return;
	if (tail > LOG_TAIL_MAX) {
		api_problem(r, 400, "tail is more than %u", LOG_TAIL_MAX);
		return;
	}
	q.tail = (uint32_t)tail;
	t = calloc(1, sizeof(*t));
	if (!t) {
		api_problem(r, 503, "out of memory");
		return;
	}
	t->request = r;
	t->reader.more = on_more;
	if (log_reader_open(&t->reader, r->api->c.logs, &q, &e) < 0) {
		free(t);
		api_problem_err(r, &e);
		return;
	}
	r->data = t;
	r->release = tailing_release;
	r->writable = on_writable;
	api_stream_begin(r, NDJSON);
	pump(t);
}

/* ---- the ledger ---- */

struct asking {
	struct ledger_call call;
	struct api_request *request;
	enum ledger_format format;
};

static void asking_release(struct api_request *r)
{
	struct asking *k = r->data;

	ledger_cancel(r->api->c.ledger, &k->call);
	free(k);
}

static void on_answer(struct ledger_call *call, char *text, size_t len,
		      const struct err *e)
{
	struct asking *k = container_of(call, struct asking, call);

	if (!text)
		api_problem_err(k->request, e);
	else
		api_reply_text(k->request,
			       k->format == LEDGER_CSV ?
				       "text/csv; charset=utf-8" :
				       "application/json",
			       text, len);
}

static int copy_text(struct api_request *r, const char *name, char *ret,
		     size_t size)
{
	const char *text = api_query(r, name);

	if (!text)
		return 0;
	if (strlen(text) >= size) {
		api_problem(r, 400, "parameter %s is too long", name);
		return -EINVAL;
	}
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

/* Words with commas between. */
static int read_reasons(struct api_request *r, uint32_t *ret)
{
	const char *text = api_query(r, "reason");
	AUTO_FREE char *copy = strdup(text ? text : "");
	enum ledger_reason reason;
	char *next = copy, *word;

	while (next && *next && (word = strsep(&next, ","))) {
		reason = ledger_reason_find(word);
		if (reason == LEDGER_NO_REASON) {
			api_problem(r, 400, "there is no reason %.40s", word);
			return -EINVAL;
		}
		*ret |= 1u << reason;
	}
	return 0;
}

static int read_format(struct api_request *r, enum ledger_format *ret)
{
	const char *text = api_query(r, "format");

	*ret = r->wants_csv ? LEDGER_CSV : LEDGER_JSON;
	if (text && strcmp(text, "csv") == 0)
		*ret = LEDGER_CSV;
	else if (text && strcmp(text, "json") == 0)
		*ret = LEDGER_JSON;
	else if (text) {
		api_problem(r, 400, "format is neither json nor csv");
		return -EINVAL;
	}
	return 0;
}

/* < 0: a problem was replied. */
static int read_query(struct api_request *r, struct ledger_query *q)
{
	uint64_t limit, runs;

	if (copy_text(r, "function", q->function, sizeof(q->function)) < 0 ||
	    copy_text(r, "id", q->id, sizeof(q->id)) < 0 ||
	    api_query_number(r, "since", 0, &q->since_ms) < 0 ||
	    api_query_number(r, "until", 0, &q->until_ms) < 0 ||
	    api_query_number(r, "before", 0, &q->before) < 0 ||
	    api_query_number(r, "limit", 0, &limit) < 0 ||
	    api_query_number(r, "runs", 0, &runs) < 0 ||
	    read_reasons(r, &q->reasons) < 0 || read_format(r, &q->format) < 0)
		return -EINVAL;
	if (limit > LEDGER_LIMIT_MAX || runs > 1000) {
		api_problem(r, 400, "limit is more than %u, or runs than 1000",
			    LEDGER_LIMIT_MAX);
		return -EINVAL;
	}
	q->limit = (uint32_t)limit;
	q->runs_max = (uint32_t)runs;
	return 0;
}

typedef int ledger_question(struct ledger *l, struct ledger_call *c,
			    const struct ledger_query *q);

static void ask(struct api_request *r, ledger_question *question)
{
	struct ledger_query q = { 0 };
	struct asking *k;

	if (read_query(r, &q) < 0)
		return;
	k = calloc(1, sizeof(*k));
	if (!k) {
		api_problem(r, 503, "out of memory");
		return;
	}
	k->request = r;
	k->format = q.format;
	k->call.done = on_answer;
	r->data = k;
	r->release = asking_release;
	if (question(r->api->c.ledger, &k->call, &q) < 0)
		api_problem(r, 503,
			    "too many questions to the ledger at a "
			    "time");
}

void api_get_history(struct api_request *r)
{
	ask(r, ledger_history);
}

void api_get_totals(struct api_request *r)
{
	ask(r, ledger_totals);
}
