/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings themselves: indices, decoding and checking of entries, waiting.
 * Everything here is steered by bytes of the guest: an entry is copied once,
 * every address passes guest_mem_range, and nothing but broken indices ends
 * the guest; a bad entry merely completes with an error.
 */
#include "monitor/rings.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "monitor/peers.h"
#include "monitor/ring_ops.h"

#define NS_PER_SEC   1000000000ull
#define NS_PER_MS    1000000ull
#define EVENTS_MAX   32
#define LOG_LINE_MAX 1024

const char *rings_error(const struct rings *r)
{
	return r->error;
}

static void __attribute__((format(printf, 2, 3)))
rings_break(struct rings *r, const char *fmt, ...)
{
	va_list ap;

	if (r->broken)
		return;
	r->broken = true;
	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, ap);
	va_end(ap);
}

/* Entries the guest has left free in the completion ring. */
static uint32_t cq_room(struct rings *r)
{
	uint32_t head, used;

	if (r->draining)
		return MF_CQ_ENTRIES;
	head = atomic_load_explicit(&r->index->cq_head, memory_order_acquire);
	used = r->cq_tail - head;
	if (used > MF_CQ_ENTRIES) {
		rings_break(r, "the guest's cq_head %u passed cq_tail %u", head,
			    r->cq_tail);
		return 0;
	}
	return MF_CQ_ENTRIES - used;
}

void rings_complete(struct rings *r, uint64_t user_data, int64_t res)
{
	struct mf_cqe cqe = { .user_data = user_data, .res = res };

	if (r->draining)
		return;
	r->cq[r->cq_tail % MF_CQ_ENTRIES] = cqe;
	r->cq_tail++;
	if (!r->quiet || (res < 0 && res != -ECANCELED))
		r->cq_loud = r->cq_tail;
	atomic_store_explicit(&r->index->cq_tail, r->cq_tail,
			      memory_order_release);
}

bool rings_have_completions(struct rings *r)
{
	uint32_t head;

	/* Quiet completions must not fill the ring unseen. */
	if (cq_room(r) < MF_CQ_ENTRIES / 2)
		return true;
	head = atomic_load_explicit(&r->index->cq_head, memory_order_acquire);
	return (int32_t)(r->cq_loud - head) > 0;
}

static void log_line(struct rings *r, const uint8_t *text, uint32_t len)
{
	char line[LOG_LINE_MAX];
	size_t n = len < sizeof(line) ? len : sizeof(line);

	memcpy(line, text, n);
	while (n && (line[n - 1] == '\n' || line[n - 1] == '\0'))
		n--;
	for (size_t i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	if (r->log)
		r->log(r->log_arg, line, n);
}

static bool kind_takes(const struct handle *h, uint8_t op)
{
	switch ((enum mf_op)op) {
	case MF_OP_READ:
	case MF_OP_WRITE:
		return h->kind == HANDLE_CONSOLE;
	case MF_OP_RECV:
	case MF_OP_SEND:
		return h->kind == HANDLE_STREAM || h->kind == HANDLE_FLOW;
	case MF_OP_SHUTDOWN:
	case MF_OP_SETOPT:
		return h->kind == HANDLE_STREAM;
	case MF_OP_RECVFROM:
	case MF_OP_SENDTO:
		return h->kind == HANDLE_DATAGRAM;
	case MF_OP_ACCEPT:
		return h->kind == HANDLE_LISTENER && h->listening;
	case MF_OP_LISTEN:
		return h->kind == HANDLE_LISTENER;
	case MF_OP_CLOSE:
		return h->kind != HANDLE_CONSOLE &&
		       h->kind != HANDLE_CONNECTING;
	case MF_OP_NOP:
	case MF_OP_LOG:
	case MF_OP_CONNECT:
	case MF_OP_CANCEL:
	case MF_OP_COUNT:
		break;
	}
	return false;
}

/* Checks the buffers of a transfer and fills *p; 0 or -errno. */
static int pending_init(struct rings *r, const struct mf_sqe *sqe,
			struct pending *p)
{
	bool in = sqe->op == MF_OP_RECVFROM || sqe->op == MF_OP_ACCEPT;
	uint8_t *buf, *peer = NULL;

	if (p->op != MF_OP_NOP)
		return -EBUSY;
	if (sqe->len > MF_IO_LEN_MAX)
		return -EINVAL;
	buf = guest_mem_range(r->mem, sqe->addr, sqe->len);
	if (!buf)
		return -EFAULT;
	if (in || sqe->op == MF_OP_SENDTO) {
		peer = guest_mem_range(r->mem, sqe->addr2,
				       sizeof(struct mf_endpoint));
		if (!peer)
			return -EFAULT;
	}
	*p = (struct pending){ .op = sqe->op,
			       .len = sqe->len,
			       .buf = buf,
			       .ret_peer = in ? peer : NULL,
			       .user_data = sqe->user_data };
	if (sqe->op == MF_OP_SENDTO)
		memcpy(&p->peer, peer, sizeof(p->peer));
	return 0;
}

/* Operations on a handle that `h` is fit for. */
static int64_t run_on_handle(struct rings *r, struct handle *h,
			     const struct mf_sqe *sqe)
{
	int err;

	switch ((enum mf_op)sqe->op) {
	case MF_OP_READ:
	case MF_OP_RECV:
	case MF_OP_RECVFROM:
	case MF_OP_ACCEPT:
		err = pending_init(r, sqe, &h->rd);
		if (err)
			return err;
		ring_op_try_read(r, h);
		return RING_OP_PENDING;
	case MF_OP_WRITE:
	case MF_OP_SEND:
	case MF_OP_SENDTO:
		err = pending_init(r, sqe, &h->wr);
		if (err)
			return err;
		ring_op_try_write(r, h);
		return RING_OP_PENDING;
	case MF_OP_LISTEN:
		return ring_op_listen(h, sqe->arg);
	case MF_OP_SHUTDOWN:
		return ring_op_shutdown(r, h, sqe->arg);
	case MF_OP_SETOPT:
		return ring_op_setopt(h, sqe->arg, sqe->offset);
	case MF_OP_CLOSE:
		ring_op_close(r, h, sqe->user_data);
		return RING_OP_PENDING;
	case MF_OP_NOP:
	case MF_OP_LOG:
	case MF_OP_CONNECT:
	case MF_OP_CANCEL:
	case MF_OP_COUNT:
		break;
	}
	return -ENOSYS;
}

/* The result, or RING_OP_PENDING if it is, or will be, posted elsewhere. */
static int64_t run_sqe(struct rings *r, const struct mf_sqe *sqe)
{
	struct handle *h;
	uint8_t *text;

	if (sqe->op >= MF_OP_COUNT)
		return -ENOSYS;
	if ((sqe->flags & ~MF_SQE_QUIET) || sqe->reserved || sqe->pad[0] ||
	    sqe->pad[1])
		return -EINVAL;
	if (sqe->op == MF_OP_NOP)
		return 0;
	if (sqe->op == MF_OP_LOG) {
		text = guest_mem_range(r->mem, sqe->addr, sqe->len);
		if (!text)
			return -EFAULT;
		log_line(r, text, sqe->len);
		return 0;
	}
	if (sqe->op == MF_OP_CONNECT)
		return connect_start(r, sqe);
	if (sqe->op == MF_OP_CANCEL)
		return connect_cancel(r, sqe->offset);
	h = handles_get(&r->handles, sqe->handle);
	if (!h)
		return -EBADF;
	if (!kind_takes(h, sqe->op))
		return -EINVAL;
	return run_on_handle(r, h, sqe);
}

int rings_submit(struct rings *r)
{
	uint32_t tail;
	struct mf_sqe sqe;
	int64_t res;

	tail = atomic_load_explicit(&r->index->sq_tail, memory_order_acquire);
	if (tail - r->sq_head > MF_SQ_ENTRIES)
		rings_break(r, "the guest rang with sq_tail %u, sq_head is %u",
			    tail, r->sq_head);
	while (!r->broken && r->sq_head != tail &&
	       cq_room(r) >= RING_OP_COMPLETIONS_MAX) {
		memcpy(&sqe, &r->sq[r->sq_head % MF_SQ_ENTRIES], sizeof(sqe));
		/* From here on only the copy counts. */
		atomic_signal_fence(memory_order_seq_cst);
		r->sq_head++;
		atomic_store_explicit(&r->index->sq_head, r->sq_head,
				      memory_order_release);
		r->quiet = sqe.flags & MF_SQE_QUIET;
		res = run_sqe(r, &sqe);
		if (res != RING_OP_PENDING)
			rings_complete(r, sqe.user_data, res);
		r->quiet = false;
	}
	return r->broken ? -EPROTO : 0;
}

static void handle_event(struct rings *r, const struct epoll_event *ev)
{
	struct handle *h = &r->handles.table[ev->data.u32];
	const uint32_t down = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (h->kind == HANDLE_FREE)
		return;
	if (h->kind == HANDLE_CONNECTING) {
		connect_event(r, h);
		return;
	}
	if (ev->events & down)
		h->saw_hangup = true;
	if (ev->events & (EPOLLIN | down))
		h->can_read = true;
	if (ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		h->can_write = true;
	/* The write side last: it may finish a close and free the handle. */
	if (h->rd.op != MF_OP_NOP && h->can_read)
		ring_op_try_read(r, h);
	if (h->wr.op != MF_OP_NOP && h->can_write)
		ring_op_try_write(r, h);
}

/* Not in every C library, and not in Linux 5.10: there whole milliseconds. */
static int epoll_sleep(int fd, struct epoll_event *ev, uint32_t max,
		       uint64_t timeout_ns)
{
	static bool have_pwait2 = true;
	struct timespec ts = { (time_t)(timeout_ns / NS_PER_SEC),
			       (long)(timeout_ns % NS_PER_SEC) };
	uint64_t ms = timeout_ns / NS_PER_MS + 1;

	if (have_pwait2) {
		int n = (int)syscall(SYS_epoll_pwait2, fd, ev, max,
				     timeout_ns == UINT64_MAX ? NULL : &ts,
				     NULL, 0);

		if (n >= 0 || errno != ENOSYS)
			return n;
		have_pwait2 = false;
	}
	return epoll_wait(fd, ev, (int)max, ms > INT_MAX ? -1 : (int)ms);
}

/*
 * One look at the epoll, of at most timeout_ns. Takes no more events than the
 * completion ring has room for: an edge left in the epoll is not lost. bits
 * of enum rings_wake without COMPLETION, or -errno.
 */
static int look(struct rings *r, uint64_t timeout_ns)
{
	struct epoll_event ev[EVENTS_MAX];
	uint32_t max = connect_finish(r, cq_room(r)) / RING_OP_COMPLETIONS_MAX;
	int n, woke = RINGS_WAKE_TIMEOUT;

	if (r->broken)
		return -EPROTO;
	if (!max)
		return woke;
	if (max > EVENTS_MAX)
		max = EVENTS_MAX;
	if (timeout_ns == 0)
		n = epoll_wait(r->handles.epoll_fd, ev, (int)max, 0);
	else
		n = epoll_sleep(r->handles.epoll_fd, ev, max, timeout_ns);
	if (n < 0)
		return errno == EINTR ? RINGS_WAKE_SIGNAL : -errno;
	for (int i = 0; i < n; i++) {
		if (ev[i].data.u32 == HANDLES_EXTRA)
			woke |= RINGS_WAKE_EXTRA;
		else
			handle_event(r, &ev[i]);
	}
	return woke;
}

int rings_poll(struct rings *r)
{
	int woke = look(r, 0);

	return woke < 0 ? woke : 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

int rings_watch(struct rings *r, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN,
				  .data.u32 = HANDLES_EXTRA };

	if (epoll_ctl(r->handles.epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	return 0;
}

static void watch_extra(struct rings *r, int fd)
{
	if (r->extra_fd >= 0)
		epoll_ctl(r->handles.epoll_fd, EPOLL_CTL_DEL, r->extra_fd,
			  NULL);
	if (fd >= 0)
		rings_watch(r, fd);
	r->extra_fd = fd;
}

int rings_wait(struct rings *r, uint64_t timeout_ns, int extra_fd)
{
	bool limited = timeout_ns != UINT64_MAX;
	uint64_t end = 0, now, left = timeout_ns;
	int woke;

	if (extra_fd != r->extra_fd)
		watch_extra(r, extra_fd);
	if (rings_have_completions(r))
		return r->broken ? -EPROTO : RINGS_WAKE_COMPLETION;
	if (limited)
		end = now_ns() + timeout_ns;
	for (;;) {
		woke = look(r, left);
		if (woke < 0)
			return woke;
		if (rings_have_completions(r))
			woke |= RINGS_WAKE_COMPLETION;
		if (r->broken)
			return -EPROTO;
		if (woke != RINGS_WAKE_TIMEOUT)
			return woke;
		if (!limited)
			continue;
		now = now_ns();
		if (now >= end)
			return RINGS_WAKE_TIMEOUT;
		left = end - now;
	}
}

static bool write_pending(const struct rings *r)
{
	for (uint32_t i = 0; i < r->handles.used; i++)
		if (r->handles.table[i].wr.op != MF_OP_NOP)
			return true;
	return false;
}

void rings_drain(struct rings *r, uint64_t timeout_ns)
{
	uint64_t now = now_ns(), end = now + timeout_ns;

	r->draining = true;
	rings_submit(r);
	while (!r->broken && write_pending(r)) {
		now = now_ns();
		if (now >= end || look(r, end - now) < 0)
			break;
	}
}

void rings_answer(struct rings *r, const struct rings_answer *a)
{
	connect_answer(r, a);
	connect_finish(r, cq_room(r));
}

static void put_console(struct rings *r, uint32_t nr, int fd)
{
	struct handle *h = handles_put(&r->handles, nr, HANDLE_CONSOLE, fd);
	struct stat st;

	h->is_file = !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static int put_datagram(struct rings *r, uint32_t nr, int fd)
{
	struct handle *h = handles_put(&r->handles, nr, HANDLE_DATAGRAM, fd);
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	void *peers;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	h->inet6 = addr.ss_family == AF_INET6;
	peers = mmap(NULL, sizeof(struct peers), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (peers == MAP_FAILED)
		return -errno;
	h->peers = peers;
	return 0;
}

static int put_handles(struct rings *r, const struct rings_config *c)
{
	int err;

	r->handles.used = MF_HANDLE_PORT0;
	for (uint32_t i = 0; i < 3; i++)
		if (!(c->console_flags[i] & MF_CONSOLE_CLOSED))
			put_console(r, MF_HANDLE_STDIN + i, c->console_fds[i]);
	for (uint32_t i = 0; i < c->port_count; i++) {
		uint32_t nr = MF_HANDLE_PORT0 + i;

		if (c->ports[i].proto != IPPROTO_UDP) {
			handles_put(&r->handles, nr, HANDLE_LISTENER,
				    c->port_fds[i])
				->shared = c->ports[i].flags & MF_PORT_SHARED;
			continue;
		}
		err = put_datagram(r, nr, c->port_fds[i]);
		if (err)
			return err;
	}
	return 0;
}

int rings_init(struct rings *r, const struct rings_config *c)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	uint8_t *shared, *sq, *cq;
	int err;

	if (c->port_count > MF_PORTS_MAX)
		return -EINVAL;
	shared = guest_mem_range(c->mem, (gpa_t){ MF_SHARED_GPA },
				 sizeof(struct mf_shared));
	sq = guest_mem_range(c->mem, (gpa_t){ MF_SQ_GPA },
			     MF_SQ_ENTRIES * sizeof(struct mf_sqe));
	cq = guest_mem_range(c->mem, (gpa_t){ MF_CQ_GPA },
			     MF_CQ_ENTRIES * sizeof(struct mf_cqe));
	if (!shared || !sq || !cq)
		return -EFAULT;
	*r = (struct rings){
		.mem = c->mem,
		.index = &((struct mf_shared *)(void *)shared)->ring,
		.sq = (const struct mf_sqe *)(void *)sq,
		.cq = (struct mf_cqe *)(void *)cq,
		.extra_fd = -1,
		.ports = c->port_count,
		.log = c->log,
		.log_arg = c->log_arg,
		.ask = c->ask,
		.ask_arg = c->ask_arg,
		.to_ask = { MF_HANDLES_MAX, MF_HANDLES_MAX },
		.over = { MF_HANDLES_MAX, MF_HANDLES_MAX },
	};
	err = handles_init(&r->handles);
	if (err)
		return err;
	/* Writing to a console whose reader is gone is the guest's EPIPE. */
	sigaction(SIGPIPE, &ignore, NULL);
	err = put_handles(r, c);
	if (err)
		rings_fini(r);
	return err;
}

void rings_again(struct rings *r)
{
	const struct rings old = *r;

	handles_again(&r->handles, r->ports);
	*r = (struct rings){
		.mem = old.mem,
		.index = old.index,
		.sq = old.sq,
		.cq = old.cq,
		.extra_fd = old.extra_fd,
		.handles = r->handles,
		.ports = old.ports,
		.log = old.log,
		.log_arg = old.log_arg,
		.ask = old.ask,
		.ask_arg = old.ask_arg,
		.to_ask = { MF_HANDLES_MAX, MF_HANDLES_MAX },
		.over = { MF_HANDLES_MAX, MF_HANDLES_MAX },
	};
}

void rings_fini(struct rings *r)
{
	handles_fini(&r->handles);
}
