/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One encoder and one decoder for all kinds. Numbers are little-endian, a
 * text is its length with its NUL, 16 bits, and then that. SQLite has signed
 * numbers only, so none here is larger than those.
 */
#include "daemon/ledger/record.h"

#include <errno.h>
#include <string.h>

static const struct {
	uint8_t nums, texts;
	uint16_t text_max[RECORD_TEXTS_MAX]; /* bytes without the NUL */
} shapes[] = {
	[RECORD_BIRTH] = { 2,
			   4,
			   { LEDGER_NAME_MAX, LEDGER_WORD_MAX, LEDGER_WORD_MAX,
			     LEDGER_WORD_MAX } },
	[RECORD_START] = { START_TOTAL + 1, 0, { 0 } },
	[RECORD_RUN] = { 5, 2, { LEDGER_REQUEST_MAX, LEDGER_WORD_MAX } },
	[RECORD_DEATH] = { 9, 2, { LEDGER_WHY_MAX, LEDGER_BACKTRACE_MAX } },
};

_Static_assert(START_TOTAL < RECORD_NUMS_MAX, "numbers of a start");

#define HEAD_SIZE (1 + RECORD_ID_SIZE + 8)
_Static_assert(HEAD_SIZE + RECORD_NUMS_MAX * 8 + LEDGER_WHY_MAX +
			       LEDGER_BACKTRACE_MAX + 6 <=
		       RECORD_SIZE_MAX,
	       "a record fits");

unsigned record_nums(enum record_kind kind)
{
	return shapes[kind].nums;
}

unsigned record_texts(enum record_kind kind)
{
	return shapes[kind].texts;
}

static uint8_t *put_num(uint8_t *p, uint64_t v)
{
	if (v > INT64_MAX)
		v = INT64_MAX;
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *put_text(uint8_t *p, const char *text, size_t max)
{
	size_t len = text ? strnlen(text, max) : 0;
	uint16_t size = (uint16_t)(len + 1);

	memcpy(p, &size, sizeof(size));
	p += sizeof(size);
	if (len)
		memcpy(p, text, len);
	p[len] = '\0';
	return p + size;
}

size_t record_encode(const struct record *r, uint8_t *buf)
{
	uint8_t *p = buf;

	*p++ = (uint8_t)r->kind;
	memcpy(p, r->id, RECORD_ID_SIZE);
	p = put_num(p + RECORD_ID_SIZE, r->at_ms);
	for (unsigned i = 0; i < shapes[r->kind].nums; i++)
		p = put_num(p, r->num[i]);
	for (unsigned i = 0; i < shapes[r->kind].texts; i++)
		p = put_text(p, r->text[i], shapes[r->kind].text_max[i]);
	return (size_t)(p - buf);
}

struct input {
	const uint8_t *at, *end;
};

static int get_num(struct input *in, uint64_t *ret)
{
	if ((size_t)(in->end - in->at) < sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, in->at, sizeof(*ret));
	in->at += sizeof(*ret);
	return *ret <= INT64_MAX ? 0 : -EBADMSG;
}

static int get_text(struct input *in, const char **ret, size_t max)
{
	uint16_t size;

	if ((size_t)(in->end - in->at) < sizeof(size))
		return -EBADMSG;
	memcpy(&size, in->at, sizeof(size));
	in->at += sizeof(size);
	if (size == 0 || size > max + 1 || size > (size_t)(in->end - in->at) ||
	    memchr(in->at, '\0', size) != in->at + size - 1)
		return -EBADMSG;
	*ret = (const char *)in->at;
	in->at += size;
	return 0;
}

int record_decode(struct record *ret, const uint8_t *buf, size_t len)
{
	struct input in = { buf, buf + len };
	struct record r = { 0 };
	int error = 0;

	if (len < HEAD_SIZE || buf[0] < RECORD_BIRTH || buf[0] > RECORD_DEATH)
		return -EBADMSG;
	r.kind = buf[0];
	memcpy(r.id, buf + 1, RECORD_ID_SIZE);
	in.at += 1 + RECORD_ID_SIZE;
	error = get_num(&in, &r.at_ms);
	for (unsigned i = 0; i < shapes[r.kind].nums && error == 0; i++)
		error = get_num(&in, &r.num[i]);
	for (unsigned i = 0; i < shapes[r.kind].texts && error == 0; i++)
		error = get_text(&in, &r.text[i], shapes[r.kind].text_max[i]);
	if (error == 0 && in.at != in.end)
		error = -EBADMSG;
	if (error == 0 && r.kind == RECORD_DEATH &&
	    (r.num[DEATH_REASON] == LEDGER_NO_REASON ||
	     r.num[DEATH_REASON] >= LEDGER_REASON_COUNT))
		error = -EBADMSG;
	if (error == 0)
		*ret = r;
	return error;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
				      -1;
}

void record_id(uint8_t ret[RECORD_ID_SIZE], const char *hex)
{
	memset(ret, 0, RECORD_ID_SIZE);
	if (!hex || strlen(hex) != LEDGER_ID_LEN)
		return;
	for (size_t i = 0; i < RECORD_ID_SIZE; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0) {
			memset(ret, 0, RECORD_ID_SIZE);
			return;
		}
		ret[i] = (uint8_t)(high << 4 | low);
	}
}

/* ---- reasons ------------------------------------------------------------- */

static const char *const words[] = {
#define REASON(name, word, help) [LEDGER_##name] = word,
#include "daemon/ledger/reasons.def"
#undef REASON
};

const char *ledger_reason_word(enum ledger_reason reason)
{
	return (unsigned)reason < LEDGER_REASON_COUNT ? words[reason] : NULL;
}

enum ledger_reason ledger_reason_find(const char *word)
{
	for (unsigned i = 1; i < LEDGER_REASON_COUNT; i++)
		if (strcmp(words[i], word) == 0)
			return (enum ledger_reason)i;
	return LEDGER_NO_REASON;
}
