/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to listen on: what is understood, what is refused and in which
 * words.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/listen.h"
#include "tests/unit/check.h"

static void test_addresses(void)
{
	char text[LISTEN_TEXT], again[LISTEN_TEXT];
	struct err e;
	int fd = listen_tcp("0", "--listen", &e);

	check(fd >= 0);
	listen_text(text, fd);
	snprintf(again, sizeof(again), "127.0.0.1:%u", listen_port(fd));
	check_str(text, again);
	check_int(listen_tcp(text, "--listen", &e), -EADDRINUSE);
	check(strstr(e.text, text) && strstr(e.text, "another port"));
	close(fd);
	fd = listen_tcp(text, "--listen", &e);
	check(fd >= 0);
	close(fd);
	fd = listen_tcp("[::1]:0", "--listen", &e);
	if (fd < 0)
		return; /* a host without IPv6 */
	listen_text(text, fd);
	check(strncmp(text, "[::1]:", 6) == 0);
	close(fd);
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"",	   ":80",     "127.0.0.1:",  "localhost:80",
		"1.2.3:x", "::1:80x", "127.0.0.1 80"
	};
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check_int(listen_tcp(bad[i], "--api", &e), -EINVAL);
		check(strstr(e.text, "--api"));
	}
}

int main(void)
{
	RUN(test_addresses);
	RUN(test_refused);
	return check_done();
}
