/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of a guest that writes anything: every stream is refused or
 * printed, and what is printed is text of lines that end.
 *
 * The first byte chooses the style, the rest is the stream, behind a START
 * record unless bit 7 is set.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/trace_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct trace_stream *s, struct trace_printer *p,
		const void *bytes, size_t len, int *err)
{
	const uint8_t *from = bytes;
	size_t room;

	while (len && *err == 0) {
		void *to = trace_stream_room(s, &room);
		size_t n = len < room ? len : room;

		if (!room)
			abort();
		memcpy(to, from, n);
		*err = trace_stream_take(s, n, trace_printer_event, p);
		from += n;
		len -= n;
	}
}

static void check_text(const struct text *t)
{
	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->data[i];

		if ((c < ' ' && c != '\n') || c > '~')
			abort();
	}
	if (t->len > TEXT_MAX ||
	    (t->len && t->len < TEXT_MAX && t->data[t->len - 1] != '\n'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace_printer p;
	struct mf_trace_record start = { .size = sizeof(start),
					 .kind = MF_TRACE_START,
					 .arg = { MF_TRACE_MAGIC } };
	struct trace_style style = { .lines = true, .signals = ~0ull };
	struct trace_stream s;
	int err = 0;

	if (!size || trace_stream_init(&s) < 0)
		return 0;
	style.stamp = data[0] & 3;
	style.relative = data[0] & 4;
	style.counts = data[0] & 8;
	style.thread_always = data[0] & 16;
	style.text_max = data[0] & 32 ? 4 : 1000;
	trace_printer_init(&p, &style);
	if (!(data[0] & 128))
		add(&s, &p, &start, sizeof(start), &err);
	add(&s, &p, data + 1, size - 1, &err);
	trace_printer_end(&p);
	check_text(&p.out);
	trace_printer_fini(&p);
	trace_stream_fini(&s);
	return 0;
}
