/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: what an image runs and what it needs. JSON, version 2 as
 * docs/formats/image.md defines it; anything else is refused with a reason.
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/err.h"

#define MANIFEST_VERSION     2
#define MANIFEST_SIZE_MAX    (64u << 10) /* bytes of JSON */
#define MANIFEST_STRINGS_MAX 1024u /* in each list */
#define MANIFEST_SIGNAL_MAX  64

struct manifest {
	json_t *root; /* owns every string below */
	uint32_t abi; /* MF_ABI_VERSION of the kernel inside */
	const char *program; /* absolute path in the image */
	const char *cwd; /* absolute */
	uint64_t memory_bytes; /* the least it can run in */
	const char **args; /* args_count, at least 1 */
	size_t args_count;
	size_t args_default; /* at the end of args: a user's own replace them */
	uint32_t uid, gid; /* of the program; every file is theirs */
	uint32_t stop_signal; /* Linux number: asks it to end; 0: SIGTERM */
	const char **env; /* "NAME=value" */
	size_t env_count;
	const char **ports; /* "8080/tcp", what the program listens on */
	size_t ports_count;
};

/* On success the caller owns *ret until manifest_fini(). */
int manifest_parse(struct manifest *ret, const char *text, size_t len,
		   struct err *e);
/* The JSON of *m (root is ignored), malloc'd, ending in a newline; or NULL. */
char *manifest_format(const struct manifest *m);
/* Of a user or a group. */
bool manifest_id_valid(json_int_t id);
/* Is it "NUMBER/tcp" or "NUMBER/udp", the number 1 to 65535? */
bool manifest_port_valid(const char *text);
void manifest_fini(struct manifest *m);

#endif
