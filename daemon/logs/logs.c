/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files. Lines collect in memory until the end of the round, then one
 * write takes them. A log has generations, counted up as it is rotated, so
 * that a reader knows where it is whatever the files are called by now. Only
 * so many files are open at a time.
 */
#include "daemon/logs/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/logs/private.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "host/log.h"

#define OPEN_MAX	  64
#define PENDING_BYTES_MAX (256u << 10) /* not even until the round's end */
#define NAME_SIZE	  (sizeof(((struct log_file *)0)->base) + 16)

/* ---- files --------------------------------------------------------------- */

static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	while (*text)
		h = (h ^ (uint8_t)*text++) * 16777619u;
	return h;
}

static void file_name(char ret[NAME_SIZE], const struct log_file *f,
		      uint32_t age)
{
	if (age)
		snprintf(ret, NAME_SIZE, "%s.%u", f->base, age);
	else
		snprintf(ret, NAME_SIZE, "%s", f->base);
}

static struct log_file *find(struct logs *l, const char *base)
{
	struct log_file **head = &l->table[hash(base) % LOGS_TABLE], *f;

	for (f = *head; f; f = f->next)
		if (strcmp(f->base, base) == 0)
			return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	snprintf(f->base, sizeof(f->base), "%s", base);
	f->fd = -1;
	f->generation = LOGS_FIRST_GEN;
	list_init(&f->open_node);
	list_init(&f->dirty_node);
	list_init(&f->readers);
	f->lines.tokens = l->limits.lines_burst;
	f->bytes.tokens = l->limits.bytes_burst;
	f->lines.at_ns = f->bytes.at_ns = loop_now_ns(l->loop);
	f->next = *head;
	*head = f;
	return f;
}

struct log_file *logs_file(struct logs *l, const char *function)
{
	char base[sizeof(((struct log_file *)0)->base)];
	struct log_file *f;

	if (!function[0] || function[0] == '.' || strchr(function, '/') ||
	    strlen(function) > LOG_NAME_MAX)
		return NULL;
	snprintf(base, sizeof(base), "%s.log", function);
	f = find(l, base);
	if (f)
		snprintf(f->name, sizeof(f->name), "%s", function);
	return f;
}

/* Not among those of functions: one may be called "access". */
struct log_file *logs_access_file(struct logs *l)
{
	return find(l, "../access.log");
}

static void close_file(struct logs *l, struct log_file *f)
{
	if (f->fd < 0)
		return;
	close(take_fd(&f->fd));
	list_del(&f->open_node);
	l->open_count--;
}

static int open_file(struct logs *l, struct log_file *f)
{
	struct stat st;
	int fd;

	if (f->fd >= 0) {
		list_del(&f->open_node);
		list_add_head(&l->open, &f->open_node);
		return 0;
	}
	if (l->open_count == OPEN_MAX)
		close_file(l, container_of(l->open.prev, struct log_file,
					   open_node));
	fd = openat(l->dir_fd, f->base,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0 || fstat(fd, &st) < 0) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return -error;
	}
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	list_add_head(&l->open, &f->open_node);
	l->open_count++;
	return 0;
}

static int rotate(struct logs *l, struct log_file *f)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	for (uint32_t age = l->limits.files_max - 1; age > 0; age--) {
		file_name(from, f, age - 1);
		file_name(to, f, age);
		if (renameat(l->dir_fd, from, l->dir_fd, to) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	if (l->limits.files_max == 1 && unlinkat(l->dir_fd, f->base, 0) < 0)
		return -errno;
	close_file(l, f);
	f->generation++;
	return open_file(l, f);
}

static int write_pending(struct logs *l, struct log_file *f)
{
	int r = open_file(l, f);

	if (r == 0 && f->size && f->size >= l->limits.file_bytes_max)
		r = rotate(l, f);
	if (r < 0)
		return r;
	r = file_write(f->fd, f->pending.data, f->pending.len);
	if (r == 0)
		f->size += f->pending.len;
	/* Half a line would make the next one unreadable. */
	else if (ftruncate(f->fd, (off_t)f->size) < 0)
		close_file(l, f);
	return r;
}

static void say(struct logs *l, int error)
{
	if (error && !l->failing)
		log_say("logs cannot be written (%s), their lines are lost; "
			"make room on the disk of the state directory",
			strerror(-error));
	if (!error && l->failing)
		log_say("logs are written again");
	l->failing = error != 0;
}

void logs_flush_file(struct logs *l, struct log_file *f)
{
	int r = 0;

	list_del(&f->dirty_node);
	if (f->pending.len == 0)
		return;
	r = write_pending(l, f);
	say(l, r);
	if (r < 0)
		l->unwritten += f->pending_lines;
	f->pending_lines = 0;
	textbuf_clear(&f->pending);
	if (r == 0)
		log_readers_wake(f);
}

void logs_flush(struct logs *l)
{
	struct list *node;

	while ((node = list_pop_head(&l->dirty)))
		logs_flush_file(l, container_of(node, struct log_file,
						dirty_node));
}

static void on_flush(struct loop_task *t)
{
	logs_flush(container_of(t, struct logs, flush));
}

void logs_appended(struct logs *l, struct log_file *f)
{
	f->pending_lines++;
	if (f->pending.failed) {
		l->unwritten += f->pending_lines;
		f->pending_lines = 0;
		textbuf_clear(&f->pending);
		return;
	}
	if (f->pending.len > PENDING_BYTES_MAX) {
		logs_flush_file(l, f);
		return;
	}
	if (list_empty(&f->dirty_node))
		list_add_tail(&l->dirty, &f->dirty_node);
	loop_defer(l->loop, &l->flush);
}

int log_file_open_read(struct logs *l, const struct log_file *f,
		       uint64_t generation)
{
	char name[NAME_SIZE];
	int fd;

	if (generation > f->generation ||
	    f->generation - generation >= l->limits.files_max)
		return -ENOENT;
	file_name(name, f, (uint32_t)(f->generation - generation));
	fd = openat(l->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* ---- life ---------------------------------------------------------------- */

static void free_file(struct logs *l, struct log_file *f)
{
	struct log_file **at = &l->table[hash(f->base) % LOGS_TABLE];

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	log_readers_end(f);
	close_file(l, f);
	list_del(&f->dirty_node);
	textbuf_fini(&f->pending);
	free(f);
}

void logs_remove(struct logs *l, const char *function)
{
	struct log_file *f = logs_file(l, function);
	char name[NAME_SIZE];

	if (!f)
		return;
	for (uint32_t age = 0; age < l->limits.files_max; age++) {
		file_name(name, f, age);
		unlinkat(l->dir_fd, name, 0);
	}
	free_file(l, f);
}

static void set_limits(struct logs *l, const struct logs_limits *given)
{
	struct logs_limits *m = &l->limits;

	if (given)
		*m = *given;
	if (!m->file_bytes_max)
		m->file_bytes_max = 8u << 20;
	if (!m->files_max)
		m->files_max = 4;
	if (!m->lines_per_s)
		m->lines_per_s = 2000;
	if (!m->lines_burst)
		m->lines_burst = 10000;
	if (!m->bytes_per_s)
		m->bytes_per_s = 1u << 20;
	if (!m->bytes_burst)
		m->bytes_burst = 4u << 20;
}

int logs_open(struct logs **ret, const char *state_dir, struct loop *loop,
	      const struct logs_limits *limits, struct err *e)
{
	AUTO_FREE struct logs *l = calloc(1, sizeof(*l));
	AUTO_FREE char *path = NULL;

	if (!l || asprintf(&path, "%s/logs", state_dir) < 0)
		return err_set(e, ENOMEM, "out of memory");
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory %s", path);
	l->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l->dir_fd < 0)
		return err_sys(e, errno, "cannot open the directory %s", path);
	l->loop = loop;
	l->flush.run = on_flush;
	l->tell.fire = logs_tell_dropped;
	list_init(&l->open);
	list_init(&l->dirty);
	set_limits(l, limits);
	*ret = take_ptr(l);
	return 0;
}

void logs_close(struct logs *l)
{
	if (!l)
		return;
	logs_tell_dropped(&l->tell);
	logs_flush(l);
	metrics_source_remove(&l->source);
	loop_undefer(l->loop, &l->flush);
	loop_timer_cancel(l->loop, &l->tell);
	for (unsigned i = 0; i < LOGS_TABLE; i++)
		while (l->table[i])
			free_file(l, l->table[i]);
	close(l->dir_fd);
	free(l);
}

static void collect(struct metrics_source *source, struct metrics *m)
{
	const struct logs *l = container_of(source, struct logs, source);

	metrics_set(m, METRIC_LOG_UNWRITTEN, NO_LABELS, (double)l->unwritten);
	for (unsigned i = 0; i < LOGS_TABLE; i++) {
		for (const struct log_file *f = l->table[i]; f; f = f->next) {
			if (!f->name[0])
				continue;
			metrics_set(m, METRIC_LOG_LINES, LABELS(f->name),
				    (double)f->kept_total);
			metrics_set(m, METRIC_LOG_DROPPED, LABELS(f->name),
				    (double)f->dropped_total);
		}
	}
}

void logs_set_metrics(struct logs *l, struct metrics *m)
{
	l->source.collect = collect;
	metrics_source_add(m, &l->source);
}

uint64_t logs_dropped(const struct logs *l)
{
	return l->dropped;
}

uint64_t logs_unwritten(const struct logs *l)
{
	return l->unwritten;
}
