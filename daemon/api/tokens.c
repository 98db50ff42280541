/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: who has made which. The text of one is in the answer that makes
 * it, and nowhere else.
 */
#include "daemon/registry/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/json.h"
#include "daemon/api/private.h"

static json_t *token_json(const struct token *t)
{
	return json_pack("{s:s, s:s, s:s?, s:I}", "name", t->name, "role",
			 token_role_name(t->role), "function",
			 t->function[0] ? t->function : NULL, "created_ms",
			 (json_int_t)t->created_ms);
}

void api_list_tokens(struct api_request *r)
{
	struct list *pos, *all = registry_tokens(r->api->c.registry);
	json_t *list = json_array();

	list_for_each(pos, all)
		json_array_append_new(list, token_json(container_of(
						    pos, struct token, node)));
	api_reply_json(r, 200, json_pack("{s:o}", "tokens", list));
}

static int read_token(const json_t *o, struct token *ret, struct err *e)
{
	static const char *const keys[] = { "name", "role", "function", NULL };
	const char *name = "", *role = "admin", *function = "";
	int r = json_check_keys(o, keys, e);

	if (r == 0)
		r = json_get_text(o, "name", &name, FUNCTION_NAME_MAX, e);
	if (r == 0)
		r = json_get_text(o, "role", &role, 16, e);
	if (r == 0 && !json_is_null(json_object_get(o, "function")))
		r = json_get_text(o, "function", &function, FUNCTION_NAME_MAX,
				  e);
	if (r < 0)
		return r;
	if (strcmp(role, "admin") != 0 && strcmp(role, "invoke") != 0)
		return err_set(e, EINVAL, "role is neither admin nor invoke");
	*ret = (struct token){ .role = strcmp(role, "admin") == 0 ?
					       TOKEN_ADMIN :
					       TOKEN_INVOKE };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->function, sizeof(ret->function), "%s", function);
	return 0;
}

void api_post_token(struct api_request *r)
{
	char text[TOKEN_TEXT_MAX];
	struct token want = { 0 };
	json_t *o;
	struct err e;
	int err = read_token(r->json, &want, &e);

	if (err == 0)
		err = registry_token_add(r->api->c.registry, &want, text, &e);
	if (err < 0) {
		api_problem_err(r, &e);
		return;
	}
	o = token_json(&want);
	json_object_set_new(o, "token", json_string(text));
	json_object_del(o, "created_ms");
	memset(text, 0, sizeof(text));
	api_reply_json(r, 201, o);
}

void api_delete_token(struct api_request *r)
{
	struct err e;

	if (registry_token_remove(r->api->c.registry, r->params[0], &e) < 0)
		api_problem_err(r, &e);
	else
		api_reply_empty(r, 204);
}
