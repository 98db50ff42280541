/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a trace: calls of several threads that interrupt each other,
 * signals, ends, time stamps, the table of counts; and which calls a filter
 * lets through.
 */
#include <stdlib.h>

#include "cli/trace_call.h"
#include "cli/trace_filter.h"
#include "cli/trace_print.h"
#include "tests/unit/check.h"
#include "tests/unit/trace_make.h"

#define GETPID	 39
#define PAUSE	 34
#define READ	 0
#define EXIT_ALL 231

static struct make m;
static struct trace_printer p;

static void begin(const struct trace_style *s)
{
	m.len = 0;
	make_start(&m);
	trace_printer_fini(&p);
	trace_printer_init(&p, s);
}

static void at(uint64_t us)
{
	make_last(&m)->time_ns = us * 1000;
}

static void enter(uint32_t tid, uint32_t nr, uint64_t us)
{
	make_record(&m, MF_TRACE_ENTER, tid, nr)->arg[1] = 0x1000;
	make_last(&m)->arg[2] = 8;
	at(us);
}

static void leave(uint32_t tid, uint32_t nr, int64_t ret, uint64_t us)
{
	make_record(&m, MF_TRACE_EXIT, tid, nr)->arg[1] = 0x1000;
	make_last(&m)->arg[2] = 8;
	make_last(&m)->ret = ret;
	make_last(&m)->cpu_ns = 2000;
	at(us);
	if (nr == READ && ret > 0)
		make_mem(&m, 0x1000, "abcdefgh", (size_t)ret);
}

static void end_of(uint32_t tid, int status)
{
	make_record(&m, MF_TRACE_END, tid, 0)->ret = status;
}

static const char *lines(void)
{
	struct trace_stream s;
	size_t room;

	trace_stream_init(&s);
	memcpy(trace_stream_room(&s, &room), m.bytes, m.len);
	check_int(trace_stream_take(&s, m.len, trace_printer_event, &p), 0);
	trace_stream_fini(&s);
	trace_printer_end(&p);
	text_add(&p.out, "", 1);
	return p.out.data;
}

static const struct trace_style plain = { .lines = true,
					  .text_max = 32,
					  .signals = ~0ull };

static void test_one_thread(void)
{
	begin(&plain);
	enter(1, GETPID, 0);
	leave(1, GETPID, 1, 5);
	enter(1, EXIT_ALL, 6);
	end_of(1, 3 << 8);
	check_str(lines(), "getpid()                                = 1 "
			   "<0.000005>\n"
			   "exit_group(0)                           = ?\n"
			   "+++ exited with 3 +++\n");
}

static void test_unfinished(void)
{
	begin(&plain);
	enter(1, READ, 0);
	enter(2, GETPID, 10);
	leave(2, GETPID, 1, 20);
	leave(1, READ, 2, 1500000);
	end_of(2, 0);
	check_str(lines(),
		  "read(0,  <unfinished ...>\n"
		  "[pid     2] getpid()                    = 1 <0.000010>\n"
		  "[pid     1] <... read resumed>\"ab\", 8)  = 2 <1.500000>\n"
		  "[pid     2] +++ exited with 0 +++\n");
}

/* A call under way when the trace begins, and one when it ends. */
static void test_edges(void)
{
	begin(&plain);
	make_last(&m)->arg[2] = 3;
	enter(2, PAUSE, 0);
	enter(1, PAUSE, 0);
	check_str(lines(), "[pid     2] pause( <unfinished ...>\n"
			   "[pid     1] pause( <unfinished ...>\n");
	begin(&plain);
	leave(1, READ, -9, 5);
	check_str(lines(), "<... read resumed>0x1000, 8)            = -1 "
			   "EBADF (Bad file descriptor) <0.000000>\n");
}

static void test_signals(void)
{
	struct trace_style some = plain;
	struct mf_trace_record *r;

	begin(&plain);
	enter(1, PAUSE, 0);
	leave(1, PAUSE, -4, 3);
	r = make_record(&m, MF_TRACE_SIGNAL, 1, 15);
	r->arg[1] = 7;
	r->arg[2] = 8;
	r = make_record(&m, MF_TRACE_SIGNAL, 1, 11);
	r->arg[0] = 2;
	r->arg[3] = 0x10;
	end_of(1, 11);
	check_str(lines(),
		  "pause()                                 = -1 EINTR "
		  "(Interrupted system call) <0.000003>\n"
		  "--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=7, "
		  "si_uid=8} ---\n"
		  "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_ACCERR, "
		  "si_addr=0x10} ---\n"
		  "+++ killed by SIGSEGV +++\n");
	some.signals = 1ull << 10;
	begin(&some);
	make_record(&m, MF_TRACE_SIGNAL, 1, 15);
	make_record(&m, MF_TRACE_SIGNAL, 1, 11)->arg[0] = 128;
	check_str(lines(), "--- SIGSEGV {si_signo=SIGSEGV, "
			   "si_code=SI_KERNEL, si_addr=NULL} ---\n");
}

/* Another thread ends them in the middle of a call. */
static void test_all_end(void)
{
	begin(&plain);
	enter(2, PAUSE, 0);
	enter(1, EXIT_ALL, 0);
	end_of(1, 0);
	end_of(2, 0);
	check_str(lines(), "pause( <unfinished ...>\n"
			   "[pid     1] exit_group(0)               = ?\n"
			   "[pid     1] +++ exited with 0 +++\n"
			   "<... pause resumed>)                    = ?\n"
			   "+++ exited with 0 +++\n");
}

static void test_stamps(void)
{
	struct trace_style s = plain;

	s.stamp = TRACE_STAMP_MICRO;
	s.thread_always = true;
	begin(&s);
	make_last(&m)->arg[1] = 86400ull * 1000000000; /* realtime at 0 */
	enter(12, GETPID, 1000042);
	leave(12, GETPID, 1, 1000043);
	check_str(lines(), "12    00:00:01.000042 getpid()          = 1 "
			   "<0.000001>\n");
	s.stamp = TRACE_STAMP_SECOND;
	s.thread_always = false;
	s.relative = true;
	begin(&s);
	at(1);
	enter(1, GETPID, 5);
	leave(1, GETPID, 1, 6);
	enter(1, GETPID, 2500005);
	leave(1, GETPID, 1, 2500006);
	check_str(lines(),
		  "00:00:00      0.000004 getpid()         = 1 <0.000001>\n"
		  "00:00:02      2.500000 getpid()         = 1 <0.000001>\n");
}

static void test_counts(void)
{
	struct trace_style s = { .counts = true, .text_max = 32 };

	begin(&s);
	for (unsigned i = 0; i < 3; i++) {
		enter(1, READ, i * 100);
		leave(1, READ, i ? 1 : -9, i * 100 + 20);
	}
	enter(1, GETPID, 400);
	leave(1, GETPID, 1, 404);
	check_str(lines(),
		  "% time     seconds  usecs/call     calls    errors syscall\n"
		  "------ ----------- ----------- --------- --------- "
		  "----------------\n"
		  " 75.00    0.000006           2         3         1 read\n"
		  " 25.00    0.000002           2         1           getpid\n"
		  "------ ----------- ----------- --------- --------- "
		  "----------------\n"
		  "100.00    0.000008           2         4         1 total\n");
	s.wall_clock = true;
	begin(&s);
	enter(1, READ, 0);
	leave(1, READ, 0, 20);
	check(strstr(lines(), "100.00    0.000020          20         1") !=
	      NULL);
}

/* Threads without end: each is known by its number only. */
static void test_many_threads(void)
{
	begin(&plain);
	for (uint32_t tid = 1; tid <= TRACE_THREADS_MAX + 100; tid++) {
		m.len = 0;
		if (tid == 1)
			make_start(&m);
		make_record(&m, MF_TRACE_ENTER, tid, PAUSE);
		if (tid == 1)
			lines();
		else
			trace_printer_event(&p,
					    &(struct trace_event){
						    .head = *make_last(&m) });
	}
	check_int(p.thread_count, TRACE_THREADS_MAX);
}

/* ---- filters ------------------------------------------------------------ */

static bool passes(const char *list, uint32_t nr)
{
	struct trace_filter f;
	struct err e;

	trace_filter_init(&f);
	check_int(trace_filter_calls(&f, list, &e), 0);
	return f.calls[nr / 64] >> nr % 64 & 1;
}

static void test_filter(void)
{
	struct trace_filter f;
	struct err e;

	check(passes("read,getpid", READ));
	check(passes("read,getpid", GETPID));
	check(!passes("read,getpid", PAUSE));
	check(!passes("!read", READ));
	check(passes("!read,pause", GETPID));
	check(!passes("!read,pause", PAUSE));
	check(passes("all", PAUSE));
	check(!passes("none", READ));
	check(passes("%file", 257) && !passes("%file", READ));
	check(passes("%desc", READ) && passes("%desc", 257));
	check(passes("%net", 42) && passes("network", 42));
	check(!passes("%desc", 42) && !passes("%network", READ));
	check(passes("%memory,pause", 9) && passes("%memory,pause", PAUSE));
	check(passes("%signal", 13) && passes("%process", EXIT_ALL));
	check(trace_filter_calls(&f, "opne", &e) < 0);
	check(strstr(e.text, "opne") != NULL);
	check(trace_filter_calls(&f, "%nonsense", &e) < 0);
	check(strstr(e.text, "%network") != NULL);
	check(trace_filter_calls(&f, "", &e) < 0);
	check(trace_filter_calls(&f, "read,,pause", &e) < 0);
	check(trace_filter_calls(&f, "read,", &e) < 0);
}

static void test_signal_filter(void)
{
	struct trace_filter f;
	struct err e;

	check_int(trace_filter_signals(&f, "SIGTERM,usr1,34", &e), 0);
	check_int(f.signals, 1ll << 14 | 1 << 9 | 1ll << 33);
	check_int(trace_filter_signals(&f, "!TERM", &e), 0);
	check_int(f.signals, ~(1ll << 14));
	check_int(trace_filter_signals(&f, "none", &e), 0);
	check_int(f.signals, 0);
	check(trace_filter_signals(&f, "SIGNONE", &e) < 0);
	check(trace_filter_signals(&f, "65", &e) < 0);
	check(trace_filter_signals(&f, "0", &e) < 0);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	RUN(test_one_thread);
	RUN(test_unfinished);
	RUN(test_edges);
	RUN(test_signals);
	RUN(test_all_end);
	RUN(test_stamps);
	RUN(test_counts);
	RUN(test_many_threads);
	RUN(test_filter);
	RUN(test_signal_filter);
	trace_printer_fini(&p);
	return check_done();
}
