/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of the cache, and images that were verified. A file that changed
 * within the last clock ticks could change again without a new time stamp,
 * so before anything is remembered about it we wait until its ctime is safely
 * past.
 */
#include "launch/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "image/digest.h"

#define SETTLE_NS 20000000 /* longer than any clock tick */

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

int64_t cache_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

bool cache_settle(const struct timespec *ctime)
{
	struct timespec now, pause = { 0 };
	int64_t age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = cache_ns(&now) - cache_ns(ctime);
	if (age < 0)
		return false;
	if (age < SETTLE_NS) {
		pause.tv_nsec = SETTLE_NS - age;
		while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
			;
	}
	return true;
}

/* ---- verified files ---------------------------------------------------- */

static int record_path(char ret[CACHE_PATH_MAX], const struct stat *st)
{
	char sub[64];

	snprintf(sub, sizeof(sub), "verified/%jx-%jx", (uintmax_t)st->st_dev,
		 (uintmax_t)st->st_ino);
	return cache_path(ret, sub);
}

static void record_text(char *ret, size_t size, const struct stat *st,
			const uint8_t digest[IMAGE_DIGEST_SIZE])
{
	char text[IMAGE_DIGEST_TEXT_MAX];

	digest_text(text, digest);
	snprintf(ret, size, "%jx %" PRIx64 " %" PRIx64 " %s\n",
		 (uintmax_t)st->st_size, cache_ns(&st->st_mtim),
		 cache_ns(&st->st_ctim), text);
}

bool cache_is_verified(const struct stat *st,
		       const uint8_t digest[IMAGE_DIGEST_SIZE])
{
	AUTO_CLOSE int fd = -1;
	char path[CACHE_PATH_MAX], want[256], have[256];
	ssize_t n;

	if (record_path(path, st) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	record_text(want, sizeof(want), st, digest);
	n = read(fd, have, sizeof(have));
	return n == (ssize_t)strlen(want) && memcmp(have, want, n) == 0;
}

/* Failure to remember only costs time at the next start. */
void cache_set_verified(const struct stat *st,
			const uint8_t digest[IMAGE_DIGEST_SIZE])
{
	AUTO_DRAFT struct file_draft d = { .fd = -1 };
	char path[CACHE_PATH_MAX], text[256];

	if (cache_path(path, "verified") < 0 || file_mkdirs(path) < 0 ||
	    record_path(path, st) < 0)
		return;
	if (file_draft_init(&d, path, 0600) < 0)
		return;
	record_text(text, sizeof(text), st, digest);
	if (file_write(d.fd, text, strlen(text)) == 0)
		file_draft_publish(&d, false);
}

static int verify_once(const struct image *img, struct err *e)
{
	bool settled;
	int r;

	if (cache_is_verified(&img->st, img->digest))
		return 0;
	settled = cache_settle(&img->st.st_ctim);
	r = image_verify(img, e);
	if (r == 0 && settled)
		cache_set_verified(&img->st, img->digest);
	return r;
}

int cache_open_image(struct image *ret, const char *path, struct err *e)
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
