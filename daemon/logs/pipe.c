/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipes of instances. A round reads so many bytes of each, no more; a
 * function beyond its rate is read after a pause only, so that it waits for
 * its pipe instead of keeping the platform busy with what is dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/logs/private.h"

#define PAUSE_NS 20000000ull

/* The incomplete line, and `len` bytes behind it. */
static bool end_line(struct log_pipe *p, const char *text, size_t len, bool cut)
{
	bool kept;

	if (!p->buf || p->len == 0)
		return logs_put(p->logs, &p->source, text, len, cut);
	memcpy(p->buf + p->len, text, len);
	kept = logs_put(p->logs, &p->source, p->buf, p->len + len, cut);
	p->len = 0;
	return kept;
}

/* To be continued. Without memory it is a line of its own. */
static void keep(struct log_pipe *p, const char *text, size_t len)
{
	if (len == 0)
		return;
	if (!p->buf)
		p->buf = malloc(LOG_TEXT_MAX);
	if (!p->buf) {
		end_line(p, text, len, true);
		return;
	}
	memcpy(p->buf + p->len, text, len);
	p->len += len;
}

/* False: some of it was beyond the rate. */
static bool take_bytes(struct log_pipe *p, const char *data, size_t len)
{
	bool kept = true;

	while (len) {
		size_t room = LOG_TEXT_MAX - p->len;
		size_t look = len < room ? len : room;
		const char *end = memchr(data, '\n', look);
		size_t text = end ? (size_t)(end - data) : look;

		if (end || text == room)
			kept &= end_line(p, data, text, !end);
		else
			keep(p, data, text);
		data += text + (end != NULL);
		len -= text + (end != NULL);
	}
	return kept;
}

/* What is there, but not more than LOGS_READ_MAX. -EAGAIN: all is read,
 * -EBUSY: beyond the rate, -ENODATA: the end, 0: there may be more. */
static int read_some(struct log_pipe *p)
{
	ssize_t n = read(p->fd, p->logs->scratch, LOGS_READ_MAX);

	if (n < 0)
		return errno == EINTR  ? 0 :
		       errno == EAGAIN ? -EAGAIN :
					 -ENODATA;
	if (n == 0)
		return -ENODATA;
	return take_bytes(p, p->logs->scratch, (size_t)n) ? 0 : -EBUSY;
}

static void finish(struct log_pipe *p)
{
	if (p->len)
		end_line(p, "", 0, false);
	loop_unwatch(&p->watch);
	loop_timer_cancel(p->loop, &p->pause);
	close(p->fd);
	p->fd = -1;
	p->loop = NULL;
	free(p->buf);
	p->buf = NULL;
}

static void end(struct log_pipe *p)
{
	finish(p);
	if (p->ended)
		p->ended(p);
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct log_pipe *p = container_of(w, struct log_pipe, watch);
	int r = read_some(p);

	(void)events;
	if (r == -ENODATA) {
		end(p);
	} else if (r == -EBUSY &&
		   loop_timer_set(p->loop, &p->pause,
				  loop_now_ns(p->loop) + PAUSE_NS) == 0) {
		loop_unwatch(w);
	}
}

static void on_pause(struct loop_timer *t)
{
	struct log_pipe *p = container_of(t, struct log_pipe, pause);

	if (loop_watch(p->loop, &p->watch, p->fd, EPOLLIN) < 0)
		end(p);
}

int log_pipe_open(struct log_pipe *p, struct loop *loop, struct logs *logs,
		  int fd)
{
	int r;

	p->logs = logs;
	p->fd = fd;
	p->buf = NULL;
	p->len = 0;
	p->watch = (struct loop_watch){ .ready = on_ready };
	p->pause = (struct loop_timer){ .fire = on_pause };
	r = loop_watch(loop, &p->watch, fd, EPOLLIN);
	if (r < 0) {
		close(fd);
		p->fd = -1;
		p->loop = NULL;
		return r;
	}
	p->loop = loop;
	return 0;
}

void log_pipe_flush(struct log_pipe *p)
{
	if (!p->loop)
		return;
	read_some(p);
	if (p->len)
		end_line(p, "", 0, false);
}

void log_pipe_close(struct log_pipe *p)
{
	if (!p->loop)
		return;
	read_some(p);
	finish(p);
}
