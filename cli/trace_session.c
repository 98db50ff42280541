/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves the bytes of a trace: pipe, stream, printer, output. Whatever goes
 * wrong on this way ends the trace with one sentence and leaves the program
 * that is traced alone: the monitor finds the pipe closed.
 */
#include "cli/trace_session.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "host/cleanup.h"
#include "host/file.h"

#define PIPE_SIZE (1 << 20) /* bytes that the guest may run ahead */

static int open_output(struct trace_session *s, const char *path, struct err *e)
{
	s->out_fd = STDERR_FILENO;
	if (!path)
		return 0;
	s->out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (s->out_fd < 0)
		return err_sys(e, errno, "cannot write to %s", path);
	return 0;
}

static int make_pipe(struct trace_session *s, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	s->read_fd = ends[0];
	s->run.fd = ends[1];
	fcntl(s->run.fd, F_SETPIPE_SZ, PIPE_SIZE);
	if (fcntl(s->run.fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "cannot make a pipe");
	return 0;
}

int trace_session_init(struct trace_session *s, const struct trace_options *o,
		       struct err *e)
{
	struct trace_style style = o->style;
	int r;

	memset(s, 0, sizeof(*s));
	s->run.fd = s->read_fd = s->out_fd = -1;
	style.signals = o->filter.signals;
	s->run.config.flags = MF_TRACE_ON;
	if (!style.lines)
		s->run.config.flags |= MF_TRACE_BRIEF;
	s->run.config.text_max = style.text_max;
	memcpy(s->run.config.calls, o->filter.calls,
	       sizeof(s->run.config.calls));
	trace_printer_init(&s->printer, &style);
	r = open_output(s, o->output, e);
	if (r == 0)
		r = make_pipe(s, e);
	if (r == 0 && trace_stream_init(&s->stream) < 0)
		r = err_set(e, ENOMEM, "out of memory");
	return r;
}

void trace_session_started(struct trace_session *s)
{
	if (s->run.fd >= 0)
		close(take_fd(&s->run.fd));
}

static void stop_reading(struct trace_session *s)
{
	if (s->read_fd >= 0)
		close(take_fd(&s->read_fd));
}

static void write_out(struct trace_session *s)
{
	struct text *t = &s->printer.out;
	int r = s->failed ? 0 : file_write(s->out_fd, t->data, t->len);

	t->len = 0;
	if (r == 0)
		return;
	s->failed = true;
	stop_reading(s);
	log_say("cannot write the trace (%s); it ends here",
		strerrordesc_np(-r));
}

bool trace_session_read(void *session)
{
	struct trace_session *s = session;
	size_t size;
	void *room;
	ssize_t n;

	if (s->read_fd < 0)
		return false;
	room = trace_stream_room(&s->stream, &size);
	n = read(s->read_fd, room, size);
	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0 && trace_stream_take(&s->stream, (size_t)n,
				       trace_printer_event, &s->printer) < 0) {
		log_say("the guest's trace makes no sense; it ends here");
		s->failed = true;
		n = 0;
	}
	if (n <= 0)
		stop_reading(s);
	if (!s->failed)
		write_out(s);
	return s->read_fd >= 0;
}

bool trace_session_began(const struct trace_session *s)
{
	return s->stream.started;
}

void trace_session_end(struct trace_session *s, bool drain)
{
	trace_session_started(s);
	while (drain && trace_session_read(s))
		;
	trace_printer_end(&s->printer);
	write_out(s);
}

void trace_session_fini(struct trace_session *s)
{
	trace_session_started(s);
	stop_reading(s);
	if (s->out_fd > STDERR_FILENO)
		close(s->out_fd);
	trace_stream_fini(&s->stream);
	trace_printer_fini(&s->printer);
}
