/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that compute, threads that keep waking each other and one that
 * sleeps: each kind gets on, whatever the others do.
 *
 * test: cflags -pthread
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/abi/abi.h"

#define RING	 20
#define SPINNERS 3

static _Atomic bool stop;
static atomic_ulong passed, spun[SPINNERS];
static int pipes[RING][2];

static void *spin(void *arg)
{
	atomic_ulong *n = arg;

	while (!stop)
		(*n)++;
	return NULL;
}

static void *pass_on(void *arg)
{
	int(*p)[2] = arg;
	int next = (int)(p - pipes + 1) % RING;
	char c;

	while (!stop && read((*p)[0], &c, 1) == 1) {
		passed++;
		if (write(pipes[next][1], &c, 1) != 1)
			break;
	}
	return NULL;
}

static unsigned long slowest(void)
{
	unsigned long least = ULONG_MAX;

	for (int i = 0; i < SPINNERS; i++)
		if (spun[i] < least)
			least = spun[i];
	return least;
}

int main(void)
{
	struct timespec ms = { 0, 1000000 };
	pthread_t t;

	abi_start();
	for (int i = 0; i < RING; i++)
		if (pipe(pipes[i]) < 0)
			return 1;
	for (int i = 0; i < SPINNERS; i++)
		pthread_create(&t, NULL, spin, &spun[i]);
	for (int i = 0; i < RING; i++)
		pthread_create(&t, NULL, pass_on, &pipes[i]);
	for (int i = 0; i < RING; i += 5)
		if (write(pipes[i][1], "x", 1) != 1)
			return 1;
	/* As long as it takes; only starvation takes this long. */
	for (int i = 0; i < 10000; i++) {
		nanosleep(&ms, NULL);
		if (i >= 100 && slowest() > 100000 && passed > 1000)
			break;
	}
	stop = true;
	yes("those that compute", slowest() > 100000);
	yes("those that wait", passed > 1000);
	return 0;
}
