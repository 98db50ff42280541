/* SPDX-License-Identifier: Apache-2.0 */
/* From an OCI image layout to a root file system and its config.json. */
#ifndef UNPACK_UNPACK_H
#define UNPACK_UNPACK_H

#include <stdio.h>

#include "host/err.h"

struct unpack_job {
	const char *layout; /* a directory with index.json */
	const char *out; /* gets rootfs/ and config.json, which must be new */
	FILE *say; /* gets a line per step, and warnings; or NULL */
};

/* On failure, nothing is left in `out`. */
int unpack_image(const struct unpack_job *job, struct err *e);

#endif
