/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How other commands talk to a running `mayfly run`: a SOCK_SEQPACKET socket
 * named after the instance in a directory of the user
 * (docs/formats/instance-socket.md). One request a connection, one reply;
 * what was asked for lasts as long as the connection.
 *
 * Both ends may be of different releases: a request of another version is
 * refused.
 */
#ifndef ABI_INSTANCE_H
#define ABI_INSTANCE_H

#include "abi/trace.h"

#define MF_INST_VERSION	 1u
#define MF_INST_NAME_MAX 63u /* bytes of a name */

enum mf_inst_kind {
	/* Trace to the descriptor that comes with it by SCM_RIGHTS, which
	 * is non-blocking. */
	MF_INST_TRACE = 1,
};

struct mf_inst_request {
	uint32_t version; /* MF_INST_VERSION */
	uint32_t kind; /* enum mf_inst_kind */
	struct mf_trace_config trace;
};

struct mf_inst_reply {
	uint32_t version; /* MF_INST_VERSION */
	int32_t error; /* 0 or a negative Linux errno */
	char text[248]; /* of an error: one sentence, ends with NUL */
};

_Static_assert(sizeof(struct mf_inst_request) == 80, "mf_inst_request");
_Static_assert(sizeof(struct mf_inst_reply) == 256, "mf_inst_reply");

#endif
