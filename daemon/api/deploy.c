/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deploy: the version is staged, a child process puts its image on the disk
 * and takes its snapshot, the version is probed, and then it is committed.
 * Until then requests go where they went. What a deploy that fails, or whose
 * client goes away, has made is removed; what one has made that was cut off
 * by a kill, the registry removes when it is opened.
 *
 * The answer is a stream of JSON lines: {"event": "step"...}, {"event":
 * "note"...}, and last {"event": "done"...} or {"event": "error"...}.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/api/child.h"
#include "daemon/api/deploy_job.h"
#include "daemon/api/json.h"
#include "daemon/api/private.h"
#include "daemon/api/probe.h"
#include "daemon/registry/spec.h"
#include "host/cleanup.h"

#define LOG_LINES      20u /* of a version that does not answer */
#define IMAGE_UNUSED_S 3600u /* an upload waits so long for its deploy */

struct deploy {
	struct list node; /* in api->deploys */
	struct api *api;
	struct api_request *request;
	struct version *version; /* staged */
	char *image, *snapshot; /* paths */
	uint64_t percent, warm_up;
	uint64_t began_ms;
	struct api_child *child;
	struct api_probe probe;
	struct log_reader log;
	json_t *log_lines;
	char why[1024]; /* of the failure */
	char *log_buf;
};

/* ---- telling ---- */

static void tell(struct deploy *d, const char *event, const char *text)
{
	api_stream_json(d->request, json_pack("{s:s, s:s}", "event", "step",
					      "step", event));
	if (text)
		api_stream_json(d->request, json_pack("{s:s, s:s}", "event",
						      "note", "text", text));
}

/* ---- the end ---- */

static void deploy_free(struct deploy *d)
{
	list_del(&d->node);
	d->api->deploy_count--;
	api_child_leave(d->child, &d->api->children, d->snapshot);
	api_probe_cancel(&d->probe);
	log_reader_close(&d->log);
	if (d->version) {
		struct version *v = take_ptr(d->version);

		registry_drop(d->api->c.registry, v);
	}
	json_decref(d->log_lines);
	free(d->log_buf);
	free(d->image);
	free(d->snapshot);
	free(d);
}

static void release(struct api_request *r)
{
	deploy_free(r->data);
}

void api_deploys_end(struct api *a)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &a->deploys)
		deploy_free(container_of(pos, struct deploy, node));
}

static void finish_failed(struct deploy *d)
{
	json_t *o = api_problem_json(422, d->why);

	log_reader_close(&d->log);
	if (o) {
		json_object_set_new(o, "event", json_string("error"));
		json_object_set(o, "log", d->log_lines);
	}
	api_stream_json(d->request, o);
	api_stream_end(d->request);
}

/* ---- what it said ---- */

static void add_log_lines(struct deploy *d, char *text, size_t len)
{
	char *line, *next = text;

	text[len - 1] = '\0';
	while ((line = strsep(&next, "\n"))) {
		json_t *o = json_loads(line, 0, NULL);

		if (json_is_object(o) &&
		    json_array_size(d->log_lines) < LOG_LINES)
			json_array_append(d->log_lines,
					  json_object_get(o, "text"));
		json_decref(o);
	}
}

static void on_log(struct log_reader *reader)
{
	struct deploy *d = container_of(reader, struct deploy, log);
	ssize_t n;

	while ((n = log_reader_next(&d->log, d->log_buf, LOG_RECORD_MAX)) > 0)
		add_log_lines(d, d->log_buf, (size_t)n);
	if (n != -EAGAIN)
		finish_failed(d);
}

static void explain(struct deploy *d)
{
	struct log_query q = { .function = d->version->function->name,
			       .since_ms = d->began_ms,
			       .tail = LOG_LINES };
	struct err e;

	if (!d->log_lines)
		d->log_lines = json_array();
	d->log_buf = malloc(LOG_RECORD_MAX + 1);
	d->log.more = on_log;
	logs_flush(d->api->c.logs);
	if (!d->log_buf || log_reader_open(&d->log, d->api->c.logs, &q, &e) < 0)
		finish_failed(d);
	else
		on_log(&d->log);
}

static void fail(struct deploy *d, const char *what, const char *why)
{
	snprintf(d->why, sizeof(d->why), "%s: %s", what, why);
	if (d->api->c.logs)
		explain(d);
	else
		finish_failed(d);
}

/* ---- the last step ---- */

static void done(struct deploy *d)
{
	struct api *a = d->api;
	struct version *v = d->version;
	struct function *f = v->function;
	struct err e;
	json_t *o;

	if (registry_commit(a->c.registry, v, (uint32_t)d->percent, &e) < 0) {
		fail(d, "it cannot be registered", e.text);
		return;
	}
	o = json_pack("{s:s, s:i, s:o}", "event", "done", "version",
		      (int)v->number, "function",
		      api_function_json(a, f, false));
	d->version = NULL;
	version_unref(v);
	/* What fails of this is done by the next deploy. */
	(void)registry_prune_versions(a->c.registry, f, API_VERSIONS_KEPT, &e);
	registry_drop_images(a->c.registry, IMAGE_UNUSED_S);
	api_stream_json(d->request, o);
	api_stream_end(d->request);
}

static void on_probed(struct api_probe *p, const char *why)
{
	struct deploy *d = container_of(p, struct deploy, probe);

	if (why)
		fail(d, "the new version is not ready", why);
	else
		done(d);
}

static void probe(struct deploy *d, bool has_snapshot)
{
	if (version_set_files(d->version, d->version->digest, d->image,
			      has_snapshot ? d->snapshot : NULL) < 0) {
		fail(d, "the new version cannot be tried", "out of memory");
		return;
	}
	tell(d, "probe", NULL);
	d->probe.done = on_probed;
	api_probe_start(&d->probe, &d->api->c, d->version);
}

/* ---- the child ---- */

/* The lines of the program are its log; the last one says why. */
static void keep_output(struct deploy *d)
{
	char *line, *next = d->child->text;

	if (!d->log_lines)
		d->log_lines = json_array();
	while ((line = strsep(&next, "\n"))) {
		if (!line[0])
			continue;
		if (json_array_size(d->log_lines) >= LOG_LINES)
			json_array_remove(d->log_lines, 0);
		json_array_append_new(d->log_lines, json_string(line));
	}
}

static const char *last_line(const struct deploy *d)
{
	size_t n = json_array_size(d->log_lines);
	const char *line =
		n ? json_string_value(json_array_get(d->log_lines, n - 1)) :
		    NULL;

	if (line && strncmp(line, "mayfly: ", 8) == 0)
		line += 8;
	return line ? line : "it said nothing";
}

static void on_child(struct api_child *c, int status)
{
	struct deploy *d = c->owner;
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	char note[512];

	keep_output(d);
	if (ok) {
		json_array_clear(d->log_lines);
		probe(d, d->version->spec.mode == FUNCTION_HTTP);
		return;
	}
	unlink(d->snapshot);
	if (!deploy_may_boot(status, d->version->spec.mode, last_line(d))) {
		char what[80];

		deploy_describe_end(status, what, sizeof(what));
		fail(d, what, last_line(d));
		return;
	}
	snprintf(note, sizeof(note), "its instances will boot: %s",
		 last_line(d));
	tell(d, "boot", note);
	json_array_clear(d->log_lines);
	probe(d, false);
}

static void start_child(struct deploy *d)
{
	AUTO_CLOSE int fd = open(d->image, O_RDONLY | O_CLOEXEC);
	struct deploy_job job = { 0 };
	struct err e;
	int r = fd < 0 ? err_sys(&e, errno, "cannot open the image") : 0;

	if (r == 0 && d->version->spec.mode == FUNCTION_HTTP)
		r = deploy_job_init(
			&job, &d->api->c, d->version,
			&(struct deploy_files){ .image = d->image,
						.snapshot = d->snapshot,
						.warm_up = d->warm_up },
			&e);
	d->child = r == 0 ? calloc(1, sizeof(*d->child)) : NULL;
	if (r == 0 && !d->child)
		r = err_set(&e, ENOMEM, "out of memory");
	if (r == 0 && d->child) {
		const struct api_child_job child = {
			.sync_fd = fd,
			.argv = job.argv.count ? job.argv.items : NULL,
			.env = job.env.items,
		};

		tell(d, job.argv.count ? "snapshot" : "sync", NULL);
		d->child->done = on_child;
		d->child->owner = d;
		r = api_child_start(d->child, d->api->c.loop, &child, &e);
	}
	deploy_job_fini(&job);
	if (r < 0)
		fail(d, "it cannot be tried", e.text);
}

/* ---- the request ---- */

static struct deploy *find_deploy(struct api *a, const char *name)
{
	struct list *pos;

	list_for_each(pos, &a->deploys) {
		struct deploy *d = container_of(pos, struct deploy, node);

		if (d->version && strcmp(d->version->function->name, name) == 0)
			return d;
	}
	return NULL;
}

struct wish {
	struct spec spec;
	const char *digest;
	uint64_t percent, warm_up;
};

static int read_wish(const json_t *o, struct wish *w, struct err *e)
{
	static const char *const keys[] = { "digest", "spec", "percent",
					    "warm_up", NULL };
	json_t *none = json_object();
	const json_t *spec = json_object_get(o, "spec");
	int r = json_check_keys(o, keys, e);

	w->percent = 100;
	if (r == 0)
		r = json_get_text(o, "digest", &w->digest, 100, e);
	if (r == 0 && !w->digest)
		r = err_set(e, EINVAL, "digest is missing");
	if (r == 0)
		r = json_get_number(o, "percent", &w->percent, 100, e);
	if (r == 0)
		r = json_get_number(o, "warm_up", &w->warm_up, 100000, e);
	if (r == 0)
		r = spec_parse(&w->spec, spec ? spec : none, e);
	json_decref(none);
	return r;
}

static struct deploy *deploy_new(struct api_request *r, struct wish *w,
				 struct err *e)
{
	struct deploy *d = calloc(1, sizeof(*d));
	struct version *v = NULL;

	if (!d || registry_stage(r->api->c.registry, r->params[0], &w->spec, &v,
				 e) < 0) {
		if (!d)
			err_set(e, ENOMEM, "out of memory");
		free(d);
		return NULL;
	}
	d->api = r->api;
	d->request = r;
	d->version = v;
	d->percent = w->percent;
	d->warm_up = w->warm_up;
	d->began_ms = v->created_ms;
	d->image = api_image_path(r->api, w->digest);
	d->snapshot = version_new_snapshot_path(v);
	list_add_tail(&r->api->deploys, &d->node);
	r->api->deploy_count++;
	if (!d->image || !d->snapshot ||
	    version_set_files(v, w->digest, d->image, d->snapshot) < 0) {
		err_set(e, ENOMEM, "out of memory");
		deploy_free(d);
		return NULL;
	}
	return d;
}

static void begin(struct api_request *r, struct wish *w)
{
	AUTO_FREE char *image = api_image_path(r->api, w->digest);
	struct deploy *d;
	struct err e;

	if (!image) {
		api_problem(r, 400, "digest is not sha256: and 64 hex digits");
		return;
	}
	if (access(image, R_OK) < 0) {
		api_problem(r, 404, "there is no image %s; upload it first",
			    w->digest);
		return;
	}
	d = deploy_new(r, w, &e);
	if (!d) {
		registry_drop_image(r->api->c.registry, image);
		api_problem_err(r, &e);
		return;
	}
	r->data = d;
	r->release = release;
	api_stream_begin(r, "application/x-ndjson");
	start_child(d);
}

/* The image was uploaded for this, most likely. */
static void refuse(struct api_request *r, const struct wish *w,
		   const struct err *e)
{
	AUTO_FREE char *image = w->digest ? api_image_path(r->api, w->digest) :
					    NULL;

	if (image)
		registry_drop_image(r->api->c.registry, image);
	api_problem_err(r, e);
}

void api_deploy(struct api_request *r)
{
	struct wish w = { 0 };
	struct err e;

	if (find_deploy(r->api, r->params[0]))
		api_problem(r, 409, "%s is being deployed by somebody else",
			    r->params[0]);
	else if (r->api->deploy_count >= API_DEPLOYS_MAX)
		api_problem(r, 503, "there are %u deploys at the moment",
			    r->api->deploy_count);
	else if (read_wish(r->json, &w, &e) < 0)
		refuse(r, &w, &e);
	else
		begin(r, &w);
	spec_fini(&w.spec);
}
