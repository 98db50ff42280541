/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root file system that layers are applied to: where a name of a layer
 * leads, and what a whiteout removes. Names are resolved by us, one
 * component after the other; the kernel is never handed a path that could
 * follow a symbolic link. An absolute link is taken relative to the root, as
 * a program in the image would see it; one that climbs above the root is
 * refused. Nobody else may change the tree meanwhile.
 */
#ifndef UNPACK_TREE_H
#define UNPACK_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/err.h"
#include "unpack/member.h"
#include "unpack/pathset.h"

struct unpack_tree {
	int fd; /* the root, owned */
	uint32_t entries; /* made so far */
	uint32_t entries_max;
	struct pathset seen; /* what the current layer made */
	/* The directory of the last name, as most names share theirs: */
	int dir_fd; /* -1: none */
	char dir_name[MEMBER_LEN_MAX + 1]; /* as it was asked for */
	char dir_path[MEMBER_LEN_MAX + 1]; /* where it led */
	char want[MEMBER_LEN_MAX + 1]; /* the name that is being located */
};

/* Where a name leads. */
struct spot {
	int dir; /* borrowed: good until the tree is next asked */
	char name[MEMBER_NAME_MAX + 1]; /* in dir; "" is the root itself */
	char path[MEMBER_LEN_MAX + 1]; /* from the root, without links */
};

/* Takes over fd, an open directory. */
void unpack_tree_init(struct unpack_tree *t, int fd, uint32_t entries_max);
void unpack_tree_fini(struct unpack_tree *t);

/* What follows belongs to another layer. */
void unpack_tree_next_layer(struct unpack_tree *t);

/*
 * Finds the directory of `name`; `make` creates what is missing on the way.
 * The last component is not looked at and never followed. -ENOENT without
 * `make` if the directory does not exist.
 */
int unpack_tree_locate(struct unpack_tree *t, const char *name, bool make,
		       struct spot *ret, struct err *e);

/* Notes that the current layer has made the file there. */
int unpack_tree_made(struct unpack_tree *t, const struct spot *s,
		     struct err *e);

/* Removes what is there, if anything is. */
int unpack_tree_remove(struct unpack_tree *t, const struct spot *s,
		       struct err *e);

/* Removes what earlier layers put there. */
int unpack_tree_hide(struct unpack_tree *t, const struct spot *s,
		     struct err *e);

/* Removes what earlier layers put into the directory of the spot. */
int unpack_tree_hide_siblings(struct unpack_tree *t, const struct spot *s,
			      struct err *e);

/* Removes a file or a whole directory. 0 or -errno. */
int unpack_tree_remove_at(int dir, const char *name);

#endif
