/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each round measures every way once, one after the other, so that whatever
 * else the machine does meets all of them alike. What a way needs beforehand
 * is done before its clock starts; what it leaves is cleared after its clock
 * has stopped.
 */
#include "cli/bench_start.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bench_request.h"
#include "cli/bench_vm.h"
#include "host/cleanup.h"
#include "launch/snapshot.h"

#define ROW_REQUESTS 10u /* the first of an instance, each by itself */
#define STEADY	     100u /* and as many after these */
#define LANES	     2 /* instances that are used in turn at full speed */

struct bench {
	const struct bench_start *o;
	struct bench_plan plan;
	struct bench_vm kept; /* used again and again */
	FILE *out;
	int null_fd;
};

/* Fills *ns. */
typedef int sample_fn(struct bench *b, uint64_t *ns, struct err *e);

/* ---- the ways ------------------------------------------------------------ */

static int timed_request(struct bench *b, uint16_t port, uint64_t from,
			 uint64_t *ns, struct err *e)
{
	int r = bench_request(port, b->o->url, e);

	*ns = bench_now_ns() - from;
	return r;
}

static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	return ntohs(a.sin_port);
}

/* 0 or a positive errno. */
static int spawn_bare(const struct bench *b, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, b->null_fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, b->null_fd, STDOUT_FILENO);
	err = posix_spawnp(ret, b->o->bare[0], &files, &attr, b->o->bare,
			   environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return err;
}

static int way_bare(struct bench *b, uint64_t *ns, struct err *e)
{
	uint16_t port = b->o->bare_port ? b->o->bare_port : free_port();
	char text[8];
	uint64_t from;
	pid_t pid;
	int err, r;

	snprintf(text, sizeof(text), "%u", port);
	setenv("PORT", text, 1);
	from = bench_now_ns();
	err = spawn_bare(b, &pid);
	if (err)
		return err_sys(e, err, "cannot start %s", b->o->bare[0]);
	r = timed_request(b, port, from, ns, e);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

static int from_nothing(struct bench *b, struct run_snapshot *copy,
			uint64_t *ns, struct err *e)
{
	uint64_t from = bench_now_ns();
	struct bench_vm v;
	int r = bench_vm_reserve(&v, &b->plan, e);

	if (r == 0)
		r = bench_vm_spawn(&v, &b->plan, e);
	if (r == 0)
		r = bench_vm_send(&v, &b->plan, copy, false, e);
	if (r == 0)
		r = timed_request(b, v.port, from, ns, e);
	bench_vm_fini(&v);
	return r;
}

static int way_boot(struct bench *b, uint64_t *ns, struct err *e)
{
	return from_nothing(b, NULL, ns, e);
}

static int way_clone(struct bench *b, uint64_t *ns, struct err *e)
{
	return from_nothing(b, b->plan.copy, ns, e);
}

static int way_shell(struct bench *b, uint64_t *ns, struct err *e)
{
	struct bench_vm v;
	uint64_t from;
	int r = bench_vm_reserve(&v, &b->plan, e);

	if (r == 0)
		r = bench_vm_shell(&v, &b->plan, e);
	from = bench_now_ns();
	if (r == 0)
		r = bench_vm_send(&v, &b->plan, b->plan.copy, false, e);
	if (r == 0)
		r = timed_request(b, v.port, from, ns, e);
	bench_vm_fini(&v);
	return r;
}

static int start_copy(struct bench *b, struct bench_vm *v, bool keep,
		      struct err *e)
{
	int r = bench_vm_reserve(v, &b->plan, e);

	if (r == 0)
		r = bench_vm_spawn(v, &b->plan, e);
	if (r == 0)
		r = bench_vm_send(v, &b->plan, b->plan.copy, keep, e);
	return r == 0 ? bench_vm_wait_ready(v, e) : r;
}

static int way_pool(struct bench *b, uint64_t *ns, struct err *e)
{
	struct bench_vm v;
	int r = start_copy(b, &v, false, e);

	if (r == 0)
		r = timed_request(b, v.port, bench_now_ns(), ns, e);
	bench_vm_fini(&v);
	return r;
}

/* The kept instance was reset: it begins and answers. */
static int way_again(struct bench *b, uint64_t *ns, struct err *e)
{
	uint64_t from;
	int r = 0;

	if (!b->kept.port)
		r = start_copy(b, &b->kept, true, e);
	if (r == 0)
		r = bench_vm_reset(&b->kept, e);
	from = bench_now_ns();
	if (r == 0)
		r = bench_vm_again(&b->kept, e);
	if (r == 0)
		r = timed_request(b, b->kept.port, from, ns, e);
	return r;
}

/* From the order to end it to its being as new. */
static int way_reset(struct bench *b, uint64_t *ns, struct err *e)
{
	uint64_t from = bench_now_ns();
	int r = bench_vm_reset(&b->kept, e);

	*ns = bench_now_ns() - from;
	return r == 0 ? bench_vm_again(&b->kept, e) : r;
}

static struct way {
	const char *name, *what;
	sample_fn *sample;
	bool kept; /* needs a substrate that can reset */
	uint64_t *ns; /* o->runs samples */
} ways[] = {
	{ "bare", "bare process", way_bare, false, NULL },
	{ "boot", "boot of the image", way_boot, false, NULL },
	{ "clone", "clone, nothing exists", way_clone, false, NULL },
	{ "shell", "clone, into a shell", way_shell, false, NULL },
	{ "pool", "clone, ready in a pool", way_pool, false, NULL },
	{ "again", "instance that was reset", way_again, true, NULL },
	{ "reset", "reset after a request", way_reset, true, NULL },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static bool way_is_on(const struct bench *b, const struct way *w)
{
	bool kvm = b->plan.copy->facts.substrate == MF_SUBSTRATE_KVM;

	if (w->sample == way_bare)
		return b->o->bare != NULL;
	return kvm || !w->kept;
}

/* ---- the first requests of an instance ----------------------------------- */

struct row {
	uint64_t first[ROW_REQUESTS]; /* median of each, ns */
	uint64_t steady; /* median of those after */
};

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The value below which `per_mille` of the samples lie; sorts them. */
static uint64_t quantile(uint64_t *ns, size_t n, unsigned per_mille)
{
	size_t at = (n * per_mille + 999) / 1000;

	qsort(ns, n, sizeof(*ns), compare);
	return ns[at > 0 ? at - 1 : 0];
}

/* Each sample is of an instance of its own. */
static int measure_row(struct bench *b, unsigned runs, struct row *ret,
		       struct err *e)
{
	uint64_t *ns = calloc((size_t)runs * (ROW_REQUESTS + 1), sizeof(*ns));
	uint64_t steady[STEADY];
	unsigned i, k;
	int r = 0;

	if (!ns)
		return err_set(e, ENOMEM, "out of memory");
	for (i = 0; i < runs && r == 0; i++) {
		struct bench_vm v;

		r = start_copy(b, &v, false, e);
		for (k = 0; k < ROW_REQUESTS + STEADY && r == 0; k++)
			r = timed_request(b, v.port, bench_now_ns(),
					  k < ROW_REQUESTS ?
						  &ns[k * runs + i] :
						  &steady[k - ROW_REQUESTS],
					  e);
		bench_vm_fini(&v);
		if (r == 0)
			ns[ROW_REQUESTS * runs + i] =
				quantile(steady, STEADY, 500);
	}
	for (k = 0; k < ROW_REQUESTS && r == 0; k++)
		ret->first[k] = quantile(ns + (size_t)k * runs, runs, 500);
	if (r == 0)
		ret->steady =
			quantile(ns + (size_t)ROW_REQUESTS * runs, runs, 500);
	free(ns);
	return r;
}

/* ---- one after the other ------------------------------------------------- */

/* A lane: a pristine instance for every request, until the time is over. */
static uint64_t run_lane(struct bench *b, uint64_t end)
{
	struct bench_vm v;
	struct err e;
	uint64_t count = 0, ns;
	int r = start_copy(b, &v, true, &e);

	while (r == 0 && bench_now_ns() < end) {
		r = timed_request(b, v.port, 0, &ns, &e);
		count++;
		if (r == 0)
			r = bench_vm_reset(&v, &e);
		if (r == 0)
			r = bench_vm_again(&v, &e);
	}
	bench_vm_fini(&v);
	return r == 0 ? count : 0;
}

/* Requests per second of LANES instances that are reset after each. */
static double measure_rate(struct bench *b)
{
	uint64_t *counts = mmap(NULL, LANES * sizeof(*counts),
				PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = bench_now_ns();
	uint64_t end = begin + b->o->seconds * 1000000000u;
	uint64_t sum = 0;
	pid_t pids[LANES];
	int i;

	if (counts == MAP_FAILED)
		return 0;
	for (i = 0; i < LANES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			counts[i] = run_lane(b, end);
			_exit(0);
		}
	}
	for (i = 0; i < LANES; i++) {
		if (pids[i] > 0)
			waitpid(pids[i], NULL, 0);
		sum += counts[i];
	}
	munmap(counts, LANES * sizeof(*counts));
	return (double)sum * 1e9 / (double)(bench_now_ns() - begin);
}

/* ---- results ------------------------------------------------------------- */

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_table(struct bench *b, const struct row *row, double rate)
{
	unsigned n = b->o->runs, k;
	size_t i;

	fprintf(b->out,
		"%u rounds, milliseconds from the request to the end "
		"of the answer\n\n%-26s%9s%9s%9s\n",
		n, "", "min", "median", "p99");
	for (i = 0; i < WAYS; i++) {
		uint64_t *ns = ways[i].ns;

		if (ns)
			fprintf(b->out, "%-26s%9.3f%9.3f%9.3f\n", ways[i].what,
				ms(quantile(ns, n, 0)),
				ms(quantile(ns, n, 500)),
				ms(quantile(ns, n, 990)));
	}
	fprintf(b->out, "\nrequest of a clone        ");
	for (k = 0; k < ROW_REQUESTS; k++)
		fprintf(b->out, "%6u.", k + 1);
	fprintf(b->out, "  later\nmedian                    ");
	for (k = 0; k < ROW_REQUESTS; k++)
		fprintf(b->out, "%7.3f", ms(row->first[k]));
	fprintf(b->out, "%7.3f\n", ms(row->steady));
	if (rate > 0)
		fprintf(b->out,
			"\nan instance of its own for every request, %d at a "
			"time: %.0f per second\n",
			LANES, rate);
}

static int print_json(struct bench *b, const struct row *row, double rate)
{
	json_t *root = json_object(), *first = json_array();
	unsigned k;
	size_t i;
	int r;

	for (i = 0; i < WAYS; i++) {
		json_t *list = json_array();

		for (k = 0; ways[i].ns && k < b->o->runs; k++)
			json_array_append_new(
				list, json_integer((json_int_t)ways[i].ns[k]));
		json_object_set_new(root, ways[i].name, list);
	}
	for (k = 0; k < ROW_REQUESTS; k++)
		json_array_append_new(first,
				      json_integer((json_int_t)row->first[k]));
	json_object_set_new(root, "first_requests", first);
	json_object_set_new(root, "later_requests",
			    json_integer((json_int_t)row->steady));
	json_object_set_new(root, "per_second", json_real(rate));
	r = json_dumpf(root, b->out, JSON_INDENT(1));
	json_decref(root);
	fputc('\n', b->out);
	return r;
}

/* ---- all of it ----------------------------------------------------------- */

static int measure(struct bench *b, struct err *e)
{
	unsigned i;
	size_t k;
	int r = 0;

	for (k = 0; k < WAYS && r == 0; k++) {
		if (!way_is_on(b, &ways[k]))
			continue;
		ways[k].ns = calloc(b->o->runs, sizeof(*ways[k].ns));
		if (!ways[k].ns)
			r = err_set(e, ENOMEM, "out of memory");
	}
	for (i = 0; i < b->o->runs && r == 0; i++)
		for (k = 0; k < WAYS && r == 0; k++)
			if (ways[k].ns)
				r = ways[k].sample(b, &ways[k].ns[i], e);
	return r;
}

/* The instances' output is not wanted, ours is. */
static int put_output_aside(struct bench *b, struct err *e)
{
	int fd;

	fflush(stdout);
	b->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (b->null_fd < 0 || fd < 0 || dup2(b->null_fd, STDIN_FILENO) < 0 ||
	    dup2(b->null_fd, STDOUT_FILENO) < 0)
		return err_sys(e, errno, "cannot open /dev/null");
	b->out = fdopen(fd, "w");
	return b->out ? 0 : err_sys(e, errno, "cannot use standard output");
}

static int choose_port(struct bench *b, struct err *e)
{
	struct port_map *m = &b->plan.options.ports[0];
	struct sockaddr_in *a = (struct sockaddr_in *)&m->addr;
	const struct manifest *man = &b->plan.img->manifest;
	unsigned port = b->o->port ? b->o->port :
				     b->plan.copy->facts.resume.tcp_port;
	size_t i;

	for (i = 0; i < man->ports_count && !port; i++)
		if (strstr(man->ports[i], "/tcp"))
			port = (unsigned)strtoul(man->ports[i], NULL, 10);
	if (!port)
		return err_set(e, EINVAL,
			       "the program does not listen yet, and its image "
			       "says no port; --port says it");
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	m->addr_len = sizeof(*a);
	m->guest_port = (uint16_t)port;
	m->proto = IPPROTO_TCP;
	b->plan.options.port_count = 1;
	return 0;
}

static int prepare(struct bench *b, struct snapshot *snap, struct image *img,
		   struct err *e)
{
	int r = paths_find(&b->plan.paths, e);

	if (r == 0)
		r = snapshot_open(snap, b->o->path, e);
	if (r == 0)
		r = snapshot_open_image(snap, img, e);
	if (r < 0)
		return r;
	b->plan.img = img;
	b->plan.copy = &snap->copy;
	b->plan.options.path = b->o->path;
	b->plan.options.substrate = snap->copy.facts.substrate;
	b->plan.options.memory_bytes = snap->copy.facts.mem_limit;
	r = choose_port(b, e);
	return r == 0 ? put_output_aside(b, e) : r;
}

int bench_start(const struct bench_start *o, struct err *e)
{
	static struct bench b;
	AUTO_IMAGE struct image img = { .fd = -1 };
	AUTO_SNAPSHOT struct snapshot snap = { .copy.fd = -1 };
	struct row row = { 0 };
	double rate = 0;
	size_t k;
	int r;

	b = (struct bench){ .o = o, .null_fd = -1 };
	r = prepare(&b, &snap, &img, e);
	if (r == 0)
		r = measure(&b, e);
	if (b.kept.port)
		bench_vm_fini(&b.kept);
	if (r == 0)
		r = measure_row(&b, o->runs < 20 ? o->runs : 20, &row, e);
	if (r == 0 && o->seconds &&
	    b.plan.copy->facts.substrate == MF_SUBSTRATE_KVM)
		rate = measure_rate(&b);
	if (r == 0 && o->json)
		print_json(&b, &row, rate);
	else if (r == 0)
		print_table(&b, &row, rate);
	if (b.out && fclose(b.out) != 0 && r == 0)
		r = err_sys(e, errno, "cannot write to standard output");
	for (k = 0; k < WAYS; k++) {
		free(ways[k].ns);
		ways[k].ns = NULL;
	}
	if (b.null_fd >= 0)
		close(b.null_fd);
	return r;
}
