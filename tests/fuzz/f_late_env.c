/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names in a snapshot's header may be anything; what is asked for is
 * looked for in them, and nowhere else.
 */
#include <stdlib.h>
#include <string.h>

#include "launch/late_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its very size: a sanitizer sees what is read behind it. */
	char *names = calloc(1, MF_SNAPSHOT_LATE_MAX);
	char name[MF_SNAPSHOT_LATE_MAX + 2] = { 0 };
	struct env_list env = { 0 };
	struct err e;
	size_t len;

	if (!names)
		abort();
	if (size > MF_SNAPSHOT_LATE_MAX)
		size = MF_SNAPSHOT_LATE_MAX;
	memcpy(names, data, size);
	len = strnlen(names, MF_SNAPSHOT_LATE_MAX);
	memcpy(name, names, len);
	name[len] = '=';
	/* The first name is found, unless a variable cannot have it. */
	if (env_list_set(&env, name, &e) == 0 && !memchr(names, '=', len) &&
	    late_env_check(names, "x", &env, &e) < 0)
		abort();
	(void)late_env_check(names, "x", &env, &e);
	env_list_fini(&env);
	free(names);
	return 0;
}
