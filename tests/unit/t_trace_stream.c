/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of a trace: what is well formed comes out record by record, in
 * whatever pieces it arrives; everything else is refused.
 */
#include "cli/trace_stream.h"

#include <errno.h>

#include "tests/unit/check.h"
#include "tests/unit/trace_make.h"

static struct make m;
static struct trace_stream s;
static unsigned seen;
static uint32_t last_nr;
static uint8_t found[8];

static void on_event(void *arg, const struct trace_event *ev)
{
	size_t len;
	const uint8_t *at = trace_event_mem(ev, 0x1003, &len);

	(void)arg;
	seen++;
	last_nr = ev->head.nr;
	if (at && len >= 2)
		memcpy(found, at, 2);
}

/* Feeds everything, `step` bytes at a time. */
static int feed(size_t step)
{
	size_t done = 0, room;
	int r = 0;

	seen = 0;
	trace_stream_fini(&s);
	trace_stream_init(&s);
	while (r == 0 && done < m.len) {
		void *to = trace_stream_room(&s, &room);
		size_t n = m.len - done < step ? m.len - done : step;

		n = n < room ? n : room;
		memcpy(to, m.bytes + done, n);
		done += n;
		r = trace_stream_take(&s, n, on_event, NULL);
	}
	return r;
}

static void begin(void)
{
	m.len = 0;
	make_start(&m);
}

static void test_pieces(void)
{
	static const size_t steps[] = { 1, 7, 88, 1000, MAKE_MAX };

	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5);
	make_mem(&m, 0x1000, "abcdefg", 7);
	make_record(&m, MF_TRACE_EXIT, 1, 6);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		memset(found, 0, sizeof(found));
		check_int(feed(steps[i]), 0);
		check_int(seen, 3);
		check_int(last_nr, 6);
		check_str((const char *)found, "de");
	}
}

static void test_memory_edges(void)
{
	struct trace_event ev;
	size_t len;

	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5);
	make_mem(&m, 0x1000, "abc", 3);
	make_mem(&m, UINT64_MAX - 4, "wxyz", 4);
	ev.head = *make_last(&m);
	ev.mem = m.bytes + m.at + sizeof(ev.head);
	ev.mem_len = ev.head.size - sizeof(ev.head);
	check_int(feed(MAKE_MAX), 0);
	check(trace_event_mem(&ev, 0xfff, &len) == NULL);
	check(trace_event_mem(&ev, 0x1003, &len) == NULL);
	check(trace_event_mem(&ev, 0x1002, &len) != NULL);
	check_int(len, 1);
	check(trace_event_mem(&ev, UINT64_MAX - 1, &len) != NULL);
	check_int(len, 1);
	check(trace_event_mem(&ev, UINT64_MAX, &len) == NULL);
}

/* Two records of the largest size, as many as the buffer holds. */
static void test_largest(void)
{
	static uint8_t data[MF_TRACE_RECORD_MAX];
	size_t fits = MF_TRACE_RECORD_MAX - sizeof(struct mf_trace_record) -
		      sizeof(struct mf_trace_mem);

	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5);
	make_mem(&m, 0x1000, data, fits);
	make_record(&m, MF_TRACE_EXIT, 1, 5);
	make_mem(&m, 0x1000, data, fits);
	check_int(make_last(&m)->size, MF_TRACE_RECORD_MAX);
	check_int(feed(4096), 0);
	check_int(seen, 3);
	make_last(&m)->size += 8;
	m.len += 8;
	check_int(feed(4096), -EPROTO);
}

static void refuse(void)
{
	check_int(feed(MAKE_MAX), -EPROTO);
	check_int(feed(1), -EPROTO);
}

static void test_heads(void)
{
	m.len = 0;
	make_record(&m, MF_TRACE_ENTER, 1, 5);
	refuse(); /* no start */
	begin();
	make_start(&m);
	refuse(); /* another start */
	begin();
	make_last(&m)->arg[0]++;
	refuse();
	begin();
	make_record(&m, (enum mf_trace_kind)0, 1, 5);
	refuse();
	begin();
	make_record(&m, (enum mf_trace_kind)6, 1, 5);
	refuse();
	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5)->size = 0;
	refuse();
	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5)->size = 92;
	refuse();
	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5)->size = UINT32_MAX;
	refuse();
}

static void test_memory_refused(void)
{
	struct mf_trace_mem *piece;

	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5)->mem_count = 1;
	refuse(); /* promised, not there */
	begin();
	make_record(&m, MF_TRACE_ENTER, 1, 5);
	make_mem(&m, 0x1000, "abc", 3);
	make_last(&m)->mem_count = 0;
	refuse(); /* there, not promised */
	make_last(&m)->mem_count = 2;
	refuse();
	make_last(&m)->mem_count = 1;
	piece = (struct mf_trace_mem *)(void *)(make_last(&m) + 1);
	piece->len = 9;
	refuse(); /* longer than the record */
	piece->len = UINT32_MAX;
	refuse();
	piece->len = 0;
	refuse();
	piece->len = 3;
	piece->addr = UINT64_MAX - 1;
	refuse(); /* around the end of memory */
	piece->addr = 0x1000;
	check_int(feed(MAKE_MAX), 0);
}

int main(void)
{
	RUN(test_pieces);
	RUN(test_memory_edges);
	RUN(test_largest);
	RUN(test_heads);
	RUN(test_memory_refused);
	trace_stream_fini(&s);
	return check_done();
}
