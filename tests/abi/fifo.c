/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIFOs: who waits for whom when they are opened, and what the last one to
 * close leaves behind.
 *
 * test: flavours musl glibc-dyn
 * test: cflags -pthread
 */
#include <poll.h>
#include <pthread.h>

#include "tests/abi/abi.h"

static char path[] = "/tmp/fifo-XXXXXX/f";

struct opener {
	pthread_t thread;
	int flags;
	int fd;
};

static void *open_it(void *arg)
{
	struct opener *o = arg;

	o->fd = open(path, o->flags);
	return NULL;
}

/* Both sides, opened by two threads. */
static void open_both(int *rd, int *wr, bool reader_first)
{
	struct opener o = { .flags = reader_first ? O_RDONLY : O_WRONLY };

	pthread_create(&o.thread, NULL, open_it, &o);
	usleep(20000);
	*rd = *wr = open(path, reader_first ? O_WRONLY : O_RDONLY);
	pthread_join(o.thread, NULL);
	*(reader_first ? rd : wr) = o.fd;
}

static void events(const char *name, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	int n = poll(&p, 1, 0);

	say(name, "%d %x", n, (unsigned)p.revents);
}

static void transfer(bool reader_first)
{
	struct stat st;
	char buf[16] = "";
	int rd, wr;

	open_both(&rd, &wr, reader_first);
	yes("both open", rd >= 0 && wr >= 0);
	events("reader", rd);
	events("writer", wr);
	ret("write", write(wr, "text", 4));
	events("reader", rd);
	ret("read", read(rd, buf, sizeof(buf)));
	say("got", "%s", buf);
	ret("read from the writer", read(wr, buf, 1));
	ret("write to the reader", write(rd, buf, 1));
	ret("seek", lseek(rd, 0, SEEK_CUR));
	ret("capacity", fcntl(rd, F_GETPIPE_SZ));
	fstat(rd, &st);
	say("mode", "%o", st.st_mode);
	ret("write", write(wr, "rest", 4));
	close(wr);
	events("after the writer", rd);
	ret("read the rest", read(rd, buf, sizeof(buf)));
	ret("read the end", read(rd, buf, sizeof(buf)));
	wr = open(path, O_WRONLY | O_NONBLOCK);
	ret("another writer", wr < 0 ? -1 : 0);
	events("with it", rd);
	close(rd);
	events("without a reader", wr);
	ret("write", write(wr, "x", 1));
	close(wr);
}

static void nonblocking(void)
{
	char buf[16];
	int rd, wr, both;

	ret("writer alone", open(path, O_WRONLY | O_NONBLOCK));
	rd = open(path, O_RDONLY | O_NONBLOCK);
	yes("reader alone", rd >= 0);
	events("reader alone", rd);
	ret("reads the end", read(rd, buf, 1));
	wr = open(path, O_WRONLY | O_NONBLOCK);
	yes("then a writer", wr >= 0);
	ret("nothing yet", read(rd, buf, 1));
	close(rd);
	close(wr);
	both = open(path, O_RDWR);
	yes("for both", both >= 0);
	events("both", both);
	ret("write", write(both, "self", 4));
	events("both", both);
	ret("read", read(both, buf, sizeof(buf)));
	wr = open(path, O_WRONLY);
	ret("a writer beside it", write(wr, "more", 4));
	close(wr);
	rd = open(path, O_RDONLY);
	close(both);
	ret("what was left", read(rd, buf, sizeof(buf)));
	ret("then the end", read(rd, buf, sizeof(buf)));
	close(rd);
	rd = open(path, O_RDONLY | O_NONBLOCK);
	ret("nothing survives", read(rd, buf, sizeof(buf)));
	close(rd);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
	ret("reader interrupted", open(path, O_RDONLY));
	ualarm(20000, 0);
	ret("writer interrupted", open(path, O_WRONLY));
	ret("it left no reader", open(path, O_WRONLY | O_NONBLOCK));
}

int main(void)
{
	struct stat st;
	int rd, wr;
	char c = 0;

	abi_start();
	signal(SIGPIPE, SIG_IGN);
	path[strlen(path) - 2] = '\0';
	if (!mkdtemp(path))
		return 1;
	path[strlen(path)] = '/';
	ret("mkfifo", mkfifo(path, 0640));
	ret("again", mkfifo(path, 0640));
	stat(path, &st);
	say("stat", "%o %ld %lx", st.st_mode, (long)st.st_size,
	    (long)st.st_rdev);
	transfer(true);
	transfer(false);
	nonblocking();
	interrupted();
	open_both(&rd, &wr, true);
	ret("unlink", unlink(path));
	ret("write", write(wr, "z", 1));
	ret("read", read(rd, &c, 1));
	say("got", "%c", c);
	fstat(rd, &st);
	say("links", "%ld", (long)st.st_nlink);
	*strrchr(path, '/') = '\0';
	ret("rmdir", rmdir(path));
	return 0;
}
