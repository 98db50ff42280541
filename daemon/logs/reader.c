/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of logs. Bytes go from the file into the caller's buffer, where the
 * lines that nobody asked for are closed up. For a tail the log is read twice:
 * once for where the last lines are, once for the lines. What one call or one
 * round does is bounded, however long the log is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/logs/private.h"
#include "host/cleanup.h"

#define STEP_BYTES (1u << 20) /* looked at by a call */
#define TIME_LEN   24u
#define HEAD	   "{\"ts\":\""
#define TEXT	   ",\"text\":\""

struct place {
	uint64_t generation, offset;
};

struct log_reading {
	struct list node; /* in file->readers */
	struct log_reader *reader;
	struct logs *logs;
	struct log_file *file; /* NULL: it was removed */
	struct place at;
	int fd; /* of at.generation; -1: not open */
	bool follow, waiting, overlong;
	struct loop_timer again; /* more(), in the next round */
	struct textbuf since, grep, instance, request; /* empty: all */
	uint32_t tail; /* 0: no more */
	uint64_t found; /* of a tail */
	struct place *last; /* ring of `tail` */
};

/* ---- what is asked for --------------------------------------------------- */

static bool has(const char *text, size_t len, const struct textbuf *what)
{
	return what->len == 0 ||
	       memmem(text, len, what->data, what->len) != NULL;
}

/* `line` has its newline. What is no line of ours is nobody's. */
static bool wanted(const struct log_reading *g, const char *line, size_t len)
{
	const size_t head = sizeof(HEAD) - 1;
	const char *text = memmem(line, len, TEXT, sizeof(TEXT) - 1);
	size_t text_len;

	if (len < head + TIME_LEN || memcmp(line, HEAD, head) != 0 || !text)
		return false;
	if (g->since.len && memcmp(line + head, g->since.data, TIME_LEN) < 0)
		return false;
	text += sizeof(TEXT) - 1;
	text_len = len - (size_t)(text - line);
	/* Without the quote, the brace and the newline. */
	return has(line, (size_t)(text - line), &g->instance) &&
	       has(line, (size_t)(text - line), &g->request) &&
	       has(text, text_len > 3 ? text_len - 3 : 0, &g->grep);
}

/* ---- reading ------------------------------------------------------------- */

/* The next generation that there is. False: this was the last. */
static bool next_file(struct log_reading *g)
{
	if (g->fd >= 0)
		close(take_fd(&g->fd));
	if (g->at.generation >= g->file->generation)
		return false;
	g->at = (struct place){ g->at.generation + 1, 0 };
	return true;
}

static bool open_here(struct log_reading *g)
{
	if (g->fd >= 0)
		return true;
	g->fd = log_file_open_read(g->logs, g->file, g->at.generation);
	if (g->fd < 0)
		g->fd = -1;
	return g->fd >= 0;
}

/* Moves the lines that are wanted to the front; how many bytes they have.
 * `len` ends with a newline. */
static size_t sift(struct log_reading *g, char *buf, size_t len)
{
	size_t out = 0, at = 0, n;

	while (at < len) {
		n = (size_t)((char *)memchr(buf + at, '\n', len - at) - buf) +
		    1 - at;
		if (!g->overlong && wanted(g, buf + at, n)) {
			if (g->tail)
				g->last[g->found++ % g->tail] =
					(struct place){ g->at.generation,
							g->at.offset + at };
			memmove(buf + out, buf + at, n);
			out += n;
		}
		g->overlong = false;
		at += n;
	}
	g->at.offset += len;
	return g->tail ? 0 : out;
}

/* Reads once. *ret_len: bytes of lines that are wanted. The number of bytes
 * looked at, 0 at the end of all, or -errno. */
static ssize_t read_once(struct log_reading *g, char *buf, size_t size,
			 size_t *ret_len)
{
	const char *end;
	ssize_t n = 0;

	*ret_len = 0;
	if (open_here(g))
		n = pread(g->fd, buf, size, (off_t)g->at.offset);
	if (n < 0)
		return -errno;
	end = n > 0 ? memrchr(buf, '\n', (size_t)n) : NULL;
	if (end) {
		n = end + 1 - buf;
		*ret_len = sift(g, buf, (size_t)n);
		return n;
	}
	if ((size_t)n == size) {
		g->overlong = true;
		g->at.offset += (uint64_t)n;
		return n;
	}
	return next_file(g) ? 1 : 0;
}

/* The places are known: go to the first of them. */
static void tail_found(struct log_reading *g)
{
	uint64_t oldest = g->file->generation - (g->logs->limits.files_max - 1);
	uint64_t first = g->found > g->tail ? g->found % g->tail : 0;

	if (g->found) {
		if (g->fd >= 0)
			close(take_fd(&g->fd));
		g->at = g->last[first];
		if (g->at.generation < oldest)
			g->at = (struct place){ oldest, 0 };
	}
	g->tail = 0;
	free(take_ptr(g->last));
}

static ssize_t end_of_log(struct log_reading *g)
{
	if (!g->follow)
		return 0;
	g->waiting = true;
	return -EAGAIN;
}

ssize_t log_reader_next(struct log_reader *r, char *buf, size_t size)
{
	struct log_reading *g = r->reading;
	size_t looked = 0, len = 0;
	ssize_t n;

	if (size < LOG_RECORD_MAX)
		return -EINVAL;
	if (!g->file)
		return 0;
	while (looked < STEP_BYTES) {
		n = read_once(g, buf, size, &len);
		if (n < 0)
			return n;
		if (len)
			return (ssize_t)len;
		if (n == 0 && g->tail)
			tail_found(g);
		else if (n == 0)
			return end_of_log(g);
		looked += (size_t)n;
	}
	/* The moment after this round's. */
	n = loop_timer_set(g->logs->loop, &g->again,
			   loop_now_ns(g->logs->loop) + 1);
	return n < 0 ? n : -EAGAIN;
}

static void on_again(struct loop_timer *t)
{
	struct log_reading *g = container_of(t, struct log_reading, again);

	g->reader->more(g->reader);
}

void log_readers_wake(struct log_file *f)
{
	struct list woken;
	struct list *node;

	list_init(&woken);
	while ((node = list_pop_head(&f->readers)))
		list_add_tail(&woken, node);
	while ((node = list_pop_head(&woken))) {
		struct log_reading *g =
			container_of(node, struct log_reading, node);

		list_add_tail(&f->readers, node);
		if (!g->waiting)
			continue;
		g->waiting = false;
		g->reader->more(g->reader);
	}
}

void log_readers_end(struct log_file *f)
{
	struct list *node;

	while ((node = list_pop_head(&f->readers))) {
		struct log_reading *g =
			container_of(node, struct log_reading, node);

		g->file = NULL;
		if (g->waiting) {
			g->waiting = false;
			g->reader->more(g->reader);
		}
	}
}

/* ---- opening ------------------------------------------------------------- */

static void member(struct textbuf *b, const char *name, const char *value)
{
	if (!value)
		return;
	textbuf_printf(b, "\"%s\":", name);
	textbuf_json(b, value, strlen(value));
}

static bool set_query(struct log_reading *g, const struct log_query *q)
{
	g->follow = q->follow;
	if (q->since_ms)
		textbuf_time(&g->since, q->since_ms);
	if (q->grep)
		textbuf_json_inner(&g->grep, q->grep, strlen(q->grep));
	member(&g->instance, "instance", q->instance);
	member(&g->request, "request", q->request);
	g->tail = q->tail < LOG_TAIL_MAX ? q->tail : LOG_TAIL_MAX;
	if (g->tail)
		g->last = calloc(g->tail, sizeof(*g->last));
	return !g->since.failed && !g->grep.failed && !g->instance.failed &&
	       !g->request.failed && (g->last || !g->tail);
}

int log_reader_open(struct log_reader *r, struct logs *l,
		    const struct log_query *q, struct err *e)
{
	struct log_file *f = logs_file(l, q->function);
	struct log_reading *g;

	if (!f)
		return err_set(e, ENOENT, "there is no log of %.100s",
			       q->function);
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(e, ENOMEM, "out of memory");
	logs_flush(l);
	list_init(&g->node);
	g->logs = l;
	g->file = f;
	g->fd = -1;
	g->reader = r;
	g->again.fire = on_again;
	g->at.generation = f->generation - (l->limits.files_max - 1);
	r->reading = g;
	if (!set_query(g, q)) {
		log_reader_close(r);
		return err_set(e, ENOMEM, "out of memory");
	}
	list_add_tail(&f->readers, &g->node);
	return 0;
}

void log_reader_close(struct log_reader *r)
{
	struct log_reading *g = r->reading;

	if (!g)
		return;
	r->reading = NULL;
	list_del(&g->node);
	loop_timer_cancel(g->logs->loop, &g->again);
	if (g->fd >= 0)
		close(g->fd);
	textbuf_fini(&g->since);
	textbuf_fini(&g->grep);
	textbuf_fini(&g->instance);
	textbuf_fini(&g->request);
	free(g->last);
	free(g);
}
