/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closure follows the loader's own order: breadth first from the program,
 * each name once, run paths inherited from whoever asked for a library first.
 * Then each ELF file that this did not reach is taken for a plug-in that the
 * program opens. Other programs of the tree are left alone: nothing can start
 * them in a guest.
 */
#include "image/closure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"
#include "image/object.h"
#include "image/scan.h"
#include "image/search.h"

#define LOADS_MAX 4096 /* libraries of one program */

/* Libraries that glibc opens by name when a thread ends or is cancelled. */
#define GLIBC_NAME  "libc.so.6"
#define GLIBC_EXTRA "libgcc_s.so.1"

struct load {
	struct object *o;
	const char *name; /* by which it was asked for */
	size_t parent; /* index of who asked first; the first is its own */
};

struct closure {
	struct source *s;
	struct objects objects;
	struct load *loads; /* the program, its libraries, one plug-in */
	size_t load_count, load_room;
	size_t start_count; /* loads at the start; 0: not yet known */
	const struct object *loader; /* the interpreter; NULL: static */
	const char *lib; /* its $LIB */
	bool musl;
	struct strlist dirs; /* the system's, for this loader */
	struct strlist elves; /* paths of ELF files in the tree */
	const char *wanted; /* the name that is looked for */
	/* work space, for paths are long: */
	struct search_dir dir;
	char image[PATH_MAX], host[PATH_MAX], text[PATH_MAX + 8];
};

static bool is_musl(const char *interp)
{
	const char *slash = interp ? strrchr(interp, '/') : NULL;

	return slash && strncmp(slash, "/ld-musl", 8) == 0;
}

static int out_of_memory(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

static int push(struct closure *c, struct object *o, const char *name,
		size_t parent, struct err *e)
{
	struct load *loads = c->loads;

	if (c->load_count == LOADS_MAX)
		return err_set(e, ENOEXEC,
			       "%s needs more than %d shared libraries",
			       c->loads[0].o->path, LOADS_MAX);
	if (c->load_count == c->load_room) {
		size_t room = c->load_room ? 2 * c->load_room : 64;

		loads = reallocarray(loads, room, sizeof(*loads));
		if (!loads)
			return out_of_memory(e);
		c->loads = loads;
		c->load_room = room;
	}
	c->loads[c->load_count++] = (struct load){ o, name, parent };
	o->reached = true;
	return 0;
}

/* musl is all of these itself. */
static bool is_part_of_musl(const char *name)
{
	static const char *const parts[] = { "c.",  "pthread.", "rt.",	 "m.",
					     "dl.", "util.",	"xnet.", NULL };
	int i;

	if (strncmp(name, "lib", 3) != 0)
		return false;
	for (i = 0; parts[i]; i++) {
		if (strncmp(name + 3, parts[i], strlen(parts[i])) == 0)
			return true;
	}
	return false;
}

static bool is_loaded(const struct closure *c, const char *name)
{
	size_t i;

	if (c->musl && is_part_of_musl(name))
		return true;
	for (i = 0; i < c->load_count; i++) {
		const struct load *l = &c->loads[i];

		if (strcmp(l->name, name) == 0 ||
		    (l->o->dyn.soname && strcmp(l->o->dyn.soname, name) == 0))
			return true;
	}
	return false;
}

/* ---- finding one library ---- */

/* A file of this machine goes into the tree, once; later it is a link. */
static int copy_in(struct closure *c, const char *image, const char *host,
		   struct object **ret, struct err *e)
{
	struct object *known;
	struct stat st;
	int r;

	*ret = NULL;
	if (!object_host_usable(host, &st))
		return 0;
	known = objects_find_copy(&c->objects, &st);
	if (known)
		r = stage_put_link(&c->s->stage, image, known->path, e);
	else
		r = source_copy(c->s, image, host,
				st.st_mode & 0111 ? 0755 : 0644, e);
	if (r == 0 && !known)
		r = source_add_origin(c->s, image, host, e);
	if (r == 0)
		r = objects_get(&c->objects, c->s, image, ret, e);
	if (r == 0 && *ret && !known) {
		(*ret)->copied_dev = st.st_dev;
		(*ret)->copied_ino = st.st_ino;
	}
	return r;
}

/* In the tree, or else on this machine if libraries come from there. */
static int try_file(struct closure *c, const char *image, const char *host,
		    struct object **ret, struct err *e)
{
	int r = objects_get(&c->objects, c->s, image, ret, e);

	if (r < 0 || *ret || !c->s->config.libraries || !host[0])
		return r;
	return copy_in(c, image, host, ret, e);
}

/* In c->dir. */
static int try_dir(struct closure *c, const char *name, struct object **ret,
		   struct err *e)
{
	const struct search_dir *dir = &c->dir;

	*ret = NULL;
	c->host[0] = '\0';
	if (snprintf(c->image, PATH_MAX, "%s/%s",
		     dir->image[1] ? dir->image : "", name) >= PATH_MAX)
		return 0;
	if (dir->host[0] &&
	    snprintf(c->host, PATH_MAX, "%s/%s", dir->host[1] ? dir->host : "",
		     name) >= PATH_MAX)
		return 0;
	return try_file(c, c->image, c->host, ret, e);
}

/*
 * c->wanted in the directories of a run path of `o`. A component whose tokens
 * have several values is followed with each, as the image may run on another
 * processor.
 */
static int try_run_path(struct closure *c, const struct object *o,
			const char *path, struct object **ret, struct err *e)
{
	struct object *found;
	int r = 0, v;

	*ret = NULL;
	while (path && *path && !*ret && r == 0) {
		size_t len = strcspn(path, ":");

		for (v = 0; v < SEARCH_VARIANTS && r == 0; v++) {
			if (!search_expand(&c->dir, o, c->lib, path, v))
				continue;
			r = try_dir(c, c->wanted, &found, e);
			if (!*ret)
				*ret = found;
		}
		path += len + (path[len] == ':');
	}
	return r;
}

/* The variable LD_LIBRARY_PATH of the image, or NULL. */
static const char *library_path(const struct closure *c)
{
	static const char name[] = "LD_LIBRARY_PATH=";
	size_t i;

	for (i = 0; i < c->s->config.env.count; i++) {
		const char *item = c->s->config.env.items[i];

		if (strncmp(item, name, sizeof(name) - 1) == 0)
			return item + sizeof(name) - 1;
	}
	return NULL;
}

/*
 * The run paths, in the loader's order: glibc takes DT_RPATH of the asking
 * library and its ancestors, unless it has a DT_RUNPATH, which counts for
 * itself alone; musl treats both alike and asks the ancestors.
 */
static int try_run_paths(struct closure *c, size_t asking, struct object **ret,
			 struct err *e)
{
	const struct object *self = c->loads[asking].o, *o;
	const char *path = library_path(c);
	size_t i = asking;
	int r = 0;

	*ret = NULL;
	if (c->musl && path)
		r = try_run_path(c, self, path, ret, e);
	while (r == 0 && !*ret && (c->musl || !self->dyn.runpath)) {
		o = c->loads[i].o;
		if (c->musl && o->dyn.runpath)
			r = try_run_path(c, o, o->dyn.runpath, ret, e);
		else if (!o->dyn.runpath)
			r = try_run_path(c, o, o->dyn.rpath, ret, e);
		if (i == c->loads[i].parent)
			break;
		i = c->loads[i].parent;
	}
	if (r == 0 && !*ret && !c->musl && path)
		r = try_run_path(c, self, path, ret, e);
	if (r == 0 && !*ret && !c->musl)
		r = try_run_path(c, self, self->dyn.runpath, ret, e);
	return r;
}

/* Does the loader search the directory by itself? Its text says so. */
static bool is_built_in(struct closure *c, const char *dir)
{
	int n;

	if (c->musl || !c->loader)
		return true;
	n = snprintf(c->text, sizeof(c->text), "%c%s/", '\0', dir);
	return n > 0 && (size_t)n < sizeof(c->text) &&
	       memmem(c->loader->map, (size_t)c->loader->st.st_size, c->text,
		      (size_t)n + 1) != NULL;
}

/* A link to the library where the loader looks without ld.so.cache. */
static int link_built_in(struct closure *c, const struct object *o,
			 const char *name, struct err *e)
{
	size_t i;

	for (i = 0; i < c->dirs.count; i++) {
		if (is_built_in(c, c->dirs.items[i]))
			break;
	}
	if (i == c->dirs.count || snprintf(c->text, sizeof(c->text), "%s/%s",
					   c->dirs.items[i], name) >= PATH_MAX)
		return 0;
	return stage_put_link(&c->s->stage, c->text, o->path, e);
}

static int try_system(struct closure *c, const char *name, struct object **ret,
		      struct err *e)
{
	size_t i;
	int r = 0;

	*ret = NULL;
	for (i = 0; i < c->dirs.count && !*ret && r == 0; i++) {
		const char *dir = c->dirs.items[i];

		snprintf(c->dir.image, PATH_MAX, "%s", dir);
		snprintf(c->dir.host, PATH_MAX, "%s", dir);
		r = try_dir(c, name, ret, e);
		if (r == 0 && *ret && c->s->config.libraries &&
		    !is_built_in(c, dir))
			r = link_built_in(c, *ret, name, e);
	}
	return r;
}

static int find(struct closure *c, size_t asking, const char *name,
		struct object **ret, struct err *e)
{
	int r;

	*ret = NULL;
	if (strchr(name, '/'))
		return name[0] == '/' ? try_file(c, name, name, ret, e) : 0;
	c->wanted = name;
	r = try_run_paths(c, asking, ret, e);
	if (r == 0 && !*ret)
		r = try_system(c, name, ret, e);
	return r;
}

/* ---- one process ---- */

static const char *name_of(const struct object *o)
{
	return o->host ? o->host : o->path;
}

/*
 * A library of the tree that no search finds: whoever loads the plug-in has
 * loaded it before by another way.
 */
static int find_elsewhere(struct closure *c, const char *name,
			  struct object **ret, struct err *e)
{
	size_t i;
	int r = 0;

	*ret = NULL;
	for (i = 0; i < c->elves.count && !*ret && r == 0; i++) {
		const char *path = c->elves.items[i];

		if (strcmp(strrchr(path, '/') + 1, name) == 0)
			r = objects_get(&c->objects, c->s, path, ret, e);
	}
	return r;
}

static int missing(struct closure *c, const struct object *asking,
		   const char *name, struct err *e)
{
	if (c->s->config.libraries && c->start_count == 0)
		return err_set(e, ENOEXEC,
			       "the library %s is missing, which %s wants; "
			       "install it, or give it with --add",
			       name, name_of(asking));
	if (source_warn(c->s, "the library %s is missing, which %s wants", name,
			name_of(asking)) < 0)
		return out_of_memory(e);
	return 0;
}

static int load_interp(struct closure *c, struct object *root, struct err *e)
{
	const char *path = object_interp(root), *slash;
	struct object *o;
	int r;

	r = try_file(c, path, path, &o, e);
	if (r < 0)
		return r;
	if (!o)
		return err_set(e, ENOEXEC,
			       "%s wants the interpreter %s, which is not "
			       "%s; %s",
			       name_of(root), path,
			       c->s->config.libraries ? "on this machine" :
							"in the image",
			       c->s->config.libraries ?
				       "install it or link statically" :
				       "the image is not complete");
	c->loader = o;
	c->lib = search_lib(o);
	slash = strrchr(path, '/');
	return push(c, o, slash ? slash + 1 : path, 0, e);
}

static int load_needed(struct closure *c, size_t asking, struct err *e)
{
	const struct object *o = c->loads[asking].o;
	struct object *found;
	const char *name;
	uint64_t pos = 0;
	int r = 0;

	while (r == 0 && (name = elf_dynamic_needed(&o->dyn, &pos)) != NULL) {
		if (is_loaded(c, name))
			continue;
		r = find(c, asking, name, &found, e);
		if (r == 0 && !found)
			r = find_elsewhere(c, name, &found, e);
		if (r == 0 && found)
			r = push(c, found, name, asking, e);
		else if (r == 0)
			r = missing(c, o, name, e);
	}
	return r;
}

static int load_extra(struct closure *c, struct err *e)
{
	struct object *found;
	int r;

	if (!c->s->config.libraries || !is_loaded(c, GLIBC_NAME) ||
	    is_loaded(c, GLIBC_EXTRA))
		return 0;
	r = find(c, 0, GLIBC_EXTRA, &found, e);
	return r == 0 && found ? push(c, found, GLIBC_EXTRA, 0, e) : r;
}

static int read_dirs(struct closure *c, struct err *e)
{
	const struct stage *stage = c->s->config.libraries ? NULL :
							     &c->s->stage;
	int r;

	r = c->musl ? search_system_musl(&c->dirs, stage) :
		      search_system_glibc(&c->dirs, stage);
	return r < 0 ? out_of_memory(e) : 0;
}

/* musl finds its libraries by a file; the image needs the same one. */
static int add_musl_path(struct closure *c, struct err *e)
{
	const char *path = SEARCH_MUSL_PATH_FILE;
	AUTO_CLOSE int fd = stage_open(&c->s->stage, path, O_PATH);

	if (fd >= 0 || access(path, R_OK) < 0)
		return 0;
	return source_copy(c->s, path, path, 0644, e);
}

/* ---- all of the tree ---- */

static int load_program(struct closure *c, struct err *e)
{
	struct object *program;
	size_t i;
	int r;

	r = objects_get(&c->objects, c->s, c->s->config.program, &program, e);
	if (r < 0)
		return r;
	if (!program)
		return err_set(e, ENOEXEC,
			       "the program %s of the image is not an ELF "
			       "program for x86-64",
			       c->s->config.program);
	c->musl = is_musl(object_interp(program));
	r = push(c, program, "", 0, e);
	if (r == 0 && object_interp(program))
		r = read_dirs(c, e);
	if (r == 0 && object_interp(program))
		r = load_interp(c, program, e);
	for (i = 0; c->loader && i < c->load_count && r == 0; i++)
		r = load_needed(c, i, e);
	if (r == 0)
		r = load_extra(c, e);
	for (; c->loader && i < c->load_count && r == 0; i++)
		r = load_needed(c, i, e);
	c->start_count = c->load_count;
	return r;
}

/* Plug-ins of another C library than the program's can never be loaded. */
static bool is_foreign(const struct closure *c, const struct object *o)
{
	const char *name;
	uint64_t pos = 0;

	while ((name = elf_dynamic_needed(&o->dyn, &pos)) != NULL) {
		if (strcmp(name, GLIBC_NAME) == 0)
			return c->musl;
		if (strncmp(name, "libc.musl-", 10) == 0 ||
		    strcmp(name, "libc.so") == 0)
			return !c->musl;
	}
	return false;
}

static int load_plugin(struct closure *c, const char *path, struct err *e)
{
	struct object *o;
	size_t i;
	int r;

	r = objects_get(&c->objects, c->s, path, &o, e);
	if (r < 0 || !o || o->reached || object_interp(o) || is_foreign(c, o))
		return r;
	c->load_count = c->start_count;
	r = push(c, o, "", 0, e);
	for (i = c->start_count; i < c->load_count && r == 0; i++)
		r = load_needed(c, i, e);
	return r;
}

static int load_plugins(struct closure *c, struct err *e)
{
	size_t i;
	int r = scan_elf(&c->s->stage, &c->elves);

	if (r < 0)
		return err_sys(e, -r, "cannot look through the tree");
	for (i = 0; i < c->elves.count && r == 0; i++)
		r = load_plugin(c, c->elves.items[i], e);
	return r;
}

static void closure_fini(struct closure *c)
{
	strlist_fini(&c->dirs);
	strlist_fini(&c->elves);
	free(c->loads);
	objects_fini(&c->objects);
	free(c);
}

int closure_add(struct source *s, uint64_t *ret_private_bytes, struct err *e)
{
	struct closure *c = calloc(1, sizeof(*c));
	size_t i;
	int r;

	*ret_private_bytes = 0;
	if (!c)
		return out_of_memory(e);
	c->s = s;
	source_step(s, "looking for libraries");
	c->lib = search_lib(NULL);
	r = load_program(c, e);
	for (i = 0; i < c->load_count && r == 0; i++)
		*ret_private_bytes += c->loads[i].o->elf.private_bytes;
	if (r == 0 && s->config.libraries && c->loader) {
		if (c->musl)
			r = add_musl_path(c, e);
		if (r == 0)
			r = load_plugins(c, e);
	}
	closure_fini(c);
	return r;
}
