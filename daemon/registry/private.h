/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of daemon/registry/ share; nobody else includes this. */
#ifndef DAEMON_REGISTRY_PRIVATE_H
#define DAEMON_REGISTRY_PRIVATE_H

#include <sqlite3.h>

#include "daemon/registry/registry.h"
#include "daemon/registry/route.h"

#define BUCKETS 1024u /* of names; a power of two */

struct registry {
	sqlite3 *db;
	char *state_dir;
	char *domain; /* NULL: localhost alone */
	int lock_fd;
	struct list functions; /* by name */
	struct list staged; /* functions without a version yet */
	struct list versions; /* all, by all_node */
	struct list tokens;
	struct function *buckets[BUCKETS];
	struct route_table routes; /* of the versions that answer */
	void (*changed)(void *ctx);
	void *changed_ctx;
	void (*gone)(void *ctx, const char *name);
	void *gone_ctx;
};

/* ---- registry.c ---- */

struct function *function_new(struct registry *r, const char *name);
/* One that has no version any more, and never had one that was committed,
 * goes with the last of them. */
void function_unref(struct function *f);
struct function *registry_find_staged(struct registry *r, const char *name);
/* Into the list and the hash. */
void function_list(struct function *f);
void function_unlist(struct function *f);
/* Not listed; one reference. */
struct version *version_new(struct function *f, uint32_t number,
			    struct spec *spec);
void version_list(struct version *v);
/* From here on nobody finds it, and the last reference is the end of its
 * files. Drops the registry's reference if it was listed. */
void version_retire(struct version *v);
struct alias *alias_put(struct function *f, const struct alias *want);
/* After a change: routes, and whoever wants to know. */
void registry_changed(struct registry *r);
uint64_t registry_now_ms(void);

/* ---- load.c ---- */

int registry_load(struct registry *r, struct err *e);
/* "1:90,2:10". */
void alias_text(const struct alias *a, char *text, size_t size);
int alias_parse(struct alias *ret, const char *text);
#define ALIAS_TEXT_MAX (ALIAS_SHARES_MAX * 24u)

/* ---- tokens.c ---- */

int tokens_load(struct registry *r, struct err *e);
void tokens_fini(struct registry *r);

#endif
