/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a program and says in one sentence why it cannot run, if it cannot.
 */
#include "image/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/cleanup.h"

int program_refuse(enum elf_verdict v, const struct elf *elf, const char *path,
		   struct err *e)
{
	const char *machine = elf_machine_name(elf->machine);
	char number[32];

	if (!machine) {
		snprintf(number, sizeof(number), "ELF machine %u",
			 elf->machine);
		machine = number;
	}
	switch (v) {
	case ELF_NOT_ELF:
		return err_set(e, ENOEXEC, "%s is not an ELF program", path);
	case ELF_TRUNCATED:
		return err_set(e, ENOEXEC,
			       "%s is truncated: its headers "
			       "promise more than the file holds",
			       path);
	case ELF_WRONG_CLASS:
	case ELF_WRONG_MACHINE:
		return err_set(e, ENOEXEC,
			       "%s is built for %s; mayfly runs "
			       "programs for x86-64",
			       path, machine);
	case ELF_NOT_PROGRAM:
	case ELF_LIBRARY:
		return err_set(e, ENOEXEC,
			       "%s is an object file, a library "
			       "or a core dump, not a program",
			       path);
	case ELF_MALFORMED:
		return err_set(e, ENOEXEC, "%s is a damaged ELF file: %s", path,
			       elf->what);
	case ELF_OK:
		break;
	}
	return err_set(e, ENOEXEC, "%s cannot be run", path);
}

static void set_name(struct program *p, const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(p->name, sizeof(p->name), "%s", slash ? slash + 1 : path);
}

static int map_program(struct program *p, const char *path, struct err *e)
{
	void *map;

	if (fstat(p->fd, &p->st) < 0)
		return err_sys(e, errno, "cannot read %s", path);
	if (S_ISDIR(p->st.st_mode))
		return err_set(e, EISDIR, "%s is a directory, not a program",
			       path);
	if (!S_ISREG(p->st.st_mode))
		return err_set(e, ENOEXEC, "%s is not a regular file", path);
	if (p->st.st_size == 0)
		return err_set(e, ENOEXEC, "%s is empty, not an ELF program",
			       path);
	map = mmap(NULL, (size_t)p->st.st_size, PROT_READ, MAP_PRIVATE, p->fd,
		   0);
	if (map == MAP_FAILED)
		return err_sys(e, errno, "cannot read %s", path);
	p->map = map;
	return 0;
}

int program_open(struct program *ret, const char *path, struct err *e)
{
	AUTO_PROGRAM struct program p = { .fd = -1, .path = path };
	enum elf_verdict v;
	int r;

	p.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (p.fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	r = map_program(&p, path, e);
	if (r < 0)
		return r;
	v = elf_parse(&p.elf, p.map, (uint64_t)p.st.st_size);
	if (v != ELF_OK)
		return program_refuse(v, &p.elf, path, e);
	set_name(&p, path);
	*ret = p;
	p.fd = -1;
	p.map = NULL;
	return 0;
}

/* Programs there may look for their files by their own path. */
static bool is_system_path(const char *path)
{
	static const char *const dirs[] = { "/bin/", "/sbin/",	"/usr/",
					    "/lib/", "/lib64/", "/opt/",
					    NULL };
	int i;

	for (i = 0; dirs[i]; i++) {
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0)
			return true;
	}
	return false;
}

/* The program's place in the image. */
struct place {
	char path[PATH_MAX];
	char real[PATH_MAX]; /* of the file on this machine */
	char link[PATH_MAX]; /* to it, as /usr/bin/java is one; or "" */
	bool system; /* it came from a directory of the system */
};

static int find_place(struct place *ret, const struct program *p, struct err *e)
{
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	struct stat st;

	if (!cwd || !realpath(p->path, ret->real))
		return err_sys(e, errno, "cannot find the path of %s", p->path);
	if (stage_normalize(ret->path, cwd, p->path) < 0)
		return err_set(e, ENAMETOOLONG, "the path %s is too long",
			       p->path);
	ret->system = is_system_path(ret->path);
	if (!ret->system) {
		snprintf(ret->path, PATH_MAX, "/bin/%s", p->name);
		return 0;
	}
	if (lstat(p->path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	snprintf(ret->link, PATH_MAX, "%s", ret->path);
	snprintf(ret->path, PATH_MAX, "%s", ret->real);
	return 0;
}

/* What its package made for its files, without the files. */
static int put_own_dirs(const struct source *s, const char *name, struct err *e)
{
	static const char *const dirs[] = { "/var/cache", "/var/lib",
					    "/var/log", "/var/spool", NULL };
	char path[256 + 16];
	struct stat st;
	int i, r = 0;

	for (i = 0; dirs[i] && r == 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			r = stage_put_dir(&s->stage, path,
					  (st.st_mode & 01777) | 0700, e);
	}
	return r;
}

static int configure(struct source *s, const char *path, const char *argv0,
		     struct err *e)
{
	s->config.libraries = true;
	s->config.program = strdup(path);
	if (!s->config.program || strlist_add(&s->config.args, argv0) < 0)
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}

int program_stage(struct source *s, const struct program *p, struct err *e)
{
	AUTO_FREE struct place *at = calloc(1, sizeof(*at));
	int r;

	if (!at)
		return err_set(e, ENOMEM, "out of memory");
	r = find_place(at, p, e);
	if (r == 0)
		r = stage_make_root(&s->stage, e);
	if (r == 0)
		r = stage_put_copy(&s->stage, at->path, p->fd, 0755, e);
	if (r == 0 && at->link[0])
		r = stage_put_link(&s->stage, at->link, at->path, e);
	if (r == 0 && at->system)
		r = put_own_dirs(s, p->name, e);
	if (r == 0 && inputs_add(&s->inputs, p->path, &p->st) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	if (r == 0)
		r = source_add_origin(s, at->path, at->real, e);
	if (r == 0)
		r = configure(s, at->path, at->link[0] ? at->link : at->path,
			      e);
	return r;
}

void program_close(struct program *p)
{
	if (p->map)
		munmap((void *)(uintptr_t)p->map, (size_t)p->st.st_size);
	if (p->fd >= 0)
		close(p->fd);
	p->map = NULL;
	p->fd = -1;
}
