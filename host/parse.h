/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options: numbers, sizes, durations. *ret stays if it fails. */
#ifndef HOST_PARSE_H
#define HOST_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/err.h"

/* "512m", "64k", "2g", "1048576"; *ret in bytes, not 0. */
int parse_size(uint64_t *ret, const char *text, struct err *e);

/* "2" and "2s", "500ms", "1m", "1h"; *ret in milliseconds, not 0. */
int parse_duration(uint64_t *ret_ms, const char *text, struct err *e);

/* Digits and nothing else, of a number from min to max. */
bool parse_number(uint64_t *ret, const char *text, uint64_t min, uint64_t max);

#endif
