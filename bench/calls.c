/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one operation costs a program, measured from inside: the same static
 * binary runs natively and in a guest. Each operation is repeated in
 * batches of about BATCH_NS; every batch is one line of output, "NAME
 * NANOSECONDS" per operation. bench/syscall starts it and compares.
 *
 *	calls [-b BATCHES] [NAME...]
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH_NS    2000000u
#define BATCHES_MAX 1000
#define READ_SIZE   4096
#define MAP_SIZE    65536

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* ---- without a second thread ------------------------------------------- */

static void op_null(uint64_t count)
{
	while (count--)
		syscall(SYS_getppid);
}

static void op_getpid(uint64_t count)
{
	while (count--)
		getpid();
}

static void op_clock(uint64_t count)
{
	struct timespec t;

	while (count--)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

static void op_clock_call(uint64_t count)
{
	struct timespec t;

	while (count--)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

static void op_getrandom(uint64_t count)
{
	char buf[16];

	while (count--)
		need(getrandom(buf, sizeof(buf), 0) == sizeof(buf),
		     "getrandom");
}

static void op_pipe(uint64_t count)
{
	static int fds[2];
	char c = 'x';

	if (!fds[1])
		need(pipe(fds) == 0, "pipe");
	while (count--)
		need(write(fds[1], &c, 1) == 1 && read(fds[0], &c, 1) == 1,
		     "pipe");
}

static int make_file(void)
{
	static const char zeros[READ_SIZE];
	char path[] = "/tmp/mayfly-calls.XXXXXX";
	int fd = mkstemp(path);

	need(fd >= 0 && write(fd, zeros, sizeof(zeros)) == sizeof(zeros),
	     "file in /tmp");
	unlink(path);
	return fd;
}

static void op_read(uint64_t count)
{
	static int fd = -1;
	static char buf[READ_SIZE];

	if (fd < 0)
		fd = make_file();
	while (count--)
		need(pread(fd, buf, sizeof(buf), 0) == sizeof(buf), "pread");
}

static void op_mmap(uint64_t count)
{
	while (count--) {
		void *p = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		need(p != MAP_FAILED && munmap(p, MAP_SIZE) == 0, "mmap");
	}
}

static void op_mmap_touch(uint64_t count)
{
	while (count--) {
		char *p = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		need(p != MAP_FAILED, "mmap");
		for (size_t i = 0; i < MAP_SIZE; i += 4096)
			*(volatile char *)(p + i) = 1;
		munmap(p, MAP_SIZE);
	}
}

/* ---- with a second thread ---------------------------------------------- */

static void *nothing(void *arg)
{
	return arg;
}

static void op_thread(uint64_t count)
{
	while (count--) {
		pthread_t t;

		need(pthread_create(&t, NULL, nothing, NULL) == 0,
		     "pthread_create");
		pthread_join(t, NULL);
	}
}

struct pipes {
	int there[2], back[2];
};

static void *pipe_echo(void *arg)
{
	struct pipes *p = arg;
	char c;

	while (read(p->there[0], &c, 1) == 1)
		need(write(p->back[1], &c, 1) == 1, "write");
	return NULL;
}

static void op_pipe_switch(uint64_t count)
{
	struct pipes p;
	pthread_t t;
	char c = 'x';

	need(pipe(p.there) == 0 && pipe(p.back) == 0, "pipe");
	need(pthread_create(&t, NULL, pipe_echo, &p) == 0, "pthread_create");
	while (count--)
		need(write(p.there[1], &c, 1) == 1 &&
			     read(p.back[0], &c, 1) == 1,
		     "pipe");
	close(p.there[1]);
	pthread_join(t, NULL);
	close(p.there[0]);
	close(p.back[0]);
	close(p.back[1]);
}

static _Atomic uint32_t turn; /* whose turn it is: 0 or 1; 2: the end */

static void hand_over(uint32_t to)
{
	atomic_store(&turn, to);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static uint32_t wait_while(uint32_t value)
{
	uint32_t now;

	while ((now = atomic_load(&turn)) == value)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, value, NULL, NULL,
			0);
	return now;
}

static void *futex_echo(void *arg)
{
	while (wait_while(0) == 1)
		hand_over(0);
	return arg;
}

static void op_futex_switch(uint64_t count)
{
	pthread_t t;

	atomic_store(&turn, 0);
	need(pthread_create(&t, NULL, futex_echo, NULL) == 0, "pthread_create");
	while (count--) {
		hand_over(1);
		wait_while(1);
	}
	hand_over(2);
	pthread_join(t, NULL);
}

/* ---- measuring ---------------------------------------------------------- */

static const struct op {
	const char *name;
	void (*run)(uint64_t count);
} ops[] = {
	{ "null", op_null },
	{ "getpid", op_getpid },
	{ "clock_gettime", op_clock },
	{ "clock_gettime_call", op_clock_call },
	{ "getrandom_16", op_getrandom },
	{ "pipe", op_pipe },
	{ "read_4k", op_read },
	{ "mmap_64k", op_mmap },
	{ "mmap_64k_touch", op_mmap_touch },
	{ "thread", op_thread },
	{ "pipe_switch", op_pipe_switch },
	{ "futex_switch", op_futex_switch },
};

static uint64_t time_batch(const struct op *op, uint64_t count)
{
	uint64_t begin = now_ns();

	op->run(count);
	return now_ns() - begin;
}

/* How many make a batch; warms up on the way. */
static uint64_t calibrate(const struct op *op)
{
	uint64_t count = 1, ns;

	while ((ns = time_batch(op, count)) < BATCH_NS / 4)
		count *= 2;
	count = count * BATCH_NS / ns;
	return count ? count : 1;
}

static void measure(const struct op *op, int batches)
{
	uint64_t count = calibrate(op);

	for (int i = 0; i < batches; i++)
		printf("%s %.1f\n", op->name,
		       (double)time_batch(op, count) / (double)count);
	fflush(stdout);
}

static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	long batches = 5;
	int opt;

	while ((opt = getopt(argc, argv, "b:")) != -1) {
		if (opt != 'b')
			return 1;
		batches = strtol(optarg, NULL, 10);
		need(batches > 0 && batches <= BATCHES_MAX, "-b");
	}
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (wanted(ops[i].name, argv + optind))
			measure(&ops[i], (int)batches);
	}
	return 0;
}
