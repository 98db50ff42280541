/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found and done, as JSON: docs/formats/image.md describes it.
 */
#ifndef REWRITE_REPORT_H
#define REWRITE_REPORT_H

#include <stdio.h>

#include "rewrite/file.h"

#define REPORT_SITES_MAX 65536u /* rows; what is beyond is only counted */

struct report;

struct report *report_new(void); /* NULL: no memory */
void report_free(struct report *r);
/* Adds the file, if there is anything to say about it. 0 or -ENOMEM. */
int report_add(struct report *r, const char *path, const struct rewritten *w);
/* Files by path. 0, -ENOMEM or -EIO. */
int report_write(const struct report *r, FILE *out);

#endif
