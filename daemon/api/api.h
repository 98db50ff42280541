/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The REST API, docs/api/openapi.json: on STATE/api.sock for processes of
 * the same user, of root, or of one group, and on a TCP address, if one is
 * given, for those with a token. It only asks and tells the other parts;
 * what it deploys is built by child processes.
 */
#ifndef DAEMON_API_API_H
#define DAEMON_API_API_H

#include "daemon/dispatch.h"
#include "daemon/ledger/ledger.h"
#include "daemon/logs/logs.h"
#include "daemon/metrics/metrics.h"
#include "daemon/registry/registry.h"
#include "host/err.h"
#include "host/loop.h"

struct api;

/* What the API wants of the part that has the instances: daemon/dispatch.h
 * says what each does. */
struct api_ops {
	void (*each)(void *ctx,
		     void (*tell)(void *arg, const struct instance_info *i),
		     void *arg);
	int (*stop)(void *ctx, const char *id_prefix);
	void (*counts)(void *ctx, const struct version *v,
		       struct sched_counts *ret);
	/* For the probe of a deploy. */
	void (*submit)(void *ctx, struct dispatch_request *r);
	void (*cancel)(void *ctx, struct dispatch_request *r);
	void (*done)(void *ctx, struct dispatch_request *r,
		     const struct dispatch_outcome *o);
	int (*connect)(void *ctx, struct instance *i);
	void (*stdio)(void *ctx, struct instance *i, int *ret_in, int *ret_out);
	/*
	 * A client of the API whose request is for a function: the gateway
	 * goes on with the connection, of which `len` bytes are read. It asks
	 * for no token. Takes `fd`, also on failure. NULL: cannot be done.
	 */
	int (*adopt)(void *ctx, int fd, const char *buf, size_t len);
};

/* What the API works with; all of it outlives it. Strings too. */
struct api_config {
	struct loop *loop;
	struct registry *registry;
	struct ledger *ledger;
	struct logs *logs;
	struct metrics *metrics;
	const struct api_ops *ops;
	void *ops_ctx;
	const char *program; /* path of mayfly, which takes snapshots */
	const char *substrate; /* kvm or process: where functions run */
	const char *url; /* of the gateway, without a / at the end */
	const char *tcp; /* ADDR:PORT, or NULL */
	unsigned group; /* of users who may use the socket; 0: none */
	uint64_t image_bytes_max; /* 0: 16 GiB */
};

int api_open(struct api **ret, const struct api_config *c, struct err *e);
/* Ends all connections; deploys that are not done leave nothing. NULL is
 * fine. */
void api_close(struct api *a);

/* The port that `tcp` got, if it asked for 0. */
unsigned api_tcp_port(const struct api *a);

#endif
