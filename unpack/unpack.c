/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.json -> manifest -> configuration -> layers, each verified by its
 * digest before it is used; the layers once more by the digests that the
 * configuration gives them uncompressed. Signals wait until what was half
 * made is removed.
 */
#include "unpack/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "host/sigguard.h"
#include "unpack/blob.h"
#include "unpack/command.h"
#include "unpack/doc.h"
#include "unpack/layer.h"
#include "unpack/put.h"

#define INDEX_DEPTH_MAX 4 /* indexes that name indexes */
#define ROOTFS		"rootfs"
#define CONFIG		"config.json"

/* A document of the layout that has no digest, as text. */
static int read_named(int layout, const char *path, char **ret, size_t *ret_len,
		      struct err *e)
{
	AUTO_CLOSE int fd = blob_open_file(layout, path);
	AUTO_FREE char *text = NULL;
	struct stat st;
	int r = 0;

	if (fd == -ENOENT)
		return err_set(e, ENOENT,
			       "this is no OCI image layout: it has no %s",
			       path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, fd < 0 ? -fd : errno, "cannot open %s", path);
	if (st.st_size > BLOB_TEXT_MAX)
		return err_set(e, EFBIG, "%s has more than %u MiB", path,
			       BLOB_TEXT_MAX >> 20);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	r = file_pread(fd, text, (size_t)st.st_size, 0);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s", path);
	text[st.st_size] = '\0';
	*ret_len = (size_t)st.st_size;
	*ret = take_ptr(text);
	return 0;
}

/* The manifest for this machine, through as many indexes as it takes. */
static int find_manifest(int layout, struct blob *ret, struct err *e)
{
	struct doc_choice choice = { .is_index = false };
	size_t len = 0;
	int depth, r;

	for (depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		AUTO_FREE char *text = NULL;

		if (depth == 0) {
			r = read_named(layout, "index.json", &text, &len, e);
		} else {
			r = blob_read(layout, &choice.blob, &text, e);
			len = choice.blob.size;
		}
		if (r == 0)
			r = doc_choose(text, len, &choice, e);
		if (r < 0)
			return r;
		if (!choice.is_index) {
			*ret = choice.blob;
			return 0;
		}
	}
	return err_set(e, ELOOP, "the image has indexes more than %d deep",
		       INDEX_DEPTH_MAX);
}

/* One image on its way. */
struct unpacking {
	const struct unpack_job *job;
	int layout;
	int out;
	struct doc_manifest manifest;
	struct doc_config config;
	struct unpack_tree *tree; /* owned; too large for a stack */
	struct layers layers;
};

static void unpacking_fini(struct unpacking *u)
{
	if (u->tree)
		unpack_tree_fini(u->tree);
	free(u->tree);
	doc_free_config(&u->config);
	doc_free_manifest(&u->manifest);
	cleanup_close(&u->layout);
	cleanup_close(&u->out);
}

#define AUTO_UNPACKING __attribute__((cleanup(unpacking_fini)))

static int read_documents(struct unpacking *u, struct err *e)
{
	AUTO_FREE char *manifest = NULL;
	AUTO_FREE char *config = NULL;
	struct doc_manifest *m = &u->manifest;
	struct blob b;
	int r = find_manifest(u->layout, &b, e);

	if (r == 0)
		r = blob_read(u->layout, &b, &manifest, e);
	if (r == 0)
		r = doc_read_manifest(manifest, b.size, m, e);
	if (r == 0)
		r = blob_read(u->layout, &m->config, &config, e);
	if (r == 0)
		r = doc_read_config(config, m->config.size, &u->config, e);
	if (r == 0 && m->layer_count != u->config.layer_count)
		return err_set(e, EBADMSG,
			       "the manifest has %zu layers, the "
			       "configuration %zu",
			       m->layer_count, u->config.layer_count);
	return r;
}

static int apply_one(struct unpacking *u, size_t i, struct err *e)
{
	AUTO_CLOSE int fd = blob_open(u->layout, &u->manifest.layers[i], e);
	const uint8_t *want = u->config.diff_ids[i];
	char want_text[BLOB_HEX_SIZE], got_text[BLOB_HEX_SIZE];
	uint8_t got[BLOB_DIGEST_SIZE];
	int r;

	if (fd < 0)
		return fd;
	r = layer_apply(&u->layers, fd, got, e);
	if (r < 0)
		return r;
	if (memcmp(got, want, sizeof(got)) != 0)
		return err_set(e, EBADMSG,
			       "uncompressed it has the digest sha256:%s, but "
			       "the configuration says sha256:%s",
			       blob_show(got_text, got),
			       blob_show(want_text, want));
	return 0;
}

static int apply_layers(struct unpacking *u, struct err *e)
{
	size_t i, count = u->manifest.layer_count;
	struct err why;
	int r;

	for (i = 0; i < count; i++) {
		if (u->job->say)
			fprintf(u->job->say, "step: layer %zu of %zu\n", i + 1,
				count);
		r = apply_one(u, i, &why);
		if (r < 0)
			return err_set(e, why.code, "layer %zu of %zu: %s",
				       i + 1, count, why.text);
	}
	return 0;
}

/*
 * Docker mounts its own files here, so builders leave empty ones in the
 * layers, which would be worse than none.
 */
static int drop_mount_points(struct unpacking *u, struct err *e)
{
	static const char *const names[] = { "etc/hosts", "etc/hostname",
					     "etc/resolv.conf" };
	struct stat st;
	struct spot s;
	size_t i;
	int r;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct err why;

		if (unpack_tree_locate(u->tree, names[i], false, &s, &why) <
			    0 ||
		    fstatat(s.dir, s.name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || st.st_size > 0)
			continue;
		r = unpack_tree_remove(u->tree, &s, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* As docker does: the working directory is made if it is not there. */
static int make_cwd(struct unpacking *u, struct err *e)
{
	AUTO_FREE char *inside = NULL;
	const char *cwd = u->config.cwd;
	struct spot s;
	struct err why;
	int r;

	while (cwd[0] == '/')
		cwd++;
	if (cwd[0] == '\0')
		return 0;
	if (asprintf(&inside, "%s/inside", cwd) < 0) {
		inside = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	r = unpack_tree_locate(u->tree, inside, true, &s, &why);
	return r < 0 ? err_set(e, why.code, "the working directory: %s",
			       why.text) :
		       0;
}

static int put_config(struct unpacking *u, struct err *e)
{
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int fd = -1;
	struct user user;
	int r = user_find(u->tree->fd, u->config.user, &user, e);

	if (r == 0)
		r = make_cwd(u, e);
	if (r == 0)
		r = command_format(&u->config, &user, &text, e);
	if (r < 0 || !text)
		return r;
	fd = openat(u->out, CONFIG,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : file_write(fd, text, strlen(text));
	return r < 0 ? err_sys(e, -r, "cannot write " CONFIG) : 0;
}

static void say_dropped(FILE *say, const struct dropped *d, const char *what)
{
	if (!say || d->count == 0)
		return;
	fprintf(say, "warning: %s: /%s", what, d->first);
	if (d->count > 1)
		fprintf(say, " and %u more", d->count - 1);
	fputc('\n', say);
}

static int fill(struct unpacking *u, struct err *e)
{
	FILE *say = u->job->say;
	int r = apply_layers(u, e);

	if (r == 0)
		r = drop_mount_points(u, e);
	if (r == 0)
		r = put_config(u, e);
	if (r < 0)
		return r;
	say_dropped(say, &u->layers.devices,
		    "left out of the image, for it holds no devices, sockets "
		    "or pipes");
	say_dropped(say, &u->layers.setid,
		    "setuid and setgid bits are dropped");
	say_dropped(say, &u->layers.xattrs, "extended attributes are dropped");
	return 0;
}

static int open_rootfs(const struct unpacking *u)
{
	AUTO_CLOSE int fd =
		openat(u->out, ROOTFS,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0755) < 0)
		return -errno;
	return take_fd(&fd);
}

static int make_rootfs(struct unpacking *u, struct err *e)
{
	struct unpack_tree *tree = calloc(1, sizeof(*tree));
	int fd;

	if (!tree)
		return err_set(e, ENOMEM, "out of memory");
	unpack_tree_init(tree, -1, LAYER_FILES_MAX);
	u->tree = tree;
	u->layers.tree = tree;
	u->layers.bytes_left = LAYER_BYTES_MAX;
	if (faccessat(u->out, CONFIG, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_sys(e, EEXIST, "cannot make %s/" CONFIG,
			       u->job->out);
	if (mkdirat(u->out, ROOTFS, 0700) < 0)
		return err_sys(e, errno, "cannot make %s/" ROOTFS, u->job->out);
	fd = open_rootfs(u);
	if (fd < 0) {
		unlinkat(u->out, ROOTFS, AT_REMOVEDIR);
		return err_sys(e, -fd, "cannot make %s/" ROOTFS, u->job->out);
	}
	tree->fd = fd;
	return 0;
}

static int open_dirs(struct unpacking *u, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	AUTO_FREE char *text = NULL;
	size_t len;

	u->layout = open(u->job->layout, flags);
	if (u->layout < 0)
		return err_sys(e, errno, "cannot open %s", u->job->layout);
	u->out = open(u->job->out, flags);
	if (u->out < 0)
		return err_sys(e, errno, "cannot open %s", u->job->out);
	return read_named(u->layout, "oci-layout", &text, &len, e);
}

int unpack_image(const struct unpack_job *job, struct err *e)
{
	AUTO_SIGGUARD struct sigguard guard;
	AUTO_UNPACKING struct unpacking u = { .job = job,
					      .layout = -1,
					      .out = -1 };
	int r;

	sigguard_init(&guard);
	r = open_dirs(&u, e);
	if (r == 0)
		r = read_documents(&u, e);
	if (r == 0)
		r = make_rootfs(&u, e);
	if (r != 0)
		return r;
	r = fill(&u, e);
	if (r < 0) {
		unpack_tree_remove_at(u.out, ROOTFS);
		unlinkat(u.out, CONFIG, 0);
	}
	return r;
}
