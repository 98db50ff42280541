/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command that takes the snapshot of a new version, and what its failure
 * means.
 */
#ifndef DAEMON_API_DEPLOY_JOB_H
#define DAEMON_API_DEPLOY_JOB_H

#include "daemon/api/api.h"
#include "host/strlist.h"

struct deploy_job {
	struct strlist argv, env;
};

struct deploy_files {
	const char *image, *snapshot;
	uint64_t warm_up; /* requests */
};

/* *ret is valid for deploy_job_fini() in any case. */
int deploy_job_init(struct deploy_job *ret, const struct api_config *c,
		    const struct version *v, const struct deploy_files *f,
		    struct err *e);
void deploy_job_fini(struct deploy_job *j);

/*
 * A program of which no snapshot can be taken where it waits may still run:
 * it is busy, or has connections open. One that has ended does not.
 */
bool deploy_may_boot(int wait_status, enum function_mode mode,
		     const char *last_line);
/* "it ended with status 3 before it waited for a request". */
void deploy_describe_end(int wait_status, char *ret, size_t size);
/* Files whose name is that of `path` and more. */
void deploy_remove_drafts(const char *path);

#endif
