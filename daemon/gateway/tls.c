/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.2 and later. OpenSSL reads and writes the socket itself; when it
 * wants to wait it does not matter for what, because the gateway tries both
 * directions at every event. No sessions are kept and no renegotiation is
 * done, so that a connection costs what it seems to.
 */
#include "daemon/gateway/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"

struct tls {
	SSL_CTX *ctx;
	char *cert_path, *key_path;
};

static int ssl_error(struct err *e, const char *what, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);
	int r;

	r = err_set(e, EINVAL, "cannot use the %s %s: %s", what, path,
		    why ? why : "OpenSSL does not say why");
	ERR_clear_error();
	return r;
}

/* HTTP/1.1 is all there is; a client that offers other things only may still
 * try without. */
static int choose_protocol(SSL *ssl, const unsigned char **out,
			   unsigned char *out_len, const unsigned char *in,
			   unsigned in_len, void *ctx)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)ctx;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in,
				  in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int load(SSL_CTX **ret, const struct tls *t, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int r = 0;

	if (!ctx)
		return err_set(e, ENOMEM, "OpenSSL has no memory");
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, t->cert_path) != 1)
		r = ssl_error(e, "certificate", t->cert_path);
	else if (SSL_CTX_use_PrivateKey_file(ctx, t->key_path,
					     SSL_FILETYPE_PEM) != 1)
		r = ssl_error(e, "key", t->key_path);
	else if (SSL_CTX_check_private_key(ctx) != 1)
		r = ssl_error(e, "key", t->key_path);
	if (r < 0)
		SSL_CTX_free(ctx);
	else
		*ret = ctx;
	return r;
}

int tls_new(struct tls **ret, const char *cert_path, const char *key_path,
	    struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));
	int r;

	/* OpenSSL writes to sockets of clients that are gone. */
	signal(SIGPIPE, SIG_IGN);
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	t->cert_path = strdup(cert_path);
	t->key_path = strdup(key_path);
	if (!t->cert_path || !t->key_path)
		r = err_set(e, ENOMEM, "out of memory");
	else
		r = load(&t->ctx, t, e);
	if (r < 0)
		tls_free(t);
	else
		*ret = t;
	return r;
}

int tls_reload(struct tls *t, struct err *e)
{
	SSL_CTX *ctx = NULL;
	int r = load(&ctx, t, e);

	if (r < 0)
		return r;
	SSL_CTX_free(t->ctx);
	t->ctx = ctx;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	free(t->cert_path);
	free(t->key_path);
	free(t);
}

/* ---- connections --------------------------------------------------------- */

static ssize_t result(struct transport *t, int r)
{
	int saved = errno;

	switch (SSL_get_error(t->tls, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		return saved ? -saved : -ECONNRESET;
	default:
		ERR_clear_error();
		return -EPROTO;
	}
}

static int capped(size_t len)
{
	return len > INT_MAX ? INT_MAX : (int)len;
}

static ssize_t tls_read(struct transport *t, char *buf, size_t len)
{
	int r;

	errno = 0;
	r = SSL_read(t->tls, buf, capped(len));
	return r > 0 ? r : result(t, r);
}

static ssize_t tls_write(struct transport *t, const char *buf, size_t len)
{
	ssize_t n;
	int r;

	errno = 0;
	r = SSL_write(t->tls, buf, capped(len));
	if (r > 0)
		return r;
	n = result(t, r);
	return n == 0 ? -EPIPE : n;
}

static void tls_finish(struct transport *t)
{
	if (SSL_shutdown(t->tls) < 0)
		ERR_clear_error();
}

static void tls_close(struct transport *t)
{
	if (t->fd < 0)
		return;
	SSL_free(t->tls);
	t->tls = NULL;
	close(t->fd);
	t->fd = -1;
}

static const struct transport_ops transport_tls = {
	.read = tls_read,
	.write = tls_write,
	.finish = tls_finish,
	.close = tls_close,
};

int tls_attach(struct tls *t, struct transport *tr)
{
	SSL *ssl = SSL_new(t->ctx);

	if (!ssl || SSL_set_fd(ssl, tr->fd) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_set_accept_state(ssl);
	tr->tls = ssl;
	tr->ops = &transport_tls;
	return 0;
}
