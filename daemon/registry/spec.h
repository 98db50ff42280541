/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of struct spec, which docs/formats/function.md defines: what a
 * deploy says, and what the registry keeps. A key that is not known, a value
 * of another type or out of range, and what contradicts itself is an error
 * that names the key.
 */
#ifndef DAEMON_REGISTRY_SPEC_H
#define DAEMON_REGISTRY_SPEC_H

#include <jansson.h>

#include "daemon/registry/registry.h"

#define SPEC_JSON_MAX	(256u << 10) /* bytes */
#define SPEC_LIST_MAX	64u /* entries of egress, of routes */
#define SPEC_ENV_MAX	1024u /* variables */
#define SPEC_TEXT_MAX	1024u /* bytes of a path, a type, a route */
#define SPEC_ENV_LENGTH 32768u /* bytes of a variable with its name */

/* *ret is valid for spec_fini() in any case. What is not said is default. */
int spec_parse(struct spec *ret, const json_t *o, struct err *e);
int spec_parse_text(struct spec *ret, const char *text, size_t len,
		    struct err *e);
/* All keys; NULL if memory is short. */
json_t *spec_json(const struct spec *s);
void spec_fini(struct spec *s);

/* "http", "stdio"; "request", "reuse". */
const char *spec_mode_name(enum function_mode m);
const char *spec_isolation_name(enum function_isolation i);

/* Is it a name of a function, or of an alias? Says why if it is not. */
int function_name_check(const char *name, struct err *e);

#define AUTO_SPEC __attribute__((cleanup(spec_fini)))

#endif
