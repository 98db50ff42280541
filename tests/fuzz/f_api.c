/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API, as a client that may do everything sees it: whatever bytes it is
 * sent, it answers with HTTP or ends the connection, and what it holds for
 * the connection is gone with it. Instances are made up.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/private.h"
#include "daemon/registry/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct api *api;
static struct registry *registry;
static char state[] = "/tmp/f_api.XXXXXX";

static void each(void *ctx,
		 void (*tell)(void *arg, const struct instance_info *i),
		 void *arg)
{
	const struct instance_info i = {
		.id = "0123456789abcdef0123456789abcdef",
		.function = "f",
		.state = "ready",
		.substrate = "kvm",
		.how = "copy",
		.version = 1,
	};

	(void)ctx;
	tell(arg, &i);
}

static int stop(void *ctx, const char *id_prefix)
{
	(void)ctx;
	return strcmp(id_prefix, "0123") == 0 ? 0 : -ENOENT;
}

static void counts(void *ctx, const struct version *v, struct sched_counts *ret)
{
	(void)ctx;
	(void)v;
	*ret = (struct sched_counts){ .ready = 1 };
}

static void submit(void *ctx, struct dispatch_request *r)
{
	(void)ctx;
	r->refused(r, 503, 0, "there is nobody");
}

static void cancel(void *ctx, struct dispatch_request *r)
{
	(void)ctx;
	(void)r;
}

static const struct api_ops ops = {
	.each = each,
	.stop = stop,
	.counts = counts,
	.submit = submit,
	.cancel = cancel,
};

static void deploy(void)
{
	struct version *v;
	struct spec spec;
	struct err e;

	if (spec_parse_text(&spec, "{}", 2, &e) < 0 ||
	    registry_stage(registry, "f", &spec, &v, &e) < 0 ||
	    version_set_files(v, "sha256:0", "/nowhere", NULL) < 0 ||
	    registry_commit(registry, v, 100, &e) < 0)
		abort();
	version_unref(v);
}

static void clean_up(void)
{
	char command[80];

	snprintf(command, sizeof(command), "%s", state);
	if (fork() == 0) {
		execlp("rm", "rm", "-rf", command, NULL);
		_exit(1);
	}
}

static void set_up(void)
{
	struct api_config c = { .ops = &ops,
				.program = "/nonexistent",
				.substrate = "kvm",
				.url = "http://localhost:8080",
				.image_bytes_max = 1 << 20 };
	struct err e;

	if (!mkdtemp(state) || loop_new(&loop, &e) < 0 ||
	    registry_open(&registry, state, &e) < 0 ||
	    logs_open(&c.logs, state, loop, &(struct logs_limits){ 0 }, &e) <
		    0 ||
	    ledger_open(&c.ledger, state, loop, &(struct ledger_limits){ 0 },
			&e) < 0 ||
	    metrics_new(&c.metrics) < 0)
		abort();
	c.loop = loop;
	c.registry = registry;
	if (api_open(&api, &c, &e) < 0)
		abort();
	deploy();
	atexit(clean_up);
}

static void read_answer(int fd, size_t *total)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (*total == 0 && n >= 9 && memcmp(buf, "HTTP/1.1 ", 9) != 0)
			abort();
		*total += (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct api_who who = { .admin = true };
	size_t total = 0;
	int pair[2];

	if (!loop)
		set_up();
	if (size > 60000 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       pair) < 0)
		return 0;
	api_conn_new(&api->local, pair[1], &who, NULL);
	if (write(pair[0], data, size) != (ssize_t)size)
		abort();
	for (int i = 0; i < 6; i++) {
		(void)loop_once(loop, 0);
		read_answer(pair[0], &total);
	}
	close(pair[0]);
	(void)loop_once(loop, 0);
	(void)loop_once(loop, 0);
	if (api->conn_count != 0)
		abort();
	if (!registry_find(registry, "f"))
		deploy();
	return 0;
}
