/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens, of the API and of functions that want one. A token is shown
 * when it is made, and never again: the registry has its hash. A hash made
 * for speed is right for it, since nobody guesses 256 random bits.
 */
#ifndef DAEMON_REGISTRY_TOKENS_H
#define DAEMON_REGISTRY_TOKENS_H

#include "daemon/registry/registry.h"

#define TOKEN_TEXT_MAX 80u /* with the NUL */
#define TOKENS_MAX     1000u

enum token_role {
	TOKEN_ADMIN = 0, /* everything */
	TOKEN_INVOKE = 1, /* requests to one function, or to all */
};

struct token {
	struct list node; /* in registry_tokens, by name */
	char name[FUNCTION_NAME_MAX + 1];
	enum token_role role;
	char function[FUNCTION_NAME_MAX + 1]; /* INVOKE; empty: all */
	uint64_t created_ms;
	uint8_t hash[32]; /* private */
};

/* `want` has name, role and function. -EEXIST if the name is taken. */
int registry_token_add(struct registry *r, const struct token *want,
		       char ret_text[TOKEN_TEXT_MAX], struct err *e);
int registry_token_remove(struct registry *r, const char *name, struct err *e);
struct list *registry_tokens(struct registry *r);

/* Whose token it is; NULL: nobody's. Takes as long for every wrong one. */
const struct token *registry_token_find(struct registry *r, const char *text);
/* May its owner send requests to this function? */
bool token_may_invoke(const struct token *t, const char *function);

const char *token_role_name(enum token_role r); /* "admin", "invoke" */

#endif
