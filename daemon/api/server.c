/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets of the API, and who is at the other end. A unix
 * socket tells; its file is for the user alone, or for one group too. At the
 * TCP address nobody is anybody without a token.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/api/child.h"
#include "daemon/api/private.h"
#include "host/cleanup.h"
#include "host/listen.h"

#define BACKLOG	      64
#define ACCEPTS_MAX   32 /* of one turn */
#define GROUPS_MAX    256
#define IMAGE_DEFAULT (16ull << 30)

/* ---- who ---- */

static bool in_group(int fd, unsigned group, gid_t primary)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (!group)
		return false;
	if (primary == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool peer_is_ours(int fd, const struct api *a)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid() ||
	       in_group(fd, a->c.group, peer.gid);
}

static void welcome(struct api_listener *l, int fd)
{
	struct api_who who = { .admin = l->local && peer_is_ours(fd, l->api) };
	const char *refusal = NULL;

	if (l->api->conn_count >= API_CONNECTIONS) {
		close(fd);
		return;
	}
	if (l->local && !who.admin)
		refusal = "this socket is for the user who runs mayflyd, for "
			  "root, and for the group that mayfly up --api-group "
			  "names";
	api_conn_new(l, fd, &who, refusal);
}

static void on_accept(struct loop_watch *w, uint32_t events)
{
	struct api_listener *l = container_of(w, struct api_listener, watch);

	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(l->fd, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		welcome(l, fd);
	}
}

/* ---- the unix socket ---- */

static int bind_unix(int fd, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	/* Nobody can connect before the mode is right. */
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	umask(mask);
	return r;
}

/* The socket, and the way to it: members may pass through the directory, but
 * not list it. */
static int open_to_group(const struct api *a)
{
	const char *dir = registry_state_dir(a->c.registry);
	struct stat st;

	if (stat(dir, &st) < 0)
		return -errno;
	if (!(st.st_mode & S_IXOTH) &&
	    (st.st_gid != a->c.group || !(st.st_mode & S_IXGRP)) &&
	    (chown(dir, (uid_t)-1, a->c.group) < 0 ||
	     chmod(dir, (st.st_mode & 07700) | S_IXGRP) < 0))
		return -errno;
	if (chown(a->socket_path, (uid_t)-1, a->c.group) < 0 ||
	    chmod(a->socket_path, 0660) < 0)
		return -errno;
	return 0;
}

/* The directory's lock is ours: a socket that is there is a left-over. */
static int open_local(struct api *a, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r;

	if (asprintf(&a->socket_path, "%s/api.sock",
		     registry_state_dir(a->c.registry)) < 0) {
		a->socket_path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket");
	if (unlink(a->socket_path) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove %s", a->socket_path);
	r = bind_unix(fd, a->socket_path);
	if (r < 0)
		return err_sys(e, -r, "cannot make %s", a->socket_path);
	if (a->c.group)
		r = open_to_group(a);
	if (r < 0)
		return err_sys(e, -r, "cannot open %s to group %u",
			       a->socket_path, a->c.group);
	if (listen(fd, BACKLOG) < 0)
		return err_sys(e, errno, "cannot listen on %s", a->socket_path);
	a->local.fd = take_fd(&fd);
	return 0;
}

/* ---- the TCP address ---- */

static int open_tcp(struct api *a, struct err *e)
{
	a->tcp.fd = listen_tcp(a->c.tcp, "--api", e);
	if (a->tcp.fd < 0)
		return a->tcp.fd;
	a->tcp_port = listen_port(a->tcp.fd);
	return 0;
}

/* ---- both ---- */

static int watch(struct api *a, struct api_listener *l, struct err *e)
{
	int r;

	if (l->fd < 0)
		return 0;
	l->watch.ready = on_accept;
	r = loop_watch(a->c.loop, &l->watch, l->fd, EPOLLIN);
	return r < 0 ? err_sys(e, -r, "cannot watch a socket") : 0;
}

int api_open(struct api **ret, const struct api_config *config, struct err *e)
{
	struct api *a = calloc(1, sizeof(*a));
	struct timespec now;
	int r;

	if (!a)
		return err_set(e, ENOMEM, "out of memory");
	a->c = *config;
	if (!a->c.image_bytes_max)
		a->c.image_bytes_max = IMAGE_DEFAULT;
	a->local = (struct api_listener){ .api = a, .fd = -1, .local = true };
	a->tcp = (struct api_listener){ .api = a, .fd = -1 };
	clock_gettime(CLOCK_REALTIME, &now);
	a->started_ms = (uint64_t)now.tv_sec * 1000;
	list_init(&a->conns);
	list_init(&a->deploys);
	list_init(&a->children);
	r = open_local(a, e);
	if (r == 0 && a->c.tcp)
		r = open_tcp(a, e);
	if (r == 0)
		r = watch(a, &a->local, e);
	if (r == 0)
		r = watch(a, &a->tcp, e);
	if (r < 0) {
		api_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

static void listener_close(struct api_listener *l)
{
	loop_unwatch(&l->watch);
	if (l->fd >= 0)
		close(take_fd(&l->fd));
}

void api_close(struct api *a)
{
	if (!a)
		return;
	while (!list_empty(&a->conns))
		api_conn_free(api_conn_of(a->conns.next));
	api_deploys_end(a);
	api_children_end(&a->children);
	if (a->local.fd >= 0)
		unlink(a->socket_path);
	listener_close(&a->local);
	listener_close(&a->tcp);
	free(a->socket_path);
	free(a);
}

unsigned api_tcp_port(const struct api *a)
{
	return a->tcp_port;
}
