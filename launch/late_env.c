/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are compared up to '=' or the end. What a header says is read within
 * its bounds: the last name may lack its NUL.
 */
#include "launch/late_env.h"

#include <errno.h>
#include <string.h>

static size_t name_len(const char *entry)
{
	return strcspn(entry, "=");
}

static bool same_name(const char *a, const char *b)
{
	size_t len = name_len(a);

	return len == name_len(b) && memcmp(a, b, len) == 0;
}

bool late_env_has(const struct run_snapshot *s, const char *entry)
{
	for (uint32_t i = 0; i < s->late_count; i++)
		if (same_name(s->late_env[i], entry))
			return true;
	return false;
}

/* Bytes of the names so far, each with NUL. */
static size_t names_size(const struct run_snapshot *s)
{
	size_t size = 0;

	for (uint32_t i = 0; i < s->late_count; i++)
		size += name_len(s->late_env[i]) + 1;
	return size;
}

int late_env_check_value(const char *entry, struct err *e)
{
	size_t name = name_len(entry);
	size_t size = entry[name] ? strlen(entry + name + 1) : 0;

	if (size < MF_LATE_VALUE_SIZE)
		return 0;
	return err_set(
		e, E2BIG,
		"the value of %.*s has %zu bytes; a variable that copies "
		"of a snapshot may set has room for %d",
		(int)name, entry, size, MF_LATE_VALUE_SIZE - 1);
}

int late_env_declare(struct run_snapshot *s, const char *entry, struct err *e)
{
	size_t len = name_len(entry);

	if (!len)
		return err_set(e, EINVAL,
			       "%s is not an environment variable; write it "
			       "like NAME or NAME=default",
			       entry);
	if (late_env_has(s, entry))
		return err_set(e, EINVAL, "--late-env %.*s is given twice",
			       (int)len, entry);
	if (s->late_count == MF_LATE_MAX ||
	    names_size(s) + len + 1 >= MF_SNAPSHOT_LATE_MAX)
		return err_set(e, E2BIG,
			       "more than %d variables with --late-env, or "
			       "more than %u bytes of names",
			       MF_LATE_MAX, MF_SNAPSHOT_LATE_MAX - 1);
	s->late_env[s->late_count++] = entry;
	return late_env_check_value(entry, e);
}

void late_env_write(char ret[MF_SNAPSHOT_LATE_MAX],
		    const struct run_snapshot *s)
{
	size_t at = 0;

	memset(ret, 0, MF_SNAPSHOT_LATE_MAX);
	for (uint32_t i = 0; i < s->late_count; i++) {
		memcpy(ret + at, s->late_env[i], name_len(s->late_env[i]));
		at += name_len(s->late_env[i]) + 1;
	}
}

static bool is_named(const char names[MF_SNAPSHOT_LATE_MAX], const char *entry)
{
	size_t len = name_len(entry), at = 0, n;

	while (at < MF_SNAPSHOT_LATE_MAX && names[at]) {
		n = strnlen(names + at, MF_SNAPSHOT_LATE_MAX - at);
		if (n == len && memcmp(names + at, entry, len) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

int late_env_check(const char names[MF_SNAPSHOT_LATE_MAX], const char *path,
		   const struct env_list *env, struct err *e)
{
	size_t total = 0;
	int r;

	for (size_t i = 0; i < env->count; i++) {
		const char *entry = env->items[i];
		int len = (int)name_len(entry);

		if (!is_named(names, entry))
			return err_set(e, EINVAL,
				       "the variable %.*s is part of a "
				       "snapshot: a copy may set it if %s is "
				       "taken with --late-env %.*s",
				       len, entry, path, len, entry);
		r = late_env_check_value(entry, e);
		if (r < 0)
			return r;
		total += strlen(entry) + 1;
	}
	if (total > MF_LATE_SIZE)
		return err_set(e, E2BIG,
			       "the variables of a copy have %zu bytes, at "
			       "most %llu are allowed",
			       total, MF_LATE_SIZE);
	return 0;
}
