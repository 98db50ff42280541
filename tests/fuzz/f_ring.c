/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest: arbitrary entries and indices against handles over socket
 * pairs, with a peer that writes, reads and hangs up at arbitrary moments.
 * Must never crash, and unless the guest broke the contract, every entry
 * taken must complete exactly once in the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/ctl.h"
#include "monitor/rings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_SIZE (256u << 10)
#define STREAMS	 4

struct rig {
	const uint8_t *data;
	size_t left;
	struct guest_mem mem;
	struct rings rings;
	struct mf_ring_index *ix;
	int console[3][2];
	int peers[STREAMS];
	uint32_t asked[MF_CTL_ASKS_MAX]; /* not answered yet */
	uint32_t asked_count;
	int far; /* the other end of the last answer, or -1 */
	uint32_t reaped;
};

static void on_ask(void *arg, uint32_t id, uint8_t proto,
		   const struct mf_endpoint *to)
{
	struct rig *g = arg;

	(void)to;
	if (g->asked_count == MF_CTL_ASKS_MAX || (proto != 6 && proto != 17))
		abort();
	g->asked[g->asked_count++] = id;
}

/* The parent answers the oldest request: with an error, or a socket. */
static void answer(struct rig *g, int error)
{
	struct rings_answer a = { .error = error, .fd = -1 };
	int pair[2];

	if (!g->asked_count)
		return;
	a.id = g->asked[0];
	memmove(g->asked, g->asked + 1, --g->asked_count * sizeof(a.id));
	if (!error) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			       pair))
			abort();
		a.fd = pair[0];
		if (g->far >= 0)
			close(g->far);
		g->far = pair[1];
	}
	rings_answer(&g->rings, &a);
}

static uint64_t take(struct rig *g, size_t n)
{
	uint64_t v = 0;

	if (n > g->left)
		n = g->left;
	memcpy(&v, g->data, n);
	g->data += n;
	g->left -= n;
	return v;
}

/* Mostly an address inside, sometimes at the edge, sometimes anything. */
static gpa_t take_gpa(struct rig *g)
{
	uint64_t kind = take(g, 1);

	if (kind < 200)
		return (gpa_t){ 0x10000 + kind * 512 };
	if (kind < 230)
		return (gpa_t){ RAM_SIZE - take(g, 1) };
	return (gpa_t){ take(g, 8) };
}

static void push(struct rig *g, struct mf_sqe e)
{
	uint32_t tail = g->ix->sq_tail;

	if (tail - g->ix->sq_head >= MF_SQ_ENTRIES)
		return;
	memcpy(g->mem.ram + MF_SQ_GPA + tail % MF_SQ_ENTRIES * sizeof(e), &e,
	       sizeof(e));
	g->ix->sq_tail = tail + 1;
}

static void push_random(struct rig *g)
{
	struct mf_sqe e = { .op = (uint8_t)(take(g, 1) % 16) };

	e.handle = (uint32_t)take(g, 1) % 16;
	e.flags = e.handle & 1;
	e.addr = take_gpa(g);
	e.len = (uint32_t)take(g, 2);
	e.arg = (uint32_t)take(g, 1) % 6;
	e.offset = take(g, 1);
	e.addr2 = take_gpa(g);
	push(g, e);
}

static void push_raw(struct rig *g)
{
	struct mf_sqe e;
	uint8_t *p = (uint8_t *)&e;

	for (size_t i = 0; i < sizeof(e); i++)
		p[i] = (uint8_t)take(g, 1);
	push(g, e);
}

static void reap(struct rig *g)
{
	g->reaped += g->ix->cq_tail - g->ix->cq_head;
	g->ix->cq_head = g->ix->cq_tail;
}

static void peer_act(struct rig *g)
{
	static char buf[65536];
	uint64_t what = take(g, 1);
	int fd = g->peers[what % STREAMS];

	if (what < 100)
		(void)!send(fd, buf, what * 8, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (what < 200)
		(void)!recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	else
		shutdown(fd, (int)what % 3);
}

static int local_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr a = { .sa_family = AF_UNIX };

	if (fd < 0 || bind(fd, &a, sizeof(a.sa_family)) < 0)
		abort();
	return fd;
}

static void rig_open(struct rig *g)
{
	/* Half of the inputs are for a listener that others have too. */
	const struct mf_port ports[2] = { { 80, 6, g->left & 1 },
					  { 53, 17, 0 } };
	int fds[2] = { local_listener(),
		       socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0) };
	struct rings_config c = { .mem = &g->mem,
				  .ports = ports,
				  .port_fds = fds,
				  .port_count = 2,
				  .ask = on_ask,
				  .ask_arg = g };
	int pair[2];

	g->mem.ram = aligned_alloc(4096, RAM_SIZE);
	g->mem.ram_size = RAM_SIZE;
	memset(g->mem.ram, 0, RAM_SIZE);
	for (int i = 0; i < 3; i++) {
		if (pipe(g->console[i]) < 0)
			abort();
		c.console_fds[i] = g->console[i][i != 0];
	}
	if (rings_init(&g->rings, &c) < 0)
		abort();
	for (int i = 0; i < STREAMS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
			abort();
		g->peers[i] = pair[0];
		if (!handles_new(&g->rings.handles, HANDLE_STREAM, pair[1]))
			abort();
	}
	g->ix = &((struct mf_shared *)(void *)(g->mem.ram + MF_SHARED_GPA))
			 ->ring;
}

static void hang_up(struct rig *g)
{
	for (int i = 0; i < STREAMS; i++)
		close(g->peers[i]);
	if (g->far >= 0)
		close(g->far);
	g->far = -1;
	for (int i = 0; i < 3; i++)
		close(g->console[i][i == 0]);
}

/* All that can end has ended: everything taken must have completed. */
static void settle(struct rig *g)
{
	for (int i = 0; i < 64; i++) {
		uint32_t first = MF_HANDLE_PORT0;

		if (rings_submit(&g->rings) < 0 || rings_poll(&g->rings) < 0)
			return;
		while (g->asked_count)
			answer(g, -EACCES);
		reap(g);
		if (i == 8)
			for (uint32_t h = first; h < 16; h++)
				push(g, (struct mf_sqe){ .op = MF_OP_CLOSE,
							 .handle = h });
		if (i == 8)
			for (uint32_t n = 0; n < 256; n++)
				push(g, (struct mf_sqe){ .op = MF_OP_CANCEL,
							 .offset = n });
	}
	if (g->reaped != g->rings.sq_head)
		abort();
}

static void rig_close(struct rig *g)
{
	for (int i = 0; i < 3; i++)
		close(g->console[i][i != 0]);
	rings_fini(&g->rings);
	free(g->mem.ram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig g = { .data = data, .left = size, .far = -1 };
	int err = 0;

	rig_open(&g);
	while (g.left && !err) {
		uint64_t what = take(&g, 1);

		if (what < 120)
			push_random(&g);
		else if (what < 130)
			push_raw(&g);
		else if (what < 170)
			err = rings_submit(&g.rings);
		else if (what < 200)
			err = rings_poll(&g.rings);
		else if (what < 220)
			peer_act(&g);
		else if (what < 245)
			reap(&g);
		else if (what < 247)
			g.ix->sq_tail = (uint32_t)take(&g, 4);
		else if (what < 249)
			g.ix->cq_head = (uint32_t)take(&g, 4);
		else if (what < 252)
			answer(&g, what == 249 ? -EACCES : 0);
		else
			err = rings_wait(&g.rings, 0, -1) < 0;
	}
	hang_up(&g);
	/* A guest that moved cq_head has only itself to blame. */
	if (!err && g.ix->cq_head == g.reaped)
		settle(&g);
	rig_close(&g);
	return 0;
}
