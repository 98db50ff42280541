/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of sealed programs. A start that finds its image asks stat(2)
 * about the program, the kernel and the inputs, and nothing else.
 */
#include "cli/sealed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/source.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "image/digest.h"
#include "image/inputs.h"
#include "image/seal.h"
#include "launch/cache.h"

#define SEALED_MAX 64 /* files of a kind; the oldest goes */

/* Variables that decide what a builder makes, or how their names begin. */
static const char *const build_env[] = {
	"PATH=",    "CC=",	  "CXX=", "CFLAGS=", "CXXFLAGS=", "LDFLAGS=",
	"GOFLAGS=", "RUSTFLAGS=", "CGO_", "MAYFLY_", "PIP_",	  "npm_config_",
};

/* What the user wants to run, and the name of what is kept for it. */
struct target {
	const char *path; /* as typed */
	struct seal_parts parts;
	char key[512];
};

static bool decides_builds(const char *variable)
{
	size_t i;

	for (i = 0; i < sizeof(build_env) / sizeof(build_env[0]); i++) {
		if (strncmp(variable, build_env[i], strlen(build_env[i])) == 0)
			return true;
	}
	return false;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The digest of those variables, whatever their order. */
static int name_environment(char ret[IMAGE_DIGEST_TEXT_MAX])
{
	AUTO_FREE char **found = NULL;
	AUTO_FREE char *text = NULL;
	uint8_t digest[IMAGE_DIGEST_SIZE];
	size_t count = 0, len = 0, n, i;
	char **v;

	for (v = environ; *v; v++)
		count++;
	found = calloc(count + 1, sizeof(*found));
	for (v = environ, count = 0; found && *v; v++) {
		if (!decides_builds(*v))
			continue;
		found[count++] = *v;
		len += strlen(*v) + 1;
	}
	text = found ? malloc(len + 1) : NULL;
	if (!text)
		return -ENOMEM;
	qsort(found, count, sizeof(*found), compare_text);
	for (i = 0, len = 0; i < count; i++, len += n) {
		n = strlen(found[i]) + 1;
		memcpy(text + len, found[i], n);
	}
	digest_compute(digest, text, len);
	digest_text(ret, digest);
	return 0;
}

/*
 * A directory is known by what it is, its inputs tell the rest; a reference
 * by its text and, as it may be relative, the current directory.
 */
static int name_target(char ret[256], const char *path, const struct stat *st)
{
	uint8_t digest[IMAGE_DIGEST_SIZE];
	char hex[IMAGE_DIGEST_TEXT_MAX];
	AUTO_FREE char *cwd = NULL, *text = NULL;

	if (S_ISDIR(st->st_mode)) {
		snprintf(ret, 256, "%jx-%jx", (uintmax_t)st->st_dev,
			 (uintmax_t)st->st_ino);
		return 0;
	}
	if (S_ISREG(st->st_mode)) {
		snprintf(ret, 256, "%jx-%jx-%jx-%" PRIx64 "-%" PRIx64,
			 (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
			 (uintmax_t)st->st_size, cache_ns(&st->st_mtim),
			 cache_ns(&st->st_ctim));
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&text, "%s\n%s", path, cwd) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	digest_compute(digest, text, strlen(text));
	digest_text(hex, digest);
	snprintf(ret, 256, "%s", strchr(hex, ':') + 1);
	return 0;
}

/* st is all zero for a reference. */
static int target_init(struct target *t, const struct stat *st)
{
	const char *slash = strrchr(t->path, '/');
	struct stat kernel, rewriter;
	char name[256], env[IMAGE_DIGEST_TEXT_MAX];
	int r;

	if (stat(t->parts.kernel, &kernel) < 0 ||
	    stat(t->parts.rewriter, &rewriter) < 0)
		return -errno;
	r = name_target(name, t->path, st);
	if (r == 0)
		r = name_environment(env);
	if (r < 0)
		return r;
	snprintf(t->key, sizeof(t->key),
		 "%s-%.8s-%jx-%jx-%" PRIx64 "-%jx-%" PRIx64 "-%s-%.*s", name,
		 strchr(env, ':') + 1, (uintmax_t)kernel.st_ino,
		 (uintmax_t)kernel.st_size, cache_ns(&kernel.st_ctim),
		 (uintmax_t)rewriter.st_size, cache_ns(&rewriter.st_ctim),
		 MF_VERSION, (int)IMAGE_NAME_MAX, slash ? slash + 1 : t->path);
	return 0;
}

/* The path of NAME.SUFFIX in sealed/. */
static int file_path(char ret[CACHE_PATH_MAX], const char *name,
		     const char *suffix)
{
	char sub[640];

	snprintf(sub, sizeof(sub), "sealed/%s.%s", name, suffix);
	return cache_path(ret, sub);
}

/* ---- finding ------------------------------------------------------------ */

/*
 * The image that a list of inputs names, if they are all as they were. The
 * note in the list is PROGRAM or TREE, then the digest.
 */
#define NOTE_PROGRAM 'p'
#define NOTE_TREE    't'

static bool open_by_inputs(struct image *ret, const struct target *t)
{
	char path[CACHE_PATH_MAX], note[INPUTS_NOTE_MAX];
	AUTO_CLOSE int fd = -1;
	struct err e;

	if (file_path(path, t->key, "inputs") < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || !inputs_current(fd, note) || !note[0] ||
	    strspn(note + 1, "0123456789abcdef") != strlen(note + 1) ||
	    file_path(path, note + 1, "img") < 0 || access(path, R_OK) < 0 ||
	    cache_open_image(ret, path, &e) < 0)
		return false;
	ret->from_program = note[0] == NOTE_PROGRAM;
	return true;
}

static bool open_sealed(struct image *ret, const struct target *t)
{
	char sealed[CACHE_PATH_MAX];
	struct err e;

	if (file_path(sealed, t->key, "img") < 0)
		return false;
	if (access(sealed, R_OK) == 0 &&
	    cache_open_image(ret, sealed, &e) == 0) {
		ret->from_program = true;
		return true;
	}
	return open_by_inputs(ret, t);
}

/* ---- making ------------------------------------------------------------- */

/* Removes the oldest file with the suffix if there are many. */
static void evict(const char *dir_path, const char *suffix)
{
	DIR *dir = opendir(dir_path);
	int64_t oldest_time = 0;
	char oldest[NAME_MAX + 1] = "";
	struct dirent *d;
	struct stat st;
	int count = 0;

	if (!dir)
		return;
	while ((d = readdir(dir)) != NULL) {
		const char *dot = strrchr(d->d_name, '.');

		if (!dot || strcmp(dot + 1, suffix) != 0 ||
		    fstatat(dirfd(dir), d->d_name, &st, 0) < 0)
			continue;
		count++;
		if (oldest[0] && cache_ns(&st.st_mtim) >= oldest_time)
			continue;
		oldest_time = cache_ns(&st.st_mtim);
		snprintf(oldest, sizeof(oldest), "%s", d->d_name);
	}
	if (count >= SEALED_MAX)
		unlinkat(dirfd(dir), oldest, 0);
	closedir(dir);
}

/* The directory of sealed programs, made and writable, or -errno. */
static int sealed_dir(char ret[CACHE_PATH_MAX])
{
	int r;

	r = cache_path(ret, "sealed");
	if (r == 0)
		r = file_mkdirs(ret);
	if (r == 0 && access(ret, W_OK) < 0)
		r = -errno;
	return r;
}

int sealed_probe(struct err *e)
{
	char dir[CACHE_PATH_MAX];
	int r = sealed_dir(dir);

	return r < 0 ? err_sys(e, -r, "cannot use the cache") : 0;
}

/* The cache cannot be used: an image that lives as long as it is open. */
static int seal_unnamed(struct image *ret, const struct seal_job *job,
			struct err *e)
{
	AUTO_FREE char *path = NULL;
	struct seal_job j = *job;
	struct seal_result result;
	int r;

	if (asprintf(&path, "%s/image", job->source->stage.temp) < 0)
		return err_set(e, ENOMEM, "out of memory");
	j.out_path = path;
	r = seal_image(&j, &result, e);
	return r < 0 ? r : cache_open_image(ret, path, e);
}

static int write_inputs(const struct source *s, const char *path,
			const char *note)
{
	AUTO_DRAFT struct file_draft d = { .fd = -1 };
	int r = file_draft_init(&d, path, 0600);

	if (r == 0)
		r = inputs_write(&s->inputs, d.fd, note);
	return r < 0 ? r : file_draft_publish(&d, false);
}

struct sealing {
	const struct target *target;
	struct seal_job job;
	struct progress progress;
	bool program; /* a program as it is, not a tree that was built */
};

/*
 * Gives the image at `temp` the name under which a later start finds it, and
 * says which. Failure costs that start time.
 */
static int keep(char ret[CACHE_PATH_MAX], const struct sealing *sl,
		const struct seal_result *result, const char *temp)
{
	const struct inputs *inputs = &sl->job.source->inputs;
	const struct timespec newest = inputs_newest(inputs);
	bool alone = sl->program && inputs->count == 1;
	char note[IMAGE_DIGEST_TEXT_MAX], list[CACHE_PATH_MAX];
	char *hex;
	int r;

	digest_text(note, result->digest);
	hex = strchr(note, ':');
	*hex = sl->program ? NOTE_PROGRAM : NOTE_TREE;
	r = file_path(ret, alone ? sl->target->key : hex + 1, "img");
	if (r == 0)
		r = file_path(list, sl->target->key, "inputs");
	if (r == 0 && (!cache_settle(&newest) || inputs_changed(inputs, true)))
		r = -ESTALE;
	if (r == 0 && !alone)
		r = write_inputs(sl->job.source, list, hex);
	return r == 0 && rename(temp, ret) < 0 ? -errno : r;
}

static int seal_kept(struct image *ret, const struct sealing *sl,
		     const char *dir, struct err *e)
{
	char temp[CACHE_PATH_MAX + 64], path[CACHE_PATH_MAX];
	struct seal_job j = sl->job;
	struct seal_result result;
	struct timespec now;
	int r, kept;

	evict(dir, "img");
	evict(dir, "inputs");
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(temp, sizeof(temp), "%s/%d-%" PRIx64 ".new.img", dir,
		 (int)getpid(), cache_ns(&now));
	j.out_path = temp;
	r = seal_image(&j, &result, e);
	if (r < 0)
		return r;
	kept = keep(path, sl, &result, temp);
	r = cache_open_image(ret, kept < 0 ? temp : path, e);
	if (kept < 0)
		unlink(temp);
	return r < 0 ? r : kept;
}

static int seal(struct image *ret, struct sealing *sl, struct err *e)
{
	char dir[CACHE_PATH_MAX];
	struct err why;
	int r;

	r = sealed_dir(dir);
	if (r == 0) {
		r = seal_kept(ret, sl, dir, e);
		if (r != -ENOSPC && r != -ESTALE)
			return r;
	}
	err_sys(&why, -r, "cannot use the cache");
	progress_clear(&sl->progress);
	log_say("%s; %s is sealed anew at each start "
		"(XDG_CACHE_HOME names another place)",
		why.text, sl->target->path);
	return ret->fd >= 0 ? 0 : seal_unnamed(ret, &sl->job, e);
}

static int seal_source(struct image *ret, const struct target *t, bool program,
		       int *ret_status, struct err *e)
{
	AUTO_SOURCE struct source s = { .stage.fd = -1 };
	struct sealing sl = { .target = t,
			      .job = { .source = &s, .parts = t->parts },
			      .program = program };
	const struct source_options o = { .path = t->path };
	int r;

	progress_init(&sl.progress, false);
	r = source_prepare(&s, &o, &sl.progress, ret_status, e);
	if (*ret_status == STATUS_BUILD_FAILED)
		*ret_status = STATUS_FAILED;
	if (r == 0) {
		r = seal(ret, &sl, e);
		*ret_status = r == -ENOEXEC ? STATUS_CANNOT_RUN : STATUS_FAILED;
	}
	progress_clear(&sl.progress);
	source_print_warnings(&s);
	ret->from_program = program;
	return r;
}

/* An image, or something to seal. */
static int open_unknown(struct image *ret, const struct target *t,
			const struct stat *st, int *ret_status, struct err *e)
{
	int r, is_elf;

	if (!S_ISREG(st->st_mode))
		return seal_source(ret, t, false, ret_status, e);
	is_elf = image_path_is_elf(t->path);
	if (is_elf > 0)
		return seal_source(ret, t, true, ret_status, e);
	r = is_elf < 0 ? err_sys(e, -is_elf, "cannot run %s", t->path) :
			 cache_open_image(ret, t->path, e);
	if (r == -ENOEXEC)
		return seal_source(ret, t, false, ret_status, e);
	*ret_status = r == -EACCES ? STATUS_CANNOT_RUN : STATUS_FAILED;
	return r;
}

int sealed_open(struct image *ret, const char *path, const struct paths *paths,
		int *ret_status, struct err *e)
{
	struct target t = { .path = path,
			    .parts = { paths->kernel, paths->rewriter } };
	struct stat st = { 0 };
	int r;

	*ret_status = STATUS_FAILED;
	if (stat(path, &st) < 0 && !source_is_reference(path)) {
		*ret_status = errno == EACCES ? STATUS_CANNOT_RUN :
						STATUS_NOT_FOUND;
		return err_sys(e, errno, "cannot run %s", path);
	}
	r = target_init(&t, &st);
	if (r < 0)
		return err_sys(e, -r, "cannot find %s or %s", t.parts.kernel,
			       t.parts.rewriter);
	if (!open_sealed(ret, &t)) {
		r = open_unknown(ret, &t, &st, ret_status, e);
		if (r < 0)
			return r;
	}
	ret->path = path;
	return 0;
}
