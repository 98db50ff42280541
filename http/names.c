/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, words and lists of fields. Names are compared without regard to
 * case, in ASCII and never by the locale.
 */
#include <string.h>

#include "http/chars.h"
#include "http/head.h"

struct name {
	const char *text;
	uint8_t len;
	bool hop;
};

static const struct name names[HTTP_NAME_COUNT] = {
#define HTTP_NAME(id, text, hop) [HTTP_##id] = { text, sizeof(text) - 1, hop },
#include "http/names.def"
#undef HTTP_NAME
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool http_text_is(const char *text, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++)
		if (lower(text[i]) != word[i])
			return false;
	return word[len] == 0;
}

enum http_name http_name_find(const char *name, size_t len)
{
	for (unsigned i = 1; i < HTTP_NAME_COUNT; i++)
		if (names[i].len == len && names[i].text[0] == lower(name[0]) &&
		    http_text_is(name, len, names[i].text))
			return (enum http_name)i;
	return HTTP_OTHER_NAME;
}

const char *http_name_text(enum http_name id)
{
	return id > 0 && id < HTTP_NAME_COUNT ? names[id].text : "?";
}

const struct http_field *http_find(const struct http_head *h, enum http_name id)
{
	if (!(h->seen >> id & 1))
		return NULL;
	for (uint32_t i = 0; i < h->field_count; i++)
		if (h->fields[i].id == id)
			return &h->fields[i];
	return NULL;
}

const struct http_field *http_find_text(const struct http_head *h,
					const char *buf, const char *name)
{
	for (uint32_t i = 0; i < h->field_count; i++)
		if (http_text_is(buf + h->fields[i].name.off,
				 h->fields[i].name.len, name))
			return &h->fields[i];
	return NULL;
}

struct http_list http_list(const char *buf, struct http_span value)
{
	return (struct http_list){ buf + value.off,
				   buf + value.off + value.len };
}

bool http_list_next(struct http_list *l, const char **ret, size_t *ret_len)
{
	const char *s, *end;

	while (l->next < l->end) {
		s = l->next;
		end = memchr(s, ',', (size_t)(l->end - s));
		if (!end)
			end = l->end;
		l->next = end + 1;
		while (s < end && (*s == ' ' || *s == '\t'))
			s++;
		while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (s == end)
			continue;
		*ret = s;
		*ret_len = (size_t)(end - s);
		return true;
	}
	return false;
}

static bool same_text(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static bool nominated(const char *buf, struct http_span list,
		      struct http_span name)
{
	struct http_list l = http_list(buf, list);
	const char *s;
	size_t len;

	while (http_list_next(&l, &s, &len))
		if (len == name.len && same_text(s, buf + name.off, len))
			return true;
	return false;
}

bool http_is_hop_by_hop(const struct http_head *h, const char *buf,
			const struct http_field *f)
{
	const struct http_field *c = h->fields;

	if (f->id && names[f->id].hop)
		return true;
	if (!h->nominates)
		return false;
	for (uint32_t i = 0; i < h->field_count; i++)
		if (c[i].id == HTTP_CONNECTION &&
		    nominated(buf, c[i].value, f->name))
			return true;
	return false;
}

static bool is_port(const char *s, size_t len)
{
	unsigned n = 0;

	if (len == 0 || len > 5 || !http_all(s, len, HTTP_C_DIGIT))
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (unsigned)(s[i] - '0');
	return n <= 65535;
}

bool http_is_authority(const char *s, size_t len)
{
	size_t n = 0;

	if (len == 0 || len > HTTP_AUTHORITY_MAX)
		return false;
	if (*s == '[') {
		for (n = 1; n < len && (http_char_is(s[n], HTTP_C_HEX) ||
					s[n] == ':' || s[n] == '.');
		     n++)
			;
		if (n < 3 || n == len || s[n] != ']')
			return false;
		n++;
	} else {
		n = http_span_of(s, len, HTTP_C_HOST);
	}
	if (n == 0)
		return false;
	return n == len || (s[n] == ':' && is_port(s + n + 1, len - n - 1));
}
