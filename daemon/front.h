/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where requests come in: the gateway with its listening socket and its
 * certificates, and the API with what it asks of the other parts.
 */
#ifndef DAEMON_FRONT_H
#define DAEMON_FRONT_H

#include "daemon/api/api.h"
#include "daemon/gateway/gateway.h"
#include "daemon/gateway/tls.h"
#include "daemon/options.h"
#include "host/listen.h"

struct front_config {
	const struct daemon_options *options;
	struct loop *loop;
	struct registry *registry;
	struct logs *logs;
	struct ledger *ledger;
	struct metrics *metrics;
	struct dispatch *dispatch;
};

struct front {
	struct front_config c;
	struct gateway *gateway;
	struct tls *tls; /* NULL: none */
	struct api *api;
	int listen_fd; /* until the gateway has it; or -1 */
	char url[LISTEN_TEXT + 16]; /* of the gateway */
	char program[1024]; /* mayfly, which takes snapshots */
};

/*
 * First the port and the certificates, as long as we have the privileges that
 * they may need; the rest when there is something behind it. front_close is
 * fine after a failure.
 */
int front_bind(struct front *f, const struct daemon_options *o, struct err *e);
int front_open(struct front *f, const struct front_config *c, struct err *e);
/* Nothing new is taken; drained() when all answers are out. */
void front_drain(struct front *f, void (*drained)(void *ctx), void *ctx);
/* Reads the certificates again. */
void front_reload(struct front *f);
void front_close(struct front *f);

/* For dispatch: a stream of an instance of `caller` to other functions. */
int front_open_functions(void *front, struct version *caller);

#endif
