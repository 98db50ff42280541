/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard tree of an image: mount points for what the guest kernel
 * provides, and the few files of /etc that C libraries read before they
 * resolve "localhost" or a user's name. docs/formats/image.md lists it.
 */
#include "image/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "image/format.h"

static const struct {
	const char *path;
	mode_t mode;
} dirs[] = {
	{ IMAGE_PATH_DIR, 0755 }, { "bin", 0755 },  { "dev", 0755 },
	{ "etc", 0755 },	  { "proc", 0555 }, { "tmp", 01777 },
};

static const struct {
	const char *path;
	const char *text;
} files[] = {
	{ "etc/group", "root:x:0:\nnogroup:x:65534:\n" },
	{ "etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n" },
	{ "etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n"
			"nobody:x:65534:65534:nobody:/:/sbin/nologin\n" },
};

static int make_root(struct stage *s, struct err *e)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	if (asprintf(&s->path, "%s/mayfly.XXXXXX", tmp) < 0) {
		s->path = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (!mkdtemp(s->path)) {
		free(take_ptr(s->path));
		return err_sys(e, errno, "cannot make a directory in %s", tmp);
	}
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return err_sys(e, errno, "cannot open %s", s->path);
	return 0;
}

/* mkdir and open obey the umask; an image must not depend on it. */
static int make_dir(const struct stage *s, const char *path, mode_t mode,
		    struct err *e)
{
	if (mkdirat(s->fd, path, 0700) < 0 ||
	    fchmodat(s->fd, path, mode, 0) < 0)
		return err_sys(e, errno, "cannot make %s/%s", s->path, path);
	return 0;
}

int stage_init(struct stage *s, struct err *e)
{
	size_t i;
	int r;

	*s = (struct stage){ .fd = -1 };
	r = make_root(s, e);
	if (r == 0 && fchmod(s->fd, 0755) < 0)
		r = err_sys(e, errno, "cannot change %s", s->path);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && r == 0; i++)
		r = make_dir(s, dirs[i].path, dirs[i].mode, e);
	for (i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++)
		r = stage_put_text(s, files[i].path, files[i].text, e);
	if (r < 0)
		stage_drop(s);
	return r;
}

static int create(const struct stage *s, const char *path, mode_t mode)
{
	AUTO_CLOSE int fd = openat(
		s->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	return take_fd(&fd);
}

int stage_put_text(const struct stage *s, const char *path, const char *text,
		   struct err *e)
{
	AUTO_CLOSE int fd = create(s, path, 0644);
	int r = fd;

	if (fd >= 0)
		r = file_write(fd, text, strlen(text));
	if (r < 0)
		return err_sys(e, -r, "cannot write %s/%s", s->path, path);
	return 0;
}

int stage_put_copy(const struct stage *s, const char *path, int src_fd,
		   mode_t mode, struct err *e)
{
	AUTO_CLOSE int fd = create(s, path, mode);
	int r = fd;

	if (fd >= 0)
		r = file_copy(fd, src_fd);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s/%s", s->path, path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

void stage_drop(struct stage *s)
{
	if (s->fd >= 0)
		close(take_fd(&s->fd));
	if (s->path)
		nftw(s->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(take_ptr(s->path));
}
