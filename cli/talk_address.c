/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MAYFLY_API is http://ADDRESS:PORT or unix:PATH; without it, the socket of the
 * mayflyd whose state is where mayfly up keeps it.
 */
#include "cli/talk_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/address.h"
#include "host/cleanup.h"
#include "launch/paths.h"

static int default_socket(char **ret, struct err *e)
{
	char state[PATHS_MAX];
	int r = paths_state(state, e);

	if (r < 0)
		return r;
	if (asprintf(ret, "%s/api.sock", state) < 0) {
		*ret = NULL;
		err_set(e, ENOMEM, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

static int nobody(const char *where, int code, struct err *e)
{
	if (code == ENOENT || code == ECONNREFUSED)
		return err_set(e, ECONNREFUSED,
			       "no mayflyd answers at %s; start one with "
			       "mayfly up, or say in MAYFLY_STATE or "
			       "MAYFLY_API where it is",
			       where);
	return err_sys(e, code, "cannot reach mayflyd at %s", where);
}

static int connect_unix(const char *path, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO_CLOSE int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(e, ENAMETOOLONG,
			       "%s is too long for the path of a socket", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return nobody(path, errno, e);
	return take_fd(&fd);
}

static int connect_to(const char *url, const struct sockaddr_storage *addr,
		      socklen_t len, struct err *e)
{
	AUTO_CLOSE int fd =
		socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)addr, len) < 0)
		return nobody(url, errno, e);
	return take_fd(&fd);
}

/* ADDR:PORT or localhost:PORT, and perhaps a / behind it. */
static int connect_tcp(const char *url, const char *rest, struct err *e)
{
	struct sockaddr_storage addr;
	AUTO_FREE char *text = NULL;
	socklen_t len;

	if (strncmp(rest, "localhost:", 10) == 0)
		rest += 10;
	text = strndup(rest, strcspn(rest, "/"));
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	if (address_parse(&addr, &len, text) < 0)
		return err_set(e, EINVAL,
			       "MAYFLY_API %s is not http://ADDRESS:PORT, as "
			       "http://127.0.0.1:8081",
			       url);
	return connect_to(url, &addr, len, e);
}

int talk_connect(struct err *e)
{
	AUTO_FREE char *socket_path = NULL;
	const char *url = getenv("MAYFLY_API");
	int r;

	if (url && strncmp(url, "unix:", 5) == 0)
		return connect_unix(url + 5, e);
	if (url && strncmp(url, "http://", 7) == 0)
		return connect_tcp(url, url + 7, e);
	if (url && *url)
		return err_set(
			e, EINVAL,
			"MAYFLY_API %s is neither http://ADDRESS:PORT "
			"nor unix:PATH; for another machine, ssh -L brings "
			"the port here",
			url);
	r = default_socket(&socket_path, e);
	return r ? r : connect_unix(socket_path, e);
}
