/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: any text is refused or read, and what was read can be written
 * and read again with the same result.
 */
#include <stdlib.h>
#include <string.h>

#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m, again;
	struct err e;
	char *text;

	if (manifest_parse(&m, (const char *)data, size, &e) < 0)
		return 0;
	text = manifest_format(&m);
	if (!text)
		abort();
	/* Written with indentation it may be over the limit of size. */
	if (strlen(text) <= MANIFEST_SIZE_MAX) {
		if (manifest_parse(&again, text, strlen(text), &e) < 0 ||
		    again.args_count != m.args_count ||
		    strcmp(again.program, m.program) != 0)
			abort();
		manifest_fini(&again);
	}
	free(text);
	manifest_fini(&m);
	return 0;
}
