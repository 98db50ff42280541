/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time from the command that starts a server, or from a request to one
 * that is there, to the first byte of the body that is expected of it, and
 * the time until nothing of it is left. bench/compare/README.md says what is
 * printed. A connection that was closed or refused without an answer is
 * tried again; every other answer but the right one is an error at once.
 *
 * A started server is asked anew every 5 ms, as it may have lost what came
 * too early; one that is there already gets one request on one connection.
 * Signals are blocked except while it waits, so nothing is lost between.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/answer.h"

#define STOPS_MAX	 16
#define CONNECTIONS_MAX	 64
#define BODY_MAX	 4096
#define REQUEST_MAX	 2048
#define SHOWN_MAX	 60 /* bytes of a wrong answer in a message */
#define TIMEOUT_SECONDS	 30
#define MS		 1000000ull
#define SECOND		 1000000000ull
#define POLL_NS		 50000ull
#define PATIENCE_NS	 (5 * MS) /* then another connection is tried */
#define GRACE_NS	 (10 * SECOND) /* then it is killed */
#define KILLED_NS	 (10 * SECOND) /* then it is given up */
#define STOP_COMMAND_NS	 (60 * SECOND) /* then it counts as failed */
#define KILL_INTERVAL_NS (5 * MS)

extern char **environ;

struct options {
	uint16_t port;
	int timeout_s;
	bool keep, verbose;
	const char *body, *path, *netns;
	char **command; /* argv, or NULL */
	char **stops[STOPS_MAX];
	int stop_count;
};

struct connection {
	int fd;
	bool asked; /* it is established, and the request is sent */
	uint64_t since_ns;
};

struct run {
	const struct options *options;
	char request[REQUEST_MAX];
	size_t request_len;
	struct connection open[CONNECTIONS_MAX]; /* oldest first */
	int open_count;
	uint64_t begin_ns, tried_ns, first_ns;
	uint64_t tries;
	struct answer answer;
	int here, there; /* network namespaces, -1 without -n */
	pid_t pid; /* of the command while it runs, else 0 */
	int status; /* of the command after it */
	pid_t stop_pid; /* of a STOP while it runs, else 0 */
	int stop_status;
	bool killing;
	int killed;
};

static volatile sig_atomic_t caught; /* SIGTERM or SIGINT */

static void on_signal(int number)
{
	if (number != SIGCHLD)
		caught = number;
}

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "firstbyte: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

__attribute__((noreturn)) static void usage(void)
{
	fprintf(stderr,
		"usage: firstbyte [-kv] [-n NETNS] [-t SECONDS] [-u PATH] "
		"-b BODY -p PORT\n"
		"                 [COMMAND [ARG...]] [:: STOP [ARG...]]...\n");
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* Waits for one of the files, a signal, or until time is up. */
static void wait_any(struct pollfd *files, nfds_t count, uint64_t ns)
{
	struct timespec t = { (time_t)(ns / SECOND), (long)(ns % SECOND) };
	sigset_t none;

	sigemptyset(&none);
	if (ppoll(files, count, &t, &none) < 0 && errno != EINTR)
		complain("cannot wait: %s", strerror(errno));
}

/* Printable text of the first bytes of something. */
static const char *shown(const char *bytes, size_t len)
{
	static char text[SHOWN_MAX * 4 + 4];
	size_t used = 0;

	for (size_t i = 0; i < len && i < SHOWN_MAX; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (isprint(c) && c != '\\')
			text[used++] = (char)c;
		else if (c == '\n' || c == '\r')
			used += (size_t)snprintf(text + used, 3, "\\%c",
						 c == '\n' ? 'n' : 'r');
		else
			used += (size_t)snprintf(text + used, 5, "\\x%02x", c);
	}
	snprintf(text + used, sizeof(text) - used,
		 len > SHOWN_MAX ? "..." : "");
	return text;
}

static void connection_close(struct run *r, int i)
{
	const struct linger reset = { .l_onoff = 1 }; /* no TIME_WAIT left */
	int fd = r->open[i].fd;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	r->open_count--;
	memmove(&r->open[i], &r->open[i + 1],
		(size_t)(r->open_count - i) * sizeof(r->open[0]));
}

/* Loopback can connect a socket to itself when nobody listens. */
static bool connected_to_itself(const struct run *r, int fd)
{
	struct sockaddr_in self = { 0 };
	socklen_t len = sizeof(self);

	return getsockname(fd, (struct sockaddr *)&self, &len) == 0 &&
	       self.sin_port == htons(r->options->port);
}

/* Sends the request once the connection is there; 0, or -1: it is gone. */
static int connection_ask(struct run *r, struct connection *c)
{
	ssize_t n;

	n = send(c->fd, r->request, r->request_len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if ((size_t)n < r->request_len || connected_to_itself(r, c->fd))
		return -1;
	c->asked = true;
	return 0;
}

/* When all are taken, the oldest that has not come through makes room. */
static bool make_room(struct run *r)
{
	for (int i = 0; r->open_count == CONNECTIONS_MAX; i++) {
		if (i == CONNECTIONS_MAX)
			return false;
		if (!r->open[i].asked)
			connection_close(r, i);
	}
	return true;
}

/* One more connection; -1 if there can be none at all. */
static int connection_open(struct run *r)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(r->options->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	struct connection c = { .since_ns = now_ns() };

	r->tried_ns = c.since_ns;
	if (!make_room(r))
		return 0;
	c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c.fd < 0) {
		complain("no socket: %s", strerror(errno));
		return -1;
	}
	r->tries++;
	r->open[r->open_count++] = c;
	if ((connect(c.fd, (const struct sockaddr *)&to, sizeof(to)) < 0 &&
	     errno != EINPROGRESS) ||
	    connection_ask(r, &r->open[r->open_count - 1]) < 0)
		connection_close(r, r->open_count - 1);
	return 0;
}

/* Bytes received; 0: none yet; -1: the connection is gone. */
static ssize_t connection_receive(struct run *r, int fd)
{
	struct answer *a = &r->answer;
	ssize_t n = recv(fd, a->raw + a->raw_len, ANSWER_MAX - a->raw_len, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	a->raw_len += (size_t)n;
	a->raw[a->raw_len] = 0;
	return n;
}

/* The index of a connection that has begun to answer, or -1. */
static int connections_step(struct run *r)
{
	for (int i = 0; i < r->open_count;) {
		struct connection *c = &r->open[i];
		ssize_t n;

		if (!c->asked) {
			if (connection_ask(r, c) < 0)
				connection_close(r, i);
			else
				i++;
			continue;
		}
		n = connection_receive(r, c->fd);
		if (n > 0)
			return i;
		if (n < 0)
			connection_close(r, i);
		else
			i++;
	}
	return -1;
}

/* How long may be waited before another connection is tried. */
static uint64_t next_try_ns(const struct run *r)
{
	uint64_t wait = POLL_NS, since = now_ns() - r->tried_ns;

	if (r->open_count) {
		const struct connection *c = &r->open[r->open_count - 1];

		if (c->asked && !r->options->command)
			return SECOND;
		if (c->since_ns == r->tried_ns ||
		    r->open_count == CONNECTIONS_MAX)
			wait = PATIENCE_NS; /* it was not refused */
	}
	return since >= wait ? 0 : wait - since;
}

static void connections_wait(struct run *r, uint64_t ns)
{
	struct pollfd files[CONNECTIONS_MAX];

	for (int i = 0; i < r->open_count; i++) {
		files[i].fd = r->open[i].fd;
		files[i].events = r->open[i].asked ? POLLIN : POLLOUT;
	}
	wait_any(files, (nfds_t)r->open_count, ns);
}

/* Notes the ends of processes; false once there are none at all. */
static bool reap(struct run *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->pid) {
			r->pid = 0;
			r->status = status;
		} else if (pid == r->stop_pid) {
			r->stop_pid = 0;
			r->stop_status = status;
		}
		if (r->killing && WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGKILL)
			r->killed++;
	}
	return pid == 0;
}

/* As a shell counts: a signal is 128 more. */
static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* May it be waited on? Says why not. */
static bool go_on(struct run *r)
{
	const struct options *o = r->options;

	if (caught)
		return false;
	reap(r);
	if (o->command && !r->pid && r->status != 0) {
		complain("%s ended with status %d before it answered",
			 o->command[0], code_of(r->status));
		return false;
	}
	if (now_ns() - r->begin_ns < (uint64_t)o->timeout_s * SECOND)
		return true;
	complain("no %sanswer on port %u in %d s",
		 r->answer.raw_len ? "complete " : "", o->port, o->timeout_s);
	return false;
}

static bool check_body(const struct run *r)
{
	const struct answer *a = &r->answer;
	const char *want = r->options->body;

	if (a->body_len == strlen(want) &&
	    memcmp(a->body, want, a->body_len) == 0)
		return true;
	complain("a wrong body came from port %u: %s", r->options->port,
		 shown(a->body, a->body_len));
	return false;
}

/* The rest of an answer that has begun; its first bytes came at came_ns. */
static bool read_answer(struct run *r, const struct connection *c,
			uint64_t came_ns)
{
	struct answer *a = &r->answer;
	struct pollfd file = { .fd = c->fd, .events = POLLIN };
	enum verdict verdict;

	while ((verdict = answer_read(a)) != ANSWER_BROKEN) {
		if (a->body_len && !r->first_ns)
			r->first_ns = came_ns;
		if (a->status && a->status != 200)
			break;
		if (verdict == ANSWER_COMPLETE)
			return check_body(r);
		if (a->closed || a->raw_len == ANSWER_MAX)
			break;
		wait_any(&file, 1, SECOND);
		if (!go_on(r))
			return false;
		a->closed = connection_receive(r, c->fd) < 0;
		came_ns = now_ns();
	}
	complain("a wrong answer came from port %u: %s", r->options->port,
		 shown(a->raw, a->raw_len));
	return false;
}

/* The index of the first connection that answers, or -1: none will. */
static int wait_answer(struct run *r)
{
	while (go_on(r)) {
		int i;

		if (next_try_ns(r) == 0 && connection_open(r) < 0)
			return -1;
		i = connections_step(r);
		if (i >= 0)
			return i;
		connections_wait(r, next_try_ns(r));
	}
	return -1;
}

/* True when the right answer has come. */
static bool measure(struct run *r)
{
	int i = wait_answer(r);
	bool right = i >= 0 && read_answer(r, &r->open[i], now_ns());

	while (r->open_count)
		connection_close(r, r->open_count - 1);
	return right;
}

/* Runs a program with signals as after a login; *ret_ns is right before. */
static pid_t start(struct run *r, char **argv, uint64_t *ret_ns)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t set;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (!r->options->verbose)
		posix_spawn_file_actions_adddup2(&files, 1, 2);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETSIGMASK);
	memset(&set, 0xff, sizeof(set)); /* all; sigfillset leaves two out */
	posix_spawnattr_setsigdefault(&attributes, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attributes, &set);
	*ret_ns = now_ns();
	error = posix_spawnp(&pid, argv[0], &files, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (error == 0)
		return pid;
	complain("cannot run %s: %s", argv[0], strerror(error));
	return -1;
}

/* Kills every child; what these leave behind becomes ours and is next. */
static void kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	long pid;
	char word[32];

	if (!f) {
		complain("cannot list what is left: %s", strerror(errno));
		return;
	}
	while (fscanf(f, "%31s", word) == 1) {
		pid = strtol(word, NULL, 10);
		if (pid > 1)
			kill((pid_t)pid, SIGKILL);
	}
	fclose(f);
}

/* One STOP from start to end; false if it failed. */
static bool run_stop(struct run *r, char **argv)
{
	uint64_t begin;
	pid_t pid = start(r, argv, &begin);

	if (pid < 0)
		return false;
	r->stop_pid = pid;
	for (reap(r); r->stop_pid; reap(r)) {
		if (now_ns() - begin > STOP_COMMAND_NS)
			kill(pid, SIGKILL);
		wait_any(NULL, 0, SECOND);
	}
	if (r->stop_status == 0)
		return true;
	complain("%s ended with status %d", argv[0], code_of(r->stop_status));
	return false;
}

/* Waits for all processes, which are killed when their time is up. */
static bool wait_all(struct run *r)
{
	uint64_t begin = now_ns(), waited;

	while (reap(r)) {
		waited = now_ns() - begin;
		if (waited > GRACE_NS + KILLED_NS) {
			complain("some processes cannot be killed");
			return false;
		}
		r->killing = waited > GRACE_NS;
		if (r->killing)
			kill_children();
		wait_any(NULL, 0,
			 r->killing ? KILL_INTERVAL_NS : GRACE_NS - waited + 1);
	}
	return true;
}

/* Ends all that was started; how long that took, or 0 if it failed. */
static uint64_t stop_all(struct run *r)
{
	const struct options *o = r->options;
	uint64_t begin = now_ns();
	bool ok = true;

	for (int i = 0; i < o->stop_count; i++)
		ok = run_stop(r, o->stops[i]) && ok;
	if (!o->stop_count && r->pid)
		kill(r->pid, SIGTERM);
	ok = wait_all(r) && ok;
	return ok ? now_ns() - begin : 0;
}

/* A line in one write. */
__attribute__((format(printf, 1, 2))) static bool say(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(STDOUT_FILENO, line, (size_t)len) == len)
		return true;
	complain("cannot write: %s", strerror(errno));
	return false;
}

static void wait_for_end_of_input(struct run *r)
{
	struct pollfd file = { .fd = STDIN_FILENO, .events = POLLIN };
	char bytes[256];

	while (!caught) {
		file.revents = 0;
		wait_any(&file, 1, 60 * SECOND);
		reap(r);
		if (file.revents &&
		    read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
			return;
	}
}

static bool report_end(struct run *r)
{
	uint64_t ns = stop_all(r);
	int code = code_of(r->status);

	if (!ns || caught)
		return false;
	if (r->killed)
		return say("{\"stop_us\": %.1f, \"status\": %d, "
			   "\"killed\": %d}\n",
			   (double)ns / 1000, code, r->killed);
	return say("{\"stop_us\": %.1f, \"status\": %d}\n", (double)ns / 1000,
		   code);
}

static int number(const char *text, int min, int max)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end != text && !*end && v >= min && v <= max)
		return (int)v;
	complain("%s is not a number from %d to %d", text, min, max);
	usage();
}

static void parse_commands(struct options *o, char **argv)
{
	bool first = true;

	for (; *argv; first = false) {
		char **command = argv;
		bool more;

		while (*argv && strcmp(*argv, "::") != 0)
			argv++;
		more = *argv;
		if (more)
			*argv++ = NULL;
		if (!*command && (!first || !more || !*argv))
			usage();
		if (more && !*argv)
			usage();
		if (!first && o->stop_count == STOPS_MAX)
			usage();
		if (!first)
			o->stops[o->stop_count++] = command;
		else if (*command)
			o->command = command;
	}
}

static void check(const struct options *o)
{
	size_t len = strcspn(o->path, " \r\n\t");

	if (!o->port || !o->body)
		usage();
	if (!*o->body || strlen(o->body) > BODY_MAX) {
		complain("a body has 1 to %d bytes", BODY_MAX);
		usage();
	}
	if (o->path[0] != '/' || o->path[len] || len > REQUEST_MAX / 2) {
		complain("%s is not a path for a request", o->path);
		usage();
	}
}

static void parse(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+kvn:t:u:b:p:")) != -1) {
		switch (opt) {
		case 'k':
			o->keep = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'n':
			o->netns = optarg;
			break;
		case 't':
			o->timeout_s = number(optarg, 1, 3600);
			break;
		case 'u':
			o->path = optarg;
			break;
		case 'b':
			o->body = optarg;
			break;
		case 'p':
			o->port = (uint16_t)number(optarg, 1, UINT16_MAX);
			break;
		default:
			usage();
		}
	}
	parse_commands(o, argv + optind);
	check(o);
}

static void catch_signals(void)
{
	const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		sigaddset(&set, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Opens both namespaces. A name is one of `ip netns`, else it is a path. */
static bool open_namespaces(struct run *r)
{
	const char *name = r->options->netns;
	char path[4096];

	r->here = r->there = -1;
	if (!name)
		return true;
	snprintf(path, sizeof(path), "%s%s",
		 strchr(name, '/') ? "" : "/run/netns/", name);
	r->here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	r->there = open(path, O_RDONLY | O_CLOEXEC);
	if (r->here >= 0 && r->there >= 0)
		return true;
	complain("cannot open the network namespace %s: %s", name,
		 strerror(errno));
	return false;
}

static bool enter(int namespace)
{
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) == 0)
		return true;
	complain("cannot enter a network namespace: %s", strerror(errno));
	return false;
}

static void write_request(struct run *r)
{
	r->request_len = (size_t)snprintf(
		r->request, sizeof(r->request),
		"GET %s HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		r->options->path, r->options->port);
}

/* Else another's answer would be taken for the command's. */
static bool port_is_free(struct run *r)
{
	bool free = true;

	if (!enter(r->there) || connection_open(r) < 0)
		return false;
	if (r->open_count) {
		complain("something else listens on port %u already",
			 r->options->port);
		connection_close(r, 0);
		free = false;
	}
	r->tries = 0;
	r->tried_ns = 0;
	return enter(r->here) && free;
}

/*
 * Starts the command, or nothing, and waits for the answer. The timer slack
 * is changed only after the start and for so long: it would be inherited.
 */
static bool time_answer(struct run *r)
{
	bool right;

	if (r->options->command) {
		pid_t pid;

		if (!port_is_free(r))
			return false;
		pid = start(r, r->options->command, &r->begin_ns);

		if (pid < 0)
			return false;
		r->pid = pid;
	}
	if (!enter(r->there))
		return false;
	if (!r->options->command)
		r->begin_ns = now_ns();
	prctl(PR_SET_TIMERSLACK, 1ul);
	right = measure(r);
	prctl(PR_SET_TIMERSLACK, 0ul);
	return enter(r->here) && right;
}

int main(int argc, char **argv)
{
	struct options o = { .timeout_s = TIMEOUT_SECONDS, .path = "/" };
	static struct run r;

	parse(&o, argc, argv);
	r.options = &o;
	write_request(&r);
	catch_signals();
	prctl(PR_SET_CHILD_SUBREAPER, 1ul);
	if (!open_namespaces(&r))
		return 1;
	if (!time_answer(&r) ||
	    !say("{\"first_byte_us\": %.1f, \"tries\": %lu}\n",
		 (double)(r.first_ns - r.begin_ns) / 1000, r.tries)) {
		stop_all(&r);
		return 1;
	}
	if (o.keep)
		wait_for_end_of_input(&r);
	if (!o.command && !o.stop_count)
		return caught ? 1 : 0;
	return report_end(&r) ? 0 : 1;
}
