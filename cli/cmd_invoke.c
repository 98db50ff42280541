/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly invoke: one request to a function, by way of the API, which hands it
 * to the gateway. The answer's body goes to stdout as it comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/platform.h"
#include "cli/talk.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "host/strlist.h"

enum { OPT_DATA = 10, OPT_HEADER, OPT_METHOD, OPT_INCLUDE };

static const struct opt opts[] = {
	{ OPT_DATA, 'd', "data", "TEXT|@FILE",
	  "the body of the request; @- is stdin" },
	{ OPT_HEADER, 'H', "header", "LINE", "a header line, as NAME: value" },
	{ OPT_METHOD, 'X', "request", "METHOD",
	  "default GET, or POST with a body" },
	{ OPT_INCLUDE, 'i', "include", NULL, "print status and headers too" },
	{ 0 },
};

#define BODY_MAX (256u << 20)

struct invoke {
	const char *data, *method;
	struct strlist headers;
	bool include, has_type;
	char *body;
	size_t body_len;
	int write_error;
};

static int add_header(struct invoke *v, const char *line, struct err *e)
{
	size_t name = strcspn(line, ":");

	if (!name || !line[name] || strpbrk(line, "\r\n"))
		return err_set(e, EINVAL,
			       "%s is not a header line like NAME: value",
			       line);
	v->has_type |= name == 12 && strncasecmp(line, "content-type", 12) == 0;
	return strlist_add(&v->headers, line) < 0 ?
		       err_set(e, ENOMEM, "out of memory") :
		       0;
}

static int take(void *arg, int id, const char *value, struct err *e)
{
	struct invoke *v = arg;

	switch (id) {
	case OPT_DATA:
		v->data = value;
		return 0;
	case OPT_HEADER:
		return add_header(v, value, e);
	case OPT_METHOD:
		if (!value[0] || value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVW"
						     "XYZ")])
			return err_set(e, EINVAL, "%s is not a method", value);
		v->method = value;
		return 0;
	default:
		v->include = true;
		return 0;
	}
}

/* ---- the body ---- */

static int read_all(struct invoke *v, int fd, const char *name, struct err *e)
{
	size_t room = 0;
	ssize_t n;

	do {
		if (v->body_len + 65536 > room) {
			char *more = realloc(v->body, room + (1 << 20));

			if (!more)
				return err_set(e, ENOMEM, "out of memory");
			v->body = more;
			room += 1 << 20;
		}
		n = read(fd, v->body + v->body_len, 65536);
		if (n < 0)
			return err_sys(e, errno, "cannot read %s", name);
		v->body_len += (size_t)n;
		if (v->body_len > BODY_MAX)
			return err_set(e, E2BIG,
				       "%s has more than %u MiB; send it with "
				       "curl to the function's URL",
				       name, BODY_MAX >> 20);
	} while (n > 0);
	return 0;
}

static int read_body(struct invoke *v, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	const char *name;

	if (!v->data)
		return 0;
	if (v->data[0] != '@') {
		v->body = strdup(v->data);
		v->body_len = strlen(v->data);
		return v->body ? 0 : err_set(e, ENOMEM, "out of memory");
	}
	name = v->data + 1;
	if (strcmp(name, "-") == 0)
		return read_all(v, STDIN_FILENO, "standard input", e);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", name);
	return read_all(v, fd, name, e);
}

/* JSON if it is some, unless a header says what it is. */
static const char *guess_type(const struct invoke *v)
{
	json_t *o;

	if (!v->body || v->has_type)
		return NULL;
	o = json_loadb(v->body, v->body_len, JSON_DECODE_ANY, NULL);
	json_decref(o);
	return o ? "application/json" : "text/plain; charset=utf-8";
}

/* ---- the answer ---- */

static void on_head(void *arg, const struct http_head *h, const char *buf)
{
	const struct invoke *v = arg;

	if (v->include)
		fwrite(buf, 1, h->len, stdout);
}

static int on_data(void *arg, const char *data, size_t len)
{
	struct invoke *v = arg;

	fflush(stdout);
	v->write_error = file_write(STDOUT_FILENO, data, len);
	return v->write_error;
}

/* NAME[@ALIAS][/PATH] is /fn/NAME[@ALIAS]/PATH. */
static char *make_path(const char *word, struct err *e)
{
	char *path = NULL;
	const char *p;

	for (p = word; *p > ' ' && *p <= '~'; p++)
		;
	if (!word[0] || word[0] == '/' || *p) {
		err_set(e, EINVAL, "%s is not NAME[@ALIAS][/PATH]", word);
		return NULL;
	}
	if (asprintf(&path, "/fn/%s%s", word, strchr(word, '/') ? "" : "/") <
	    0) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	return path;
}

static char *join_headers(const struct strlist *l)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < l->count; i++)
		fprintf(f, "%s\r\n", l->items[i]);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static int invoke(struct invoke *v, const char *word, struct err *e)
{
	AUTO_FREE char *path = make_path(word, e), *headers = NULL;
	struct talk_answer a = { 0 };
	struct talk t = { .method = v->method ? v->method :
				    v->body   ? "POST" :
						"GET",
			  .path = path,
			  .body = v->body,
			  .body_len = v->body_len,
			  .body_fd = -1,
			  .type = guess_type(v),
			  .any_status = true,
			  .head = on_head,
			  .data = on_data,
			  .arg = v,
			  .patient = true };
	int r;

	if (!path)
		return -e->code;
	t.headers = headers = join_headers(&v->headers);
	if (!headers)
		return err_set(e, ENOMEM, "out of memory");
	r = talk(&t, &a, e);
	if (v->write_error)
		return err_sys(e, -v->write_error,
			       "cannot write to standard output");
	talk_answer_fini(&a);
	if (r == 0 && a.status >= 400)
		return err_set(e, EREMOTEIO, "%s answered with status %d", word,
			       a.status);
	return r;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct invoke v = { 0 };
	struct platform_words w = { .min = 1,
				    .max = 1,
				    .what = "the name of a function",
				    .option = take,
				    .arg = &v };
	struct err e;
	int r, status;

	if (platform_parse(cmd, argc, argv, &w, &status) == 0) {
		r = read_body(&v, &e);
		if (r == 0)
			r = invoke(&v, w.words[0], &e);
		status = r < 0 ? platform_fail(r, &e) : STATUS_OK;
	}
	strlist_fini(&v.headers);
	free(v.body);
	return status;
}

const struct cmd cmd_invoke = {
	.name = "invoke",
	.usage = "[OPTIONS] NAME[@ALIAS][/PATH]",
	.summary = "Send a function a request and print its answer",
	.details = "Needs no token, also of a function that wants one. Exit "
		   "status: 0 if the answer's\nstatus is below 400, else 1.",
	.opts = opts,
	.run = run,
};
