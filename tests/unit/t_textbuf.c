/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows: what is appended stands there, and whatever bytes go into
 * a JSON string come out as harmless text that jansson reads.
 */
#include <jansson.h>
#include <stdlib.h>

#include "host/textbuf.h"
#include "tests/unit/check.h"

static void test_grows(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	size_t len = 0;
	char *text;

	for (int i = 0; i < 1000; i++)
		textbuf_printf(&b, "%d,", i);
	check_int(b.len, 3890);
	check(strncmp(b.data, "0,1,2,", 6) == 0);
	textbuf_drop(&b, 2);
	check(strncmp(b.data, "1,2,3,", 6) == 0);
	check_int(strlen(b.data), 3888);
	text = textbuf_take(&b, &len);
	check_int(len, 3888);
	check_ptr(b.data, NULL);
	free(text);
	text = textbuf_take(&b, &len);
	check_str(text, "");
	check_int(len, 0);
	free(text);
}

static void check_json(const char *bytes, size_t len, const char *want)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };

	textbuf_json(&b, bytes, len);
	check_str(b.data, want);
}

#define JSON(bytes, want) check_json(bytes, sizeof(bytes) - 1, want)

static void test_json(void)
{
	JSON("plain", "\"plain\"");
	JSON("", "\"\"");
	JSON("\"\\\n\t\r", "\"\\\"\\\\\\n\\t\\r\"");
	JSON("a\0b\x1b[2J\x7f", "\"a\\u0000b\\u001b[2J\\u007f\"");
	JSON("gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"");
	JSON("\xf0\x9f\xaa\xb0", "\"\xf0\x9f\xaa\xb0\"");
	/* Not UTF-8: alone, cut, too long, a surrogate, too large. */
	JSON("\x80", "\"\xef\xbf\xbd\"");
	JSON("\xc3", "\"\xef\xbf\xbd\"");
	JSON("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	JSON("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	JSON("\xf4\x90\x80\x80",
	     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	JSON("\xff", "\"\xef\xbf\xbd\"");
	/* C1 controls and what turns the direction of text. */
	JSON("\xc2\x9b", "\"\\u009b\"");
	JSON("\xe2\x80\xae", "\"\\u202e\"");
	JSON("\xe2\x81\xa6", "\"\\u2066\"");
}

static void test_json_is_read(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };
	char bytes[64];
	json_t *read;

	srand(3);
	for (int i = 0; i < 5000; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)(rand() >> 7);
		textbuf_clear(&b);
		textbuf_json(&b, bytes, (size_t)i % sizeof(bytes));
		read = json_loadb(b.data, b.len,
				  JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		check(read != NULL);
		json_decref(read);
	}
}

static void test_time(void)
{
	AUTO_TEXTBUF struct textbuf b = { 0 };

	textbuf_time(&b, 0);
	textbuf_time(&b, 1795292789123);
	check_str(b.data, "1970-01-01T00:00:00.000Z2026-11-21T20:26:29.123Z");
}

int main(void)
{
	RUN(test_grows);
	RUN(test_json);
	RUN(test_json_is_read);
	RUN(test_time);
	return check_done();
}
