/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records are carried over in batches, one transaction each, with the
 * position in the journal: whatever kills us, a record is in the database or
 * behind the position, never both and never neither. A segment is removed
 * when the position is in a later one. What cannot be read of a segment, its
 * torn end or damage, is passed over when the segment is complete.
 */
#include "daemon/ledger/import.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/log.h"

#define IMPORT_CHUNK (512u << 10) /* bytes of journal in a transaction */
#define BATCH_MS     100 /* records wait for others to be synced together */
#define RETRY_MS     1000
#define PRUNE_EVERY  5000 /* records */

_Static_assert(IMPORT_CHUNK > JOURNAL_FRAME_SIZE + RECORD_SIZE_MAX, "chunk");

static uint64_t realtime_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- one batch ----------------------------------------------------------- */

/* At least `at` + what a record needs, or all there is. */
static ssize_t read_some(int fd, uint8_t *buf, uint32_t at)
{
	size_t len = 0;

	while (len < IMPORT_CHUNK) {
		ssize_t n = pread(fd, buf + len, IMPORT_CHUNK - len,
				  (off_t)at + (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static void close_segment(struct import *m)
{
	if (m->segment_fd >= 0)
		close(take_fd(&m->segment_fd));
	m->reading = 0;
}

static int open_segment(struct import *m, uint32_t segment, struct err *e)
{
	int fd;

	if (m->reading == segment)
		return 0;
	close_segment(m);
	fd = journal_segment_open(m->dir_fd, segment);
	if (fd < 0 && fd != -ENOENT)
		return err_sys(e, -fd, "cannot open the ledger's journal");
	m->segment_fd = fd < 0 ? -1 : fd;
	m->reading = segment;
	return 0;
}

static void count_damage(struct import *m, uint32_t segment)
{
	if (m->damaged_segment == segment)
		return;
	m->damaged_segment = segment;
	log_say("ledger-journal/%010u is damaged, what follows in it is lost",
		segment);
	pthread_mutex_lock(&m->lock);
	m->damaged++;
	pthread_mutex_unlock(&m->lock);
}

static int import_records(struct import *m, struct journal_parser *p,
			  unsigned *ret_count, struct err *e)
{
	struct record r;
	int got = 0, error = 0;

	while (error == 0 && (got = journal_parse(p, &r)) == 1) {
		error = store_record(&m->store, &r, e);
		++*ret_count;
	}
	return error < 0 ? error : got;
}

struct batch {
	struct journal_parser parser;
	struct journal_mark to;
	unsigned records;
	bool damaged, ended; /* of the segment */
};

/* Reads from the position on. Nothing is done with what cannot be read. */
static int batch_read(struct import *m, struct batch *b, struct err *e)
{
	struct journal_mark from = m->store.position;
	int fd = m->segment_fd;
	ssize_t len = 0;
	int r = -EBADMSG;

	*b = (struct batch){ .to = from, .parser.data = m->buf };
	if (fd >= 0)
		len = read_some(fd, m->buf, 0);
	if (len > 0)
		r = journal_parse_header(m->buf, (size_t)len, b->parser.key);
	if (len >= 0 && r == 0 && from.offset < JOURNAL_HEADER_SIZE)
		b->to.offset = from.offset = JOURNAL_HEADER_SIZE;
	if (len >= 0 && r == 0)
		len = read_some(fd, m->buf, from.offset);
	if (len < 0)
		return err_sys(e, (int)-len,
			       "cannot read the ledger's journal");
	b->damaged = r == -EBADMSG && len > 0;
	b->parser.len = r == 0 ? (size_t)len : 0;
	b->ended = b->parser.len < IMPORT_CHUNK;
	return 0;
}

/*
 * One transaction. 1: something was imported, there may be more of the
 * segment; 0: no record is there beyond the position; -errno.
 */
static int import_batch(struct import *m, struct err *e)
{
	struct batch b;
	uint64_t taken;
	int r = open_segment(m, m->store.position.segment, e);

	if (r == 0)
		r = batch_read(m, &b, e);
	if (r == 0)
		r = store_begin(&m->store, e);
	if (r < 0)
		return r;
	r = import_records(m, &b.parser, &b.records, e);
	if (r == -EBADMSG) {
		b.damaged = true;
		r = 0;
	}
	b.to.offset += (uint32_t)b.parser.at;
	taken = b.to.offset - m->store.position.offset;
	if (r == 0)
		r = store_set_position(&m->store, b.to, e);
	r = store_end(&m->store, r, e);
	if (r < 0)
		return r;
	m->store.position = b.to;
	pthread_mutex_lock(&m->lock);
	m->imported += b.records;
	m->backlog -= m->backlog < taken ? m->backlog : taken;
	pthread_mutex_unlock(&m->lock);
	if (b.damaged)
		return -EBADMSG;
	return b.records > 0 && !b.ended;
}

/* ---- all that there is --------------------------------------------------- */

/* The position goes to the next segment, then the file may go. */
static int next_segment(struct import *m, struct err *e)
{
	struct journal_mark next = { .segment = m->store.position.segment + 1 };
	uint32_t old = m->store.position.segment;
	int r = store_begin(&m->store, e);

	if (r < 0)
		return r;
	r = store_set_position(&m->store, next, e);
	r = store_end(&m->store, r, e);
	if (r < 0)
		return r;
	m->store.position = next;
	close_segment(m);
	journal_segment_remove(m->dir_fd, old);
	return 0;
}

/* Up to `end`, as far as records are whole. Segments before the one of `end`
 * are complete. */
static int import_until(struct import *m, struct journal_mark end,
			struct err *e)
{
	int r = 0;

	while (r >= 0 && journal_before(m->store.position, end)) {
		r = import_batch(m, e);
		if (r > 0)
			continue;
		if (r == -EBADMSG) {
			count_damage(m, m->store.position.segment);
			r = 0;
		}
		if (r < 0 || m->store.position.segment >= end.segment)
			break;
		r = next_segment(m, e);
	}
	if (r >= 0 && m->store.since_prune >= PRUNE_EVERY) {
		m->store.since_prune = 0;
		while ((r = store_prune(&m->store, realtime_ms(), e)) > 0)
			;
	}
	return r < 0 ? r : 0;
}

/* ---- the thread ---------------------------------------------------------- */

static void note_result(struct import *m, struct journal_mark end, int r,
			const struct err *e)
{
	if (r < 0 && !m->said)
		log_say("%s; records wait in ledger-journal", e->text);
	if (r == 0 && m->said)
		log_say("the ledger's database is written again");
	m->said = r < 0;
	pthread_mutex_lock(&m->lock);
	m->failing = r < 0;
	if (r == 0)
		m->done = end;
	/* What a damaged segment still had. */
	if (r == 0 && !journal_before(end, m->written))
		m->backlog = 0;
	pthread_mutex_unlock(&m->lock);
}

static void answer(struct import *m, struct ledger_job *job)
{
	struct textbuf b = { 0 };
	int r = job->totals ?
			store_totals(&m->store, &job->query, &b, &job->error) :
			store_history(&m->store, &job->query, &b, &job->error);
	uint64_t one = 1;

	if (r == 0) {
		job->error.code = 0;
		job->text = textbuf_take(&b, &job->len);
	}
	textbuf_fini(&b);
	pthread_mutex_lock(&m->lock);
	list_add_tail(&m->answered, &job->node);
	pthread_mutex_unlock(&m->lock);
	if (write(m->event_fd, &one, sizeof(one)) < 0)
		return; /* its counter is at its end: the loop will come */
}

/* Holding the lock. */
static void wait_for(struct import *m, int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	while (!m->stop && list_empty(&m->jobs))
		if (pthread_cond_timedwait(&m->wake, &m->lock, &t) != 0)
			return;
}

/* Holding the lock: until there is something to do. */
static void wait_for_work(struct import *m, bool failed)
{
	m->waiting = true;
	while (!failed && !m->stop && list_empty(&m->jobs) &&
	       !journal_before(m->done, m->written))
		pthread_cond_wait(&m->wake, &m->lock);
	/* More of the same wakes nobody. */
	m->waiting = false;
	wait_for(m, failed ? RETRY_MS : BATCH_MS);
}

static void *import_main(void *arg)
{
	struct import *m = arg;
	struct ledger_job *job = NULL;
	struct journal_mark end;
	struct list *node;
	struct err e = { 0 };
	bool stop = false;
	int r = 0;

	while (!stop) {
		pthread_mutex_lock(&m->lock);
		wait_for_work(m, r < 0);
		end = m->written;
		stop = m->stop;
		node = list_pop_head(&m->jobs);
		pthread_mutex_unlock(&m->lock);
		r = import_until(m, end, &e);
		note_result(m, end, r, &e);
		while (node) {
			job = container_of(node, struct ledger_job, node);
			answer(m, job);
			pthread_mutex_lock(&m->lock);
			/* Who asked since then wants to know more. */
			node = journal_before(end, m->written) ?
				       NULL :
				       list_pop_head(&m->jobs);
			pthread_mutex_unlock(&m->lock);
		}
	}
	return NULL;
}

/* ---- the loop's side ----------------------------------------------------- */

void import_add(struct import *m, struct journal_mark end, uint64_t bytes)
{
	pthread_mutex_lock(&m->lock);
	m->written = end;
	m->backlog += bytes;
	if (m->waiting)
		pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void import_ask(struct import *m, struct ledger_job *job)
{
	pthread_mutex_lock(&m->lock);
	list_add_tail(&m->jobs, &job->node);
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

struct ledger_job *import_answered(struct import *m)
{
	struct list *node;

	pthread_mutex_lock(&m->lock);
	node = list_pop_head(&m->answered);
	pthread_mutex_unlock(&m->lock);
	return node ? container_of(node, struct ledger_job, node) : NULL;
}

uint64_t import_backlog(struct import *m)
{
	uint64_t backlog;

	pthread_mutex_lock(&m->lock);
	backlog = m->backlog;
	pthread_mutex_unlock(&m->lock);
	return backlog;
}

void import_facts(const struct import *m, struct ledger_facts *ret)
{
	struct import *unlocked = (struct import *)(uintptr_t)m;

	pthread_mutex_lock(&unlocked->lock);
	ret->imported = m->imported;
	ret->damaged = m->damaged;
	ret->journal_bytes = m->backlog;
	ret->failing |= m->failing;
	pthread_mutex_unlock(&unlocked->lock);
}

/* ---- life ---------------------------------------------------------------- */

int import_open(struct import *m, const char *state_dir, int dir_fd,
		const struct ledger_limits *limits, struct err *e)
{
	pthread_condattr_t attr;

	m->opened = true;
	m->dir_fd = dir_fd;
	m->segment_fd = -1;
	list_init(&m->jobs);
	list_init(&m->answered);
	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &attr);
	pthread_condattr_destroy(&attr);
	m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->event_fd < 0)
		return err_sys(e, errno, "cannot make an eventfd");
	m->buf = malloc(IMPORT_CHUNK);
	if (!m->buf)
		return err_set(e, ENOMEM, "out of memory");
	return store_open(&m->store, state_dir, limits, e);
}

int import_recover(struct import *m, uint32_t *ret_last, struct err *e)
{
	AUTO_FREE uint32_t *list = NULL;
	size_t count = 0;
	uint32_t last = m->store.position.segment;
	int r = journal_list(m->dir_fd, &list, &count);

	if (r < 0)
		return err_sys(e, -r, "cannot read the ledger's journal");
	for (size_t i = 0; i < count && r == 0; i++) {
		if (list[i] < m->store.position.segment) {
			journal_segment_remove(m->dir_fd, list[i]);
			continue;
		}
		if (list[i] > m->store.position.segment)
			m->store.position = (struct journal_mark){ list[i], 0 };
		r = import_until(
			m, (struct journal_mark){ list[i], UINT32_MAX }, e);
		last = list[i];
	}
	if (r == 0)
		r = store_lose_alive(&m->store, e);
	*ret_last = last;
	return r;
}

/* The loop's thread takes the signals. */
int import_start(struct import *m, struct err *e)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&m->thread, NULL, import_main, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return err_sys(e, r, "cannot start the ledger's thread");
	m->running = true;
	return 0;
}

static void drop_jobs(struct list *l)
{
	struct ledger_job *job;
	struct list *node;

	while ((node = list_pop_head(l))) {
		job = container_of(node, struct ledger_job, node);
		free(job->text);
		free(job);
	}
}

void import_close(struct import *m)
{
	if (!m->opened)
		return;
	if (m->running) {
		pthread_mutex_lock(&m->lock);
		m->stop = true;
		pthread_cond_signal(&m->wake);
		pthread_mutex_unlock(&m->lock);
		pthread_join(m->thread, NULL);
	}
	drop_jobs(&m->jobs);
	drop_jobs(&m->answered);
	close_segment(m);
	store_close(&m->store);
	free(m->buf);
	if (m->event_fd >= 0)
		close(m->event_fd);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->lock);
}
