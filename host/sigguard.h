/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that must not be cut short by SIGINT, SIGTERM, SIGHUP or SIGQUIT:
 * between init and fini they wait. The work asks sigguard_hit() at its steps,
 * gives up if so and cleans up; fini then lets the signal end the process.
 * Guards nest: only the outermost fini lets signals through. A file that
 * outgrows its limit is an error of write(), not a SIGXFSZ.
 */
#ifndef HOST_SIGGUARD_H
#define HOST_SIGGUARD_H

#include <signal.h>
#include <stdbool.h>

struct sigguard {
	sigset_t old; /* the mask before the outermost, for child processes */
	bool active; /* a zeroed guard may be given to fini */
};

void sigguard_init(struct sigguard *g);
/* The signals that wait. */
void sigguard_set(sigset_t *set);
bool sigguard_hit(void);
void sigguard_fini(struct sigguard *g);

#define AUTO_SIGGUARD __attribute__((cleanup(sigguard_fini)))

#endif
