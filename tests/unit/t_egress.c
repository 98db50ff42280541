/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound connections, the parent's side: what rules are understood, what
 * they allow, messages of name servers, and what a monitor that asks for
 * anything at all gets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch/dns.h"
#include "launch/egress.h"
#include "tests/unit/check.h"

static struct err e;
static struct egress_policy policy;
static struct name_servers servers;

static void rules(const char *a, const char *b)
{
	memset(&policy, 0, sizeof(policy));
	check_int(egress_policy_add(&policy, a, &e), 0);
	if (b)
		check_int(egress_policy_add(&policy, b, &e), 0);
}

static struct egress_ip ip_of(const char *text)
{
	struct egress_ip ip = egress_ip_v4(0);

	if (inet_pton(AF_INET, text, ip.b + 12) != 1 &&
	    inet_pton(AF_INET6, text, ip.b) != 1)
		abort();
	return ip;
}

static int verdict(const char *text, uint16_t port)
{
	struct egress_ip ip = ip_of(text);

	return egress_policy_check(&policy, &ip, port);
}

static void test_bad_rules(void)
{
	static const char *const bad[] = {
		"",	    ":80",	    "1.2.3",	   "1.2.3.4.5",
		"1.2.3.4/", "1.2.3.4/33",   "1.2.3.4/-1",  "1.2.3.4:0",
		"a:65536",  "a:x",	    "a:",	   "2001:db8::1",
		"[::2",	    "[::2]x",	    "[a.b]",	   "[1::]/129",
		"a..b",	    ".a",	    "a b",	   "a/8",
		"all/8",    "*.",	    "*",	   "a.*.b",
		"*a.b",	    "http://a.b/c", "127.0.0.1",   "127.0.0.0/8",
		"[::1]",    "localhost",    "LOCALHOST:1", "0.0.0.0",
		"[::]:80",  "a\001b",	    "a.b:80/udp",  "[::ffff:127.0.0.1]",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&policy, 0, sizeof(policy));
		if (egress_policy_add(&policy, bad[i], &e) != -EINVAL)
			printf("accepted: %s\n", bad[i]);
		check_int(policy.count, 0);
	}
	check_int(strstr(e.text, "host.mayfly.internal") != NULL, 1);
}

static void test_too_many_rules(void)
{
	memset(&policy, 0, sizeof(policy));
	for (unsigned i = 0; i < EGRESS_RULES_MAX; i++)
		check_int(egress_policy_add(&policy, "all", &e), 0);
	check_int(egress_policy_add(&policy, "all", &e), -EINVAL);
}

static void test_all(void)
{
	rules("all", NULL);
	check_int(verdict("8.8.8.8", 53), EGRESS_ALLOW);
	check_int(verdict("2001:db8::1", 1), EGRESS_ALLOW);
	check_int(verdict("8.8.8.8", 0), EGRESS_DENY);
	check_int(verdict("127.0.0.1", 80), EGRESS_DENY);
	check_int(verdict("127.255.0.1", 80), EGRESS_DENY);
	check_int(verdict("0.0.0.0", 80), EGRESS_DENY);
	check_int(verdict("::1", 80), EGRESS_DENY);
	check_int(verdict("::", 80), EGRESS_DENY);
	check_int(verdict("::7f00:1", 80), EGRESS_DENY);
	check_int(verdict("::ffff:127.0.0.1", 80), EGRESS_DENY);
	check_int(verdict("169.254.169.254", 80), EGRESS_DENY);
	check_int(verdict("fe80::1", 80), EGRESS_DENY);
	check_int(verdict("169.254.1.1", 80), EGRESS_DENY);
	check_int(verdict("169.254.1.3", 53), EGRESS_TO_DNS);
}

static void test_nets(void)
{
	rules("10.1.2.3/31:443", "[2001:db8::]/33");
	check_int(verdict("10.1.2.2", 443), EGRESS_ALLOW);
	check_int(verdict("10.1.2.3", 443), EGRESS_ALLOW);
	check_int(verdict("10.1.2.4", 443), EGRESS_DENY);
	check_int(verdict("10.1.2.3", 80), EGRESS_DENY);
	check_int(verdict("2001:db8:7fff::1", 9), EGRESS_ALLOW);
	check_int(verdict("2001:db8:8000::1", 9), EGRESS_DENY);
	rules("0.0.0.0/0", NULL);
	check_int(verdict("1.2.3.4", 9), EGRESS_ALLOW);
	check_int(verdict("127.0.0.1", 9), EGRESS_DENY);
	check_int(verdict("2001:db8::1", 9), EGRESS_DENY);
	rules("[::]/0", NULL);
	check_int(verdict("1.2.3.4", 9), EGRESS_DENY);
	check_int(verdict("2001:db8::1", 9), EGRESS_ALLOW);
	check_int(verdict("::1", 9), EGRESS_DENY);
	rules("169.254.169.254", NULL);
	check_int(verdict("169.254.169.254", 80), EGRESS_ALLOW);
}

static void test_host(void)
{
	rules("host.mayfly.internal:8080", NULL);
	check_int(verdict("169.254.1.1", 8080), EGRESS_TO_HOST);
	check_int(verdict("169.254.1.1", 8081), EGRESS_DENY);
	check_int(verdict("127.0.0.1", 8080), EGRESS_DENY);
	check_int(egress_policy_may_resolve(&policy, "host.mayfly.internal"),
		  1);
	check_int(egress_policy_may_resolve(&policy, "a.test"), 0);
	rules("all", NULL);
	check_int(egress_policy_may_resolve(&policy, "host.mayfly.internal"),
		  0);
	check_int(egress_policy_may_resolve(&policy, "a.test"), 1);
}

static void learn(const char *name, const char *text)
{
	struct egress_ip ip = ip_of(text);

	egress_policy_learn(&policy, name, &ip);
}

static void test_names(void)
{
	rules("API.example.com.:443", "*.cdn.test");
	check_int(egress_policy_may_resolve(&policy, "api.example.com"), 1);
	check_int(egress_policy_may_resolve(&policy, "x.api.example.com"), 0);
	check_int(egress_policy_may_resolve(&policy, "a.b.cdn.test"), 1);
	check_int(egress_policy_may_resolve(&policy, "cdn.test"), 0);
	check_int(egress_policy_may_resolve(&policy, "xcdn.test"), 0);
	check_int(verdict("192.0.2.1", 443), EGRESS_DENY);
	learn("api.example.com", "192.0.2.1");
	check_int(verdict("192.0.2.1", 443), EGRESS_ALLOW);
	check_int(verdict("192.0.2.1", 80), EGRESS_DENY);
	learn("x.cdn.test", "192.0.2.1");
	check_int(verdict("192.0.2.1", 80), EGRESS_ALLOW);
	learn("stranger.test", "192.0.2.2");
	check_int(verdict("192.0.2.2", 443), EGRESS_DENY);
	learn("x.cdn.test", "2001:db8::7");
	check_int(verdict("2001:db8::7", 1), EGRESS_ALLOW);
}

/* What a name's owner cannot open, and how much is remembered. */
static void test_learning(void)
{
	static const char *const bad[] = { "127.0.0.1",	      "0.0.0.0",
					   "169.254.169.254", "169.254.1.1",
					   "224.0.0.1",	      "::1",
					   "fe80::1",	      "ff02::1" };
	char text[32];

	rules("*.test", NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		learn("a.test", bad[i]);
		check_int(verdict(bad[i], 80), EGRESS_DENY);
	}
	check_int(policy.learned_count, 0);
	for (unsigned i = 0; i < 3 * EGRESS_LEARNED_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i >> 8, i & 0xff);
		learn("a.test", text);
		learn("a.test", text);
		check_int(verdict(text, 80), EGRESS_ALLOW);
	}
	check_int(verdict("10.0.0.1", 80), EGRESS_DENY);
	check_int(verdict("10.0.8.1", 80), EGRESS_ALLOW);
}

/* ---- messages ----------------------------------------------------------- */

/* A question about A.bc, A, IN. */
static const uint8_t question[] = {
	0x12, 0x34, 1,	 0, 0,	 1,   0, 0, 0, 0, 0,
	0,    1,    'A', 2, 'b', 'c', 0, 0, 1, 0, 1
};

static void test_queries(void)
{
	uint8_t m[sizeof(question)];
	struct dns_question q;

	check_int(dns_parse_query(question, sizeof(question), &q), 1);
	check_int(strcmp(q.name, "a.bc"), 0);
	check_int(q.id, 0x1234);
	check_int(q.type, DNS_TYPE_A);
	check_int(q.end, sizeof(question));
	for (size_t n = 0; n < sizeof(question); n++)
		check_int(dns_parse_query(question, n, &q), 0);
	for (size_t i = 0; i < 4; i++) {
		static const struct {
			uint8_t at, value;
		} broken[] = { { 2, 0x81 }, { 5, 2 }, { 14, 64 }, { 13, 1 } };

		memcpy(m, question, sizeof(m));
		m[broken[i].at] = broken[i].value;
		check_int(dns_parse_query(m, sizeof(m), &q), 0);
	}
}

static unsigned seen;

static void see(void *ctx, const uint8_t *ip, size_t ip_len)
{
	static const uint8_t want[4] = { 192, 0, 2, 9 };

	(void)ctx;
	seen += ip_len == 4 && !memcmp(ip, want, 4);
}

static void test_answers(void)
{
	static const uint8_t ip[4] = { 192, 0, 2, 9 };
	struct dns_question q, other;
	uint8_t out[DNS_OWN_MAX];
	size_t n;

	check_int(dns_parse_query(question, sizeof(question), &q), 1);
	n = dns_make_answer(out, question, &q, DNS_OK, ip);
	check_int(n, sizeof(question) + 16);
	check_int(dns_is_answer(out, n, &q), 1);
	check_int(dns_is_answer(question, sizeof(question), &q), 0);
	other = q;
	other.id++;
	check_int(dns_is_answer(out, n, &other), 0);
	for (size_t len = 0; len <= n; len++) {
		seen = 0;
		dns_each_address(out, len, &q, see, NULL);
		check_int(seen, len == n);
	}
	n = dns_make_answer(out, question, &q, DNS_NO_SUCH_NAME, NULL);
	check_int(out[3] & 15, 3);
	seen = 0;
	dns_each_address(out, n, &q, see, NULL);
	check_int(seen, 0);
}

static void test_name_servers(void)
{
	static const char *const bad[] = {
		"",    "a.test", "1.2.3",  "1.2.3.4:",	   "1.2.3.4:0",
		"::1", "[::1",	 "[::1]x", "1.2.3.4:65536"
	};
	struct sockaddr_in in;

	memset(&servers, 0, sizeof(servers));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_int(name_servers_add(&servers, bad[i], &e), -EINVAL);
	check_int(name_servers_add(&servers, "192.0.2.53", &e), 0);
	check_int(name_servers_add(&servers, "[2001:db8::1]:5353", &e), 0);
	check_int(name_servers_add(&servers, "127.0.0.1:5300", &e), 0);
	check_int(name_servers_add(&servers, "192.0.2.53", &e), -EINVAL);
	memcpy(&in, &servers.server[0].addr, sizeof(in));
	check_int(ntohs(in.sin_port), 53);
	check_int(servers.server[1].len, sizeof(struct sockaddr_in6));
	name_servers_default(&servers);
	check_int(servers.count, 3);
}

/* ---- the broker --------------------------------------------------------- */

static int ctl[2]; /* ours, the monitor's */

static struct egress *broker(const char *a, const char *b)
{
	struct egress *g;

	rules(a, b);
	memset(&servers, 0, sizeof(servers));
	check_int(name_servers_add(&servers, "127.0.0.1:9", &e), 0);
	check_int(egress_new(&g, &policy, &servers, &e), 0);
	check_int(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ctl), 0);
	return g;
}

static void broker_end(struct egress *g)
{
	egress_free(g);
	close(ctl[0]);
	close(ctl[1]);
}

/* The broker's answer; a descriptor goes to *ret_fd. */
static int take_answer(uint32_t id, int *ret_fd)
{
	struct mf_ctl_command c = { .kind = 0 };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &c, sizeof(c) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };

	*ret_fd = -1;
	check_int(recvmsg(ctl[1], &msg, MSG_DONTWAIT), sizeof(c));
	check_int(c.kind, MF_CMD_CONNECTED);
	check_int(c.u.connected.id, id);
	if (msg.msg_controllen)
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return c.u.connected.error;
}

static struct mf_ctl_connect request(const char *ip, uint16_t port,
				     uint32_t proto)
{
	struct mf_ctl_connect q = { .id = port, .proto = proto };

	q.to.port = port;
	q.to.family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(q.to.family, ip, q.to.addr) != 1)
		abort();
	return q;
}

static int asked(struct egress *g, struct mf_ctl_connect q, int *ret_fd)
{
	egress_connect(g, ctl[0], &q);
	return take_answer(q.id, ret_fd);
}

static void test_broker(void)
{
	struct egress *g = broker("host.mayfly.internal", NULL);
	int l = socket(AF_INET, SOCK_STREAM, 0), fd, c;
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	struct mf_ctl_connect q;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check_int(bind(l, (struct sockaddr *)&in, len), 0);
	check_int(listen(l, 1), 0);
	check_int(getsockname(l, (struct sockaddr *)&in, &len), 0);
	q = request("169.254.1.1", ntohs(in.sin_port), IPPROTO_TCP);
	check_int(asked(g, q, &fd), 0);
	c = accept(l, NULL, NULL);
	check_int(c >= 0, 1);
	check_int(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	check_int(send(c, "x", 1, 0), 1);
	check_int(recv(fd, &(char){ 0 }, 1, 0), 1);
	close(c);
	close(fd);
	close(l);
	broker_end(g);
}

static void test_broker_refuses(void)
{
	struct egress *g = broker("host.mayfly.internal:1", "a.test");
	struct mf_ctl_connect q = request("127.0.0.1", 1, IPPROTO_TCP);
	int fd;

	check_int(asked(g, q, &fd), -ENETUNREACH);
	q = request("::1", 1, IPPROTO_TCP);
	check_int(asked(g, q, &fd), -ENETUNREACH);
	q = request("::ffff:127.0.0.1", 1, IPPROTO_UDP);
	check_int(asked(g, q, &fd), -ENETUNREACH);
	q = request("169.254.1.1", 1, 132);
	check_int(asked(g, q, &fd), -EPROTONOSUPPORT);
	q.to.family = AF_UNIX;
	check_int(asked(g, q, &fd), -EAFNOSUPPORT);
	q = request("169.254.1.1", 2, IPPROTO_TCP);
	check_int(asked(g, q, &fd), -ENETUNREACH);
	/* The name server has one port, and no TCP where names are checked. */
	q = request("169.254.1.3", 54, IPPROTO_UDP);
	check_int(asked(g, q, &fd), -ECONNREFUSED);
	q = request("169.254.1.3", 53, IPPROTO_TCP);
	check_int(asked(g, q, &fd), -ECONNREFUSED);
	check_int(fd, -1);
	broker_end(g);
}

/* A monitor that asks for ever and takes nothing: nobody waits for it. */
static int open_functions(void *arg)
{
	(void)arg;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A function may call those that it names, and only by their names. */
static void test_functions(void)
{
	rules("one.fn.mayfly.internal", "all");
	check_int(verdict("169.254.1.4", 80), EGRESS_DENY);
	check(!egress_policy_may_resolve(&policy, "two.fn.mayfly.internal") ||
	      !egress_policy_may_call(&policy, "two"));
	policy.open_functions = open_functions;
	check_int(verdict("169.254.1.4", 80), EGRESS_TO_FUNCTIONS);
	check_int(verdict("169.254.1.4", 81), EGRESS_DENY);
	check(egress_policy_may_call(&policy, "one"));
	check(!egress_policy_may_call(&policy, "two"));
	check(!egress_policy_may_call(&policy, "x.one"));
	rules("all", NULL);
	policy.open_functions = open_functions;
	check_int(verdict("169.254.1.4", 80), EGRESS_DENY);
	check(!egress_policy_may_call(&policy, "one"));
	rules("*.fn.mayfly.internal", NULL);
	check(egress_policy_may_call(&policy, "two"));
}

static void test_broker_deaf_monitor(void)
{
	struct egress *g = broker("all", NULL);
	struct mf_ctl_connect q = request("169.254.1.3", 53, IPPROTO_UDP);
	int fd, n = 0, last = 0;

	for (int i = 0; i < 3000; i++)
		egress_connect(g, ctl[0], &q);
	/* As many as fit were answered, the first of them with sockets. */
	for (; n < 64; n++) {
		last = take_answer(53, &fd);
		check_int(last, 0);
		close(fd);
	}
	check_int(take_answer(53, &fd), -EMFILE);
	broker_end(g);
}

static void test_broker_names(void)
{
	struct egress *g = broker("a.bc", "host.mayfly.internal");
	uint8_t m[sizeof(question)], reply[512];
	struct mf_ctl_connect q = request("169.254.1.3", 53, IPPROTO_UDP);
	int fd;

	check_int(asked(g, q, &fd), 0);
	/* Another name does not exist. */
	memcpy(m, question, sizeof(m));
	m[13] = 'x';
	check_int(send(fd, m, sizeof(m), 0), sizeof(m));
	egress_serve(g);
	check_int(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), sizeof(m));
	check_int(reply[3] & 15, DNS_NO_SUCH_NAME);
	/* Nonsense is dropped. */
	check_int(send(fd, "nonsense", 8, 0), 8);
	egress_serve(g);
	check_int(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), -1);
	/* The server that should know the name is not there. */
	check_int(send(fd, question, sizeof(question), 0), sizeof(question));
	for (int i = 0; i < 5; i++)
		egress_serve(g);
	check_int(recv(fd, reply, sizeof(reply), MSG_DONTWAIT),
		  sizeof(question));
	check_int(reply[3] & 15, DNS_SERVER_FAILED);
	check_int(memcmp(reply, question, 2), 0);
	close(fd);
	broker_end(g);
}

int main(void)
{
	RUN(test_bad_rules);
	RUN(test_too_many_rules);
	RUN(test_all);
	RUN(test_nets);
	RUN(test_host);
	RUN(test_names);
	RUN(test_learning);
	RUN(test_queries);
	RUN(test_answers);
	RUN(test_name_servers);
	RUN(test_broker);
	RUN(test_broker_refuses);
	RUN(test_functions);
	RUN(test_broker_deaf_monitor);
	RUN(test_broker_names);
	return check_done();
}
