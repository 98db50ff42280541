/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly.yaml: what a source cannot say of itself.
 * docs/formats/mayfly-yaml.md defines it. An error names the file, the line
 * and, for a key that is not known, the nearest one that is.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/err.h"
#include "host/strlist.h"

#define SETTINGS_NAME	  "mayfly.yaml"
#define SETTINGS_SIZE_MAX (64u << 10) /* bytes of a file */
#define SETTINGS_LIST_MAX 1024u /* entries of a list or map */

#define SETTINGS_KEYS 12u

struct settings {
	char *path; /* for messages */
	size_t line[SETTINGS_KEYS]; /* of each key, from 1; 0: not there */
	char *builder, *entry, *cwd; /* NULL: not said */
	struct strlist command; /* empty: not said */
	struct strlist args;
	struct strlist ports; /* "8080/tcp" */
	struct strlist env; /* "NAME=value" */
	struct strlist not_rewritten; /* paths in the image */
	struct strlist files; /* SRC[:DEST] */
	bool no_rewrite; /* nothing is */
	uint64_t memory_bytes; /* 0: not said */
	json_t *function; /* cli/function_keys.h; NULL: not said */
};

/* *ret is valid for settings_fini() in any case. `path` is for messages. */
int settings_parse(struct settings *ret, const char *text, size_t len,
		   const char *path, struct err *e);
/* Reads a file. -ENOENT if there is none. */
int settings_read(struct settings *ret, const char *path, struct err *e);
void settings_fini(struct settings *s);
/* "FILE:LINE" of a key, to be freed; NULL if it is not there. */
char *settings_at(const struct settings *s, const char *key);

#define AUTO_SETTINGS __attribute__((cleanup(settings_fini)))

#endif
