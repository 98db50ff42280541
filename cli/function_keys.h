/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a function, as options of mayfly deploy and as keys of
 * `function` in mayfly.yaml: one table for both, which makes the JSON that
 * docs/formats/function.md defines.
 */
#ifndef CLI_FUNCTION_KEYS_H
#define CLI_FUNCTION_KEYS_H

#include <jansson.h>
#include <stdbool.h>

#include "host/err.h"
#include "host/opts.h"

struct function_key {
	const char *name, *json;
	int kind; /* private */
	char letter; /* of the option; 0: none */
	const char *arg, *help;
};

#define FUNCTION_KEYS 25u
/* Ends with an empty one. */
extern const struct function_key function_keys[FUNCTION_KEYS + 1];

/* NULL: there is none. */
const struct function_key *function_key_find(const char *name);
const char *function_key_name(const struct function_key *k);
bool function_key_is_list(const struct function_key *k);
/* As an option, with this id. */
struct opt function_key_option(const struct function_key *k, int id);

/*
 * Puts a value, or one more of a list, into a spec. value NULL: of an option
 * that takes none.
 */
int function_key_set(const struct function_key *k, json_t *spec,
		     const char *value, struct err *e);
/* A variable of the program. */
int function_env_set(json_t *spec, const char *name, const char *value,
		     struct err *e);

#endif
