/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager hears, and what it does not.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "tests/unit/check.h"

static void check_heard(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[64] = "";

	memcpy(addr.sun_path, name, len);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	check_int(
		bind(fd, (struct sockaddr *)&addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_manager("READY=1");
	check_int(recv(fd, text, sizeof(text), MSG_DONTWAIT), 7);
	check_str(text, "READY=1");
	close(fd);
	unlink(name);
}

static void test_heard(void)
{
	char dir[64] = "/tmp/t_notify.XXXXXX", path[100];

	check(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/socket", dir);
	check_heard(path);
	rmdir(dir);
	snprintf(path, sizeof(path), "@mayfly-t-notify-%d", (int)getpid());
	check_heard(path);
}

static void test_nobody(void)
{
	static char name[200];

	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_manager("READY=1");
	memset(name, '/', sizeof(name) - 1);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_manager("READY=1");
}

int main(void)
{
	RUN(test_heard);
	RUN(test_nobody);
	return check_done();
}
