// SPDX-License-Identifier: Apache-2.0
/*
 * Many threads at a time, each with a stack of 8 MiB of which it uses little:
 * together they map far more than the memory limit, and hold a fraction of it.
 *
 * test: flavours glibc glibc-dyn musl
 * test: cflags -pthread
 * test: flags -m 256m
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 480
#define STACK	(8ul << 20)
#define USED	(20ul << 10)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int there;
static int go;
static unsigned long sum;

static void *body(void *arg)
{
	volatile unsigned char some[USED];

	memset((void *)some, (int)(unsigned long)arg & 0x7f, sizeof(some));
	pthread_mutex_lock(&lock);
	there++;
	pthread_cond_broadcast(&turned);
	while (!go)
		pthread_cond_wait(&turned, &lock);
	sum += some[0] + some[USED - 1];
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	static pthread_t threads[THREADS];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (unsigned long i = 0; i < THREADS; i++) {
		int err = pthread_create(&threads[i], &attr, body, (void *)i);

		if (err) {
			printf("thread %lu: %s\n", i, strerror(err));
			return 1;
		}
	}
	pthread_mutex_lock(&lock);
	while (there < THREADS)
		pthread_cond_wait(&turned, &lock);
	go = 1;
	pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d threads at a time, sum %lu\n", there, sum);
	return 0;
}
