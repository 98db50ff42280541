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
	unsigned refs; /* private */
	bool removed; /* nobody may begin anything with it */
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
};

struct registry;

/*
 * Opens, or makes, STATE/registry.db. A file that is damaged, of another
 * version, or somebody else's is refused and left as it is.
 */
int registry_open(struct registry **ret, const char *state_dir, struct err *e);
void registry_close(struct registry *r);

struct list *registry_functions(struct registry *r);
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

#endif
