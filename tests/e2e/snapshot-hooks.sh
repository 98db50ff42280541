# SPDX-License-Identifier: Apache-2.0
# test: timeout 90
# What a program learns of being a copy: a number that changes, by poll and
# by inotify, a signal it chose, variables that the copy was given.
. "$LIB"

snapshot() {
	"$MAYFLY" snapshot --substrate "$SUBSTRATE" "$@"
}

cat >hooks.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#define DIR "/proc/mayfly/"

static volatile sig_atomic_t handled;
static volatile int went_on;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!went_on && info->si_code == SI_KERNEL)
		handled = sig;
}

static void show(const char *name, const char *path)
{
	static char text[32768];
	int fd = open(path, O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	printf("%s %s", name, text);
	close(fd);
}

static long put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	long n = write(fd, text, strlen(text));

	n = n < 0 ? -errno : n;
	close(fd);
	return n;
}

static void environment(const char *when)
{
	static char text[32768];
	int fd = open("/proc/self/environ", O_RDONLY);
	long n = read(fd, text, sizeof(text) - 1);

	printf("%s %s|%s|%s|%s\n", when, getenv("LATE"), getenv("EMPTY"),
	       getenv("FIXED"), getenv("PASSED"));
	for (long i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	printf("%s environ %.*s\n", when, (int)n, text);
	show(when, DIR "env");
}

static void refusals(void)
{
	static const char *const wrong[] = { "65", "x", "1x", "-1", "999999999",
					     "\n", " 1" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (put(DIR "signal", wrong[i]) != -EINVAL)
			printf("%s was taken\n", wrong[i]);
	if (open(DIR "generation", O_WRONLY) != -1 || errno != EACCES)
		printf("generation can be written\n");
	if (open(DIR "env", O_RDWR) != -1 || errno != EACCES)
		printf("env can be written\n");
	put(DIR "signal", "64\n");
	show("signal", DIR "signal");
	put(DIR "signal", "0");
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler,
				.sa_flags = SA_SIGINFO };
	struct pollfd p[2] = { { .fd = open(DIR "generation", O_RDONLY),
				 .events = POLLIN | POLLPRI },
			       { .fd = inotify_init1(IN_NONBLOCK),
				 .events = POLLIN } };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	char line[64], text[64] = "", events[512];
	struct inotify_event *event = (void *)events;
	int ep = epoll_create1(0);
	long n;

	environment("before");
	refusals();
	read(p[0].fd, text, sizeof(text) - 1);
	printf("generation %s", text);
	inotify_add_watch(p[1].fd, DIR "generation", IN_MODIFY);
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0].fd, &ev);
	printf("poll %d %d\n", poll(p, 2, 0), epoll_wait(ep, &ev, 1, 0));
	sigaction(SIGUSR2, &sa, NULL);
	sprintf(line, "%d", SIGUSR2);
	put(DIR "signal", line);
	fflush(stdout);
	put(DIR "snapshot", "1");
	went_on = 1;
	printf("handled %d\n", handled == SIGUSR2);
	printf("poll %d", poll(p, 2, 0));
	printf(" %d %d", p[0].revents == (POLLIN | POLLPRI), p[1].revents);
	printf(" %d\n", epoll_wait(ep, &ev, 1, 0));
	n = read(p[1].fd, events, sizeof(events));
	printf("inotify %d\n", n == sizeof(*event) &&
					event->mask == IN_MODIFY);
	lseek(p[0].fd, 0, SEEK_SET);
	read(p[0].fd, text, sizeof(text) - 1);
	printf("generation %s", text);
	p[0].revents = 0;
	poll(p, 1, 0);
	printf("read %d\n", p[0].revents);
	environment("after");
	fflush(stdout);
	fgets(line, sizeof(line), stdin);
	return 0;
}
C
musl-gcc -static -O2 -o hooks hooks.c
"$MAYFLY" build hooks -o hooks.img >/dev/null

snapshot -e FIXED=f -e PASSED=p --late-env LATE=default --late-env EMPTY \
	--late-env PASSED hooks.img -o hooks.snap >first 2>err
if grep 'does not come to wait' err; then
	fail 'a copy that waits for input does not wait for work'
fi
expect_match '^before default\|\|f\|p$' first
expect_match '^before environ .*FIXED=f LATE=default EMPTY= PASSED=p ' first
expect_match '^before LATE=default$' first
expect_match '^signal 64$' first
expect_match '^poll 0 0$' first
if grep -q 'taken\|written' first; then fail "$(cat first)"; fi

long=$(head -c 1023 /dev/zero | tr '\0' v)
echo | run hooks.snap >out1
echo | run -e LATE=one -e "EMPTY=a b" -e PASSED= hooks.snap >out2
echo | run -e "LATE=$long" hooks.snap >out3
for i in 1 2 3; do
	expect_match '^handled 1$' out$i
	expect_match '^poll 2 1 1 1$' out$i
	expect_match '^inotify 1$' out$i
	expect_match '^read 0$' out$i
done
expect_match '^after default\|\|f\|p$' out1
expect_match '^after one\|a b\|f\|$' out2
expect_match '^after environ .*FIXED=f LATE=one EMPTY=a b PASSED= ' out2
expect_match '^after LATE=one$' out2
expect_match '^EMPTY=a b$' out2
expect_match "^after $long\\|\\|f\\|p\$" out3
grep -h '^generation' first out1 out2 out3 | sort -u >numbers
[ "$(wc -l <numbers)" = 4 ] || fail "generations: $(cat numbers)"

# Without a snapshot the files are there, and say nothing.
echo | run -e LATE=x hooks.img >out
expect_match '^poll 0 0$' out
expect_match '^handled 0$' out
expect_match '^read 0$' out
[ "$(grep -c '^generation' out)" = 2 ] || fail "$(cat out)"
[ "$(grep '^generation' out | sort -u | wc -l)" = 1 ] || fail "$(cat out)"

# Variables that are not open, too long, wrong.
expect_status 125 run -e OTHER=1 hooks.snap
expect_match 'the variable OTHER is part of a snapshot' err
expect_match 'taken with --late-env OTHER' err
expect_status 125 run -e FIXED=1 hooks.snap
expect_match 'the variable FIXED is part of a snapshot' err
echo LATE=file >vars
echo | run --env-file vars hooks.snap >out
expect_match '^after file\|\|f\|p$' out
expect_status 125 run -e "LATE=x$long" hooks.snap
expect_match 'the value of LATE has 1024 bytes; .* has room for 1023' err
expect_status 125 snapshot --late-env "L=x$long" hooks.img -o no.snap
expect_match 'the value of L has 1024 bytes' err
expect_status 125 snapshot -e "L=x$long" --late-env L hooks.img -o no.snap
expect_match 'the value of L has 1024 bytes' err
expect_status 125 snapshot --late-env =x hooks.img -o no.snap
expect_match '=x is not an environment variable' err
expect_status 125 snapshot --late-env A --late-env A=2 hooks.img -o no.snap
expect_match '--late-env A is given twice' err
set --
for i in $(seq 65); do set -- "$@" --late-env "N$i"; done
expect_status 125 snapshot "$@" hooks.img -o no.snap
expect_match 'more than 64 variables with --late-env' err
[ ! -e no.snap ] || fail 'a snapshot of nothing'

# All of them at once, more than they may be together.
set --
for i in $(seq 20); do set -- "$@" --late-env "N$i"; done
snapshot "$@" hooks.img -o many.snap >/dev/null
set --
for i in $(seq 20); do set -- "$@" -e "N$i=$i$long"; done
expect_status 125 run "$@" many.snap
expect_match 'the value of N1 has 1024 bytes' err
set --
for i in $(seq 20); do set -- "$@" -e "N$i=${long#v}"; done
expect_status 125 run "$@" many.snap
expect_match 'the variables of a copy have [0-9]+ bytes, at most 16384' err
set --
for i in $(seq 15); do set -- "$@" -e "N$i=$i${long#vv}"; done
echo | run "$@" many.snap >out
expect_match "^N15=15$(echo "$long" | cut -c3-)\$" out

# One that begins again has them again, and another number.
cat >once.c <<'C'
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c;
	char text[1000] = "";

	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 8))
		return 1;
	c = accept(s, NULL, NULL);
	if (read(c, text, sizeof(text)) < 0 ||
	    read(open("/proc/mayfly/generation", O_RDONLY), text, 33) != 33)
		return 1;
	text[32] = 0;
	dprintf(c, "HTTP/1.0 200 OK\r\n\r\n%s %s\n", getenv("LATE"), text);
	return 0;
}
C
musl-gcc -static -o once once.c
"$MAYFLY" build once -o once.img >/dev/null
snapshot --late-env LATE once.img -o once.snap
port=$(free_port)
start --restart -e LATE=again -p "127.0.0.1:$port:8080" once.snap
wait_port "$port"
for i in 1 2 3; do
	curl -sS -m 5 --retry 20 --retry-all-errors --retry-delay 1 \
		"http://127.0.0.1:$port/"
done >out
[ "$(grep -c '^again ' out)" = 3 ] || fail "$(cat out)"
[ "$(sort -u out | wc -l)" = 3 ] || fail "a number twice: $(cat out)"
