/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layout is a directory with oci-layout, index.json and
 * blobs/sha256/HEX; nothing outside of it is opened.
 */
#include "unpack/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "host/sigguard.h"

_Static_assert(BLOB_DIGEST_SIZE == crypto_hash_sha256_BYTES, "SHA-256");

#define ALGORITHM "sha256:"
#define SHOW_LEN  12 /* digits of a digest, as docker shows */
#define CHUNK	  (256u << 10)

int blob_parse_digest(uint8_t ret[BLOB_DIGEST_SIZE], const char *text,
		      struct err *e)
{
	uint8_t digest[BLOB_DIGEST_SIZE];
	const char *hex = text + sizeof(ALGORITHM) - 1;
	size_t len = 0;

	if (strncmp(text, ALGORITHM, sizeof(ALGORITHM) - 1) != 0)
		return err_set(e, EBADMSG,
			       "the digest %.80s is not of the form "
			       "sha256:HEX",
			       text);
	if (strlen(hex) != BLOB_HEX_SIZE - 1 ||
	    strspn(hex, "0123456789abcdef") != BLOB_HEX_SIZE - 1 ||
	    sodium_hex2bin(digest, sizeof(digest), hex, BLOB_HEX_SIZE - 1, NULL,
			   &len, NULL) < 0)
		return err_set(e, EBADMSG,
			       "the digest %.80s has not 64 lower-case "
			       "hexadecimal digits",
			       text);
	memcpy(ret, digest, sizeof(digest));
	return 0;
}

const char *blob_show(char ret[BLOB_HEX_SIZE],
		      const uint8_t digest[BLOB_DIGEST_SIZE])
{
	sodium_bin2hex(ret, BLOB_HEX_SIZE, digest, BLOB_DIGEST_SIZE);
	ret[SHOW_LEN] = '\0';
	return ret;
}

int blob_open_file(int layout, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	AUTO_CLOSE int fd =
		(int)syscall(SYS_openat2, layout, path, &how, sizeof(how));
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return take_fd(&fd);
}

static int hash_file(int fd, uint64_t *ret_size, uint8_t ret[BLOB_DIGEST_SIZE])
{
	AUTO_FREE uint8_t *buf = malloc(CHUNK);
	crypto_hash_sha256_state state;
	uint64_t size = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	crypto_hash_sha256_init(&state);
	while ((n = pread(fd, buf, CHUNK, (off_t)size)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (sigguard_hit())
			return -EINTR;
		if (n < 0)
			continue;
		crypto_hash_sha256_update(&state, buf, (uint64_t)n);
		size += (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, ret);
	*ret_size = size;
	return 0;
}

static int mismatch(const struct blob *b, const uint8_t *got, struct err *e)
{
	char want_text[BLOB_HEX_SIZE], got_text[BLOB_HEX_SIZE];

	return err_set(e, EBADMSG,
		       "blob sha256:%s is damaged: its content has the digest "
		       "sha256:%s; fetch the image again",
		       blob_show(want_text, b->digest),
		       blob_show(got_text, got));
}

static int open_named(int layout, const struct blob *b, struct err *e)
{
	char path[sizeof("blobs/sha256/") + BLOB_HEX_SIZE];
	char hex[BLOB_HEX_SIZE];
	int fd;

	sodium_bin2hex(hex, sizeof(hex), b->digest, sizeof(b->digest));
	snprintf(path, sizeof(path), "blobs/sha256/%s", hex);
	fd = blob_open_file(layout, path);
	if (fd == -ENOENT)
		return err_set(e, ENOENT,
			       "blob sha256:%s is missing; fetch the image "
			       "again",
			       blob_show(hex, b->digest));
	if (fd < 0)
		return err_sys(e, -fd, "cannot open %s", path);
	return fd;
}

int blob_open(int layout, const struct blob *b, struct err *e)
{
	AUTO_CLOSE int fd = open_named(layout, b, e);
	uint8_t digest[BLOB_DIGEST_SIZE];
	char show[BLOB_HEX_SIZE];
	uint64_t size = 0;
	int r;

	if (fd < 0)
		return fd;
	r = hash_file(fd, &size, digest);
	if (r < 0)
		return err_sys(e, -r, "cannot read blob sha256:%s",
			       blob_show(show, b->digest));
	if (memcmp(digest, b->digest, sizeof(digest)) != 0)
		return mismatch(b, digest, e);
	if (size != b->size)
		return err_set(e, EBADMSG,
			       "blob sha256:%s has %llu bytes, but its "
			       "descriptor says %llu",
			       blob_show(show, b->digest),
			       (unsigned long long)size,
			       (unsigned long long)b->size);
	return take_fd(&fd);
}

int blob_read(int layout, const struct blob *b, char **ret, struct err *e)
{
	AUTO_CLOSE int fd = open_named(layout, b, e);
	uint8_t digest[BLOB_DIGEST_SIZE];
	AUTO_FREE char *text = NULL;
	char show[BLOB_HEX_SIZE];
	int r;

	if (fd < 0)
		return fd;
	if (b->size > BLOB_TEXT_MAX)
		return err_set(e, EFBIG,
			       "the JSON document sha256:%s has more than "
			       "%u MiB",
			       blob_show(show, b->digest), BLOB_TEXT_MAX >> 20);
	text = malloc(b->size + 1);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	r = file_pread(fd, text, b->size, 0);
	if (r == -ENODATA)
		return err_set(e, EBADMSG,
			       "blob sha256:%s is truncated; fetch the image "
			       "again",
			       blob_show(show, b->digest));
	if (r < 0)
		return err_sys(e, -r, "cannot read blob sha256:%s",
			       blob_show(show, b->digest));
	text[b->size] = '\0';
	crypto_hash_sha256(digest, (const uint8_t *)text, b->size);
	if (memcmp(digest, b->digest, sizeof(digest)) != 0)
		return mismatch(b, digest, e);
	*ret = take_ptr(text);
	return 0;
}
