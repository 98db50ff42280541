/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly.yaml: any text is refused with a sentence or read, and what was read
 * keeps what docs/formats/mayfly-yaml.md promises.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"
#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct settings *s)
{
	size_t i;

	if (s->cwd && s->cwd[0] != '/')
		abort();
	if (s->command.count > 0 && !s->command.items[0][0])
		abort();
	for (i = 0; i < s->ports.count; i++) {
		if (!manifest_port_valid(s->ports.items[i]))
			abort();
	}
	for (i = 0; i < s->env.count; i++) {
		if (strcspn(s->env.items[i], "=") == 0 ||
		    !strchr(s->env.items[i], '='))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct settings s;

	if (size > SETTINGS_SIZE_MAX)
		return 0;
	if (settings_parse(&s, (const char *)data, size, "f.yaml", &e) == 0)
		check(&s);
	else if (!e.text[0])
		abort();
	settings_fini(&s);
	return 0;
}
