/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksum is keyed with a random number of the process that writes, in
 * each segment's header: what stands in a text of a record can never be taken
 * for a record, and old blocks of a disk neither. What one write could not
 * finish the next one goes on with: a reader sees a record when it is whole.
 */
#include "daemon/ledger/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"

#define NAME_LEN 10
#define VERSION	 1u
/* Nobody writes so many; a name beyond it is not ours. */
#define SEGMENTS_MAX 4000000000u

static const uint8_t magic[8] = "MAYFLYjl";

_Static_assert(crypto_shorthash_KEYBYTES == JOURNAL_KEY_SIZE, "key");
_Static_assert(crypto_shorthash_BYTES == 8, "checksum");

struct header {
	uint8_t magic[8];
	uint32_t version, reserved;
	uint8_t key[JOURNAL_KEY_SIZE];
};
_Static_assert(sizeof(struct header) == JOURNAL_HEADER_SIZE, "header");

static void name_of(char ret[NAME_LEN + 1], uint32_t segment)
{
	snprintf(ret, NAME_LEN + 1, "%010u", segment);
}

/* ---- writing ------------------------------------------------------------- */

int journal_dir_open(int *ret_fd, const char *state_dir, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/ledger-journal", state_dir) < 0) {
		path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, errno, "cannot open the directory %s", path);
	*ret_fd = fd;
	return 0;
}

void journal_init(struct journal *j, int dir_fd, uint32_t last)
{
	*j = (struct journal){ .dir_fd = dir_fd,
			       .fd = -1,
			       .end.segment = last };
	randombytes_buf(j->key, sizeof(j->key));
}

void journal_fini(struct journal *j)
{
	if (j->fd >= 0)
		close(take_fd(&j->fd));
	textbuf_fini(&j->unwritten);
}

int journal_append(struct journal *j, const struct record *r)
{
	uint8_t *frame = j->frame;
	uint32_t len = (uint32_t)record_encode(r, frame + JOURNAL_FRAME_SIZE);

	if (j->unwritten_max &&
	    j->unwritten.len + JOURNAL_FRAME_SIZE + len > j->unwritten_max)
		return -ENOBUFS;
	memcpy(frame + 8, &len, sizeof(len));
	crypto_shorthash(frame, frame + 8, sizeof(len) + len, j->key);
	textbuf_bytes(&j->unwritten, frame, JOURNAL_FRAME_SIZE + len);
	if (!j->unwritten.failed)
		return 0;
	j->unwritten.failed = false;
	return -ENOBUFS;
}

static int segment_begin(struct journal *j)
{
	struct header h = { .version = VERSION };
	char name[NAME_LEN + 1];
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.key, j->key, sizeof(h.key));
	name_of(name, j->end.segment + 1);
	fd = openat(j->dir_fd, name,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	n = write(fd, &h, sizeof(h));
	if (n != (ssize_t)sizeof(h)) {
		int error = n < 0 ? errno : ENOSPC;

		unlinkat(j->dir_fd, name, 0);
		return -error;
	}
	if (j->fd >= 0)
		close(j->fd);
	j->fd = take_fd(&fd);
	j->end.segment++;
	j->end.offset = sizeof(h);
	return 0;
}

int journal_write(struct journal *j)
{
	struct textbuf *b = &j->unwritten;
	int r = 0;

	if (b->len == 0)
		return 0;
	if (j->fd < 0 || (j->end.offset >= JOURNAL_SEGMENT_SIZE && !j->torn))
		r = segment_begin(j);
	/* A segment may become longer, if there is no room for a new one. */
	if (j->fd < 0 || j->end.offset > UINT32_MAX / 2)
		return r < 0 ? r : -EFBIG;
	while (b->len) {
		ssize_t n = write(j->fd, b->data, b->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		j->end.offset += (uint32_t)n;
		textbuf_drop(b, (size_t)n);
		j->torn = b->len > 0;
	}
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

int journal_parse_header(const uint8_t *data, size_t len,
			 uint8_t ret_key[JOURNAL_KEY_SIZE])
{
	struct header h;

	if (len < sizeof(h))
		return -ENODATA;
	memcpy(&h, data, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 ||
	    h.version != VERSION || h.reserved != 0)
		return -EBADMSG;
	memcpy(ret_key, h.key, JOURNAL_KEY_SIZE);
	return 0;
}

int journal_parse(struct journal_parser *p, struct record *ret)
{
	const uint8_t *frame = p->data + p->at;
	size_t left = p->len - p->at;
	uint8_t sum[crypto_shorthash_BYTES];
	uint32_t len;

	if (left < JOURNAL_FRAME_SIZE)
		return 0;
	memcpy(&len, frame + 8, sizeof(len));
	if (len == 0 || len > RECORD_SIZE_MAX)
		return -EBADMSG;
	if (left - JOURNAL_FRAME_SIZE < len)
		return 0;
	crypto_shorthash(sum, frame + 8, sizeof(len) + len, p->key);
	if (memcmp(sum, frame, sizeof(sum)) != 0 ||
	    record_decode(ret, frame + JOURNAL_FRAME_SIZE, len) < 0)
		return -EBADMSG;
	p->at += JOURNAL_FRAME_SIZE + len;
	return 1;
}

/* The number in a name, or 0. */
static uint32_t number_of(const char *name)
{
	uint64_t n = 0;

	if (strlen(name) != NAME_LEN || strspn(name, "0123456789") != NAME_LEN)
		return 0;
	n = strtoull(name, NULL, 10);
	return n <= SEGMENTS_MAX ? (uint32_t)n : 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

int journal_list(int dir_fd, uint32_t **ret, size_t *ret_count)
{
	__attribute__((cleanup(close_dir))) DIR *d = NULL;
	AUTO_FREE uint32_t *list = NULL;
	size_t count = 0, room = 0;
	uint32_t number, *more;
	struct dirent *entry;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(d))) {
		number = number_of(entry->d_name);
		if (number == 0)
			continue;
		if (count == room) {
			room = room ? room * 2 : 16;
			more = reallocarray(list, room, sizeof(*list));
			if (!more)
				return -ENOMEM;
			list = more;
		}
		list[count++] = number;
	}
	if (count)
		qsort(list, count, sizeof(*list), compare);
	*ret = take_ptr(list);
	*ret_count = count;
	return 0;
}

int journal_segment_open(int dir_fd, uint32_t segment)
{
	char name[NAME_LEN + 1];
	int fd;

	name_of(name, segment);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int journal_segment_remove(int dir_fd, uint32_t segment)
{
	char name[NAME_LEN + 1];

	name_of(name, segment);
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}
