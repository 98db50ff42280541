/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches one instance from start to end: passes signals on, obeys the
 * timeout, collects what the monitor reports. Signals must be prepared
 * before the monitor is spawned, so that it inherits them ignored: the
 * terminal sends Ctrl-C to the whole foreground group, and the program must
 * get it once, from us.
 */
#ifndef CLI_SUPERVISE_H
#define CLI_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/ctl.h"
#include "host/err.h"
#include "launch/egress.h"

#define OUTCOME_REASON_MAX 512

struct outcome {
	bool exited; /* MF_EV_EXITED came; `exit` and `reason` are valid */
	struct mf_ctl_exit exit;
	char reason[OUTCOME_REASON_MAX];
	bool snapshot_taken; /* MF_EV_SNAPSHOT came */
	struct mf_snapshot_facts snapshot;
	bool ready; /* MF_EV_READY came: it has waited for work */
	bool crashed; /* MF_EV_CRASH came */
	struct mf_crash crash;
	struct mf_backtrace backtrace; /* if backtrace_len is not 0 */
	size_t backtrace_len;
	bool timed_out; /* we ended it */
	bool interrupted; /* we ended it, at the second Ctrl-C */
	uint64_t signals; /* bit n-1: signal n was passed on */
	int monitor_status; /* wait status of the monitor */
	bool host_oom; /* memory of the host ran out meanwhile, as is known */
};

/* Returns a descriptor that yields the signals, or -errno. */
int supervise_signals_init(void);

/* Something else to be looked after meanwhile. */
struct supervise_source {
	int fd; /* -1: none */
	bool (*ready)(void *arg); /* fd is readable; false: no more */
	void *arg;
};

#define SUPERVISE_SOURCES_MAX 2

struct supervisor {
	const char *name; /* of one among many, in its log; NULL: none */
	int ctl; /* our end of the control socket */
	int signal_fd; /* of supervise_signals_init() */
	pid_t pid; /* the monitor; 0 when it was waited for */
	uint64_t timeout_ms; /* 0: none */
	uint32_t stop_signal; /* what becomes of SIGTERM; 0: that */
	struct egress *egress; /* NULL: nothing is allowed */
	struct supervise_source sources[SUPERVISE_SOURCES_MAX];
	unsigned source_count;
	struct outcome *out; /* zero at first */
	bool waits; /* the monitor has reset its guest and waits */
};

/* One message of the monitor; false when its end is closed. */
bool supervise_event(struct supervisor *s);

/*
 * Until the monitor has ended and was waited for, or its guest has ended and
 * it waits.
 */
int supervise(struct supervisor *s, struct err *e);

#endif
