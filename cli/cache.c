/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache. A file that changed within the last clock ticks could change
 * again without a new time stamp, so before anything is remembered about it
 * we wait until its ctime is safely past.
 */
#include "cli/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "host/sigguard.h"
#include "image/digest.h"
#include "image/seal.h"

#define CACHE_SEALED_MAX 64 /* images; the oldest goes */
#define SETTLE_NS	 20000000 /* longer than any clock tick */

int cache_path(char ret[CACHE_PATH_MAX], const char *sub)
{
	const char *base = getenv("XDG_CACHE_HOME"), *mid = "";
	int n;

	if (!base || base[0] != '/') {
		base = getenv("HOME");
		mid = "/.cache";
	}
	if (!base || base[0] != '/')
		return -ENOENT;
	n = snprintf(ret, CACHE_PATH_MAX, "%s%s/mayfly/%s", base, mid, sub);
	return n < CACHE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int64_t ns_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* False if the change lies in the future: then nothing can be remembered. */
static bool settle(const struct stat *st)
{
	struct timespec now, pause = { 0 };
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = ns_of(&now) - ns_of(&st->st_ctim);
	if (age < 0)
		return false;
	if (age < SETTLE_NS) {
		pause.tv_nsec = SETTLE_NS - age;
		while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
			;
	}
	return true;
}

/* ---- verified images --------------------------------------------------- */

static int record_path(char ret[CACHE_PATH_MAX], const struct image *img)
{
	char sub[64];

	snprintf(sub, sizeof(sub), "verified/%jx-%jx",
		 (uintmax_t)img->st.st_dev, (uintmax_t)img->st.st_ino);
	return cache_path(ret, sub);
}

static void record_text(char *ret, size_t size, const struct image *img)
{
	char digest[IMAGE_DIGEST_TEXT_MAX];

	digest_text(digest, img->digest);
	snprintf(ret, size, "%jx %" PRIx64 " %" PRIx64 " %s\n",
		 (uintmax_t)img->st.st_size, ns_of(&img->st.st_mtim),
		 ns_of(&img->st.st_ctim), digest);
}

static bool is_verified(const struct image *img)
{
	AUTO_CLOSE int fd = -1;
	char path[CACHE_PATH_MAX], want[256], have[256];
	ssize_t n;

	if (record_path(path, img) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	record_text(want, sizeof(want), img);
	n = read(fd, have, sizeof(have));
	return n == (ssize_t)strlen(want) && memcmp(have, want, n) == 0;
}

/* Failure to remember only costs time at the next start. */
static void remember_verified(const struct image *img)
{
	AUTO_DRAFT struct file_draft d = { .fd = -1 };
	char path[CACHE_PATH_MAX], text[256];

	if (cache_path(path, "verified") < 0 || file_mkdirs(path) < 0 ||
	    record_path(path, img) < 0)
		return;
	if (file_draft_init(&d, path, 0600) < 0)
		return;
	record_text(text, sizeof(text), img);
	if (file_write(d.fd, text, strlen(text)) == 0)
		file_draft_publish(&d, false);
}

static int verify_once(const struct image *img, struct err *e)
{
	bool settled;
	int r;

	if (is_verified(img))
		return 0;
	settled = settle(&img->st);
	r = image_verify(img, e);
	if (r == 0 && settled)
		remember_verified(img);
	return r;
}

static int open_image(struct image *ret, const char *path, struct err *e)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	int r;

	r = image_open(&img, path, e);
	if (r == 0)
		r = verify_once(&img, e);
	if (r == 0)
		r = image_load(&img, e);
	if (r < 0)
		return r;
	*ret = img;
	img = (struct image){ .fd = -1 };
	return 0;
}

/* ---- images sealed from programs --------------------------------------- */

static int sealed_path(char ret[CACHE_PATH_MAX], const char *path,
		       const struct stat *st, const struct stat *kernel)
{
	const char *slash = strrchr(path, '/');
	char sub[512];

	snprintf(sub, sizeof(sub),
		 "sealed/%jx-%jx-%jx-%" PRIx64 "-%" PRIx64 "-%jx-%jx-%" PRIx64
		 "-%s-%.*s.img",
		 (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
		 (uintmax_t)st->st_size, ns_of(&st->st_mtim),
		 ns_of(&st->st_ctim), (uintmax_t)kernel->st_ino,
		 (uintmax_t)kernel->st_size, ns_of(&kernel->st_ctim),
		 MF_VERSION, (int)IMAGE_NAME_MAX, slash ? slash + 1 : path);
	return cache_path(ret, sub);
}

/* Removes the oldest image if there are many. */
static void evict(const char *dir_path)
{
	DIR *dir = opendir(dir_path);
	struct timespec oldest_time = { 0 };
	char oldest[NAME_MAX + 1] = "";
	struct dirent *d;
	struct stat st;
	int count = 0;

	if (!dir)
		return;
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' ||
		    fstatat(dirfd(dir), d->d_name, &st, 0) < 0)
			continue;
		count++;
		if (oldest[0] && ns_of(&st.st_mtim) >= ns_of(&oldest_time))
			continue;
		oldest_time = st.st_mtim;
		snprintf(oldest, sizeof(oldest), "%s", d->d_name);
	}
	if (count >= CACHE_SEALED_MAX)
		unlinkat(dirfd(dir), oldest, 0);
	closedir(dir);
}

/* The cache cannot be used: an image that lives as long as it is open. */
static int seal_unnamed(struct image *ret, const struct seal_job *job,
			struct err *e)
{
	char dir[CACHE_PATH_MAX], path[CACHE_PATH_MAX + 8];
	const char *tmp = getenv("TMPDIR");
	struct seal_job j = *job;
	AUTO_SIGGUARD struct sigguard guard;
	struct seal_result result;
	int r;

	sigguard_init(&guard);
	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	if (snprintf(dir, sizeof(dir), "%s/mayfly.XXXXXX", tmp) >=
	    (int)sizeof(dir))
		return err_set(e, ENAMETOOLONG, "the path TMPDIR is too long");
	if (!mkdtemp(dir))
		return err_sys(e, errno, "cannot make a directory in %s", tmp);
	snprintf(path, sizeof(path), "%s/image", dir);
	j.out_path = path;
	r = seal_image(&j, &result, e);
	if (r == 0)
		r = open_image(ret, path, e);
	unlink(path);
	rmdir(dir);
	return r;
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

int cache_probe(struct err *e)
{
	char dir[CACHE_PATH_MAX];
	int r = sealed_dir(dir);

	return r < 0 ? err_sys(e, -r, "cannot use the cache") : 0;
}

/* Where to keep the sealed program; -errno if nowhere. */
static int prepare_sealed(char ret[CACHE_PATH_MAX], const char *path,
			  const char *kernel_path, const struct program *p)
{
	char dir[CACHE_PATH_MAX];
	struct stat kernel;
	int r;

	r = sealed_dir(dir);
	if (r == 0 && stat(kernel_path, &kernel) < 0)
		r = -errno;
	if (r == 0 && !settle(&p->st))
		r = -ESTALE;
	if (r == 0)
		r = sealed_path(ret, path, &p->st, &kernel);
	if (r == 0)
		evict(dir);
	return r;
}

static int seal_program(struct image *ret, const char *path,
			const char *kernel_path, struct err *e)
{
	AUTO_PROGRAM struct program p = { .fd = -1 };
	struct seal_job job = { .program = &p, .kernel_path = kernel_path };
	char sealed[CACHE_PATH_MAX];
	struct seal_result result;
	struct err why;
	int r;

	r = program_open(&p, path, e);
	if (r < 0)
		return r;
	r = prepare_sealed(sealed, path, kernel_path, &p);
	if (r == 0) {
		job.out_path = sealed;
		r = seal_image(&job, &result, e);
		if (r != -ENOSPC)
			return r < 0 ? r : open_image(ret, sealed, e);
	}
	err_sys(&why, -r, "cannot use the cache");
	cmd_log("%s; %s is sealed anew at each start "
		"(XDG_CACHE_HOME names another place)",
		why.text, p.name);
	return seal_unnamed(ret, &job, e);
}

static bool open_sealed(struct image *ret, const char *path,
			const struct stat *st, const char *kernel_path)
{
	char sealed[CACHE_PATH_MAX];
	struct stat kernel;
	struct err e;

	return stat(kernel_path, &kernel) == 0 &&
	       sealed_path(sealed, path, st, &kernel) == 0 &&
	       access(sealed, R_OK) == 0 && open_image(ret, sealed, &e) == 0;
}

/* 1 if it is a program, 0 if it is an image, or -errno. */
static int open_unknown(struct image *ret, const char *path,
			const char *kernel_path, struct err *e)
{
	int r, is_elf = image_path_is_elf(path);

	if (is_elf < 0)
		return err_sys(e, -is_elf, "cannot run %s", path);
	if (is_elf)
		r = seal_program(ret, path, kernel_path, e);
	else
		r = open_image(ret, path, e);
	return r < 0 ? r : is_elf;
}

int cache_open(struct image *ret, const char *path, const char *kernel_path,
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
		r = open_unknown(ret, path, kernel_path, e);
	if (r < 0) {
		*ret_status = r == -ENOEXEC || r == -EISDIR || r == -EACCES ?
				      STATUS_CANNOT_RUN :
				      STATUS_FAILED;
		return r;
	}
	ret->path = path;
	ret->from_program = r > 0;
	return 0;
}
