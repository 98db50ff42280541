/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest covers the whole file, its own bytes as zeros; that it was
 * verified is remembered as it is for images.
 */
#include "launch/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "host/snapshot_check.h"
#include "image/digest.h"
#include "launch/cache.h"
#include "launch/cpu_words.h"
#include "launch/late_env.h"

bool snapshot_is_one(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[8];

	return fd >= 0 && pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       memcmp(magic, MF_SNAPSHOT_MAGIC, sizeof(magic)) == 0;
}

/* Of the file as it is, whatever its header says. */
static int file_digest(uint8_t ret[IMAGE_DIGEST_SIZE], int fd, uint64_t size)
{
	struct mf_snapshot_header *h;
	void *map;

	/* Private: the zeros are ours alone. */
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	h = map;
	memset(h->digest, 0, sizeof(h->digest));
	digest_compute(ret, map, size);
	munmap(map, size);
	return 0;
}

static int verify_now(const struct snapshot *s, const struct stat *st,
		      struct err *e)
{
	uint8_t digest[IMAGE_DIGEST_SIZE];
	int r = file_digest(digest, s->copy.fd, (uint64_t)st->st_size);

	if (r < 0)
		return err_sys(e, -r, "cannot read %s", s->path);
	if (memcmp(digest, s->header.digest, sizeof(digest)) != 0)
		return err_set(e, EBADMSG,
			       "%s is damaged: its content does not match its "
			       "digest; take the snapshot again",
			       s->path);
	return 0;
}

static int verify(const struct snapshot *s, const struct stat *st,
		  struct err *e)
{
	bool settled;
	int r;

	if (cache_is_verified(st, s->header.digest))
		return 0;
	settled = cache_settle(&st->st_ctim);
	r = verify_now(s, st, e);
	if (r == 0 && settled)
		cache_set_verified(st, s->header.digest);
	return r;
}

int snapshot_check_header(const struct mf_snapshot_header *h, const char *path,
			  uint64_t size, struct err *e)
{
	if (h->version != MF_SNAPSHOT_VERSION)
		return err_set(e, EINVAL,
			       "%s is a snapshot of version %u, this mayfly "
			       "reads %u: take it again",
			       path, h->version, MF_SNAPSHOT_VERSION);
	if (h->facts.abi_version != MF_ABI_VERSION)
		return err_set(e, EINVAL,
			       "%s speaks guest ABI %u, this mayfly %u: take "
			       "the snapshot again",
			       path, h->facts.abi_version, MF_ABI_VERSION);
	if (size != h->facts.file_size)
		return err_set(e, EBADMSG,
			       "%s is truncated: it has %llu bytes and says "
			       "%llu; take the snapshot again",
			       path, (unsigned long long)size,
			       (unsigned long long)h->facts.file_size);
	return 0;
}

static int check_cpu(const struct snapshot *s, struct err *e)
{
	char missing[48];

	if (cpu_words_cover(s->header.cpu, missing))
		return 0;
	return err_set(e, ENOTSUP,
		       "%s was taken on a CPU with a feature that this "
		       "one lacks (%s); take the snapshot here",
		       s->path, missing);
}

static int read_header(struct snapshot *ret, const char *path, struct stat *st,
		       struct err *e)
{
	struct mf_snapshot_header *h = &ret->header;
	int r;

	ret->path = path;
	ret->copy.kind = MF_START_COPY;
	ret->copy.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ret->copy.fd < 0 || fstat(ret->copy.fd, st) < 0)
		return err_sys(e, errno, "cannot open %s", path);
	r = file_pread(ret->copy.fd, h, sizeof(*h), 0);
	if (r < 0)
		return err_set(e, EBADMSG,
			       "%s is truncated; take the snapshot again",
			       path);
	h->image_path[MF_SNAPSHOT_PATH_MAX - 1] = '\0';
	ret->copy.facts = h->facts;
	return snapshot_check_header(h, path, (uint64_t)st->st_size, e);
}

int snapshot_open(struct snapshot *ret, const char *path, struct err *e)
{
	struct stat st = { 0 };
	int r = read_header(ret, path, &st, e);

	if (r == 0)
		r = check_cpu(ret, e);
	return r == 0 ? verify(ret, &st, e) : r;
}

static int malformed(const struct snapshot *s, struct err *e)
{
	return err_set(e, EBADMSG, "%s is malformed: take the snapshot again",
		       s->path);
}

int snapshot_read_table(const struct snapshot *s,
			struct mf_snapshot_range **ret, struct err *e)
{
	const struct mf_snapshot_facts *f = &s->header.facts;
	AUTO_FREE struct mf_snapshot_range *ranges = NULL;
	int r;

	/* The size was compared when it was opened. */
	if (!snapshot_header_ok(&s->header) ||
	    !snapshot_facts_ok(f, f->file_size))
		return malformed(s, e);
	ranges = calloc((size_t)f->range_count + 1, sizeof(*ranges));
	if (!ranges)
		return err_set(e, ENOMEM, "out of memory");
	r = file_pread(s->copy.fd, ranges, f->range_count * sizeof(*ranges),
		       f->range_off);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", s->path);
	if (!snapshot_ranges_ok(f, ranges))
		return malformed(s, e);
	*ret = take_ptr(ranges);
	return 0;
}

int snapshot_inspect(struct snapshot *ret, const char *path,
		     struct mf_snapshot_range **ret_ranges, struct err *e)
{
	struct stat st = { 0 };
	int r = read_header(ret, path, &st, e);

	if (r == 0)
		r = verify_now(ret, &st, e);
	return r == 0 ? snapshot_read_table(ret, ret_ranges, e) : r;
}

static bool open_its(struct image *ret, const char *path,
		     const uint8_t digest[IMAGE_DIGEST_SIZE], struct err *e)
{
	if (cache_open_image(ret, path, e) < 0)
		return false;
	if (memcmp(ret->digest, digest, IMAGE_DIGEST_SIZE) == 0)
		return true;
	image_close(ret);
	err_set(e, EBADMSG, "%s has another digest", path);
	return false;
}

int snapshot_open_image(const struct snapshot *s, struct image *ret,
			struct err *e)
{
	const char *path = s->header.image_path, *slash;
	AUTO_FREE char *beside = NULL;
	struct err first;

	if (open_its(ret, path, s->header.image_digest, &first))
		return 0;
	slash = strrchr(s->path, '/');
	if (asprintf(&beside, "%.*s%s", slash ? (int)(slash - s->path + 1) : 0,
		     s->path,
		     strrchr(path, '/') ? strrchr(path, '/') + 1 : path) < 0) {
		beside = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (open_its(ret, beside, s->header.image_digest, e))
		return 0;
	return err_set(e, ENOENT,
		       "the image that %s was taken of is neither %s (%s) nor "
		       "%s: put it back, or take the snapshot again",
		       s->path, path, first.text, beside);
}

void snapshot_close(struct snapshot *s)
{
	if (s->copy.fd >= 0)
		close(s->copy.fd);
	s->copy.fd = -1;
}

int snapshot_check_options(const struct run_options *o, struct err *e)
{
	const char *what = o->cwd	   ? "--workdir" :
			   o->memory_bytes ? "--memory" :
			   o->args_count   ? "an argument" :
					     NULL;

	if (!what)
		return 0;
	return err_set(e, EINVAL,
		       "%s is part of a snapshot: it is set when that is "
		       "taken, not when it is run",
		       what);
}

int snapshot_check_substrate(const struct snapshot *s, enum mf_substrate want,
			     struct err *e)
{
	bool kvm = s->header.facts.substrate == MF_SUBSTRATE_KVM;

	if (want == MF_SUBSTRATE_AUTO || want == s->header.facts.substrate)
		return 0;
	return err_set(e, EINVAL,
		       "%s was taken on the %s substrate and runs on no other",
		       s->path, kvm ? "kvm" : "process");
}

/* Where the file is that was opened: that of a program is in the cache. */
static int find_image(char ret[MF_SNAPSHOT_PATH_MAX], const struct image *img,
		      struct err *e)
{
	char link[32];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", img->fd);
	n = readlink(link, ret, MF_SNAPSHOT_PATH_MAX - 1);
	if (n < 0)
		return err_sys(e, errno, "cannot read %s", link);
	ret[n] = '\0';
	if (n == MF_SNAPSHOT_PATH_MAX - 1)
		return err_set(e, ENAMETOOLONG, "the path of %s is too long",
			       img->path);
	if (stat(ret, &st) < 0)
		return err_set(e, ENOENT,
			       "%s was sealed into no file that a snapshot "
			       "could refer to: seal it with mayfly build, and "
			       "take the snapshot of that image",
			       img->path);
	return 0;
}

static int fill_header(struct mf_snapshot_header *ret,
		       const struct run_snapshot *s, const struct image *img,
		       struct err *e)
{
	char path[MF_SNAPSHOT_PATH_MAX] = "";
	int r = find_image(path, img, e);

	if (r < 0)
		return r;
	*ret = (struct mf_snapshot_header){ .version = MF_SNAPSHOT_VERSION,
					    .facts = s->facts };
	memcpy(ret->magic, MF_SNAPSHOT_MAGIC, sizeof(ret->magic));
	memcpy(ret->image_digest, img->digest, sizeof(ret->image_digest));
	memcpy(ret->image_path, path, strlen(path));
	cpu_words_get(ret->cpu);
	late_env_write(ret->late_env, s);
	return 0;
}

static int write_header(int fd, const struct mf_snapshot_header *h,
			struct err *e)
{
	if (pwrite(fd, h, sizeof(*h), 0) != sizeof(*h))
		return err_sys(e, errno, "cannot write the snapshot");
	return 0;
}

int snapshot_complete(const struct run_snapshot *s, const struct image *img,
		      struct err *e)
{
	struct mf_snapshot_header h;
	struct stat st;
	int r = fill_header(&h, s, img, e);

	if (r < 0)
		return r;
	if (fstat(s->fd, &st) < 0 || (uint64_t)st.st_size != s->facts.file_size)
		return err_set(e, EIO,
			       "the monitor wrote another file than "
			       "it says");
	return write_header(s->fd, &h, e);
}

int snapshot_seal(int fd, const struct mf_snapshot_facts *f, struct err *e)
{
	struct mf_snapshot_header h;
	int r = file_pread(fd, &h, sizeof(h), 0);

	if (r < 0)
		return err_sys(e, -r, "cannot read the snapshot");
	h.facts = *f;
	r = write_header(fd, &h, e);
	if (r < 0)
		return r;
	r = file_digest(h.digest, fd, f->file_size);
	if (r < 0)
		return err_sys(e, -r, "cannot read the snapshot");
	return write_header(fd, &h, e);
}
