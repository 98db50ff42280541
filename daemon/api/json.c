/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body may be: an object with known keys, whose values have the type
 * and the range that the key wants.
 */
#include "daemon/api/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static bool is_known(const char *key, const char *const *keys)
{
	for (; *keys; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

int json_check_keys(const json_t *o, const char *const *keys, struct err *e)
{
	union {
		const json_t *in;
		json_t *out; /* jansson's iterators want it so */
	} u = { .in = o };
	const char *key;
	json_t *value;

	if (!json_is_object(o))
		return err_set(e, EINVAL, "the body is not a JSON object");
	json_object_foreach(u.out, key, value) {
		if (!is_known(key, keys))
			return err_set(e, EINVAL, "there is no key %.40s here",
				       key);
	}

	return 0;
}

int json_get_text(const json_t *o, const char *key, const char **ret,
		  size_t max, struct err *e)
{
	const json_t *v = json_object_get(o, key);
	const char *text = json_string_value(v);

	if (!v)
		return 0;
	if (!text || strlen(text) != json_string_length(v) ||
	    strlen(text) > max)
		return err_set(e, EINVAL,
			       "%s is not a text of at most %zu bytes", key,
			       max);
	*ret = text;
	return 0;
}

int json_get_number(const json_t *o, const char *key, uint64_t *ret,
		    uint64_t max, struct err *e)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);

	if (!v)
		return 0;
	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max)
		return err_set(e, EINVAL,
			       "%s is not a whole number up to %" PRIu64, key,
			       max);
	*ret = (uint64_t)n;
	return 0;
}
