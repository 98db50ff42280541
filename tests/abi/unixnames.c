/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets with names: paths, which make files, and abstract ones.
 *
 * test: flavours musl glibc
 */
#include <stddef.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "abi.h"

#define PATH "/tmp/abi-unixnames"

static socklen_t name(struct sockaddr_un *a, const char *path)
{
	size_t len = strlen(path + !*path) + !*path;

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
			   (*path != 0));
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, path);

	return bind(fd, (struct sockaddr *)&a, len);
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = name(&a, path);

	return connect(fd, (struct sockaddr *)&a, len);
}

static int stream(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static void show_name(const char *what, int fd, bool peer)
{
	struct sockaddr_un a = { 0 };
	socklen_t len = sizeof(a);
	int n = peer ? getpeername(fd, (struct sockaddr *)&a, &len) :
		       getsockname(fd, (struct sockaddr *)&a, &len);

	ret(what, n);
	printf("length %u, family %d, \"%s\"\n", len, a.sun_family,
	       a.sun_path + !a.sun_path[0]);
}

static void paths(void)
{
	int l = stream(), c = stream(), other = stream(), s;
	struct stat st;
	char buf[8];

	/* What a run that was killed has left. */
	unlink(PATH);
	unlink(PATH ".2");
	unlink(PATH ".new");
	ret("nobody", connect_to(c, PATH));
	show_name("unnamed", l, false);
	ret("bind", bind_to(l, PATH));
	show_name("named", l, false);
	ret("stat", stat(PATH, &st));
	printf("a socket: %d\n", S_ISSOCK(st.st_mode));
	ret("open", open(PATH, O_RDWR));
	ret("bind again", bind_to(l, PATH ".2"));
	ret("in use", bind_to(other, PATH));
	ret("no directory", bind_to(other, "/tmp/none/socket"));
	ret("not listening", connect_to(c, PATH));
	ret("listen", listen(l, 2));
	ret("wrong type", connect_to(socket(AF_UNIX, SOCK_DGRAM, 0), PATH));
	ret("connect", connect_to(c, PATH));
	ret("again", connect_to(c, PATH));
	show_name("peer", c, true);
	s = accept(l, NULL, NULL);
	printf("accepted: %d\n", s >= 0);
	show_name("our name", s, false);
	show_name("peer's", s, true);
	ret("send", send(c, "hello", 5, 0));
	ret("recv", recv(s, buf, 8, 0));
	ret("rename", rename(PATH, PATH ".new"));
	ret("old name", connect_to(other, PATH));
	ret("new name", connect_to(other, PATH ".new"));
	close(other);
	other = stream();
	close(l);
	ret("stale", connect_to(other, PATH ".new"));
	ret("bind to a stale one", bind_to(other, PATH ".new"));
	ret("unlink", unlink(PATH ".new"));
	ret("bind", bind_to(other, PATH ".new"));
	ret("unlink", unlink(PATH ".new"));
	ret("gone", connect_to(c, PATH ".new"));
	close(other);
	close(c);
	close(s);
	c = stream();
	close(open(PATH, O_CREAT | O_WRONLY, 0600));
	ret("a regular file", connect_to(c, PATH));
	ret("unlink", unlink(PATH));
	close(c);
}

static void abstract_names(void)
{
	struct sockaddr_un only = { .sun_family = AF_UNIX };
	int l = stream(), c = stream(), other = stream();

	ret("nobody", connect_to(c, "\0abi-unixnames"));
	ret("bind", bind_to(l, "\0abi-unixnames"));
	show_name("named", l, false);
	ret("in use", bind_to(other, "\0abi-unixnames"));
	ret("listen", listen(l, 1));
	ret("connect", connect_to(c, "\0abi-unixnames"));
	close(l);
	ret("free again", bind_to(other, "\0abi-unixnames"));
	close(other);
	other = stream();
	ret("choose one",
	    bind(other, (struct sockaddr *)&only, sizeof(only.sun_family)));
	close(other);
	close(c);
}

static void datagrams(void)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0);
	int b = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un from = { 0 }, to;
	socklen_t len = sizeof(from);
	char buf[16];

	ret("bind", bind_to(a, "\0abi-dgram-a"));
	ret("bind", bind_to(b, "\0abi-dgram-b"));
	ret("not connected", send(a, "x", 1, 0));
	ret("to nobody", connect_to(a, "\0abi-dgram-none"));
	ret("connect", connect_to(a, "\0abi-dgram-b"));
	ret("send", send(a, "one", 3, 0));
	ret("recvfrom",
	    recvfrom(b, buf, 16, 0, (struct sockaddr *)&from, &len));
	printf("from \"%s\", %u\n", from.sun_path + 1, len);
	len = name(&to, "\0abi-dgram-a");
	ret("sendto", sendto(b, "two!", 4, 0, (struct sockaddr *)&to, len));
	ret("recv", recv(a, buf, 16, 0));
	ret("nothing", recv(b, buf, 16, 0));
	close(b);
	ret("peer is gone", send(a, "x", 1, 0));
	ret("and stays so", send(a, "x", 1, 0));
	close(a);
}

int main(void)
{
	/* The names are the machine's: one native run at a time. */
	flock(open(PATH ".lock", O_CREAT | O_RDWR, 0666), LOCK_EX);
	paths();
	abstract_names();
	datagrams();
	return 0;
}
