/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson, with our limits and our sentences. Strings never hold a NUL:
 * jansson refuses them.
 */
#include "unpack/json.h"

#include <errno.h>

json_t *unpack_json_load(const char *text, size_t len, const char *what,
			 struct err *e)
{
	json_error_t why;
	json_t *root;

	if (len > BLOB_TEXT_MAX) {
		err_set(e, EFBIG, "%s has more than %u MiB", what,
			BLOB_TEXT_MAX >> 20);
		return NULL;
	}
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!root) {
		err_set(e, EBADMSG, "%s is no JSON: line %d: %s", what,
			why.line, why.text);
		return NULL;
	}
	if (!json_is_object(root)) {
		err_set(e, EBADMSG, "%s is no JSON object", what);
		json_decref(root);
		return NULL;
	}
	return root;
}

const char *unpack_json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int unpack_json_blob(const json_t *descriptor, struct blob *ret, struct err *e)
{
	const json_t *size = json_object_get(descriptor, "size");
	struct blob b;
	int r;

	if (!json_is_integer(size) || json_integer_value(size) < 0)
		return err_set(e, EBADMSG, "a descriptor has no size");
	b.size = (uint64_t)json_integer_value(size);
	r = blob_parse_digest(b.digest, unpack_json_text(descriptor, "digest"),
			      e);
	if (r == 0)
		*ret = b;
	return r;
}
