/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects are told apart by device and inode in the tree, so a library that
 * is reached by several names is one object.
 */
#include "image/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/cleanup.h"
#include "host/file.h"

static void object_free(struct object *o)
{
	if (!o)
		return;
	if (o->map)
		munmap((void *)(uintptr_t)o->map, (size_t)o->st.st_size);
	free(o->path);
	free(o->host);
	free(o);
}

static bool looks_like_elf(int fd)
{
	char magic[4];

	return file_pread(fd, magic, sizeof(magic), 0) == 0 &&
	       memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

static bool parse(struct object *o)
{
	uint64_t size = (uint64_t)o->st.st_size;

	enum elf_verdict v = elf_parse(&o->elf, o->map, size);

	if (v != ELF_OK && v != ELF_LIBRARY)
		return false;
	return elf_dynamic_read(&o->dyn, &o->elf, o->map, size);
}

static struct object *find(const struct objects *l, const struct stat *st)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (l->items[i]->st.st_ino == st->st_ino &&
		    l->items[i]->st.st_dev == st->st_dev)
			return l->items[i];
	}
	return NULL;
}

struct object *objects_find_copy(const struct objects *l,
				 const struct stat *host)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		if (l->items[i]->copied_ino == host->st_ino &&
		    l->items[i]->copied_dev == host->st_dev)
			return l->items[i];
	}
	return NULL;
}

/* A new object from an open file; NULL with errno 0: nothing to load. */
static struct object *make(const struct source *s, const char *path, int fd,
			   const struct stat *st)
{
	struct object *o = calloc(1, sizeof(*o));
	char host[PATH_MAX];
	void *map;

	if (!o)
		return NULL;
	o->st = *st;
	map = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	o->map = map == MAP_FAILED ? NULL : map;
	o->path = strdup(path);
	if (source_origin(s, path, host))
		o->host = strdup(host);
	if (!o->map || !o->path) {
		object_free(o);
		errno = ENOMEM;
		return NULL;
	}
	if (!parse(o)) {
		object_free(o);
		errno = 0;
		return NULL;
	}
	return o;
}

static int append(struct objects *l, struct object *o)
{
	struct object **items =
		reallocarray(l->items, l->count + 1, sizeof(struct object *));

	if (!items)
		return -ENOMEM;
	l->items = items;
	l->items[l->count++] = o;
	return 0;
}

int objects_get(struct objects *l, const struct source *s, const char *path,
		struct object **ret, struct err *e)
{
	AUTO_CLOSE int fd = stage_open(&s->stage, path, O_RDONLY | O_NONBLOCK);
	struct object *o;
	struct stat st;

	*ret = NULL;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    !looks_like_elf(fd))
		return 0;
	*ret = find(l, &st);
	if (*ret)
		return 0;
	o = make(s, path, fd, &st);
	if (!o)
		return errno ? err_sys(e, errno, "cannot read %s", path) : 0;
	if (append(l, o) < 0) {
		object_free(o);
		return err_set(e, ENOMEM, "out of memory");
	}
	*ret = o;
	return 0;
}

void objects_fini(struct objects *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		object_free(l->items[i]);
	free(l->items);
	*l = (struct objects){ 0 };
}

bool object_host_usable(const char *path, struct stat *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct object o = { 0 };
	void *map;
	bool ok;

	if (fd < 0 || fstat(fd, &o.st) < 0 || !S_ISREG(o.st.st_mode) ||
	    !looks_like_elf(fd))
		return false;
	map = mmap(NULL, (size_t)o.st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return false;
	o.map = map;
	ok = parse(&o);
	munmap(map, (size_t)o.st.st_size);
	*ret = o.st;
	return ok;
}
