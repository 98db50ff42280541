/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json, in which a builder says how its tree is started;
 * docs/builders.md defines it.
 */
#ifndef IMAGE_CONFIG_H
#define IMAGE_CONFIG_H

#include "image/source.h"

#define CONFIG_SIZE_MAX (256u << 10) /* bytes */

/* Reads OUT/config.json into s->config. `who` wrote it, for messages. */
int config_read(struct source *s, const char *who, struct err *e);
/* The same from a text. */
int config_parse(struct source *s, const char *text, size_t len,
		 const char *who, struct err *e);

#endif
