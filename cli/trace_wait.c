/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, select and epoll: what is waited for, and the part of the result
 * that says what came.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "cli/trace_call.h"

#define FDSET_BITS 1024u

/* ---- poll --------------------------------------------------------------- */

static void put_pollfd(const struct trace_call *c, const void *item)
{
	struct pollfd p;

	memcpy(&p, item, sizeof(p));
	text_printf(c->out, "{fd=%d", p.fd);
	if (p.fd >= 0) {
		text_puts(c->out, ", events=");
		trace_put_set(c->out, TRACE_SET_poll, (uint16_t)p.events);
	}
	text_puts(c->out, "}");
}

TRACE_ARG(pollfds)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = (uint32_t)c->arg[with],
				 .size = sizeof(struct pollfd),
				 .put = put_pollfd };

	trace_put_array(c, &a);
}

/* ", left {...}" of a timeout that the call has changed. */
static void put_left(const struct trace_call *c, unsigned i, const char *before)
{
	if (MF_ARG_KIND_OF(c->row->args[i]) == MF_ARG_KIND_INT || !c->arg[i])
		return;
	text_puts(c->out, before);
	text_puts(c->out, "left ");
	trace_arg_fns[MF_ARG_KIND_OF(c->row->args[i])](c, i, 0);
}

static void put_revents(const struct trace_call *c)
{
	uint32_t count = (uint32_t)c->arg[1], shown = 0;
	struct pollfd p;

	for (uint32_t k = 0; k < count && shown < c->text_max; k++) {
		if (!trace_get(c, c->arg[0] + k * sizeof(p), &p, sizeof(p)))
			break;
		if (!p.revents)
			continue;
		text_printf(c->out, "%s{fd=%d, revents=", shown++ ? ", " : "",
			    p.fd);
		trace_put_set(c->out, TRACE_SET_poll, (uint16_t)p.revents);
		text_puts(c->out, "}");
	}
	if ((int64_t)shown < c->ret)
		text_puts(c->out, shown ? ", ..." : "...");
}

void trace_put_poll_result(const struct trace_call *c)
{
	if (!c->ret) {
		text_puts(c->out, " (Timeout)");
		return;
	}
	text_puts(c->out, " ([");
	put_revents(c);
	text_puts(c->out, "]");
	put_left(c, 2, ", ");
	text_puts(c->out, ")");
}

/* ---- select ------------------------------------------------------------- */

static bool get_bit(const struct trace_call *c, uint64_t addr, unsigned bit)
{
	uint8_t byte = 0;

	return trace_get(c, addr + bit / 8, &byte, 1) && byte >> bit % 8 & 1;
}

/* How many bits of a set are looked at. */
static unsigned fdset_bits(const struct trace_call *c)
{
	uint32_t bits = (uint32_t)c->arg[0];

	return bits < FDSET_BITS ? bits : FDSET_BITS;
}

static void put_fdset(const struct trace_call *c, uint64_t addr)
{
	unsigned shown = 0;

	text_puts(c->out, "[");
	for (unsigned k = 0; k < fdset_bits(c); k++) {
		if (!get_bit(c, addr, k))
			continue;
		text_printf(c->out, "%s%u", shown++ ? " " : "", k);
	}
	text_puts(c->out, "]");
}

TRACE_ARG(fdset)
{
	size_t have;

	(void)with;
	if (!trace_event_mem(c->ev, c->arg[i], &have))
		text_addr(c->out, c->arg[i]);
	else
		put_fdset(c, c->arg[i]);
}

static bool fdset_empty(const struct trace_call *c, uint64_t addr)
{
	for (unsigned k = 0; k < fdset_bits(c); k++)
		if (get_bit(c, addr, k))
			return false;
	return true;
}

void trace_put_select_result(const struct trace_call *c)
{
	static const char *const names[] = { "in", "out", "except" };
	const char *between = " (";

	if (!c->ret) {
		text_puts(c->out, " (Timeout)");
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (!c->arg[1 + i] || fdset_empty(c, c->arg[1 + i]))
			continue;
		text_printf(c->out, "%s%s ", between, names[i]);
		put_fdset(c, c->arg[1 + i]);
		between = ", ";
	}
	put_left(c, 4, between);
	if (*between == ',' || c->arg[4])
		text_puts(c->out, ")");
}

/* ---- epoll -------------------------------------------------------------- */

static void put_epoll_event(const struct trace_call *c, const void *item)
{
	struct epoll_event ev;

	memcpy(&ev, item, sizeof(ev));
	text_puts(c->out, "{events=");
	trace_put_set(c->out, TRACE_SET_epoll, ev.events);
	text_printf(c->out, ", data={u32=%u, u64=%llu}}", ev.data.u32,
		    (unsigned long long)ev.data.u64);
}

TRACE_ARG(epoll_event)
{
	struct epoll_event ev;

	(void)with;
	if ((int)c->arg[1] == EPOLL_CTL_DEL)
		text_addr(c->out, c->arg[i]);
	else if (trace_get_arg(c, i, &ev, sizeof(ev)))
		put_epoll_event(c, &ev);
}

TRACE_ARG(epoll_events)
{
	struct trace_array a = { .addr = c->arg[i],
				 .count = (uint64_t)c->ret,
				 .size = sizeof(struct epoll_event),
				 .put = put_epoll_event };

	(void)with;
	trace_put_array(c, &a);
}
