/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the files of a layer. What was there is replaced, but a directory
 * meets a directory. Everything belongs to the caller; modes are what the
 * archive says without set-user-ID and set-group-ID, and the owner may always
 * read and write (the owner is root, who may anyway).
 */
#ifndef UNPACK_PUT_H
#define UNPACK_PUT_H

#include <sys/types.h>

#include "unpack/tree.h"

int member_put_dir(struct unpack_tree *t, const char *name, mode_t mode,
		   struct err *e);
int member_put_symlink(struct unpack_tree *t, const char *name,
		       const char *target, struct err *e);
/* Both names are relative to the root; `target` may begin with slashes. */
int member_put_link(struct unpack_tree *t, const char *name, const char *target,
		    struct err *e);
/* An empty file, open for writing, in *ret_fd, which the caller owns. */
int member_put_file(struct unpack_tree *t, const char *name, mode_t mode,
		    int *ret_fd, struct err *e);
/* Nothing, where a file that cannot be in an image would be. */
int member_put_nothing(struct unpack_tree *t, const char *name, struct err *e);

#endif
