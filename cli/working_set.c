/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy that is run for the record can reach nobody and be reached by
 * nobody else; what it prints is dropped. What it answers does not matter,
 * only that it has worked.
 */
#include "cli/working_set.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "cli/fd_message.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "launch/launch.h"
#include "launch/paths.h"
#include "launch/snapshot.h"

#define READY_MS  5000 /* to the copy's first wait for work */
#define ANSWER_MS 2000 /* to the first bytes of the answer */
#define MORE_MS	  200 /* to further ones */
#define ASK_MS	  2000 /* to the monitor's answer */

/* Cold pages up to this many do not end a range: fewer ranges fill faster. */
#define GAP_MAX 4u

/* ---- the copy ------------------------------------------------------------ */

/* The image's first port, if the program does not listen yet. */
static uint16_t port_of(const struct working_set *w)
{
	const struct manifest *m = &w->img->manifest;

	if (w->s->facts.resume.tcp_port)
		return (uint16_t)w->s->facts.resume.tcp_port;
	for (size_t i = 0; i < m->ports_count; i++)
		if (strstr(m->ports[i], "/tcp"))
			return (uint16_t)strtoul(m->ports[i], NULL, 10);
	return 0;
}

static int host_port(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	return ntohs(a.sin_port);
}

/* Its output goes nowhere: the monitor has our descriptors 1 and 2. */
static int spawn_silently(struct launch *l, struct err *e)
{
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	AUTO_CLOSE int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	AUTO_CLOSE int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	static struct paths paths;
	int r = paths_find(&paths, e);

	if (r < 0)
		return r;
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		return err_sys(e, errno, "cannot open /dev/null");
	r = launch_spawn(l, paths.monitor, e);
	/* One that was closed stays as it is now: nobody reads it. */
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	if (err >= 0)
		dup2(err, STDERR_FILENO);
	return r;
}

/* Bytes came within ANSWER_MS; then until there are no more. */
static bool read_answer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int timeout_ms = ANSWER_MS;
	bool any = false;
	char buf[4096];

	while (poll(&p, 1, timeout_ms) > 0) {
		if (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) <= 0)
			break;
		any = true;
		timeout_ms = MORE_MS;
	}
	return any;
}

/* Whether there was an answer. */
static bool request(uint16_t port, const char *path)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_FREE char *text = NULL;

	if (asprintf(&text,
		     "GET %s HTTP/1.1\r\nHost: localhost\r\n"
		     "Connection: close\r\n\r\n",
		     path) < 0) {
		text = NULL;
		return false;
	}
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return false;
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		return false;
	return read_answer(fd);
}

static int ask(const struct launch *l, int bits_fd, struct err *e)
{
	const struct mf_ctl_command c = { .kind = MF_CMD_TOUCHED };
	int r = fd_message_send(l->ctl, &c, sizeof(c), bits_fd);

	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_sys(e, -r, "cannot talk to its monitor");
	return launch_wait_event(l, MF_EV_TOUCHED, ASK_MS, e);
}

static size_t bits_size(const struct run_snapshot *s)
{
	return (s->facts.ram_size / MF_PAGE_SIZE + 7) / 8;
}

static int read_bits(uint8_t **ret, int fd, size_t size, struct err *e)
{
	AUTO_FREE uint8_t *bits = calloc(1, size);
	int r;

	if (!bits)
		return err_set(e, ENOMEM, "out of memory");
	if (ftruncate(fd, (off_t)size) < 0)
		return err_sys(e, errno, "cannot make a file in memory");
	r = file_pread(fd, bits, size, 0);
	if (r < 0)
		return err_sys(e, -r, "cannot read the record");
	*ret = take_ptr(bits);
	return 0;
}

static void set_options(struct run_options *o, struct run_snapshot *copy,
			const struct working_set *w)
{
	struct port_map *m = &o->ports[0];
	struct sockaddr_in *a = (struct sockaddr_in *)&m->addr;

	*copy = (struct run_snapshot){ .kind = MF_START_COPY,
				       .fd = w->s->fd,
				       .facts = w->s->facts };
	*o = (struct run_options){ .path = w->img->path,
				   .substrate = copy->facts.substrate,
				   .snapshot = copy,
				   .record = true };
	if (!w->request || !port_of(w))
		return;
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	m->addr_len = sizeof(*a);
	m->guest_port = port_of(w);
	m->proto = IPPROTO_TCP;
	o->port_count = 1;
}

int working_set_record(uint8_t **ret, const struct working_set *w,
		       struct err *e)
{
	AUTO_CLOSE int bits_fd = memfd_create("touched", MFD_CLOEXEC);
	AUTO_LAUNCH struct launch l = { .ctl = -1, .kvm_fd = -1 };
	static struct run_options o;
	struct run_snapshot copy;
	bool answered = true;
	int port = 0, r;

	if (bits_fd < 0)
		return err_sys(e, errno, "cannot make a file in memory");
	set_options(&o, &copy, w);
	r = launch_prepare(&l, &o, w->img, e);
	if (r == 0 && o.port_count)
		port = host_port(l.port_fds[0]);
	if (r == 0)
		r = spawn_silently(&l, e);
	if (r == 0)
		r = launch_send(&l, &o, w->img, e);
	if (r == 0)
		r = launch_wait_event(&l, MF_EV_READY, READY_MS, e);
	if (r == 0 && port > 0)
		answered = request((uint16_t)port, w->request);
	if (r == 0)
		r = ask(&l, bits_fd, e);
	if (r == 0)
		r = read_bits(ret, bits_fd, bits_size(w->s), e);
	return r == 0 && !answered ? 1 : r;
}

void working_set_keep(uint8_t *bits, const struct mf_snapshot_range *ranges,
		      uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct mf_snapshot_range *r = &ranges[i];
		uint64_t page = r->gpa / MF_PAGE_SIZE;
		uint64_t end = page + r->len / MF_PAGE_SIZE;

		for (; (r->flags & MF_RANGE_HOT) && page < end; page++)
			bits[page / 8] |= (uint8_t)(1u << page % 8);
	}
}

/* ---- the table ----------------------------------------------------------- */

struct table {
	struct mf_snapshot_range *ranges; /* MF_SNAPSHOT_RANGES_MAX */
	uint32_t count;
	const uint8_t *bits;
};

static bool is_hot(const struct table *t, uint64_t gpa)
{
	uint64_t page = gpa / MF_PAGE_SIZE;

	return t->bits[page / 8] >> page % 8 & 1;
}

/* [from, to) of what r describes. */
static void add_part(struct table *t, const struct mf_snapshot_range *r,
		     uint64_t from, uint64_t to, bool hot)
{
	struct mf_snapshot_range part = *r;

	if (from == to || (!hot && r->source == MF_RANGE_ZERO))
		return;
	part.gpa = from;
	part.len = to - from;
	part.off += r->source == MF_RANGE_ZERO ? 0 : from - r->gpa;
	part.flags = hot ? MF_RANGE_HOT : 0;
	t->ranges[t->count++] = part;
}

/*
 * Hot runs of r, and the cold ones between them. `rest` ranges are to come:
 * where the table would get too long nothing more is split.
 */
static void split(struct table *t, const struct mf_snapshot_range *r,
		  uint32_t rest)
{
	uint64_t at = r->gpa, end = r->gpa + r->len, from = at, hot_end = 0;

	for (; at < end; at += MF_PAGE_SIZE) {
		if (!is_hot(t, at))
			continue;
		if (t->count + rest + 4 >= MF_SNAPSHOT_RANGES_MAX)
			break;
		if (hot_end && at - hot_end > GAP_MAX * MF_PAGE_SIZE) {
			add_part(t, r, from, hot_end, true);
			from = hot_end;
			hot_end = 0;
		}
		if (!hot_end) {
			add_part(t, r, from, at, false);
			from = at;
		}
		hot_end = at + MF_PAGE_SIZE;
	}
	if (hot_end) {
		add_part(t, r, from, hot_end, true);
		from = hot_end;
	}
	add_part(t, r, from, end, false);
}

static void split_all(struct table *t, const struct mf_snapshot_facts *f,
		      const struct mf_snapshot_range *old)
{
	struct mf_snapshot_range zero = { .gpa = MF_BOOT_GPA,
					  .source = MF_RANGE_ZERO };

	for (uint32_t i = 0; i < f->range_count; i++) {
		zero.len = old[i].gpa - zero.gpa;
		split(t, &zero, f->range_count - i);
		split(t, &old[i], f->range_count - i);
		zero.gpa = old[i].gpa + old[i].len;
	}
	zero.len = f->ram_size - zero.gpa;
	split(t, &zero, 0);
}

static int write_table(struct run_snapshot *s, const struct table *t,
		       struct err *e)
{
	size_t size = t->count * sizeof(t->ranges[0]);
	uint64_t end = s->facts.range_off +
		       (size + MF_PAGE_SIZE - 1) / MF_PAGE_SIZE * MF_PAGE_SIZE;

	/* Zeros up to the end of the page. */
	if (ftruncate(s->fd, (off_t)s->facts.range_off) < 0 ||
	    ftruncate(s->fd, (off_t)end) < 0 ||
	    pwrite(s->fd, t->ranges, size, (off_t)s->facts.range_off) !=
		    (ssize_t)size)
		return err_sys(e, errno, "cannot write the working set");
	s->facts.range_count = t->count;
	s->facts.file_size = end;
	return 0;
}

int working_set_store(struct run_snapshot *s, const uint8_t *bits,
		      struct err *e)
{
	struct snapshot snap = { .copy.fd = s->fd, .path = "the snapshot" };
	AUTO_FREE struct mf_snapshot_range *old = NULL, *ranges = NULL;
	struct table t = { .bits = bits };
	int r;

	r = file_pread(s->fd, &snap.header, sizeof(snap.header), 0);
	if (r < 0)
		return err_sys(e, -r, "cannot read the snapshot");
	r = snapshot_read_table(&snap, &old, e);
	if (r < 0)
		return r;
	ranges = calloc(MF_SNAPSHOT_RANGES_MAX, sizeof(*ranges));
	if (!ranges)
		return err_set(e, ENOMEM, "out of memory");
	t.ranges = ranges;
	split_all(&t, &s->facts, old);
	return write_table(s, &t, e);
}
