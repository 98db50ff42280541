/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON bodies strictly; all fill *e with what is wrong. */
#ifndef DAEMON_API_JSON_H
#define DAEMON_API_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "host/err.h"

/* An object that has no other keys than these; the list ends with NULL. */
int json_check_keys(const json_t *o, const char *const *keys, struct err *e);
/* A text without NULs of at most `max` bytes; *ret stays if it is not there. */
int json_get_text(const json_t *o, const char *key, const char **ret,
		  size_t max, struct err *e);
/* A whole number; *ret stays if it is not there. */
int json_get_number(const json_t *o, const char *key, uint64_t *ret,
		    uint64_t max, struct err *e);

#endif
