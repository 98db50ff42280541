/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program on the host that is to be sealed: opened, mapped, checked. Each
 * reason to refuse it is a sentence; the error code is ENOEXEC when the file
 * is there but cannot be run.
 */
#ifndef IMAGE_PROGRAM_H
#define IMAGE_PROGRAM_H

#include <sys/stat.h>

#include "host/err.h"
#include "image/format.h"
#include "image/source.h"
#include "lib/elf.h"

struct program {
	int fd; /* -1: none */
	const char *path; /* the caller's */
	const void *map; /* st.st_size bytes, read-only */
	struct stat st;
	struct elf elf;
	char name[IMAGE_NAME_MAX + 1]; /* last component of the path */
};

int program_open(struct program *ret, const char *path, struct err *e);
void program_close(struct program *p);

/*
 * Makes *s a source that runs the program: puts it into a new tree and says
 * so in the configuration. A program of a system directory keeps its path,
 * another one becomes /bin/NAME.
 */
int program_stage(struct source *s, const struct program *p, struct err *e);

#define AUTO_PROGRAM __attribute__((cleanup(program_close)))

/* The sentence for a verdict that is not ELF_OK; fills *e, -ENOEXEC. */
int program_refuse(enum elf_verdict v, const struct elf *elf, const char *path,
		   struct err *e);

#endif
