/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a program and says in one sentence why it cannot run, if it cannot.
 */
#include "image/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static int refuse_dynamic(const struct program *p, const char *path,
			  struct err *e)
{
	const char *interp = (const char *)p->map + p->elf.interp_off;

	return err_set(e, ENOEXEC,
		       "%s is dynamically linked and wants the "
		       "interpreter %.*s; link it statically (gcc -static, "
		       "CGO_ENABLED=0)",
		       path, (int)p->elf.interp_len, interp);
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
	AUTO_PROGRAM struct program p = { .fd = -1 };
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
	if (p.elf.interp_len > 0)
		return refuse_dynamic(&p, path, e);
	set_name(&p, path);
	*ret = p;
	p.fd = -1;
	p.map = NULL;
	return 0;
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
