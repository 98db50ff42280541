/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of the ledger's journal. The first byte says what the rest is: a
 * segment as it is; a record; or records that get frames with the right sums,
 * so that what lies behind these is reached. Whatever is read as a record can
 * be written and read again with the same result.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ledger/journal.h"

#define SEGMENT_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t segment[SEGMENT_MAX], bytes[RECORD_SIZE_MAX];

static void check(const struct record *r)
{
	size_t len = record_encode(r, bytes);
	struct record again;

	if (record_decode(&again, bytes, len) < 0 || again.kind != r->kind ||
	    again.at_ms != r->at_ms ||
	    memcmp(again.id, r->id, sizeof(r->id)) != 0 ||
	    memcmp(again.num, r->num, sizeof(r->num)) != 0)
		abort();
	for (unsigned i = 0; i < record_texts(r->kind); i++)
		if (strcmp(again.text[i], r->text[i]) != 0)
			abort();
}

static unsigned parse(const uint8_t *data, size_t size)
{
	struct journal_parser p = { .data = data, .len = size };
	struct record r;
	unsigned count = 0;

	if (journal_parse_header(data, size, p.key) < 0)
		return 0;
	p.at = JOURNAL_HEADER_SIZE;
	while (journal_parse(&p, &r) == 1) {
		if (p.at > p.len)
			abort();
		check(&r);
		count++;
	}
	return count;
}

/* Pieces of the input, a length of one byte before each, as records. */
static size_t frame(const uint8_t *data, size_t size)
{
	static const uint8_t head[12] = "MAYFLYjl\1";
	size_t at = JOURNAL_HEADER_SIZE;
	uint32_t len;

	memset(segment, 0, JOURNAL_HEADER_SIZE);
	memcpy(segment, head, sizeof(head));
	while (size > 1 && data[0] < size &&
	       at + JOURNAL_FRAME_SIZE + data[0] < SEGMENT_MAX) {
		len = data[0];
		memcpy(segment + at + 8, &len, sizeof(len));
		memcpy(segment + at + JOURNAL_FRAME_SIZE, data + 1, len);
		crypto_shorthash(segment + at, segment + at + 8,
				 sizeof(len) + len, segment + 16);
		at += JOURNAL_FRAME_SIZE + len;
		data += 1 + len;
		size -= 1 + len;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;

	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		parse(data + 1, size - 1);
		break;
	case 1:
		if (record_decode(&r, data + 1, size - 1) == 0)
			check(&r);
		break;
	default:
		parse(segment, frame(data + 1, size - 1));
		break;
	}
	return 0;
}
