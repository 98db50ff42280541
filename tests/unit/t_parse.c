/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of options: what is understood, what is refused, and the numbers at
 * the edges.
 */
#include "cli/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "tests/unit/check.h"

static struct err e;

static void test_sizes(void)
{
	uint64_t n = 0;

	check_int(parse_size(&n, "1048576", &e), 0);
	check_int(n, 1048576);
	check_int(parse_size(&n, "64k", &e), 0);
	check_int(n, 65536);
	check_int(parse_size(&n, "512M", &e), 0);
	check_int(n, 512ll << 20);
	check_int(parse_size(&n, "2gb", &e), 0);
	check_int(n, 2ll << 30);
	check_int(parse_size(&n, "18446744073709551615", &e), 0);
	check_int(n, -1);
}

static void test_bad_sizes(void)
{
	static const char *const bad[] = {
		"",
		"m",
		"-1",
		"+1",
		" 1",
		"1 m",
		"1.5g",
		"0",
		"0m",
		"1t",
		"0x10",
		"18446744073709551616",
		"17179869184g",
	};
	uint64_t n = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(parse_size(&n, bad[i], &e), -EINVAL);
	check_int(n, 7);
}

static void test_durations(void)
{
	uint64_t ms = 0;

	check_int(parse_duration(&ms, "2", &e), 0);
	check_int(ms, 2000);
	check_int(parse_duration(&ms, "500ms", &e), 0);
	check_int(ms, 500);
	check_int(parse_duration(&ms, "2s", &e), 0);
	check_int(ms, 2000);
	check_int(parse_duration(&ms, "1m", &e), 0);
	check_int(ms, 60000);
	check_int(parse_duration(&ms, "1h", &e), 0);
	check_int(ms, 3600000);
	check_int(parse_duration(&ms, "0", &e), -EINVAL);
	check_int(parse_duration(&ms, "-1", &e), -EINVAL);
	check_int(parse_duration(&ms, "1d", &e), -EINVAL);
	check_int(parse_duration(&ms, "9999999999999999999h", &e), -EINVAL);
}

static void test_ports(void)
{
	const struct sockaddr_in *in;
	struct port_map m;

	check_int(parse_port(&m, "8080:80", &e), 0);
	in = (const struct sockaddr_in *)&m.addr;
	check_int(m.host_port, 8080);
	check_int(m.guest_port, 80);
	check_int(m.proto, IPPROTO_TCP);
	check_int(in->sin_family, AF_INET);
	check_int(in->sin_addr.s_addr, INADDR_ANY);
	check_int(ntohs(in->sin_port), 8080);
	check_int(parse_port(&m, "5353:53/udp", &e), 0);
	check_int(m.proto, IPPROTO_UDP);
	check_int(parse_port(&m, "127.0.0.1:1:65535/tcp", &e), 0);
	check_int(m.host_port, 1);
	check_int(m.guest_port, 65535);
	check_int(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
}

static void test_ports_v6(void)
{
	const struct sockaddr_in6 *in6;
	struct port_map m;

	check_int(parse_port(&m, "[::1]:8080:80", &e), 0);
	in6 = (const struct sockaddr_in6 *)&m.addr;
	check_int(in6->sin6_family, AF_INET6);
	check_int(ntohs(in6->sin6_port), 8080);
	check_mem(&in6->sin6_addr, &in6addr_loopback, 16);
	check_int(m.addr_len, sizeof(*in6));
}

static void test_bad_ports(void)
{
	static const char *const bad[] = {
		"",
		":",
		"80",
		"80:",
		":80",
		"a:b",
		"0:80",
		"80:0",
		"65536:80",
		"80:65536",
		"-1:80",
		"80:80/sctp",
		"80:80/",
		"1.2.3:80:80",
		"::1:80:80",
		"[::1:80:80",
		"[]:80:80",
		"host:80:80",
		"99999999999999999999:80",
		"80:80:80:80",
	};
	struct port_map m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(parse_port(&m, bad[i], &e), -EINVAL);
	check_int(parse_port(&m, "70000:80", &e), -EINVAL);
	check(strstr(e.text, "70000 is out of range") != NULL);
}

int main(void)
{
	RUN(test_sizes);
	RUN(test_bad_sizes);
	RUN(test_durations);
	RUN(test_ports);
	RUN(test_ports_v6);
	RUN(test_bad_ports);
	return check_done();
}
