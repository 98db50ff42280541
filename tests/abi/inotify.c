/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching files and directories with inotify: which call causes which
 * events in which order, and what a bad call gets.
 */
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

#include "tests/abi/abi.h"

static int in;

static const char *mask_text(uint32_t mask)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} bits[] = {
		{ IN_ACCESS, "ACCESS" },
		{ IN_MODIFY, "MODIFY" },
		{ IN_ATTRIB, "ATTRIB" },
		{ IN_CLOSE_WRITE, "CLOSE_WRITE" },
		{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
		{ IN_OPEN, "OPEN" },
		{ IN_MOVED_FROM, "MOVED_FROM" },
		{ IN_MOVED_TO, "MOVED_TO" },
		{ IN_CREATE, "CREATE" },
		{ IN_DELETE, "DELETE" },
		{ IN_DELETE_SELF, "DELETE_SELF" },
		{ IN_MOVE_SELF, "MOVE_SELF" },
		{ IN_IGNORED, "IGNORED" },
		{ IN_Q_OVERFLOW, "OVERFLOW" },
		{ IN_ISDIR, "ISDIR" },
	};
	static char text[100];
	size_t at = 0;

	text[0] = 0;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (mask & bits[i].bit)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       " %s", bits[i].name);
	return text;
}

/* Everything queued since the last time. */
static void events(const char *what)
{
	static uint32_t last_cookie;
	static char buf[8192] __attribute__((aligned(8)));
	ssize_t n = read(in, buf, sizeof(buf));

	if (n < 0) {
		say(what, "%s", err_name(errno));
		return;
	}
	for (char *p = buf; p < buf + n;) {
		struct inotify_event *e = (struct inotify_event *)(void *)p;

		say(what, "%d%s \"%s\" len %u%s", e->wd, mask_text(e->mask),
		    e->len ? e->name : "", e->len,
		    !e->cookie		     ? "" :
		    e->cookie == last_cookie ? " same move" :
					       " a move");
		last_cookie = e->cookie;
		p += sizeof(*e) + e->len;
	}
}

static void calls(void)
{
	int fd;

	okay("init", in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	ret("bad flags", inotify_init1(1));
	mkdir("d", 0755);
	ret("watch", inotify_add_watch(in, "d", IN_ALL_EVENTS));
	ret("again", inotify_add_watch(in, "d", IN_ALL_EVENTS));
	ret("create only",
	    inotify_add_watch(in, "d", IN_CREATE | IN_MASK_CREATE));
	ret("missing", inotify_add_watch(in, "nothing", IN_CREATE));
	ret("no events", inotify_add_watch(in, "d", 0));
	ret("not an instance", inotify_add_watch(0, "d", IN_CREATE));
	ret("closed", inotify_add_watch(99, "d", IN_CREATE));
	close(open("f", O_CREAT | O_WRONLY, 0644));
	ret("only directories",
	    inotify_add_watch(in, "f", IN_ONLYDIR | IN_CREATE));
	ret("remove unknown", inotify_rm_watch(in, 77));
	ret("write", write(in, "x", 1));
	ret("seek", lseek(in, 0, SEEK_SET));
	ret("nothing yet", read(in, &fd, sizeof(fd)));
}

static void in_directory(void)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	int fd = open("d/a", O_CREAT | O_RDWR, 0644), bytes = 0;
	char buf[8];

	ret("poll", poll(&p, 1, 0));
	ret("size", ioctl(in, FIONREAD, &bytes));
	val("bytes", bytes);
	ret("too small", read(in, buf, sizeof(buf)));
	events("create");
	ret("poll empty", poll(&p, 1, 0));
	write(fd, "hello", 5);
	write(fd, "hello", 5);
	events("two writes");
	pread(fd, buf, 4, 0);
	events("read");
	ftruncate(fd, 3);
	fchmod(fd, 0600);
	events("cut and chmod");
	close(fd);
	events("close");
	close(open("d/a", O_RDONLY));
	events("open and close");
	mkdir("d/sub", 0755);
	symlink("a", "d/l");
	link("d/a", "d/b");
	events("mkdir, symlink, link");
	rename("d/a", "d/c");
	rename("d/b", "outside");
	rename("outside", "d/b");
	events("renames");
	unlink("d/c");
	rmdir("d/sub");
	unlink("d/l");
	events("removals");
	stat("d/b", &(struct stat){ 0 });
	truncate("d/b", 1);
	events("truncate by name");
}

static void on_file(void)
{
	int fd;

	ret("stop watching", inotify_rm_watch(in, 1));
	events("stopped");
	ret("watch a file", inotify_add_watch(in, "f", IN_ALL_EVENTS));
	fd = open("f", O_WRONLY | O_APPEND);
	write(fd, "x", 1);
	close(fd);
	rename("f", "g");
	link("g", "h");
	events("file");
	unlink("h");
	unlink("g");
	events("file removed");
	ret("gone", inotify_rm_watch(in, 2));
	ret("once", inotify_add_watch(in, "d", IN_CREATE | IN_ONESHOT));
	close(open("d/x", O_CREAT | O_WRONLY, 0644));
	close(open("d/y", O_CREAT | O_WRONLY, 0644));
	events("one shot");
	ret("some", inotify_add_watch(in, "d", IN_DELETE));
	ret("more", inotify_add_watch(in, "d", IN_CREATE | IN_MASK_ADD));
	unlink("d/x");
	close(open("d/z", O_CREAT | O_WRONLY, 0644));
	events("two kinds");
	close(in);
}

int main(void)
{
	abi_start();
	enter_dir();
	calls();
	in_directory();
	on_file();
	return 0;
}
