/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All parts of mayflyd, in the order in which they begin; they end the other
 * way round.
 */
#ifndef DAEMON_PLATFORM_H
#define DAEMON_PLATFORM_H

#include <stdbool.h>

#include "daemon/dispatch.h"
#include "daemon/front.h"
#include "daemon/ledger/ledger.h"
#include "daemon/logs/logs.h"
#include "daemon/metrics/metrics.h"
#include "daemon/options.h"
#include "daemon/registry/registry.h"
#include "daemon/shortage.h"
#include "daemon/user.h"
#include "daemon/vm.h"
#include "host/loop.h"
#include "launch/paths.h"

struct platform {
	const struct daemon_options *options;
	struct loop *loop;
	struct vms *vms;
	struct registry *registry;
	struct logs *logs;
	struct ledger *ledger;
	struct metrics *metrics;
	struct dispatch *dispatch;
	struct front front;
	struct daemon_user user;
	struct shortage shortage;
	struct loop_watch signals;
	struct loop_timer too_late; /* to drain */
	struct loop_task changed; /* the registry has */
	bool ending;
	int failed; /* -errno of what ended it, or 0 */
};

/* On failure what had begun has ended. *p stays where it is. */
int platform_start(struct platform *p, const struct daemon_options *o,
		   struct err *e);
/* Until a signal ends it. 0 or -errno. */
int platform_run(struct platform *p);
void platform_end(struct platform *p);

#endif
