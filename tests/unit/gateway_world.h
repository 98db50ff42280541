/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway in a world of its own: real sockets to clients and to functions,
 * and in the places of registry and dispatch a few lines that do as the test
 * says. Test, clients and functions are one thread: after each step the loop
 * runs until it has nothing to do.
 */
#ifndef TESTS_UNIT_GATEWAY_WORLD_H
#define TESTS_UNIT_GATEWAY_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/gateway/gateway.h"
#include "daemon/logs/access.h"
#include "tests/unit/check.h"

#define WORLD_TEXT (256u << 10)

static struct {
	struct loop *loop;
	struct gateway *g;
	struct function fn;
	struct version version;
	struct list links; /* kept connections to the instance */
	int fn_fd; /* the function's end of the last connection; -1 */
	unsigned connects, submits, dones, cancels, refusals, broken, given_up;
	bool is_stdio, told_end; /* of a test's own */
	int connect_error; /* what instance_connect fails with, or 0 */
	int refuse; /* status, or 0 */
	bool hold; /* requests wait */
	bool may_call;
	bool is_hidden; /* the version wants a token as others do */
	struct dispatch_request *waiting, *running;
	uint16_t done_status;
	uint64_t done_in, done_out;
	int in_fd, out_fd; /* stdin and stdout as the program has them */
	struct strlist env; /* of the last request */
	struct access_entry entry; /* the last; strings below */
	unsigned entries;
	char entry_path[200], entry_error[300];
} world;

/* ---- in the place of the registry ---------------------------------------- */

void registry_route(struct registry *r, struct route *ret, const char *host,
		    const char *path)
{
	(void)r;
	memset(ret, 0, sizeof(*ret));
	if (strcmp(host, "f.localhost") == 0) {
		ret->function = &world.fn;
	} else if (strncmp(path, "/fn/f", 5) == 0 &&
		   (path[5] == '/' || !path[5])) {
		ret->function = &world.fn;
		ret->prefix_len = 5;
	}
}

struct function *registry_find(struct registry *r, const char *name)
{
	(void)r;
	return strcmp(name, "f") == 0 ? &world.fn : NULL;
}

struct version *function_pick(struct function *f, const char *alias,
			      uint32_t dice)
{
	(void)f;
	(void)alias;
	(void)dice;
	return &world.version;
}

bool version_is_public(const struct version *v)
{
	return !v->spec.needs_token && !world.is_hidden;
}

struct version *version_ref(struct version *v)
{
	v->refs++;
	return v;
}

void version_unref(struct version *v)
{
	if (v)
		v->refs--;
}

/* ---- in the place of dispatch -------------------------------------------- */

void dispatch_submit(struct dispatch *d, struct dispatch_request *r)
{
	(void)d;
	world.submits++;
	strlist_fini(&world.env);
	for (size_t i = 0; r->env && i < r->env->count; i++)
		strlist_add(&world.env, r->env->items[i]);
	if (world.refuse) {
		world.refusals++;
		r->refused(r, world.refuse, 7, "the test says so");
	} else if (world.hold) {
		world.waiting = r;
	} else {
		r->instance = (void *)&world;
		world.running = r;
		world.told_end = false;
		r->assigned(r);
	}
}

void dispatch_cancel(struct dispatch *d, struct dispatch_request *r)
{
	(void)d;
	(void)r;
	world.cancels++;
	world.waiting = NULL;
}

void dispatch_done(struct dispatch *d, struct dispatch_request *r,
		   const struct dispatch_outcome *o)
{
	(void)d;
	(void)r;
	world.dones++;
	world.broken += o->broken;
	world.given_up += o->given_up;
	world.done_status = o->status;
	world.done_in = o->bytes_in;
	world.done_out = o->bytes_out;
	world.running = NULL;
	if (o->keep)
		list_add_head(&world.links, &o->keep->node);
}

const char *dispatch_start_kind(const struct dispatch_request *r)
{
	(void)r;
	return "copy";
}

bool dispatch_may_call(const struct version *caller, const char *function)
{
	return caller == &world.version && strcmp(function, "f") == 0 &&
	       world.may_call;
}

struct instance_link *instance_take_link(struct instance *i)
{
	struct list *n = list_pop_head(&world.links);

	(void)i;
	return n ? container_of(n, struct instance_link, node) : NULL;
}

int instance_connect(struct instance *i)
{
	int sv[2];

	(void)i;
	if (world.connect_error)
		return -world.connect_error;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) < 0)
		abort();
	if (world.fn_fd >= 0)
		close(world.fn_fd);
	world.fn_fd = sv[1];
	world.connects++;
	return sv[0];
}

void instance_stdio(struct instance *i, int *ret_in, int *ret_out)
{
	int in[2], out[2];

	(void)i;
	if (pipe2(in, O_NONBLOCK) < 0 || pipe2(out, O_NONBLOCK) < 0)
		abort();
	*ret_in = in[1];
	*ret_out = out[0];
	if (world.in_fd > 0)
		close(world.in_fd);
	if (world.out_fd > 0)
		close(world.out_fd);
	world.in_fd = in[0];
	world.out_fd = out[1];
}

const char *instance_id(const struct instance *i)
{
	(void)i;
	return "0123456789abcdef0123456789abcdef";
}

/* ---- in the place of the logs -------------------------------------------- */

void access_log(struct logs *l, const struct access_entry *e)
{
	(void)l;
	world.entry = *e;
	world.entries++;
	snprintf(world.entry_path, sizeof(world.entry_path), "%s",
		 e->path ? e->path : "");
	snprintf(world.entry_error, sizeof(world.entry_error), "%s",
		 e->error ? e->error : "");
}

/* ---- in the place of the metrics ----------------------------------------- */

static double world_counts[METRIC_COUNT];

void metrics_add(struct metrics *m, enum metric id, struct metric_labels labels,
		 double by)
{
	(void)m;
	(void)labels;
	world_counts[id] += by;
}

void metrics_set(struct metrics *m, enum metric id, struct metric_labels labels,
		 double value)
{
	(void)m;
	(void)labels;
	world_counts[id] = value;
}

void metrics_observe(struct metrics *m, enum metric id,
		     struct metric_labels labels, double value)
{
	(void)m;
	(void)labels;
	world_counts[id] += value >= 0;
}

const char *metrics_class(unsigned status)
{
	return status ? "some" : "none";
}

static struct metrics_source *world_source;

void metrics_source_add(struct metrics *m, struct metrics_source *s)
{
	(void)m;
	world_source = s;
}

void metrics_source_remove(struct metrics_source *s)
{
	world_source = world_source == s ? NULL : world_source;
}

/* ---- the world ----------------------------------------------------------- */

static bool world_token_ok(void *ctx, const struct function *f,
			   const char *token, size_t len)
{
	(void)ctx;
	return f == &world.fn && len == 6 && memcmp(token, "secret", 6) == 0;
}

/* One of the kernel's choosing, without a file. */
static struct sockaddr_un world_addr;
static socklen_t world_addr_len;

static int world_listener(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	world_addr_len = sizeof(world_addr);
	if (fd < 0 || bind(fd, (void *)&a, sizeof(a.sun_family)) < 0 ||
	    listen(fd, 16) < 0 ||
	    getsockname(fd, (void *)&world_addr, &world_addr_len) < 0)
		abort();
	return fd;
}

static inline void world_new(const struct gateway_config *add)
{
	struct gateway_config c = add ? *add : (struct gateway_config){ 0 };
	struct err e;

	memset(&world, 0, sizeof(world));
	world.fn_fd = -1;
	list_init(&world.links);
	memcpy(world.fn.name, "f", 2);
	world.version.function = &world.fn;
	world.version.number = 3;
	world.version.spec.isolation = ISOLATION_REUSE;
	world.version.spec.total_ms = 60000;
	world.version.spec.first_byte_ms = 30000;
	world.version.spec.idle_ms = 30000;
	if (loop_new(&world.loop, &e) < 0)
		abort();
	c.loop = world.loop;
	c.logs = (void *)&world;
	c.metrics = (void *)&world;
	memset(world_counts, 0, sizeof(world_counts));
	c.token_ok = world_token_ok;
	if (gateway_new(&world.g, &c, &e) < 0 ||
	    gateway_listen(world.g, world_listener(), NULL, &e) < 0)
		abort();
}

static inline void world_free(void)
{
	gateway_free(world.g);
	loop_free(world.loop);
	if (world.fn_fd >= 0)
		close(world.fn_fd);
	strlist_fini(&world.env);
	check_int(world.version.refs, 0);
}

/* Until nothing more happens. */
static inline void spin(void)
{
	for (int i = 0; i < 20; i++)
		check_int(loop_once(world.loop, 0), 0);
}

/* And until the gateway believes what it sees. */
static inline void settle(void)
{
	for (int i = 0; i < 60; i++)
		check_int(loop_once(world.loop, 2), 0);
}

static inline void world_on_end(struct loop_timer *t)
{
	t->fire = NULL;
}

/* How often something happens in a while. */
static inline unsigned world_rounds(unsigned ms)
{
	struct loop_timer end = { .fire = world_on_end };
	unsigned n = 0;

	check_int(loop_timer_set(world.loop, &end,
				 loop_clock_ns(world.loop) + ms * 1000000ull),
		  0);
	for (; end.fire; n++)
		check_int(loop_once(world.loop, -1), 0);
	return n;
}

/* ---- clients and functions ----------------------------------------------- */

static inline int client_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check(fd >= 0);
	check_int(connect(fd, (void *)&world_addr, world_addr_len), 0);
	spin();
	return fd;
}

static inline void put(int fd, const char *s)
{
	check_int(write(fd, s, strlen(s)), (ssize_t)strlen(s));
	spin();
}

/* What can be read now; a NUL behind it. */
static inline const char *get(int fd)
{
	static char text[WORLD_TEXT];
	size_t n = 0;
	ssize_t r;

	spin();
	while (n < sizeof(text) - 1 &&
	       (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
		n += (size_t)r;
		spin();
	}
	text[n] = 0;
	return text;
}

/* Nothing more will come. */
static inline bool is_closed(int fd)
{
	char byte;
	ssize_t n;

	spin();
	n = read(fd, &byte, 1);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

static inline bool has(const char *text, const char *part)
{
	if (strstr(text, part))
		return true;
	printf("no \"%s\" in:\n%s\n", part, text);
	return false;
}

static inline bool ends(const char *text, const char *part)
{
	size_t n = strlen(text), m = strlen(part);

	if (n >= m && strcmp(text + n - m, part) == 0)
		return true;
	printf("\"%s\" is not the end of:\n%s\n", part, text);
	return false;
}

/* ---- exchanges ----------------------------------------------------------- */

#define GET	  "GET /fn/f/ HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_CLOSE "GET /fn/f/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
#define POST	  "POST /fn/f/ HTTP/1.1\r\nHost: h\r\n"
#define OK_HELLO  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* A client that has asked, and the function that has the question. */
static inline int ask(const char *request)
{
	int fd = client_connect();

	put(fd, request);
	return fd;
}

static inline void finish(int client)
{
	close(client);
	spin();
	check_ptr(world.running, NULL);
	world_free();
}

#endif
