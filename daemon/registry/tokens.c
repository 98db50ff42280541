/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens, in memory and in their table: "mf_" and 64 hex digits. All hashes
 * are compared with each that comes, each in constant time.
 */
#include "daemon/registry/tokens.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/registry/db.h"
#include "daemon/registry/private.h"
#include "daemon/registry/spec.h"
#include "host/cleanup.h"

#define SECRET_SIZE 32u
#define PREFIX	    "mf_"

static const char *const roles[] = { "admin", "invoke" };

const char *token_role_name(enum token_role r)
{
	return roles[r];
}

struct list *registry_tokens(struct registry *r)
{
	return &r->tokens;
}

static void hash_text(uint8_t ret[DB_HASH_SIZE], const char *text)
{
	crypto_generichash(ret, DB_HASH_SIZE, (const uint8_t *)text,
			   strlen(text), NULL, 0);
}

static void insert_sorted(struct registry *r, struct token *t)
{
	struct list *pos;

	list_for_each(pos, &r->tokens)
		if (strcmp(container_of(pos, struct token, node)->name,
			   t->name) > 0)
			break;
	list_add_tail(pos, &t->node);
}

static struct token *find_name(struct registry *r, const char *name)
{
	struct list *pos;

	list_for_each(pos, &r->tokens) {
		struct token *t = container_of(pos, struct token, node);

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

static int check_new(struct registry *r, const struct token *want,
		     struct err *e)
{
	struct list *pos;
	uint32_t count = 0;
	int err = function_name_check(want->name, e);

	list_for_each(pos, &r->tokens)
		count++;
	if (err == 0 && count >= TOKENS_MAX)
		err = err_set(e, ENOSPC,
			      "there are %u tokens already; remove some",
			      count);
	if (err == 0 && find_name(r, want->name))
		err = err_set(e, EEXIST, "there is a token %s already",
			      want->name);
	if (err == 0 && want->function[0] && want->role == TOKEN_ADMIN)
		err = err_set(e, EINVAL,
			      "a token of role admin is not for one function");
	return err == 0 && want->function[0] ?
		       function_name_check(want->function, e) :
		       err;
}

static int insert_row(struct registry *r, const struct token *t, struct err *e)
{
	return db_run(r->db, e,
		      "INSERT INTO tokens (name, role, function, hash,"
		      " created_ms) VALUES (?, ?, ?, ?, ?)",
		      "ttthi", t->name, roles[t->role],
		      t->function[0] ? t->function : NULL, t->hash,
		      (int64_t)t->created_ms);
}

int registry_token_add(struct registry *r, const struct token *want,
		       char ret_text[TOKEN_TEXT_MAX], struct err *e)
{
	AUTO_FREE struct token *t = malloc(sizeof(*t));
	uint8_t secret[SECRET_SIZE];
	char text[TOKEN_TEXT_MAX] = PREFIX;
	int err = check_new(r, want, e);

	if (err < 0)
		return err;
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	randombytes_buf(secret, sizeof(secret));
	sodium_bin2hex(text + strlen(PREFIX), sizeof(text) - strlen(PREFIX),
		       secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	*t = *want;
	t->created_ms = registry_now_ms();
	hash_text(t->hash, text);
	err = insert_row(r, t, e);
	if (err == 0) {
		insert_sorted(r, take_ptr(t));
		memcpy(ret_text, text, sizeof(text));
	}
	sodium_memzero(text, sizeof(text));
	return err;
}

int registry_token_remove(struct registry *r, const char *name, struct err *e)
{
	struct token *t = find_name(r, name);
	int err;

	if (!t)
		return err_set(e, ENOENT, "there is no token %.63s", name);
	err = db_run(r->db, e, "DELETE FROM tokens WHERE name = ?", "t", name);
	if (err < 0)
		return err;
	list_del(&t->node);
	free(t);
	return 0;
}

const struct token *registry_token_find(struct registry *r, const char *text)
{
	const struct token *found = NULL;
	uint8_t hash[DB_HASH_SIZE];
	struct list *pos;

	hash_text(hash, text);
	list_for_each(pos, &r->tokens) {
		const struct token *t = container_of(pos, struct token, node);

		if (sodium_memcmp(t->hash, hash, sizeof(hash)) == 0)
			found = t;
	}
	return found;
}

bool token_may_invoke(const struct token *t, const char *function)
{
	return t->role == TOKEN_ADMIN || !t->function[0] ||
	       strcmp(t->function, function) == 0;
}

static int load_token(struct registry *r, sqlite3_stmt *s, struct err *e)
{
	const char *name = (const char *)sqlite3_column_text(s, 0);
	const char *role = (const char *)sqlite3_column_text(s, 1);
	const char *function = (const char *)sqlite3_column_text(s, 2);
	struct token *t;

	if (!name || !role || function_name_check(name, e) < 0 ||
	    (function && function_name_check(function, e) < 0) ||
	    (strcmp(role, roles[0]) != 0 && strcmp(role, roles[1]) != 0) ||
	    sqlite3_column_bytes(s, 3) != DB_HASH_SIZE)
		return err_set(e, EUCLEAN,
			       "the registry is damaged: a token; restore a "
			       "backup of it");
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	snprintf(t->name, sizeof(t->name), "%s", name);
	snprintf(t->function, sizeof(t->function), "%s",
		 function ? function : "");
	t->role = strcmp(role, roles[TOKEN_ADMIN]) == 0 ? TOKEN_ADMIN :
							  TOKEN_INVOKE;
	memcpy(t->hash, sqlite3_column_blob(s, 3), DB_HASH_SIZE);
	t->created_ms = (uint64_t)sqlite3_column_int64(s, 4);
	insert_sorted(r, t);
	return 0;
}

int tokens_load(struct registry *r, struct err *e)
{
	AUTO_STMT sqlite3_stmt *s = NULL;
	int err;

	if (sodium_init() < 0)
		return err_set(e, EIO, "libsodium does not start");
	s = db_query(r->db, e,
		     "SELECT name, role, function, hash, created_ms"
		     " FROM tokens",
		     "");
	err = s ? 0 : -e->code;
	while (err == 0 && (err = db_step(s, e)) > 0)
		err = load_token(r, s, e);
	return err;
}

void tokens_fini(struct registry *r)
{
	struct list *pos, *tmp;

	list_for_each_safe(pos, tmp, &r->tokens)
		free(container_of(pos, struct token, node));
	list_init(&r->tokens);
}
