/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand threads with stacks of 8 MiB, in an instance of 64 MiB: a stack
 * costs what is used of it, whoever writes to it first.
 *
 * test: flavours glibc glibc-dyn
 * test: timeout 60
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 1000
#define KIB	1024ul

static pthread_barrier_t barrier;
static int input[2];

static void *shallow(void *arg)
{
	volatile char buf[4 * KIB];

	buf[0] = 1;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return buf[0] ? arg : NULL;
}

/* From the top down, as calls do. */
static int recurse(int depth)
{
	volatile char frame[KIB];

	frame[0] = (char)depth;
	frame[KIB - 1] = 1;
	return depth ? recurse(depth - 1) + frame[KIB - 1] : 0;
}

static void *deep(void *arg)
{
	printf("depth %d\n", recurse(7000));
	return arg;
}

/* The lowest byte first. */
static void *leap(void *arg)
{
	volatile char buf[6000 * KIB];
	unsigned sum = 0;

	buf[0] = 1;
	for (size_t i = 0; i < sizeof(buf); i += KIB)
		sum += (unsigned char)buf[i];
	printf("leapt, %s\n", sum >= 1 ? "sane" : "not sane");
	return arg;
}

/* The kernel is the first to write there. */
static void *by_kernel(void *arg)
{
	char buf[5000 * KIB];
	ssize_t n = read(input[0], buf, sizeof(buf));

	printf("read %zd %.4s\n", n, buf);
	return arg;
}

static int start(pthread_t *t, void *(*run)(void *))
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 8192 * KIB);
	return pthread_create(t, &attr, run, NULL);
}

static void alone(void *(*run)(void *))
{
	pthread_t t;

	if (start(&t, run)) {
		puts("no thread");
		exit(1);
	}
	pthread_join(t, NULL);
}

int main(void)
{
	static pthread_t t[THREADS];
	int made = 0;

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	while (made < THREADS && !start(&t[made], shallow))
		made++;
	printf("%d threads\n", made);
	if (made < THREADS)
		return 1;
	pthread_barrier_wait(&barrier);
	puts("all of them run");
	pthread_barrier_wait(&barrier);
	while (made)
		pthread_join(t[--made], NULL);
	if (pipe(input) || write(input[1], "text", 4) != 4)
		return 1;
	alone(deep);
	alone(leap);
	alone(by_kernel);
	return 0;
}
