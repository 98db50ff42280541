/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway between a client and a function that both do what the input
 * says: they write, close, die, in any order. Whatever happens, every request
 * that was submitted is given back once, nothing is leaked, and when all is
 * closed no client is left.
 */
#include "tests/unit/gateway_world.h"

#define STEPS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int client_fd;

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void turn(void)
{
	for (int i = 0; i < 3; i++)
		(void)loop_once(world.loop, 0);
}

static void say(int fd, const uint8_t *data, size_t len)
{
	char sink[4096];

	if (fd < 0)
		return;
	(void)!write(fd, data, len);
	while (read(fd, sink, sizeof(sink)) > 0)
		;
}

static void end_instance(bool well)
{
	const struct instance_end end = {
		.reason = well ? MF_EXIT_FINISHED : MF_EXIT_OOM,
		.why = "it\"is\nover",
	};

	if (world.running && !world.told_end) {
		world.told_end = true;
		world.running->ended(world.running, &end);
	}
	drop(&world.fn_fd);
	drop(&world.out_fd);
	drop(&world.in_fd);
}

static void answer_waiting(bool yes)
{
	struct dispatch_request *r = world.waiting;

	if (!r)
		return;
	world.waiting = NULL;
	if (!yes) {
		r->refused(r, 503, 1, "no");
		world.cancels++;
		return;
	}
	r->instance = (void *)&world;
	world.running = r;
	world.told_end = false;
	r->assigned(r);
}

static void new_client(void)
{
	drop(&client_fd);
	turn();
	client_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (client_fd < 0 ||
	    connect(client_fd, (void *)&world_addr, world_addr_len) < 0)
		abort();
}

/* One step; how many bytes of the input it took. */
static size_t step(const uint8_t *data, size_t size)
{
	size_t n = size > 1 ? data[1] : 0;

	if (n > size - 2)
		n = size - 2;
	switch (data[0] % 10) {
	case 0:
		say(client_fd, data + 2, n);
		return n + 2;
	case 1:
		say(world.is_stdio ? world.out_fd : world.fn_fd, data + 2, n);
		return n + 2;
	case 2:
		if (client_fd >= 0)
			shutdown(client_fd, SHUT_WR);
		break;
	case 3:
		drop(&world.fn_fd);
		break;
	case 4:
		end_instance(n & 1);
		break;
	case 5:
		new_client();
		break;
	case 6:
		world.hold = n & 1;
		world.refuse = n & 2 ? 429 : 0;
		break;
	case 7:
		answer_waiting(n & 1);
		break;
	case 8:
		world.connect_error = n & 1 ? ECONNREFUSED : 0;
		break;
	default:
		turn();
		break;
	}
	return 2;
}

static void begin(uint8_t flags)
{
	world_new(NULL);
	world.in_fd = world.out_fd = -1;
	world.is_stdio = flags & 1;
	world.version.spec.mode = flags & 1 ? FUNCTION_STDIO : FUNCTION_HTTP;
	world.version.spec.isolation = flags & 2 ? ISOLATION_REQUEST :
						   ISOLATION_REUSE;
	world.version.spec.response_bytes_max = flags & 4 ? 20 : 0;
	world.version.spec.request_bytes_max = flags & 4 ? 20 : 0;
	client_fd = -1;
	new_client();
}

static void end(void)
{
	drop(&client_fd);
	turn();
	end_instance(true);
	turn();
	turn();
	gateway_free(world.g);
	if (world.submits != world.dones + world.cancels + world.refusals ||
	    world.version.refs || world.running || world.waiting)
		abort();
	world.g = NULL;
	loop_free(world.loop);
	strlist_fini(&world.env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned steps = 0;
	size_t at = 1;

	if (size < 2)
		return 0;
	begin(data[0]);
	while (size - at >= 2 && steps++ < STEPS_MAX) {
		at += step(data + at, size - at);
		if (!(data[0] & 8))
			turn();
	}
	end();
	return 0;
}
