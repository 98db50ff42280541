/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Specs of functions: any text is refused with a sentence or read; what was
 * read is what it is when it was printed and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct spec *s)
{
	json_t *o = spec_json(s);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	if (!text)
		abort();
	return text;
}

static void check(const struct spec *s)
{
	char *text = print(s), *again;
	struct spec t;
	struct err e;

	if (!s->concurrency || !s->max_instances || !s->port ||
	    s->min_instances > s->max_instances)
		abort();
	if (spec_parse_text(&t, text, strlen(text), &e) < 0)
		abort();
	again = print(&t);
	if (strcmp(text, again) != 0)
		abort();
	spec_fini(&t);
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct spec s;

	if (spec_parse_text(&s, (const char *)data, size, &e) == 0)
		check(&s);
	else if (!e.text[0])
		abort();
	spec_fini(&s);
	return 0;
}
