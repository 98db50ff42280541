/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call's arguments and its result in words: the order of things, numbers,
 * bytes and strings. Structures of the ABI are in trace_file.c, trace_net.c
 * and trace_process.c. What a record lacks is shown as its address.
 */
#include "cli/trace_call.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RESTARTS 512 /* ERESTARTSYS */

/* ---- memory ------------------------------------------------------------- */

bool trace_get(const struct trace_call *c, uint64_t addr, void *ret, size_t len)
{
	const uint8_t *at;
	size_t have;

	at = trace_event_mem(c->ev, addr, &have);
	if (!at || have < len)
		return false;
	memcpy(ret, at, len);
	return true;
}

bool trace_get_arg(const struct trace_call *c, unsigned i, void *ret,
		   size_t len)
{
	if (trace_get(c, c->arg[i], ret, len))
		return true;
	text_addr(c->out, c->arg[i]);
	return false;
}

void trace_put_bytes(const struct trace_call *c, uint64_t addr, uint64_t len)
{
	size_t want = len < c->text_max ? (size_t)len : c->text_max, have;
	const uint8_t *at = trace_event_mem(c->ev, addr, &have);

	if (!want && addr) {
		text_puts(c->out, len ? "\"\"..." : "\"\"");
	} else if (!at || have < want) {
		text_addr(c->out, addr);
	} else {
		text_quote(c->out, at, want);
		if (want < len)
			text_puts(c->out, "...");
	}
}

void trace_put_string(const struct trace_call *c, uint64_t addr, size_t max)
{
	size_t have, len;
	const uint8_t *at = trace_event_mem(c->ev, addr, &have);

	if (!at) {
		text_addr(c->out, addr);
		return;
	}
	len = strnlen((const char *)at, have);
	text_quote(c->out, at, len < max ? len : max);
	if (len > max || len == have)
		text_puts(c->out, "...");
}

void trace_put_array(const struct trace_call *c, const struct trace_array *a)
{
	uint64_t shown = a->count < c->text_max ? a->count : c->text_max;
	uint8_t item[TRACE_ITEM_MAX];
	uint64_t i;

	if (!a->addr || (shown && !trace_get(c, a->addr, item, a->size))) {
		text_addr(c->out, a->addr);
		return;
	}
	text_puts(c->out, "[");
	for (i = 0; i < shown; i++) {
		if (i)
			text_puts(c->out, ", ");
		if (!trace_get(c, a->addr + i * a->size, item, a->size)) {
			text_puts(c->out, "...");
			break;
		}
		a->put(c, item);
	}
	if (i == shown && shown < a->count)
		text_puts(c->out, shown ? ", ..." : "...");
	text_puts(c->out, "]");
}

/* ---- numbers ------------------------------------------------------------ */

TRACE_ARG(int)
{
	(void)with;
	text_printf(c->out, "%d", (int)c->arg[i]);
}

TRACE_ARG(uint)
{
	(void)with;
	text_printf(c->out, "%u", (unsigned)c->arg[i]);
}

TRACE_ARG(long)
{
	(void)with;
	text_printf(c->out, "%lld", (long long)c->arg[i]);
}

TRACE_ARG(ulong)
{
	(void)with;
	text_printf(c->out, "%llu", (unsigned long long)c->arg[i]);
}

TRACE_ARG(hex)
{
	(void)with;
	text_printf(c->out, "%#llx", (unsigned long long)c->arg[i]);
}

TRACE_ARG(hex32)
{
	(void)with;
	text_printf(c->out, "%#x", (unsigned)c->arg[i]);
}

TRACE_ARG(addr)
{
	(void)with;
	text_addr(c->out, c->arg[i]);
}

TRACE_ARG(set)
{
	trace_put_set(c->out, with, (uint32_t)c->arg[i]);
}

/* ---- text and bytes ----------------------------------------------------- */

TRACE_ARG(path)
{
	(void)with;
	trace_put_string(c, c->arg[i], MF_TRACE_PATH_MAX - 1);
}

TRACE_ARG(string)
{
	(void)with;
	trace_put_string(c, c->arg[i], c->text_max);
}

TRACE_ARG(bytes)
{
	trace_put_bytes(c, c->arg[i], c->arg[with]);
}

TRACE_ARG(out_bytes)
{
	bool is_path = MF_ARG_KIND_OF(c->row->args[i]) != MF_ARG_KIND_OUT_BYTES;
	struct trace_call whole = *c;
	uint64_t len = (uint64_t)c->ret;

	if (with && c->arg[with] < len)
		len = c->arg[with];
	if (is_path)
		whole.text_max = MF_TRACE_PATH_MAX;
	trace_put_bytes(&whole, c->arg[i], len);
}

/* Nobody reads random bytes as text. */
TRACE_ARG(random)
{
	uint64_t len = (uint64_t)c->ret;
	size_t want = len < c->text_max ? (size_t)len : c->text_max, have;
	const uint8_t *at = trace_event_mem(c->ev, c->arg[i], &have);

	(void)with;
	if (len && (!at || have < want)) {
		text_addr(c->out, c->arg[i]);
		return;
	}
	text_quote_hex(c->out, at, want);
	if (want < len)
		text_puts(c->out, "...");
}

static void put_string_item(const struct trace_call *c, const void *item)
{
	uint64_t addr;

	memcpy(&addr, item, sizeof(addr));
	trace_put_string(c, addr, c->text_max);
}

/* Elements of an array of pointers up to NULL, as far as it is known. */
static uint64_t count_pointers(const struct trace_call *c, uint64_t addr)
{
	uint64_t count = 0, item;

	while (trace_get(c, addr + 8 * count, &item, sizeof(item)) && item)
		count++;
	return count;
}

TRACE_ARG(argv)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = count_pointers(c, c->arg[i]),
				 .size = 8,
				 .put = put_string_item };

	(void)with;
	trace_put_array(c, &a);
}

TRACE_ARG(envp)
{
	unsigned long long n = count_pointers(c, c->arg[i]);

	(void)with;
	text_addr(c->out, c->arg[i]);
	text_printf(c->out, " /* %llu var%s */", n, n == 1 ? "" : "s");
}

/* ---- numbers in memory -------------------------------------------------- */

TRACE_ARG(mem_int)
{
	int value;

	(void)with;
	if (trace_get_arg(c, i, &value, sizeof(value)))
		text_printf(c->out, "[%d]", value);
}

TRACE_ARG(mem_uint)
{
	unsigned value;

	(void)with;
	if (trace_get_arg(c, i, &value, sizeof(value)))
		text_printf(c->out, "[%u]", value);
}

TRACE_ARG(mem_addr)
{
	uint64_t value;

	(void)with;
	if (!trace_get_arg(c, i, &value, sizeof(value)))
		return;
	text_puts(c->out, "[");
	text_addr(c->out, value);
	text_puts(c->out, "]");
}

TRACE_ARG(mem_offset)
{
	int64_t value;

	(void)with;
	if (trace_get_arg(c, i, &value, sizeof(value)))
		text_printf(c->out, "[%lld]", (long long)value);
}

/* An offset that the call moves on. */
TRACE_ARG(offset)
{
	int64_t now;

	(void)with;
	if (!trace_get_arg(c, i, &now, sizeof(now)))
		return;
	if (c->before && !c->failed && (int64_t)c->before[i] != now)
		text_printf(c->out, "[%lld] => [%lld]", (long long)c->before[i],
			    (long long)now);
	else
		text_printf(c->out, "[%lld]", (long long)now);
}

/* ---- all arguments ------------------------------------------------------ */

unsigned trace_row_split(const struct trace_row *row)
{
	unsigned i;

	for (i = 0; i < MF_CALL_ARGS; i++) {
		unsigned kind = MF_ARG_KIND_OF(row->args[i]);

		if (mf_arg_at_exit(trace_rules[kind].when))
			break;
	}
	return i;
}

static void put_arg(const struct trace_call *c, unsigned i)
{
	unsigned kind = MF_ARG_KIND_OF(c->row->args[i]);
	unsigned when = trace_rules[kind].when;

	if (when != MF_ARG_NEVER && when != MF_ARG_OUT_ALWAYS &&
	    (!c->arg[i] || (when == MF_ARG_OUT && c->failed)))
		text_addr(c->out, c->arg[i]);
	else
		trace_arg_fns[kind](c, i, MF_ARG_WITH_OF(c->row->args[i]));
}

/* A call that nobody described. */
static void put_unknown_args(const struct trace_call *c)
{
	for (unsigned i = 0; i < MF_CALL_ARGS; i++)
		text_printf(c->out, "%s%#llx", i ? ", " : "",
			    (unsigned long long)c->arg[i]);
}

bool trace_put_args(const struct trace_call *c, unsigned from, unsigned to)
{
	bool any = false;

	if (!c->row->name) {
		if (from)
			return false;
		put_unknown_args(c);
		return true;
	}
	for (unsigned i = from; i < to; i++) {
		if (MF_ARG_KIND_OF(c->row->args[i]) == MF_ARG_KIND_NONE ||
		    trace_arg_hidden(c, i))
			continue;
		if (any)
			text_puts(c->out, ", ");
		any = true;
		put_arg(c, i);
	}
	return any;
}

/* ---- the result --------------------------------------------------------- */

void trace_put_errno(struct text *t, int64_t err)
{
	const char *name = NULL;

	if (err > 0 && err < 4096)
		name = strerrorname_np((int)err);
	if (err == RESTARTS)
		text_puts(t, "? ERESTARTSYS (To be restarted if SA_RESTART "
			     "is set)");
	else if (name)
		text_printf(t, "-1 %s (%s)", name, strerrordesc_np((int)err));
	else
		text_printf(t, "-1 (errno %lld)", (long long)err);
}

void trace_put_time_comment(struct text *t, int64_t sec, uint64_t part,
			    unsigned digits)
{
	time_t when = (time_t)sec;
	struct tm tm;
	char date[64], zone[16];

	if (!localtime_r(&when, &tm) ||
	    !strftime(date, sizeof(date), "%FT%T", &tm) ||
	    !strftime(zone, sizeof(zone), "%z", &tm))
		return;
	text_puts(t, date);
	if (digits)
		text_printf(t, ".%0*llu", (int)digits,
			    (unsigned long long)part);
	text_puts(t, zone);
}

static void put_fcntl_result(const struct trace_call *c)
{
	uint32_t cmd = (uint32_t)c->arg[1];
	bool getfl = cmd == 3, getfd = cmd == 1;

	if ((!getfl && !getfd) || (getfd && !c->ret)) {
		text_printf(c->out, "%lld", (long long)c->ret);
		return;
	}
	text_printf(c->out, "%#llx (flags ", (unsigned long long)c->ret);
	trace_put_set(c->out, getfl ? TRACE_SET_open : TRACE_SET_fd,
		      (uint32_t)c->ret);
	text_puts(c->out, ")");
}

static void put_success(const struct trace_call *c)
{
	enum trace_result r = c->row->name ? c->row->result : TRACE_RESULT_DEC;
	struct text *t = c->out;

	if (r == TRACE_RESULT_HEX)
		text_printf(t, "%#llx", (unsigned long long)c->ret);
	else if (r == TRACE_RESULT_MODE)
		trace_put_perm(t, (uint64_t)c->ret);
	else if (r == TRACE_RESULT_FCNTL)
		put_fcntl_result(c);
	else
		text_printf(t, "%lld", (long long)c->ret);
	if (r == TRACE_RESULT_POLL) {
		trace_put_poll_result(c);
	} else if (r == TRACE_RESULT_SELECT) {
		trace_put_select_result(c);
	} else if (r == TRACE_RESULT_TIME) {
		text_puts(t, " (");
		trace_put_time_comment(t, c->ret, 0, 0);
		text_puts(t, ")");
	} else if (r == TRACE_RESULT_SIGNAL || r == TRACE_RESULT_SCHED) {
		text_puts(t, " (");
		if (r == TRACE_RESULT_SIGNAL)
			trace_put_signal(t, (uint64_t)c->ret);
		else
			trace_put_set(t, TRACE_SET_sched, (uint32_t)c->ret);
		text_puts(t, ")");
	}
}

void trace_put_result(const struct trace_call *c)
{
	if (c->failed)
		trace_put_errno(c->out, -c->ret);
	else
		put_success(c);
}
