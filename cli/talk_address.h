/* SPDX-License-Identifier: Apache-2.0 */
/* Where mayflyd is. */
#ifndef CLI_TALK_ADDRESS_H
#define CLI_TALK_ADDRESS_H

#include "host/err.h"

/* A connected socket; -ECONNREFUSED if nobody is there. */
int talk_connect(struct err *e);

#endif
