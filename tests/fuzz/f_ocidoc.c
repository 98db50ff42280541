/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of a container image: the first byte says which one, the
 * rest is its text. What a configuration becomes is valid JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "unpack/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_config(const char *text, size_t len)
{
	AUTO_CONFIG struct doc_config c = { 0 };
	const struct user u = { .home = "/" };
	json_t *again;
	struct err e;
	char *made;

	if (doc_read_config(text, len, &c, &e) < 0)
		return;
	if (command_format(&c, &u, &made, &e) < 0)
		abort();
	again = json_loads(made, 0, NULL);
	if (!json_is_array(json_object_get(again, "args")))
		abort();
	json_decref(again);
	free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_MANIFEST struct doc_manifest m = { .layers = NULL };
	struct doc_choice choice;
	const char *text = (const char *)data + 1;
	struct err e;

	if (size == 0)
		return 0;
	if (data[0] == 'i') {
		if (doc_choose(text, size - 1, &choice, &e) == 0 &&
		    choice.blob.size > INT64_MAX)
			abort();
	} else if (data[0] == 'm') {
		doc_read_manifest(text, size - 1, &m, &e);
	} else {
		use_config(text, size - 1);
	}
	return 0;
}
