/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json, which tells the sealer what an unpacked image runs;
 * docs/builders.md defines it.
 */
#ifndef UNPACK_COMMAND_H
#define UNPACK_COMMAND_H

#include "unpack/doc.h"
#include "unpack/user.h"

#define COMMAND_PORTS_MAX 1024u

/* The document, malloc'd, ending in a newline. */
int command_format(const struct doc_config *c, const struct user *u, char **ret,
		   struct err *e);

#endif
