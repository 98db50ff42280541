/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request at a time over the loopback, to the first port that the
 * program listens on, each on a connection of its own. What comes back is
 * read and forgotten. A program that does not answer is given up.
 */
#include "net/warmup.h"

#include <linux/in.h>

#include "core/time.h"
#include "core/uaccess.h"
#include "net/inet.h"

#define ANSWER_NS (5ull * 1000 * 1000 * 1000)

static struct {
	struct socket *s; /* of the request under way, or NULL */
	uint64_t deadline_ns;
	uint32_t made; /* so far */
	bool over;
} warmup;

static bool is_wanted(void)
{
	return !warmup.over && warmup.made < kernel_boot->warm_up &&
	       (kernel_boot->flags & MF_BOOT_SNAPSHOT);
}

static void hang_up(void)
{
	warmup.s->ops->release(warmup.s);
	warmup.s = NULL;
	warmup.made++;
}

static bool send_text(const char *text)
{
	struct iov_iter it;
	struct sock_msg m = { .iter = &it,
			      .flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	uint64_t len = strlen(text);

	iov_iter_init_kernel(&it, (void *)(uintptr_t)text, len);
	return warmup.s->ops->send(warmup.s, &m) == (long)len;
}

static bool connect_to(uint16_t port)
{
	struct net_addr to = { .port = port };
	struct sock_name name;
	int err;

	if (tcp_new(AF_INET, &warmup.s) < 0)
		return false;
	net_addr_set_loopback(&to, true);
	to.port = port;
	net_addr_to_name(&to, AF_INET, &name);
	err = warmup.s->ops->connect(warmup.s, &name, true);
	return !err || err == -EINPROGRESS;
}

static bool ask(void)
{
	char path[MF_REQUEST_MAX];
	uint16_t port = port_listening();

	memcpy(path, kernel_boot->request, sizeof(path));
	path[sizeof(path) - 1] = '\0';
	warmup.deadline_ns = time_deadline(ANSWER_NS);
	if (!port || !connect_to(port) || !send_text("GET ") ||
	    !send_text(path) ||
	    !send_text(" HTTP/1.1\r\nHost: localhost\r\n"
		       "Connection: close\r\n\r\n")) {
		klog("the program cannot be warmed up: it takes no "
		     "connection");
		warmup.over = true;
		if (warmup.s)
			hang_up();
		return false;
	}
	return true;
}

/* Bytes read; 0: the program has hung up; -EAGAIN: nothing yet. */
static long read_some(void)
{
	static uint8_t rest[4096];
	struct iov_iter it;
	struct sock_msg m = { .iter = &it,
			      .flags = MSG_DONTWAIT | MSG_NOSIGNAL };

	iov_iter_init_kernel(&it, rest, sizeof(rest));
	return warmup.s->ops->recv(warmup.s, &m);
}

bool warmup_step(void)
{
	long n = -EAGAIN, moved = 0;

	if (!warmup.s)
		return is_wanted() && ask();
	while ((n = read_some()) > 0)
		moved += n;
	if (n == -EAGAIN && time_mono_ns() < warmup.deadline_ns)
		return moved > 0;
	if (n == -EAGAIN) {
		klog("the program does not answer: it is not warmed up "
		     "further");
		warmup.over = true;
	}
	hang_up();
	return true;
}

bool warmup_busy(uint64_t *ret_deadline_ns)
{
	*ret_deadline_ns = warmup.deadline_ns;
	return warmup.s != NULL;
}
