/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be sealed: a tree under construction, what it runs, where its
 * files came from. The functions that fill it (image/program.h, image/add.h)
 * add to the tree and remember what they read; seal_image() takes it.
 */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/err.h"
#include "host/sigguard.h"
#include "host/strlist.h"
#include "image/inputs.h"
#include "image/stage.h"

/* How the program is started; what is missing gets a default. */
struct source_config {
	char *program; /* path in the image; NULL: args[0] says */
	struct strlist args; /* argv */
	size_t args_default; /* at the end of args: others replace them */
	struct strlist env; /* "NAME=value", added to the default ones */
	char *cwd; /* NULL: "/" */
	struct strlist ports; /* "8080/tcp" */
	uint32_t uid, gid; /* of the program; every file is theirs */
	uint32_t stop_signal; /* Linux number; 0: SIGTERM */
	uint64_t memory_bytes; /* 0: computed */
	bool libraries; /* this machine's libraries complete the tree */
	bool no_rewrite; /* system calls stay as they are, everywhere ... */
	struct strlist not_rewritten; /* ... or below these paths */
	/* "FILE:LINE" that asked for it, for messages; NULL: none did */
	char *args_at, *cwd_at, *not_rewritten_at;
};

/* Files at or below `image` were copied from `host`. Both are absolute. */
struct origin {
	char *image, *host;
};

/* Whoever wants to see what takes long; NULL where not. */
struct watch {
	void (*step)(void *arg, const char *text); /* this begins */
	void (*tick)(void *arg); /* a second has passed in it */
	void *arg;
};

struct source {
	struct sigguard guard; /* signals wait until the tree is removed */
	struct stage stage;
	struct source_config config;
	struct origin *origins;
	size_t origin_count;
	struct inputs inputs;
	struct strlist warnings; /* sentences for the user */
	struct watch watch;
};

/* *s is valid for source_fini() in any case. The tree is yet to be made. */
int source_init(struct source *s, struct err *e);
void source_fini(struct source *s);

#define AUTO_SOURCE __attribute__((cleanup(source_fini)))

int source_add_origin(struct source *s, const char *image, const char *host,
		      struct err *e);
/* Where on this machine the file came from; false: not from here. */
bool source_origin(const struct source *s, const char *image,
		   char ret[PATH_MAX]);
/* Sets "NAME=value", in the place of another value. 0 or -ENOMEM. */
int source_set_env(struct source *s, const char *entry);
/* A sentence for the user that does not end the work. */
int source_warn(struct source *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, about `count` files of which `first` is one; none if 0. */
int source_warn_files(struct source *s, const char *what, const char *first,
		      unsigned count);

/*
 * Copies a file of this machine into the tree and remembers it as an input.
 * `mode` as for stage_put_copy.
 */
int source_copy(struct source *s, const char *image, const char *host,
		mode_t mode, struct err *e);

/* Tells who watches what is done now. */
void source_step(const struct source *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
