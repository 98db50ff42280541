/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all operations, and how a path and a query are understood.
 * docs/api/openapi.json has the same operations; tests/openapi_check.py
 * compares.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/private.h"

#define F "/v1/functions/{}"

static const struct api_route routes[] = {
	{ HTTP_GET, "/v1/health", API_NO_BODY, true, NULL, api_get_health },
	{ HTTP_GET, "/v1/info", API_NO_BODY, false, NULL, api_get_info },
	{ HTTP_GET, "/v1/functions", API_NO_BODY, false, NULL,
	  api_list_functions },
	{ HTTP_GET, F, API_NO_BODY, false, NULL, api_get_function },
	{ HTTP_DELETE, F, API_NO_BODY, false, NULL, api_delete_function },
	{ HTTP_POST, F "/versions", API_JSON, false, NULL, api_deploy },
	{ HTTP_GET, F "/versions/{}", API_NO_BODY, false, NULL,
	  api_get_version },
	{ HTTP_PUT, F "/aliases/{}", API_JSON, false, NULL, api_put_alias },
	{ HTTP_DELETE, F "/aliases/{}", API_NO_BODY, false, NULL,
	  api_delete_alias },
	{ HTTP_POST, F "/rollback", API_NO_BODY, false, " alias ",
	  api_rollback },
	{ HTTP_GET, F "/logs", API_NO_BODY, false,
	  " since grep tail follow instance request ", api_get_logs },
	{ HTTP_HEAD, "/v1/images/{}", API_NO_BODY, false, NULL,
	  api_head_image },
	{ HTTP_POST, "/v1/images", API_STREAM, false, NULL, api_post_image },
	{ HTTP_GET, "/v1/instances", API_NO_BODY, false, " function ",
	  api_list_instances },
	{ HTTP_DELETE, "/v1/instances/{}", API_NO_BODY, false, NULL,
	  api_delete_instance },
	{ HTTP_GET, "/v1/history", API_NO_BODY, false,
	  " function id since until before limit runs reason format ",
	  api_get_history },
	{ HTTP_GET, "/v1/totals", API_NO_BODY, false,
	  " function since until format ", api_get_totals },
	{ HTTP_GET, "/v1/stats", API_NO_BODY, false, NULL, api_get_stats },
	{ HTTP_GET, "/v1/metrics", API_NO_BODY, false, NULL, api_get_metrics },
	{ HTTP_GET, "/metrics", API_NO_BODY, false, NULL, api_get_metrics },
	{ HTTP_GET, "/v1/tokens", API_NO_BODY, false, NULL, api_list_tokens },
	{ HTTP_POST, "/v1/tokens", API_JSON, false, NULL, api_post_token },
	{ HTTP_DELETE, "/v1/tokens/{}", API_NO_BODY, false, NULL,
	  api_delete_token },
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

/* ---- paths ---- */

/* One parameter: a segment that means nothing to anybody else. */
static bool take_param(const char **path, char ret[API_PARAM_MAX])
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len >= API_PARAM_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)(*path)[i]) &&
		    !strchr("-_:.", (*path)[i]))
			return false;
	memcpy(ret, *path, len);
	ret[len] = '\0';
	*path += len;
	return true;
}

static bool matches(struct api_request *r, const char *pattern,
		    const char *path)
{
	unsigned n = 0;

	while (*pattern) {
		if (*pattern == '{') {
			if (n == API_PARAMS || !take_param(&path, r->params[n]))
				return false;
			n++;
			pattern += 2;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path;
}

const struct api_route *api_route_find(struct api_request *r, const char *path,
				       char ret_allow[64])
{
	size_t at = 0;

	ret_allow[0] = '\0';
	for (size_t i = 0; i < ROUTES; i++) {
		if (!matches(r, routes[i].pattern, path))
			continue;
		if (routes[i].method == r->method)
			return &routes[i];
		at += (size_t)snprintf(ret_allow + at, 64 - at, "%s%s",
				       at ? ", " : "",
				       http_method_text(routes[i].method));
	}
	return NULL;
}

/* ---- queries ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* In place. */
static bool decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*out++ = *text == '+' ? ' ' : *text;
			continue;
		}
		high = hex(text[1]);
		low = high < 0 ? -1 : hex(text[2]);
		if (low < 0 || high + low == 0)
			return false;
		*out++ = (char)(high << 4 | low);
		text += 2;
	}
	*out = '\0';
	return true;
}

static bool is_known(const char *known, const char *name)
{
	char word[40];
	int len = snprintf(word, sizeof(word), " %s ", name);

	return known && name[0] && !strchr(name, ' ') &&
	       len < (int)sizeof(word) && strstr(known, word);
}

static int add_pair(struct api_request *r, char *text, struct err *e)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	if (!is_known(r->route->query, text))
		return err_set(e, EINVAL, "there is no parameter %.40s here",
			       text);
	if (r->query_count == API_QUERY_MAX || api_query(r, text))
		return err_set(e, EINVAL, "parameter %.40s is said twice",
			       text);
	if (value && !decode(value))
		return err_set(e, EINVAL,
			       "parameter %.40s is not percent-encoded", text);
	r->query[r->query_count++] = (struct api_pair){
		.name = text, .value = value ? value : text + strlen(text)
	};
	return 0;
}

int api_query_parse(struct api_request *r, const char *text, size_t len,
		    struct err *e)
{
	char *next;
	int err = 0;

	r->query_text = strndup(text, len);
	if (!r->query_text)
		return err_set(e, ENOMEM, "out of memory");
	for (char *at = r->query_text; err == 0 && at; at = next) {
		next = strchr(at, '&');
		if (next)
			*next++ = '\0';
		if (*at)
			err = add_pair(r, at, e);
	}
	return err;
}

const char *api_query(const struct api_request *r, const char *name)
{
	for (uint32_t i = 0; i < r->query_count; i++)
		if (strcmp(r->query[i].name, name) == 0)
			return r->query[i].value;
	return NULL;
}

int api_query_number(struct api_request *r, const char *name, uint64_t missing,
		     uint64_t *ret)
{
	const char *text = api_query(r, name);
	char *end;

	*ret = missing;
	if (!text)
		return 0;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (isdigit((unsigned char)text[0]) && !errno && !*end &&
	    *ret <= INT64_MAX)
		return 0;
	api_problem(r, 400, "parameter %s is not a number", name);
	return -EINVAL;
}
