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

#include "cli/cache.h"
#include "cli/cmd.h"
#include "cli/source.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "image/digest.h"
#include "image/inputs.h"
#include "image/seal.h"

#define SEALED_MAX 64 /* files of a kind; the oldest goes */

struct key {
	char text[512];
};

static int key_init(struct key *ret, const char *path, const struct stat *st,
		    const char *kernel_path)
{
	const char *slash = strrchr(path, '/');
	struct stat kernel;

	if (stat(kernel_path, &kernel) < 0)
		return -errno;
	snprintf(ret->text, sizeof(ret->text),
		 "%jx-%jx-%jx-%" PRIx64 "-%" PRIx64 "-%jx-%jx-%" PRIx64
		 "-%s-%.*s",
		 (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
		 (uintmax_t)st->st_size, cache_ns(&st->st_mtim),
		 cache_ns(&st->st_ctim), (uintmax_t)kernel.st_ino,
		 (uintmax_t)kernel.st_size, cache_ns(&kernel.st_ctim),
		 MF_VERSION, (int)IMAGE_NAME_MAX, slash ? slash + 1 : path);
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

/* ---- finding ------------------------------------------------------------- */

/* The image that a list of inputs names, if they are all as they were. */
static bool open_by_inputs(struct image *ret, const struct key *key)
{
	char path[CACHE_PATH_MAX], note[INPUTS_NOTE_MAX];
	AUTO_CLOSE int fd = -1;
	struct err e;

	if (file_path(path, key->text, "inputs") < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && inputs_current(fd, note) &&
	       strspn(note, "0123456789abcdef") == strlen(note) &&
	       file_path(path, note, "img") == 0 && access(path, R_OK) == 0 &&
	       cache_open_image(ret, path, &e) == 0;
}

static bool open_sealed(struct image *ret, const char *path,
			const struct stat *st, const char *kernel_path)
{
	char sealed[CACHE_PATH_MAX];
	struct key key;
	struct err e;

	if (key_init(&key, path, st, kernel_path) < 0 ||
	    file_path(sealed, key.text, "img") < 0)
		return false;
	if (access(sealed, R_OK) == 0 && cache_open_image(ret, sealed, &e) == 0)
		return true;
	return open_by_inputs(ret, &key);
}

/* ---- making -------------------------------------------------------------- */

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

/*
 * Gives the image at `temp` the name under which a later start finds it, and
 * says which. Failure costs that start time.
 */
static int keep(char ret[CACHE_PATH_MAX], const struct key *key,
		const struct source *s, const struct seal_result *result,
		const char *temp)
{
	const struct timespec newest = inputs_newest(&s->inputs);
	char digest[IMAGE_DIGEST_TEXT_MAX], list[CACHE_PATH_MAX];
	bool alone = s->inputs.count == 1;
	const char *hex;
	int r;

	digest_text(digest, result->digest);
	hex = strchr(digest, ':') + 1;
	r = file_path(ret, alone ? key->text : hex, "img");
	if (r == 0)
		r = file_path(list, key->text, "inputs");
	if (r == 0 && (!cache_settle(&newest) || inputs_changed(&s->inputs)))
		r = -ESTALE;
	if (r == 0 && !alone)
		r = write_inputs(s, list, hex);
	return r == 0 && rename(temp, ret) < 0 ? -errno : r;
}

static int seal_kept(struct image *ret, const struct seal_job *job,
		     const struct key *key, const char *dir, struct err *e)
{
	char temp[CACHE_PATH_MAX + 64], path[CACHE_PATH_MAX];
	struct seal_job j = *job;
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
	kept = keep(path, key, job->source, &result, temp);
	r = cache_open_image(ret, kept < 0 ? temp : path, e);
	if (kept < 0)
		unlink(temp);
	return r < 0 ? r : kept;
}

static int seal(struct image *ret, const struct seal_job *job, const char *path,
		struct err *e)
{
	char dir[CACHE_PATH_MAX];
	struct stat st;
	struct key key;
	struct err why;
	int r;

	if (stat(path, &st) < 0)
		return err_sys(e, errno, "cannot run %s", path);
	r = sealed_dir(dir);
	if (r == 0)
		r = key_init(&key, path, &st, job->kernel_path);
	if (r == 0) {
		r = seal_kept(ret, job, &key, dir, e);
		if (r != -ENOSPC && r != -ESTALE)
			return r;
	}
	err_sys(&why, -r, "cannot use the cache");
	cmd_log("%s; %s is sealed anew at each start "
		"(XDG_CACHE_HOME names another place)",
		why.text, path);
	return ret->fd >= 0 ? 0 : seal_unnamed(ret, job, e);
}

static int seal_program(struct image *ret, const char *path,
			const char *kernel_path, int *ret_status, struct err *e)
{
	AUTO_SOURCE struct source s = { .stage.fd = -1 };
	const struct seal_job job = { .source = &s,
				      .kernel_path = kernel_path };
	const struct source_options o = { .path = path };
	int r;

	r = source_prepare(&s, &o, ret_status, e);
	if (r < 0)
		return r;
	r = seal(ret, &job, path, e);
	source_print_warnings(&s);
	*ret_status = r == -ENOEXEC ? STATUS_CANNOT_RUN : STATUS_FAILED;
	return r;
}

/* 1 if it is a program, 0 if it is an image, or -errno. */
static int open_unknown(struct image *ret, const char *path,
			const char *kernel_path, int *ret_status, struct err *e)
{
	int r, is_elf = image_path_is_elf(path);

	if (is_elf > 0) {
		r = seal_program(ret, path, kernel_path, ret_status, e);
		return r < 0 ? r : 1;
	}
	r = is_elf < 0 ? err_sys(e, -is_elf, "cannot run %s", path) :
			 cache_open_image(ret, path, e);
	if (r < 0)
		*ret_status = r == -ENOEXEC || r == -EISDIR || r == -EACCES ?
				      STATUS_CANNOT_RUN :
				      STATUS_FAILED;
	return r;
}

int sealed_open(struct image *ret, const char *path, const char *kernel_path,
		int *ret_status, struct err *e)
{
	struct stat st;
	int r;

	if (stat(path, &st) < 0) {
		*ret_status = errno == EACCES ? STATUS_CANNOT_RUN :
						STATUS_NOT_FOUND;
		return err_sys(e, errno, "cannot run %s", path);
	}
	r = open_sealed(ret, path, &st, kernel_path);
	if (!r)
		r = open_unknown(ret, path, kernel_path, ret_status, e);
	if (r < 0)
		return r;
	ret->path = path;
	ret->from_program = r > 0;
	return 0;
}
