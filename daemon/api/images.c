/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that are uploaded: written beside their place as they come, hashed
 * on the way, and put there when trailer and digest agree. The last block is
 * the trailer and not part of the digest, so one block is held back.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/api/private.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "image/digest.h"

struct upload {
	struct file_draft draft;
	crypto_hash_sha256_state hash;
	uint64_t size;
	size_t held; /* bytes in `last` */
	uint8_t last[IMAGE_BLOCK];
};

#define HEX_LEN 64u

char *api_image_path(struct api *a, const char *digest)
{
	static const char prefix[] = "sha256:";
	char *path;

	if (strncmp(digest, prefix, sizeof(prefix) - 1) == 0)
		digest += sizeof(prefix) - 1;
	if (strlen(digest) != HEX_LEN ||
	    strspn(digest, "0123456789abcdef") != HEX_LEN)
		return NULL;
	return asprintf(&path, "%s/images/%s.img",
			registry_state_dir(a->c.registry), digest) < 0 ?
		       NULL :
		       path;
}

void api_head_image(struct api_request *r)
{
	AUTO_FREE char *path = api_image_path(r->api, r->params[0]);
	struct stat st;

	if (path && stat(path, &st) == 0)
		api_reply_empty(r, 200);
	else
		api_problem(r, 404, "there is no image %s", r->params[0]);
}

/* ---- uploads ---- */

static void release(struct api_request *r)
{
	struct upload *u = r->data;

	file_draft_drop(&u->draft);
	free(u);
}

static int refuse(struct api_request *r, int status, const char *why)
{
	api_problem(r, status, "%s", why);
	return -EINVAL;
}

static int write_failed(struct api_request *r, int code)
{
	struct err e;

	err_sys(&e, code, "the image cannot be kept");
	api_problem_err(r, &e);
	return -code;
}

static int keep(struct upload *u, const void *data, size_t len)
{
	int r = file_write(u->draft.fd, data, len);

	crypto_hash_sha256_update(&u->hash, data, len);
	return r;
}

/* What was held back and what came, but for its last block. */
static int on_data(struct api_request *r, const char *data, size_t len)
{
	struct upload *u = r->data;
	size_t out, some;
	int err = 0;

	u->size += len;
	if (u->size > r->api->c.image_bytes_max)
		return refuse(r, 413,
			      "the image is larger than this mayflyd "
			      "takes");
	out = u->held + len > IMAGE_BLOCK ? u->held + len - IMAGE_BLOCK : 0;
	some = out < u->held ? out : u->held;
	if (some) {
		err = keep(u, u->last, some);
		memmove(u->last, u->last + some, u->held - some);
		u->held -= some;
		out -= some;
	}
	if (err == 0 && out)
		err = keep(u, data, out);
	memcpy(u->last + u->held, data + out, len - out);
	u->held += len - out;
	return err < 0 ? write_failed(r, -err) : 0;
}

static const char *what_is_wrong(struct upload *u,
				 uint8_t digest[IMAGE_DIGEST_SIZE])
{
	struct image_trailer t;

	memcpy(&t, u->last, sizeof(t));
	crypto_hash_sha256_final(&u->hash, digest);
	if (u->held < IMAGE_BLOCK || u->size < 2 * IMAGE_BLOCK ||
	    memcmp(t.magic, IMAGE_MAGIC, sizeof(t.magic)) != 0)
		return "this is not an image; mayfly build makes one";
	if (t.version != IMAGE_VERSION)
		return "the image has another version of the format than this "
		       "mayflyd reads; build it again";
	if (t.erofs_size != u->size - IMAGE_BLOCK)
		return "the image is truncated";
	if (memcmp(t.digest, digest, sizeof(t.digest)) != 0)
		return "the image's content does not match its digest";
	return NULL;
}

static int publish(struct upload *u, char *path)
{
	int err = file_write(u->draft.fd, u->last, u->held);

	if (err < 0)
		return err;
	free(u->draft.path);
	u->draft.path = path;
	/* A deploy sees to it that it is on the disk. */
	return file_draft_publish(&u->draft, false);
}

static void on_end(struct api_request *r)
{
	char text[IMAGE_DIGEST_TEXT_MAX];
	uint8_t digest[IMAGE_DIGEST_SIZE];
	struct upload *u = r->data;
	const char *wrong = what_is_wrong(u, digest);
	char *path;
	int err;

	if (wrong) {
		(void)refuse(r, 422, wrong);
		return;
	}
	digest_text(text, digest);
	path = api_image_path(r->api, text);
	if (!path) {
		(void)refuse(r, 503, "out of memory");
		return;
	}
	err = publish(u, path);
	if (err < 0)
		(void)write_failed(r, -err);
	else
		api_reply_json(r, 201,
			       json_pack("{s:s, s:I}", "digest", text, "size",
					 (json_int_t)u->size));
}

void api_post_image(struct api_request *r)
{
	const char *dir = registry_state_dir(r->api->c.registry);
	AUTO_FREE char *path = NULL;
	struct upload *u;
	int err;

	if (r->body_length == 0) {
		(void)refuse(r, 411, "an image is wanted as the body");
		return;
	}
	u = calloc(1, sizeof(*u));
	if (!u || asprintf(&path, "%s/images/upload", dir) < 0) {
		path = NULL;
		free(u);
		(void)refuse(r, 503, "out of memory");
		return;
	}
	err = file_draft_init(&u->draft, path, 0600);
	if (err < 0) {
		free(u);
		(void)write_failed(r, -err);
		return;
	}
	crypto_hash_sha256_init(&u->hash);
	r->data = u;
	r->release = release;
	r->body_data = on_data;
	r->body_end = on_end;
}
