/* SPDX-License-Identifier: Apache-2.0 */
/* TLS towards clients, by OpenSSL, with a certificate and a key in files. */
#ifndef DAEMON_GATEWAY_TLS_H
#define DAEMON_GATEWAY_TLS_H

#include "daemon/gateway/transport.h"
#include "host/err.h"

struct tls;

/*
 * PEM files: a certificate, followed by those between it and the authority,
 * and its key. They are checked against each other.
 */
int tls_new(struct tls **ret, const char *cert_path, const char *key_path,
	    struct err *e);
/* Reads the files again, for connections that come later; if they are no
 * good what was stays in force. */
int tls_reload(struct tls *t, struct err *e);
void tls_free(struct tls *t); /* NULL is fine; connections may go on */

/* Makes a transport, whose fd is set, one of TLS. 0 or -ENOMEM. */
int tls_attach(struct tls *t, struct transport *tr);

#endif
