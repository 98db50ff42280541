/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file of the tree that the dynamic loader may meet: mapped, with
 * what it asks of the loader. Only files for x86-64 become objects.
 */
#ifndef IMAGE_OBJECT_H
#define IMAGE_OBJECT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "host/err.h"
#include "image/source.h"
#include "lib/elf.h"

struct object {
	char *path; /* in the image, as it was found first */
	char *host; /* the file on this machine, for $ORIGIN; or NULL */
	const char *map; /* st.st_size bytes, read-only */
	struct stat st; /* in the tree */
	dev_t copied_dev; /* the file of this machine it is a copy of; */
	ino_t copied_ino; /* 0: not known */
	struct elf elf;
	struct elf_dynamic dyn;
	bool reached; /* somebody's loader loads it */
};

struct objects {
	struct object **items;
	size_t count;
};

/*
 * The object at a path of the tree, known or new; NULL in *ret if there is
 * no such file or it is nothing that could be loaded.
 */
int objects_get(struct objects *l, const struct source *s, const char *path,
		struct object **ret, struct err *e);
/* The object that is a copy of this file of the host, or NULL. */
struct object *objects_find_copy(const struct objects *l,
				 const struct stat *host);
void objects_fini(struct objects *l);

/* The path of its interpreter; NULL: it has none. */
static inline const char *object_interp(const struct object *o)
{
	return o->elf.interp_len ? o->map + o->elf.interp_off : NULL;
}

/* Can a file of this machine be loaded as a library? */
bool object_host_usable(const char *path, struct stat *ret);

#endif
