/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's end of the rings, driven as a guest would: entries written to
 * a page of memory, real sockets on the loopback, every completion counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/rings.h"
#include "tests/unit/check.h"

#define RAM_SIZE (1u << 20)
#define BUF_A	 0x20000ull
#define BUF_B	 0x40000ull
#define PEER	 0x60000ull
#define TCP_PORT (MF_HANDLE_PORT0)
#define UDP_PORT (MF_HANDLE_PORT0 + 1)

static struct guest_mem mem;
static struct rings rings;
static struct mf_ring_index *ix;
static int console[2][2]; /* pipes: stdin, stdout */
static struct sockaddr_in tcp_addr, udp_addr;
static char logged[64];
static uint8_t tcp_flags; /* of the published port */

static void on_log(void *arg, const char *text, size_t len)
{
	(void)arg;
	memcpy(logged, text, len < 63 ? len : 63);
}

/* What the guest asked its monitor's parent for. */
static struct {
	uint32_t id[200];
	uint8_t proto;
	struct mf_endpoint to;
	unsigned count;
} asks;

static void on_ask(void *arg, uint32_t id, uint8_t proto,
		   const struct mf_endpoint *to)
{
	(void)arg;
	asks.id[asks.count++] = id;
	asks.proto = proto;
	asks.to = *to;
}

static int bound(int type, struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(*addr);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET };
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)addr, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)addr, &len) < 0)
		abort();
	return fd;
}

static void rig_open(void)
{
	static struct mf_port ports[2] = { { .guest_port = 80, .proto = 6 },
					   { .guest_port = 53, .proto = 17 } };
	int fds[2] = { bound(SOCK_STREAM, &tcp_addr),
		       bound(SOCK_DGRAM, &udp_addr) };
	struct rings_config c = { .mem = &mem,
				  .ports = ports,
				  .port_fds = fds,
				  .port_count = 2,
				  .log = on_log,
				  .ask = on_ask };

	ports[0].flags = tcp_flags;
	asks.count = 0;
	mem = (struct guest_mem){ .ram = aligned_alloc(4096, RAM_SIZE),
				  .ram_size = RAM_SIZE };
	memset(mem.ram, 0, RAM_SIZE);
	if (pipe(console[0]) < 0 || pipe(console[1]) < 0)
		abort();
	c.console_fds[0] = console[0][0];
	c.console_fds[1] = console[1][1];
	c.console_flags[2] = MF_CONSOLE_CLOSED;
	if (rings_init(&rings, &c) < 0)
		abort();
	ix = &((struct mf_shared *)(void *)(mem.ram + MF_SHARED_GPA))->ring;
}

static void rig_close(void)
{
	rings_fini(&rings);
	for (int i = 0; i < 4; i++)
		close(console[i / 2][i % 2]);
	free(mem.ram);
}

static void push(struct mf_sqe e)
{
	uint32_t tail = ix->sq_tail;

	memcpy(mem.ram + MF_SQ_GPA + tail % MF_SQ_ENTRIES * sizeof(e), &e,
	       sizeof(e));
	ix->sq_tail = tail + 1;
}

static void push_io(uint8_t op, uint32_t handle, uint64_t gpa, uint32_t len)
{
	push((struct mf_sqe){ .op = op,
			      .handle = handle,
			      .addr = { gpa },
			      .len = len,
			      .addr2 = { PEER },
			      .user_data = op });
}

/* The next completion's result; its operation goes to *ret_op. */
static int64_t pop(uint64_t *ret_op)
{
	struct mf_cqe e;
	uint32_t head = ix->cq_head;

	if (head == ix->cq_tail) {
		*ret_op = UINT64_MAX;
		return INT64_MIN;
	}
	memcpy(&e, mem.ram + MF_CQ_GPA + head % MF_CQ_ENTRIES * sizeof(e),
	       sizeof(e));
	ix->cq_head = head + 1;
	*ret_op = e.user_data;
	return e.res;
}

/* Runs one entry that completes at once. */
static int64_t run(struct mf_sqe e)
{
	uint64_t op;

	push(e);
	if (rings_submit(&rings) < 0)
		return INT64_MAX;
	return pop(&op);
}

static int64_t wait_result(void)
{
	uint64_t op;

	rings_wait(&rings, 2000000000ull, -1);
	return pop(&op);
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&tcp_addr, sizeof(tcp_addr)) < 0)
		abort();
	return fd;
}

/* Listens, connects, accepts; the stream's handle. */
static uint32_t open_stream(int *ret_client)
{
	if (run((struct mf_sqe){
		    .op = MF_OP_LISTEN, .handle = TCP_PORT, .arg = 8 }) != 0)
		abort();
	*ret_client = dial();
	push_io(MF_OP_ACCEPT, TCP_PORT, BUF_A, 0);
	rings_submit(&rings);
	return (uint32_t)wait_result();
}

static void test_bad_entries(void)
{
	rig_open();
	check_int(run((struct mf_sqe){ .op = MF_OP_NOP }), 0);
	check_int(run((struct mf_sqe){ .op = MF_OP_COUNT }), -ENOSYS);
	check_int(run((struct mf_sqe){ .op = 255 }), -ENOSYS);
	check_int(run((struct mf_sqe){ .flags = 2 }), -EINVAL);
	check_int(run((struct mf_sqe){ .reserved = 1 }), -EINVAL);
	check_int(run((struct mf_sqe){ .pad = { 0, 1 } }), -EINVAL);
	check_int(run((struct mf_sqe){ .op = MF_OP_RECV, .handle = 99 }),
		  -EBADF);
	check_int(run((struct mf_sqe){ .op = MF_OP_WRITE, .handle = 2 }),
		  -EBADF);
	check_int(run((struct mf_sqe){ .op = MF_OP_SEND, .handle = 1 }),
		  -EINVAL);
	check_int(
		run((struct mf_sqe){ .op = MF_OP_ACCEPT, .handle = TCP_PORT }),
		-EINVAL);
	check_int(run((struct mf_sqe){ .op = MF_OP_CLOSE, .handle = 1 }),
		  -EINVAL);
	rig_close();
}

static void test_address_edges(void)
{
	struct mf_sqe e = { .op = MF_OP_WRITE, .handle = 1, .len = 8 };

	rig_open();
	e.addr.v = RAM_SIZE - 8;
	check_int(run(e), 8);
	e.addr.v = RAM_SIZE - 7;
	check_int(run(e), -EFAULT);
	e.addr.v = UINT64_MAX - 3;
	check_int(run(e), -EFAULT);
	e.addr.v = 0;
	e.len = MF_IO_LEN_MAX + 1;
	check_int(run(e), -EINVAL);
	e.op = MF_OP_LOG;
	e.len = UINT32_MAX;
	check_int(run(e), -EFAULT);
	rig_close();
}

static void test_broken_indices(void)
{
	rig_open();
	ix->sq_tail = 70000;
	check_int(rings_submit(&rings), -EPROTO);
	check_int(strstr(rings_error(&rings), "70000") != NULL, 1);
	rig_close();
	rig_open();
	ix->cq_head = 5;
	push_io(MF_OP_NOP, 0, 0, 0);
	check_int(rings_submit(&rings), -EPROTO);
	check_int(rings_wait(&rings, 0, -1), -EPROTO);
	rig_close();
}

static void test_stream_life(void)
{
	uint64_t op;
	uint32_t s;
	char buf[8];
	int c;

	rig_open();
	s = open_stream(&c);
	push_io(MF_OP_RECV, s, BUF_A, 64);
	push_io(MF_OP_RECV, s, BUF_A, 64);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), -EBUSY);
	check_int(rings_wait(&rings, 0, -1), RINGS_WAKE_TIMEOUT);
	check_int(send(c, "hello", 5, 0), 5);
	check_int(wait_result(), 5);
	check_int(memcmp(mem.ram + BUF_A, "hello", 5), 0);
	memcpy(mem.ram + BUF_B, "world", 5);
	push_io(MF_OP_SEND, s, BUF_B, 5);
	push_io(MF_OP_RECV, s, BUF_A, 64);
	push_io(MF_OP_CLOSE, s, 0, 0);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), 5);
	check_int(op, MF_OP_SEND);
	check_int(pop(&op), -ECANCELED);
	check_int(op, MF_OP_RECV);
	check_int(pop(&op), 0);
	check_int(op, MF_OP_CLOSE);
	check_int(recv(c, buf, 8, 0), 5);
	check_int(recv(c, buf, 8, 0), 0);
	push_io(MF_OP_CLOSE, s, 0, 0);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), -EBADF);
	close(c);
	rig_close();
}

static void test_hangup_after_short_read(void)
{
	uint32_t s;
	int c;

	rig_open();
	s = open_stream(&c);
	push_io(MF_OP_RECV, s, BUF_A, 64);
	check_int(rings_submit(&rings), 0);
	check_int(send(c, "bye", 3, 0), 3);
	close(c);
	check_int(wait_result(), 3);
	push_io(MF_OP_RECV, s, BUF_A, 64);
	check_int(rings_submit(&rings), 0);
	check_int(wait_result(), 0);
	rig_close();
}

/* What the client said at once comes with the connection. */
static void test_accept_with_data(void)
{
	int64_t res;
	uint32_t s;
	int c;

	rig_open();
	check_int(run((struct mf_sqe){
			  .op = MF_OP_LISTEN, .handle = TCP_PORT, .arg = 8 }),
		  0);
	c = dial();
	check_int(send(c, "first", 5, 0), 5);
	push_io(MF_OP_ACCEPT, TCP_PORT, BUF_A, 4096);
	check_int(rings_submit(&rings), 0);
	res = wait_result();
	check_int(res >> MF_ACCEPT_LEN_SHIFT, 5);
	check_int(memcmp(mem.ram + BUF_A, "first", 5), 0);
	s = MF_ACCEPT_HANDLE(res);
	push_io(MF_OP_RECV, s, BUF_B, 64);
	check_int(rings_submit(&rings), 0);
	check_int(send(c, "next", 4, 0), 4);
	check_int(wait_result(), 4);
	close(c);
	rig_close();
}

/* Whether the epoll has the published port. */
static bool port_is_watched(void)
{
	return rings.handles.table[TCP_PORT].watched != 0;
}

/*
 * A listener that others have too: it is watched as long as a connection is
 * wanted and no longer, and its end is not theirs.
 */
static void test_shared_listener(void)
{
	uint32_t s;
	int c;

	tcp_flags = MF_PORT_SHARED;
	rig_open();
	tcp_flags = 0;
	s = open_stream(&c);
	check(!port_is_watched());
	close(c);
	push_io(MF_OP_ACCEPT, TCP_PORT, BUF_A, 0);
	check_int(rings_submit(&rings), 0);
	check(port_is_watched());
	c = dial();
	check(wait_result() > s);
	check(!port_is_watched());
	close(c);
	push_io(MF_OP_ACCEPT, TCP_PORT, BUF_A, 0);
	check_int(run((struct mf_sqe){ .op = MF_OP_CLOSE, .handle = TCP_PORT }),
		  -ECANCELED);
	check(!port_is_watched());
	c = dial(); /* for one of the others */
	push_io(MF_OP_ACCEPT, TCP_PORT, BUF_A, 0);
	check_int(rings_submit(&rings), 0);
	check_int(wait_result(), 0);
	check_int(wait_result(), -EINVAL);
	close(c);
	rig_close();
}

/* A send larger than any socket buffer, closed while it is under way. */
static void test_close_after_send(void)
{
	uint64_t op, total = 0;
	char buf[4096];
	uint32_t s;
	ssize_t n;
	int c;

	rig_open();
	s = open_stream(&c);
	for (int i = 0; i < 12; i++) {
		push_io(MF_OP_SEND, s, BUF_B, 600000);
		rings_submit(&rings);
		total += 600000;
		if (pop(&op) == INT64_MIN)
			break;
	}
	push_io(MF_OP_CLOSE, s, 0, 0);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), INT64_MIN);
	while ((n = recv(c, buf, sizeof(buf), MSG_DONTWAIT)) != 0) {
		if (n > 0)
			total -= (uint64_t)n;
		check_int(rings_poll(&rings), 0);
	}
	check_int(total, 0);
	check_int(pop(&op), 600000);
	check_int(pop(&op), 0);
	check_int(op, MF_OP_CLOSE);
	close(c);
	rig_close();
}

static void test_quiet(void)
{
	uint64_t op;
	uint32_t s;
	int c;

	rig_open();
	s = open_stream(&c);
	push((struct mf_sqe){ .op = MF_OP_SEND,
			      .flags = MF_SQE_QUIET,
			      .handle = s,
			      .addr = { BUF_A },
			      .len = 5,
			      .user_data = MF_OP_SEND });
	push_io(MF_OP_RECV, s, BUF_B, 64);
	check_int(rings_submit(&rings), 0);
	check_int(rings_have_completions(&rings), 0);
	check_int(send(c, "x", 1, 0), 1);
	check_int(rings_wait(&rings, UINT64_MAX, -1), RINGS_WAKE_COMPLETION);
	check_int(pop(&op), 5);
	check_int(pop(&op), 1);
	close(c);
	rig_close();
}

static void test_datagrams(void)
{
	struct mf_endpoint peer;
	int c = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[8];

	rig_open();
	check_int(connect(c, (struct sockaddr *)&udp_addr, sizeof(udp_addr)),
		  0);
	push_io(MF_OP_RECVFROM, UDP_PORT, BUF_A, 65536);
	check_int(rings_submit(&rings), 0);
	check_int(send(c, "ping", 4, 0), 4);
	check_int(wait_result(), 4);
	memcpy(&peer, mem.ram + PEER, sizeof(peer));
	check_int(peer.family, AF_INET);
	push_io(MF_OP_SENDTO, UDP_PORT, BUF_A, 4);
	check_int(rings_submit(&rings), 0);
	check_int(wait_result(), 4);
	check_int(recv(c, buf, sizeof(buf), 0), 4);
	/* A stranger may not be written to. */
	peer.port ^= 1;
	memcpy(mem.ram + PEER, &peer, sizeof(peer));
	push_io(MF_OP_SENDTO, UDP_PORT, BUF_A, 4);
	check_int(rings_submit(&rings), 0);
	check_int(wait_result(), -ENETUNREACH);
	close(c);
	rig_close();
}

static void test_console(void)
{
	uint64_t op;
	char buf[16];

	rig_open();
	push_io(MF_OP_READ, 0, BUF_A, 64);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), INT64_MIN);
	check_int(write(console[0][1], "in", 2), 2);
	check_int(wait_result(), 2);
	push_io(MF_OP_WRITE, 1, BUF_B, 300000); /* more than a pipe holds */
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), INT64_MIN);
	check_int(read(console[1][0], buf, 16), 16);
	close(console[1][0]);
	check_int(wait_result(), -EPIPE);
	memcpy(mem.ram + BUF_A, "a\x1b[2Jz\n", 7);
	push_io(MF_OP_LOG, 0, BUF_A, 7);
	check_int(rings_submit(&rings), 0);
	check_int(strcmp(logged, "a?[2Jz"), 0);
	console[1][0] = dup(console[0][0]);
	rig_close();
}

/* A guest that never looks at its completions is not served, and then is. */
static void test_full_completion_ring(void)
{
	uint32_t done = 0;
	uint64_t op;

	rig_open();
	for (int round = 0; round < 8; round++) {
		while (ix->sq_tail - ix->sq_head < MF_SQ_ENTRIES)
			push_io(MF_OP_NOP, 0, 0, 0);
		check_int(rings_submit(&rings), 0);
	}
	check_int(ix->cq_tail <= MF_CQ_ENTRIES, 1);
	check_int(rings_have_completions(&rings), 1);
	while (ix->sq_tail != ix->sq_head || ix->cq_tail != ix->cq_head) {
		check_int(rings_submit(&rings), 0);
		while (pop(&op) == 0)
			done++;
	}
	check_int(done, ix->sq_tail);
	rig_close();
}

static void test_extra_fd(void)
{
	int p[2];

	rig_open();
	check_int(pipe(p), 0);
	check_int(rings_wait(&rings, 1000000, p[0]), RINGS_WAKE_TIMEOUT);
	check_int(write(p[1], "x", 1), 1);
	check_int(rings_wait(&rings, UINT64_MAX, p[0]), RINGS_WAKE_EXTRA);
	close(p[0]);
	close(p[1]);
	rig_close();
}

/* ---- outbound connections ----------------------------------------------- */

static void push_connect(uint32_t proto, uint64_t number)
{
	const struct mf_endpoint to = { .family = AF_INET,
					.port = 80,
					.addr = { 192, 0, 2, 1 } };

	memcpy(mem.ram + PEER, &to, sizeof(to));
	push((struct mf_sqe){ .op = MF_OP_CONNECT,
			      .arg = proto,
			      .offset = number,
			      .addr2 = { PEER },
			      .user_data = 1000 + number });
}

static void answer_ask(unsigned nr, int error, int fd)
{
	struct rings_answer a = {
		.id = asks.id[nr], .error = error, .fd = fd, .port = 4242
	};

	rings_answer(&rings, &a);
}

/* A socket that is connecting to the published TCP port. */
static int connecting(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	connect(fd, (struct sockaddr *)&tcp_addr, sizeof(tcp_addr));
	return fd;
}

static void test_connect(void)
{
	struct mf_endpoint end;
	uint64_t op;
	int64_t s;

	rig_open();
	check_int(run((struct mf_sqe){
			  .op = MF_OP_LISTEN, .handle = TCP_PORT, .arg = 8 }),
		  0);
	push_connect(6, 1);
	check_int(rings_submit(&rings), 0);
	check_int(asks.count, 1);
	check_int(asks.proto, 6);
	check_int(asks.to.port, 80);
	check_int(pop(&op), INT64_MIN);
	/* Until it is connected the guest can do nothing with it. */
	check_int(
		run((struct mf_sqe){ .op = MF_OP_SEND, .handle = asks.id[0] }),
		-EINVAL);
	check_int(
		run((struct mf_sqe){ .op = MF_OP_CLOSE, .handle = asks.id[0] }),
		-EINVAL);
	answer_ask(0, 0, connecting());
	s = wait_result();
	check_int(s, asks.id[0]);
	memcpy(&end, mem.ram + PEER, sizeof(end));
	check_int(end.port, 4242);
	push_io(MF_OP_SEND, (uint32_t)s, BUF_A, 5);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), 5);
	push_io(MF_OP_CLOSE, (uint32_t)s, 0, 0);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), 0);
	/* Nobody waits for a second answer; its socket is closed. */
	answer_ask(0, 0, connecting());
	check_int(rings_wait(&rings, 0, -1), RINGS_WAKE_TIMEOUT);
	rig_close();
}

static void test_connect_fails(void)
{
	struct mf_sqe e = { .op = MF_OP_CONNECT, .arg = 6 };
	uint64_t op;

	rig_open();
	e.addr2.v = RAM_SIZE - sizeof(struct mf_endpoint) + 1;
	check_int(run(e), -EFAULT);
	e.addr2.v = RAM_SIZE - sizeof(struct mf_endpoint);
	e.arg = 1;
	check_int(run(e), -EINVAL);
	check_int(asks.count, 0);
	push_connect(6, 1);
	check_int(rings_submit(&rings), 0);
	answer_ask(0, -ENETUNREACH, -1);
	check_int(pop(&op), -ENETUNREACH);
	check_int(op, 1001);
	/* Nobody listens. */
	push_connect(6, 2);
	check_int(rings_submit(&rings), 0);
	answer_ask(1, 0, connecting());
	check_int(wait_result(), -ECONNREFUSED);
	/* Where nothing is allowed nobody is asked. */
	rings.ask = NULL;
	push_connect(6, 3);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), -ENETUNREACH);
	rig_close();
}

static void test_connect_cancel(void)
{
	struct mf_sqe cancel = { .op = MF_OP_CANCEL, .offset = 1 };
	uint64_t op;

	rig_open();
	check_int(run(cancel), -ENOENT);
	/* asked for, then connecting, then connected but not told */
	for (int stage = 0; stage < 2; stage++) {
		push_connect(6, 1);
		check_int(rings_submit(&rings), 0);
		if (stage == 1)
			answer_ask(1, 0, connecting());
		push(cancel);
		check_int(rings_submit(&rings), 0);
		check_int(pop(&op), -ECANCELED);
		check_int(op, 1001);
		check_int(pop(&op), 0);
		if (stage == 0)
			answer_ask(0, 0, connecting());
		check_int(rings_wait(&rings, 0, -1), RINGS_WAKE_TIMEOUT);
	}
	/* The number is free again. */
	push_connect(6, 1);
	check_int(rings_submit(&rings), 0);
	check_int(asks.id[2], asks.id[1]);
	rig_close();
}

/* More requests than the parent may have: the others wait. */
static void test_connect_queue(void)
{
	uint64_t op;

	rig_open();
	for (uint64_t i = 0; i < 100; i++)
		push_connect(17, i);
	check_int(rings_submit(&rings), 0);
	check_int(asks.count, 64);
	push((struct mf_sqe){ .op = MF_OP_CANCEL, .offset = 64 });
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), -ECANCELED);
	check_int(op, 1064);
	check_int(pop(&op), 0);
	for (unsigned i = 0; i < 99; i++) {
		check_int(asks.count, i + 64 < 99 ? i + 64 : 99);
		answer_ask(i, -EACCES, -1);
		check_int(pop(&op), -EACCES);
		check_int(op, 1000 + i + (i >= 64));
	}
	check_int(asks.count, 99);
	rig_close();
}

/* Answers while the completion ring is full are told later. */
static void test_connect_full_ring(void)
{
	unsigned told = 0;
	uint64_t op;

	rig_open();
	for (uint64_t i = 0; i < 20; i++)
		push_connect(6, i);
	check_int(rings_submit(&rings), 0);
	for (int round = 0; round < 4; round++) {
		while (ix->sq_tail - ix->sq_head < MF_SQ_ENTRIES)
			push_io(MF_OP_NOP, 0, 0, 0);
		check_int(rings_submit(&rings), 0);
	}
	for (unsigned i = 0; i < 20; i++)
		answer_ask(i, -EACCES, -1);
	check_int(ix->cq_tail - ix->cq_head <= MF_CQ_ENTRIES, 1);
	while (ix->cq_tail != ix->cq_head || ix->sq_tail != ix->sq_head) {
		told += pop(&op) == -EACCES;
		check_int(rings_submit(&rings), 0);
		check_int(rings_poll(&rings), 0);
	}
	check_int(told, 20);
	rig_close();
}

static void test_flow(void)
{
	uint64_t op;
	uint32_t s;
	int pair[2];

	rig_open();
	check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		  0);
	push_connect(17, 1);
	check_int(rings_submit(&rings), 0);
	answer_ask(0, 0, pair[0]);
	s = (uint32_t)pop(&op);
	check_int(s, asks.id[0]);
	push_io(MF_OP_RECV, s, BUF_A, 4);
	check_int(rings_submit(&rings), 0);
	check_int(send(pair[1], "abcdef", 6, 0), 6);
	check_int(send(pair[1], "gh", 2, 0), 2);
	check_int(wait_result(), 4);
	push_io(MF_OP_RECV, s, BUF_A, 4);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), 2);
	check_int(memcmp(mem.ram + BUF_A, "gh", 2), 0);
	push_io(MF_OP_SEND, s, BUF_A, 2);
	push_io(MF_OP_SHUTDOWN, s, 0, 0);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), 2);
	check_int(pop(&op), -EINVAL);
	/* The end of a pair is an error, not empty datagrams for ever. */
	close(pair[1]);
	push_io(MF_OP_RECV, s, BUF_A, 4);
	check_int(rings_submit(&rings), 0);
	check_int(pop(&op), -ECONNRESET);
	rig_close();
}

int main(void)
{
	RUN(test_connect);
	RUN(test_connect_fails);
	RUN(test_connect_cancel);
	RUN(test_connect_queue);
	RUN(test_connect_full_ring);
	RUN(test_flow);
	RUN(test_bad_entries);
	RUN(test_address_edges);
	RUN(test_broken_indices);
	RUN(test_stream_life);
	RUN(test_hangup_after_short_read);
	RUN(test_accept_with_data);
	RUN(test_shared_listener);
	RUN(test_close_after_send);
	RUN(test_quiet);
	RUN(test_datagrams);
	RUN(test_console);
	RUN(test_full_completion_ring);
	RUN(test_extra_fd);
	return check_done();
}
