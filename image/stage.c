/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of an image: mount points for what the guest kernel provides, the
 * few files of /etc that C libraries read before they resolve "localhost" or
 * a user's name, and whatever is put in. Everything is opened by openat2
 * inside the root, so a symbolic link of a hostile tree cannot make us touch
 * a file of the host.
 */
#include "image/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/file.h"
#include "image/format.h"

static const struct {
	const char *path;
	mode_t mode;
} dirs[] = {
	{ "/" IMAGE_PATH_DIR, 0755 },
	{ "/bin", 0755 },
	{ "/dev", 0755 },
	{ "/etc", 0755 },
	{ "/proc", 0555 },
	{ "/run", 0755 },
	{ "/tmp", 01777 },
	{ "/var/lib", 0755 },
	{ "/var/log", 0755 },
	{ "/var/tmp", 01777 },
};

static const struct {
	const char *path;
	const char *text;
} files[] = {
	{ "/etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n" },
	{ "/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "/etc/nsswitch.conf",
	  "passwd: files\ngroup: files\nhosts: files dns\n" },
	{ "/etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n"
			 "www-data:x:33:33:www-data:/var/www:/sbin/nologin\n"
			 "nobody:x:65534:65534:nobody:/:/sbin/nologin\n" },
};

/* ---- the directory ------------------------------------------------------ */

int stage_init(struct stage *s, struct err *e)
{
	const char *tmp = getenv("TMPDIR");

	*s = (struct stage){ .fd = -1 };
	if (!tmp || tmp[0] != '/')
		tmp = "/tmp";
	if (asprintf(&s->temp, "%s/mayfly.XXXXXX", tmp) < 0) {
		s->temp = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	if (!mkdtemp(s->temp)) {
		free(take_ptr(s->temp));
		return err_sys(e, errno, "cannot make a directory in %s", tmp);
	}
	if (asprintf(&s->out, "%s/out", s->temp) < 0)
		s->out = NULL;
	if (asprintf(&s->path, "%s/out/rootfs", s->temp) < 0)
		s->path = NULL;
	if (!s->out || !s->path || mkdir(s->out, 0700) < 0) {
		int code = s->out && s->path ? errno : ENOMEM;

		stage_drop(s);
		return err_sys(e, code, "cannot make a directory in %s", tmp);
	}
	return 0;
}

int stage_open_root(struct stage *s, struct err *e)
{
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0)
		return err_sys(e, errno, "cannot open %s", s->path);
	return 0;
}

/* mkdir and open obey the umask; an image must not depend on it. */
int stage_make_root(struct stage *s, struct err *e)
{
	if (mkdir(s->path, 0700) < 0 || chmod(s->path, 0755) < 0)
		return err_sys(e, errno, "cannot make %s", s->path);
	return stage_open_root(s, e);
}

/* Directories that their owner cannot write are made writable first. */
void stage_drop(struct stage *s)
{
	char *const paths[] = { s->temp, NULL };
	FTS *fts = NULL;
	FTSENT *f;

	if (s->fd >= 0)
		close(take_fd(&s->fd));
	if (s->temp)
		fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (fts && (f = fts_read(fts)) != NULL) {
		if (f->fts_info == FTS_D)
			chmod(f->fts_accpath, 0700);
		else if (f->fts_info == FTS_DP)
			rmdir(f->fts_accpath);
		else
			unlink(f->fts_accpath);
	}
	if (fts)
		fts_close(fts);
	free(take_ptr(s->path));
	free(take_ptr(s->out));
	free(take_ptr(s->temp));
}

/* ---- paths -------------------------------------------------------------- */

/* Appends the components of `path` to ret[0..len), which is "" or "/x/y". */
static int append(char ret[PATH_MAX], size_t *len, const char *path)
{
	size_t n;

	for (; *path; path += n) {
		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && path[0] == '.'))
			continue;
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (*len > 0 && ret[--*len] != '/')
				;
			continue;
		}
		if (*len + n + 2 > PATH_MAX)
			return -ENAMETOOLONG;
		ret[(*len)++] = '/';
		memcpy(ret + *len, path, n);
		*len += n;
	}
	return 0;
}

int stage_normalize(char ret[PATH_MAX], const char *base, const char *path)
{
	size_t len = 0;
	int r = 0;

	if (path[0] != '/')
		r = append(ret, &len, base);
	if (r == 0)
		r = append(ret, &len, path);
	if (len == 0)
		ret[len++] = '/';
	ret[len] = '\0';
	return r;
}

int stage_open(const struct stage *s, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.resolve = RESOLVE_IN_ROOT |
					   RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, s->fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Opens the directory `path`, which is made if it is not there. */
static int open_dir(const struct stage *s, const char *path, mode_t mode)
{
	char part[PATH_MAX];
	AUTO_CLOSE int dir = -1;
	const char *end = path;
	int fd;

	dir = stage_open(s, path, O_PATH | O_DIRECTORY);
	if (dir != -ENOENT)
		return take_fd(&dir);
	dir = stage_open(s, "/", O_PATH | O_DIRECTORY);
	while (dir >= 0 && *end) {
		const char *name = end + strspn(end, "/");
		size_t len = strcspn(name, "/");

		end = name + len;
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		fd = stage_open(s, part, O_PATH | O_DIRECTORY);
		if (fd == -ENOENT) {
			mode_t m = *end ? 0755 : mode;

			snprintf(part, sizeof(part), "%.*s", (int)len, name);
			if (mkdirat(dir, part, 0700) < 0 ||
			    fchmodat(dir, part, m, 0) < 0)
				return -errno;
			fd = openat(dir, part,
				    O_PATH | O_DIRECTORY | O_CLOEXEC);
		}
		close(dir);
		dir = fd;
	}
	return take_fd(&dir);
}

/* Opens the directory of `path` and gives its last component. */
static int open_parent(const struct stage *s, const char *path,
		       const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (!slash || !slash[1] || slash - path >= PATH_MAX)
		return -EINVAL;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	*ret_name = slash + 1;
	return open_dir(s, dir[0] ? dir : "/", 0755);
}

/* ---- what is put in ------------------------------------------------------ */

static int fail(const char *path, int code, struct err *e)
{
	if (code == EEXIST || code == ELOOP)
		return err_set(e, code,
			       "cannot put %s into the image: a symbolic link "
			       "that leads nowhere is in its way",
			       path);
	return err_sys(e, code, "cannot put %s into the image", path);
}

static int create(const struct stage *s, const char *path, mode_t mode)
{
	AUTO_CLOSE int dir = -1, fd = -1;
	const char *name;

	dir = open_parent(s, path, &name);
	if (dir < 0)
		return dir;
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
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
	return r < 0 ? fail(path, -r, e) : 0;
}

int stage_put_copy(const struct stage *s, const char *path, int src_fd,
		   mode_t mode, struct err *e)
{
	AUTO_CLOSE int fd = create(s, path, mode);
	int r = fd;

	if (fd >= 0)
		r = file_copy(fd, src_fd);
	return r < 0 ? fail(path, -r, e) : 0;
}

int stage_put_link(const struct stage *s, const char *path, const char *target,
		   struct err *e)
{
	AUTO_CLOSE int dir = -1;
	const char *name;

	dir = open_parent(s, path, &name);
	if (dir < 0)
		return fail(path, -dir, e);
	if ((unlinkat(dir, name, 0) < 0 && errno != ENOENT) ||
	    symlinkat(target, dir, name) < 0)
		return fail(path, errno, e);
	return 0;
}

int stage_put_dir(const struct stage *s, const char *path, mode_t mode,
		  struct err *e)
{
	AUTO_CLOSE int fd = open_dir(s, path, mode);

	return fd < 0 ? fail(path, -fd, e) : 0;
}

int stage_add_standard(const struct stage *s, struct err *e)
{
	size_t i;
	int fd, r = 0;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && r == 0; i++)
		r = stage_put_dir(s, dirs[i].path, dirs[i].mode, e);
	for (i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++) {
		fd = stage_open(s, files[i].path, O_PATH);
		if (fd >= 0)
			close(fd);
		else
			r = stage_put_text(s, files[i].path, files[i].text, e);
	}
	return r;
}
