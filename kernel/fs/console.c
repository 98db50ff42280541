/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console. Output of stdout and stderr goes through one queue, so that
 * their order is kept, and on to the monitor when the vCPU next leaves the
 * guest: `segments` says which of the queued bytes belong to which handle. An
 * error of the host is reported by the next write, as for any asynchronous
 * output. Input is asked for only when the program wants to read: what it
 * does not take belongs to whoever shares the terminal.
 */
#include "fs/console.h"

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/termbits.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "core/alloc.h"
#include "dev/ring.h"
#include "fs/bytebuf.h"
#include "fs/file.h"

#define OUTPUT_MAX   (64u << 10)
#define SEGMENTS_MAX 64u
#define INPUT_SIZE   PAGE_SIZE
#define SIGPIPE	     13

struct winsize {
	uint16_t rows, cols, xpixel, ypixel;
};

struct segment {
	uint32_t handle;
	uint32_t len;
};

static struct {
	struct bytebuf bytes;
	struct segment segments[SEGMENTS_MAX];
	uint32_t first, count;
	uint32_t in_flight; /* bytes of the first segment; 0: none */
	int error[3]; /* of a handle, reported once */
	bool wanted; /* somebody waits for space */
	struct waitq waitq;
	struct ring_op op;
	struct ring_deferred deferred;
} out;

static struct {
	uint8_t *data;
	uint32_t head, len;
	bool asked, eof;
	int error;
	struct waitq waitq;
	struct ring_op op;
} in;

static uint32_t handle_of(const struct file *f)
{
	return (uint32_t)(uintptr_t)f->priv;
}

static bool handle_is_tty(uint32_t handle)
{
	return kernel_boot->console_flags[handle] & MF_CONSOLE_TTY;
}

static bool is_tty(const struct file *f)
{
	return handle_is_tty(handle_of(f));
}

/* ---- output ------------------------------------------------------------- */

static struct segment *segment_at(uint32_t i)
{
	return &out.segments[(out.first + i) % SEGMENTS_MAX];
}

static void output_prepare(struct ring_deferred *d)
{
	struct segment *s = segment_at(0);
	uint32_t front;
	uint8_t *data;
	struct mf_sqe sqe = { .op = MF_OP_WRITE };

	(void)d;
	if (!out.count || out.in_flight)
		return;
	data = bytebuf_front(&out.bytes, &front);
	out.in_flight = s->len < front ? s->len : front;
	out.bytes.pinned = true;
	sqe.handle = s->handle;
	sqe.addr = kva_gpa(data);
	sqe.len = out.in_flight;
	if (!out.wanted && out.in_flight == out.bytes.len)
		sqe.flags = MF_SQE_QUIET;
	ring_submit(&sqe, &out.op);
}

static void drop_output(uint32_t len)
{
	struct segment *s = segment_at(0);

	bytebuf_drop(&out.bytes, len);
	s->len -= len;
	if (!s->len) {
		out.first = (out.first + 1) % SEGMENTS_MAX;
		out.count--;
	}
}

static void output_done(struct ring_op *op, int64_t res)
{
	struct segment *s = segment_at(0);

	(void)op;
	if (res < 0) {
		out.error[s->handle] = (int)res;
		drop_output(s->len);
	} else {
		drop_output(out.in_flight);
	}
	out.in_flight = 0;
	out.bytes.pinned = false;
	out.wanted = false;
	if (out.count)
		ring_defer(&out.deferred);
	waitq_wake_all(&out.waitq);
}

static long output_append(uint32_t handle, struct iov_iter *from)
{
	struct segment *last = segment_at(out.count - 1);
	bool merge = out.count && last->handle == handle;
	long n;

	if (!merge && out.count == SEGMENTS_MAX)
		return 0;
	n = bytebuf_put(&out.bytes, from, from->left);
	if (n <= 0)
		return n;
	if (merge)
		last->len += (uint32_t)n;
	else
		*segment_at(out.count++) =
			(struct segment){ handle, (uint32_t)n };
	if (!out.in_flight)
		ring_defer(&out.deferred);
	return n;
}

static long write_to(uint32_t handle, const struct file *f,
		     struct iov_iter *from)
{
	long done = 0, n;
	int err;

	while (from->left) {
		err = out.error[handle];
		if (err) {
			out.error[handle] = 0;
			if (err == -EPIPE)
				signal_send_process(SIGPIPE);
			return done ? done : err;
		}
		n = output_append(handle, from);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (!from->left)
			break;
		out.wanted = true;
		if (f->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		if (waitq_sleep(&out.waitq, DEADLINE_NEVER) == -EINTR)
			return done ? done : -ERESTARTSYS;
	}
	return done;
}

static long console_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	(void)pos;
	return write_to(handle_of(f), f, from);
}

static uint32_t output_poll(uint32_t handle)
{
	if (out.error[handle])
		return EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	if (bytebuf_space(&out.bytes) >= PAGE_SIZE && out.count < SEGMENTS_MAX)
		return EPOLLOUT | EPOLLWRNORM;
	out.wanted = true;
	return 0;
}

void console_drain(void)
{
	ring_reap();
	while (out.count) {
		out.wanted = true;
		ring_wait(DEADLINE_NEVER);
		ring_reap();
	}
}

/*
 * One segment travels at a time, so that what was written to stdout and to
 * stderr in turns needs several trips. All but the last are made here, as
 * long as the host takes them.
 */
void console_precede(void)
{
	uint32_t before = 0;

	if (!out.count)
		return;
	ring_reap();
	while ((out.count > 1 || out.in_flight) && out.bytes.len != before) {
		before = out.bytes.len;
		ring_kick();
		ring_reap();
	}
}

/* ---- input -------------------------------------------------------------- */

static void input_done(struct ring_op *op, int64_t res)
{
	(void)op;
	in.asked = false;
	in.head = 0;
	in.len = 0;
	if (res < 0)
		in.error = (int)res;
	else if (res == 0)
		in.eof = true;
	else
		in.len = (uint32_t)res;
	waitq_wake_all(&in.waitq);
}

static void ask_input(void)
{
	struct mf_sqe sqe = { .op = MF_OP_READ,
			      .handle = MF_HANDLE_STDIN,
			      .addr = kva_gpa(in.data),
			      .len = INPUT_SIZE };

	in.asked = true;
	ring_submit(&sqe, &in.op);
}

/* True if a read would not block; otherwise input is under way. */
static bool input_ready(void)
{
	if (in.len || in.eof || in.error)
		return true;
	if (in.asked)
		return false;
	ask_input();
	/* Here, and in a copy that was marked before it asked. */
	if ((kernel_boot->flags & MF_BOOT_SNAPSHOT) || kernel_boot->generation)
		ring_expect();
	/* Whether there is input at this moment only the monitor knows. */
	ring_kick();
	ring_reap();
	return in.len || in.eof || in.error;
}

static long console_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	size_t n;
	int err;

	(void)pos;
	if (!to->left)
		return 0;
	while (!input_ready()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_sleep(&in.waitq, DEADLINE_NEVER) == -EINTR)
			return -ERESTARTSYS;
	}
	if (in.len) {
		n = iov_copy_out(to, in.data + in.head, in.len);
		in.head += (uint32_t)n;
		in.len -= (uint32_t)n;
		return (long)n;
	}
	err = in.error;
	in.error = 0;
	/* On a terminal ^D ends one read, elsewhere the end stays. */
	if (in.eof && is_tty(f))
		in.eof = false;
	return err;
}

static uint32_t input_poll(struct file *f)
{
	uint32_t ready = EPOLLIN | EPOLLRDNORM;

	if (!input_ready())
		return 0;
	return in.eof && !in.len && !is_tty(f) ? ready | EPOLLHUP : ready;
}

bool console_idle(void)
{
	return !out.count;
}

void console_resume(void)
{
	if (in.asked)
		ask_input();
}

/* ---- both --------------------------------------------------------------- */

static void fill_termios(struct termios *t)
{
	static const uint8_t cc[] = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26 };

	*t = (struct termios){ .c_iflag = ICRNL | IXON,
			       .c_oflag = OPOST | ONLCR,
			       .c_cflag = B38400 | CS8 | CREAD,
			       .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK |
					  ECHOCTL | ECHOKE | IEXTEN };
	memcpy(t->c_cc, cc, sizeof(cc));
}

static long console_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct winsize size = { .rows = kernel_boot->tty_rows,
				.cols = kernel_boot->tty_cols };
	struct termios t;
	int value = 0;

	if (cmd == FIONREAD && handle_of(f) == MF_HANDLE_STDIN) {
		value = (int)in.len;
		return copy_to_user(arg, &value, sizeof(value));
	}
	if (!is_tty(f))
		return -ENOTTY;
	switch (cmd) {
	case TCGETS:
		fill_termios(&t);
		return copy_to_user(arg, &t, sizeof(t));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		/* The terminal's modes are the host's; they stay. */
		return user_can_read(arg, sizeof(t)) ? 0 : -EFAULT;
	case TIOCGWINSZ:
		return copy_to_user(arg, &size, sizeof(size));
	case TIOCGPGRP:
		value = 1;
		return copy_to_user(arg, &value, sizeof(value));
	default:
		return -ENOTTY;
	}
}

/*
 * What the command was given. Bytes are carried as of a pipe all the same: a
 * regular file, which is only ever written, has no size here.
 */
static int console_stat(struct file *f, struct stat *st)
{
	static const struct {
		uint32_t flag, mode, rdev;
	} kinds[] = {
		{ MF_CONSOLE_TTY, S_IFCHR | 0620, 0x8800 /* pts/0 */ },
		{ MF_CONSOLE_FILE, S_IFREG | 0600, 0 },
		{ MF_CONSOLE_NULL, S_IFCHR | 0666, 0x103 },
		{ MF_CONSOLE_SOCKET, S_IFSOCK | 0777, 0 },
	};
	uint32_t flags = kernel_boot->console_flags[handle_of(f)];
	uint32_t mode = S_IFIFO | 0600, rdev = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!(flags & kinds[i].flag))
			continue;
		mode = kinds[i].mode;
		rdev = kinds[i].rdev;
	}
	file_stat_fill(st, mode);
	st->st_ino = handle_of(f) + 1;
	st->st_rdev = rdev;
	return 0;
}

static uint32_t console_poll(struct file *f)
{
	uint32_t handle = handle_of(f);

	return handle == MF_HANDLE_STDIN ? input_poll(f) : output_poll(handle);
}

static const struct file_ops input_ops = {
	.read = console_read,
	.poll = console_poll,
	.ioctl = console_ioctl,
	.stat = console_stat,
};

static const struct file_ops output_ops = {
	.write = console_write,
	.poll = console_poll,
	.ioctl = console_ioctl,
	.stat = console_stat,
};

static struct file *console_file(uint32_t handle, uint32_t flags)
{
	bool input = handle == MF_HANDLE_STDIN;
	struct file *f = file_new(input ? &input_ops : &output_ops,
				  (void *)(uintptr_t)handle, flags);

	if (!f)
		return NULL;
	f->pos = -1;
	f->waitq = input ? &in.waitq : &out.waitq;
	return f;
}

static int console_open(uint32_t handle)
{
	struct file *f = console_file(
		handle, handle == MF_HANDLE_STDIN ? O_RDONLY : O_WRONLY);

	return f ? fd_install_at(f, (int)handle, false) : -ENOMEM;
}

/* ---- /dev/tty ------------------------------------------------------------ */

/* Where the terminal takes output, if it does. */
static uint32_t tty_output(void)
{
	return handle_is_tty(MF_HANDLE_STDOUT) ? MF_HANDLE_STDOUT :
						 MF_HANDLE_STDERR;
}

static long tty_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	(void)pos;
	return write_to(tty_output(), f, from);
}

static uint32_t tty_poll(struct file *f)
{
	return input_poll(f) | output_poll(tty_output());
}

static const struct file_ops tty_ops = {
	.read = console_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = console_ioctl,
	.stat = console_stat,
};

int console_open_tty(uint32_t flags, struct file **ret)
{
	bool input = handle_is_tty(MF_HANDLE_STDIN);
	bool output = handle_is_tty(tty_output());
	uint32_t mode = flags & O_ACCMODE;
	struct file *f;

	if ((mode != O_WRONLY && !input) || (mode != O_RDONLY && !output))
		return -ENXIO;
	f = console_file(mode == O_WRONLY ? tty_output() : MF_HANDLE_STDIN,
			 flags);
	if (!f)
		return -ENOMEM;
	if (mode != O_WRONLY && mode != O_RDONLY)
		f->ops = &tty_ops;
	*ret = f;
	return 0;
}

/* ---- at the start -------------------------------------------------------- */

int console_init(void)
{
	waitq_init(&in.waitq);
	waitq_init(&out.waitq);
	bytebuf_init(&out.bytes, OUTPUT_MAX);
	out.op.done = output_done;
	out.deferred.prepare = output_prepare;
	in.op.done = input_done;
	in.data = page_alloc(0);
	if (!in.data)
		return -ENOMEM;
	for (uint32_t i = 0; i < 3; i++) {
		if (kernel_boot->console_flags[i] & MF_CONSOLE_CLOSED)
			continue;
		if (console_open(i) < 0)
			return -ENOMEM;
	}
	return 0;
}
