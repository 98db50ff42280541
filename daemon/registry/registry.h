/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that are deployed: in memory for whoever routes and
 * schedules, in SQLite for good. A version never changes; aliases say which
 * versions answer. What is changed here is on disk when the call returns.
 *
 * Structures are the registry's; they stay where they are while a reference
 * is held (version_ref), also when the function was removed.
 */
#ifndef DAEMON_REGISTRY_REGISTRY_H
#define DAEMON_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "host/err.h"
#include "host/strlist.h"
#include "lib/list.h"

#define FUNCTION_NAME_MAX 63u /* a DNS label: a-z 0-9 and inner - */
#define ALIAS_SHARES_MAX  8u
#define ALIAS_DEFAULT	  "live"
#define SPEC_PORT_DEFAULT 8080u

enum function_mode {
	FUNCTION_HTTP = 0, /* an HTTP server */
	FUNCTION_STDIO = 1, /* body on stdin, answer on stdout */
};

enum function_isolation {
	ISOLATION_REQUEST = 0, /* a pristine instance for each request */
	ISOLATION_REUSE = 1, /* up to `concurrency` at a time, until idle */
};

/* What a version is to be; docs/formats/function.md says the JSON of it. */
struct spec {
	enum function_mode mode;
	enum function_isolation isolation;
	uint32_t concurrency; /* requests at a time in an instance, >= 1 */
	uint32_t min_instances, max_instances; /* max >= 1 */
	uint32_t queue_max; /* requests that wait */
	uint64_t memory_bytes; /* of the guest */
	uint32_t cpu_milli; /* thousandths of a CPU; 0: no limit */
	uint16_t port; /* where the program listens, also in PORT */
	bool needs_token; /* of its callers */
	uint64_t request_bytes_max, response_bytes_max; /* 0: no limit */
	uint32_t start_ms; /* until an instance is ready */
	uint32_t first_byte_ms; /* of an answer */
	uint32_t idle_ms; /* between two bytes */
	uint32_t total_ms; /* of a request */
	uint32_t keep_ms; /* an instance without requests lives on */
	uint32_t grace_ms; /* from SIGTERM to the kill */
	char *readiness; /* path; NULL: that it accepts is enough */
	char *liveness; /* path; NULL: not asked */
	uint32_t liveness_ms; /* how often */
	char *content_type; /* of answers of mode stdio */
	struct strlist env; /* NAME=value */
	struct strlist egress; /* rules of launch/egress_policy.h */
	struct strlist routes; /* [HOST]/PATH; see route.h */
};

struct function;

struct version {
	struct list node; /* in function->versions, ascending */
	struct function *function;
	uint32_t number; /* from 1 */
	struct spec spec;
	char *digest; /* of the image, hex */
	char *image_path, *snapshot_path; /* snapshot: NULL if it boots */
	uint64_t created_ms; /* realtime */
	void *pool; /* daemon/dispatch.c's */
	uint32_t calls; /* daemon/gateway's: connections of its instances */
	bool removed; /* nobody may begin anything with it */
	/* The rest is private. */
	struct list all_node; /* in registry->versions */
	unsigned refs;
	bool listed; /* `node` is in the list of its function */
};

struct alias_share {
	uint32_t version;
	uint32_t weight; /* of the sum of all */
};

struct alias {
	struct list node; /* in function->aliases */
	char name[FUNCTION_NAME_MAX + 1];
	struct alias_share shares[ALIAS_SHARES_MAX];
	uint32_t share_count;
};

struct function {
	struct list node; /* in registry_functions */
	char name[FUNCTION_NAME_MAX + 1];
	struct list versions, aliases;
	uint64_t created_ms;
	bool removed;
	/* The rest is private. */
	struct registry *registry;
	struct function *hash_next;
	int64_t id; /* of the row; 0: there is none yet */
	uint32_t next_number;
	unsigned refs;
};

struct registry;

/*
 * Locks the directory against another daemon and opens, or makes,
 * STATE/registry.db. A file that is damaged, of another version, or somebody
 * else's is refused and left as it is. Files in STATE/images and
 * STATE/versions that no version has are removed: a deploy was cut short.
 */
int registry_open(struct registry **ret, const char *state_dir, struct err *e);
void registry_close(struct registry *r);

/* Names of functions are hosts below this one too, besides localhost. */
int registry_set_domain(struct registry *r, const char *domain, struct err *e);
/* Called after versions, aliases or functions came, changed or went. */
void registry_on_change(struct registry *r, void (*changed)(void *ctx),
			void *ctx);
/*
 * Called when nothing of a function is left, neither versions that still run
 * nor a new function of that name; also if its only deploy failed.
 */
void registry_on_gone(struct registry *r,
		      void (*gone)(void *ctx, const char *name), void *ctx);
const char *registry_state_dir(const struct registry *r);

struct list *registry_functions(struct registry *r); /* by name */
struct function *registry_find(struct registry *r, const char *name);
struct version *function_version(struct function *f, uint32_t number);
struct alias *function_alias(struct function *f, const char *name);

/*
 * The version that answers a request which draws `dice`, any number;
 * `alias` may be NULL (the default one), a name, or a version's number.
 * NULL: there is none.
 */
struct version *function_pick(struct function *f, const char *alias,
			      uint32_t dice);

/*
 * May everybody ask it? Not if it wants a token, or one of the versions that
 * the default alias leads to does: who protects a function means what it was
 * before too. Nor if no alias leads to it.
 */
bool version_is_public(const struct version *v);

/* What a request's host and path lead to. */
struct route {
	struct function *function; /* NULL: nowhere */
	char alias[FUNCTION_NAME_MAX + 1]; /* empty: the default */
	uint32_t prefix_len; /* bytes of the path that are the platform's */
};
/*
 * /fn/NAME[@ALIAS]/..., NAME.localhost, and the declared routes of the
 * versions that answer, the longest path first. `host` has no port, and may
 * have any case; `path` ends before '?'.
 */
void registry_route(struct registry *r, struct route *ret, const char *host,
		    const char *path);

struct version *version_ref(struct version *v);
void version_unref(struct version *v); /* NULL is fine */

/* ---- changes ------------------------------------------------------------- */

/*
 * A deploy, in two steps. A staged version has its number and can be run by
 * whoever has it; nobody finds it, and nothing of it is on disk but the files
 * it is given. Takes `spec` over if it succeeds. *ret has a reference.
 */
int registry_stage(struct registry *r, const char *name, struct spec *spec,
		   struct version **ret, struct err *e);
/*
 * Where its snapshot is to be, malloc'd; NULL: no memory. No other version
 * ever has that path, neither one of the same name and number that was
 * removed and still runs nor one that comes after it.
 */
char *version_new_snapshot_path(const struct version *v);
/* snapshot NULL: it boots. */
int version_set_files(struct version *v, const char *digest, const char *image,
		      const char *snapshot);
/*
 * Then, at once: the function is there, the version is, and `percent` of the
 * default alias are its; 0: none. The first version of a function gets all.
 */
int registry_commit(struct registry *r, struct version *v, uint32_t percent,
		    struct err *e);
/* Or it was for nothing: its files go with the last reference. */
void registry_drop(struct registry *r, struct version *v);

/* Makes an alias, or changes it. */
int registry_set_alias(struct registry *r, struct function *f,
		       const struct alias *want, struct err *e);
int registry_remove_alias(struct registry *r, struct function *f,
			  const char *name, struct err *e);
/*
 * What the alias was before, one version alone, and not the newest of those
 * that it is now: -ENOENT if it never was.
 */
int registry_rollback(struct registry *r, struct function *f, const char *name,
		      struct err *e);
/* Files of images that no version has: this one; all that are that old. */
void registry_drop_image(const struct registry *r, const char *path);
void registry_drop_images(const struct registry *r, unsigned age_s);
int registry_remove(struct registry *r, struct function *f, struct err *e);
/*
 * All versions go but the newest `keep`, those of aliases, and the one that a
 * rollback of the default alias leads to.
 */
int registry_prune_versions(struct registry *r, struct function *f,
			    uint32_t keep, struct err *e);

#endif
