/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound connections. The monitor cannot make a socket: it asks its parent,
 * which checks what is allowed and passes one that is connecting; the monitor
 * waits for the outcome. Until then the connection is a handle that the guest
 * does not know yet. At most MF_CTL_ASKS_MAX requests are unanswered, others
 * wait in `to_ask`; results wait in `over` until the completion ring has room.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/ctl.h"
#include "monitor/ring_ops.h"

static void list_push(struct rings *r, struct connect_list *l, struct handle *h)
{
	uint32_t nr = handles_number(&r->handles, h);

	h->next_free = MF_HANDLES_MAX;
	if (l->head == MF_HANDLES_MAX)
		l->head = nr;
	else
		r->handles.table[l->tail].next_free = nr;
	l->tail = nr;
}

static struct handle *list_pop(struct rings *r, struct connect_list *l)
{
	struct handle *h;

	if (l->head == MF_HANDLES_MAX)
		return NULL;
	h = &r->handles.table[l->head];
	l->head = h->next_free;
	return h;
}

static void ask_more(struct rings *r)
{
	struct handle *h;

	while (r->asked < MF_CTL_ASKS_MAX && (h = list_pop(r, &r->to_ask))) {
		if (h->cancelled) {
			handles_drop(&r->handles, h);
			continue;
		}
		h->stage = CONNECT_ASKED;
		r->asked++;
		r->ask(r->ask_arg, handles_number(&r->handles, h), h->proto,
		       &h->rd.peer);
	}
}

int64_t connect_start(struct rings *r, const struct mf_sqe *sqe)
{
	uint8_t *end =
		guest_mem_range(r->mem, sqe->addr2, sizeof(struct mf_endpoint));
	struct handle *h;

	if (!end)
		return -EFAULT;
	if (sqe->arg != IPPROTO_TCP && sqe->arg != IPPROTO_UDP)
		return -EINVAL;
	if (!r->ask)
		return -ENETUNREACH;
	h = handles_new(&r->handles, HANDLE_CONNECTING, -1);
	if (!h)
		return -EMFILE;
	h->proto = (uint8_t)sqe->arg;
	h->cookie = sqe->offset;
	h->rd = (struct pending){ .op = MF_OP_CONNECT,
				  .ret_peer = end,
				  .user_data = sqe->user_data };
	memcpy(&h->rd.peer, end, sizeof(h->rd.peer));
	list_push(r, &r->to_ask, h);
	ask_more(r);
	return RING_OP_PENDING;
}

/* There is room for one completion. */
static void tell(struct rings *r, struct handle *h)
{
	uint32_t nr = handles_number(&r->handles, h);
	uint64_t user_data = h->rd.user_data;
	struct pending none = { .op = MF_OP_NOP };
	int result = h->result;

	if (result < 0) {
		handles_drop(&r->handles, h);
		rings_complete(r, user_data, result);
		return;
	}
	memcpy(h->rd.ret_peer, &h->rd.peer, sizeof(h->rd.peer));
	h->kind = h->proto == IPPROTO_TCP ? HANDLE_STREAM : HANDLE_FLOW;
	h->rd = none;
	rings_complete(r, user_data, nr);
}

static void over(struct rings *r, struct handle *h, int result)
{
	h->stage = CONNECT_OVER;
	h->result = result;
	list_push(r, &r->over, h);
}

uint32_t connect_finish(struct rings *r, uint32_t room)
{
	struct handle *h;

	while (room && (h = list_pop(r, &r->over))) {
		tell(r, h);
		room--;
	}
	return room;
}

void connect_event(struct rings *r, struct handle *h)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (h->stage != CONNECT_WAITING)
		return;
	if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	over(r, h, -error);
	connect_finish(r, 1);
}

/* The handle that an answer is for, or NULL. */
static struct handle *asked_for(struct rings *r, uint32_t id)
{
	struct handle *h;

	if (id >= r->handles.used)
		return NULL;
	h = &r->handles.table[id];
	if (h->kind != HANDLE_CONNECTING || h->stage != CONNECT_ASKED)
		return NULL;
	return h;
}

static void wait_for_peer(struct rings *r, struct handle *h, int err)
{
	bool tcp = h->proto == IPPROTO_TCP;

	h->stage = CONNECT_WAITING;
	if (!err && tcp)
		err = handles_watch(&r->handles, h, EPOLLOUT);
	if (err || !tcp)
		over(r, h, err);
}

void connect_answer(struct rings *r, const struct rings_answer *a)
{
	struct handle *h = asked_for(r, a->id);

	if (!h) {
		if (a->fd >= 0)
			close(a->fd);
		return;
	}
	r->asked--;
	h->fd = a->fd;
	h->rd.peer = (struct mf_endpoint){ .family = h->rd.peer.family,
					   .port = a->port };
	if (h->cancelled)
		handles_drop(&r->handles, h);
	else
		wait_for_peer(r, h, a->error);
	ask_more(r);
}

static struct handle *find_cookie(struct rings *r, uint64_t cookie)
{
	for (uint32_t i = 0; i < r->handles.used; i++) {
		struct handle *h = &r->handles.table[i];

		if (h->kind == HANDLE_CONNECTING && h->cookie == cookie &&
		    !h->cancelled)
			return h;
	}
	return NULL;
}

int64_t connect_cancel(struct rings *r, uint64_t cookie)
{
	struct handle *h = find_cookie(r, cookie);
	uint64_t user_data;

	if (!h)
		return -ENOENT;
	if (h->stage == CONNECT_OVER) {
		if (!h->result)
			h->result = -ECANCELED;
		return 0;
	}
	user_data = h->rd.user_data;
	/* One that is queued or asked for is dropped when its turn comes. */
	h->cancelled = true;
	if (h->stage == CONNECT_WAITING)
		handles_drop(&r->handles, h);
	rings_complete(r, user_data, -ECANCELED);
	return 0;
}
