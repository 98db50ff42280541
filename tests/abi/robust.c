/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Robust mutexes: whoever locks one whose owner has ended is told, also who
 * was waiting for it.
 *
 * test: flavours musl glibc glibc-dyn
 * test: cflags -pthread
 */
#include <pthread.h>

#include "tests/abi/abi.h"

static pthread_mutex_t mutex[3];
static int order[2];

static void make(pthread_mutex_t *m, int type)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_settype(&a, type);
	pthread_mutex_init(m, &a);
}

static void result(const char *name, int err)
{
	say(name, "%s",
	    err == EOWNERDEAD	   ? "EOWNERDEAD" :
	    err == ENOTRECOVERABLE ? "ENOTRECOVERABLE" :
	    err			   ? err_name(err) :
				     "0");
}

static void *leave_locked(void *arg)
{
	for (size_t i = 0; i < 3; i++)
		pthread_mutex_lock(&mutex[i]);
	return arg;
}

/* Says that it has the mutex, then ends when somebody waits for it. */
static void *leave_while_waited(void *arg)
{
	char c;

	pthread_mutex_lock(arg);
	if (write(order[1], "x", 1) != 1 || usleep(50000) ||
	    read(order[0], &c, 0) != 0)
		return NULL;
	return arg;
}

static void run(void *(*f)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, f, arg))
		exit(1);
	pthread_join(t, NULL);
}

static void left_locked(void)
{
	make(&mutex[0], PTHREAD_MUTEX_NORMAL);
	make(&mutex[1], PTHREAD_MUTEX_RECURSIVE);
	make(&mutex[2], PTHREAD_MUTEX_ERRORCHECK);
	run(leave_locked, NULL);
	for (size_t i = 0; i < 3; i++)
		result("left locked", pthread_mutex_lock(&mutex[i]));
	result("made consistent", pthread_mutex_consistent(&mutex[0]));
	result("unlock", pthread_mutex_unlock(&mutex[0]));
	result("lock again", pthread_mutex_lock(&mutex[0]));
	result("unlock again", pthread_mutex_unlock(&mutex[0]));
	result("unlock as it is", pthread_mutex_unlock(&mutex[1]));
	result("lock for ever", pthread_mutex_lock(&mutex[1]));
	result("try", pthread_mutex_trylock(&mutex[1]));
	result("consistent too late", pthread_mutex_consistent(&mutex[1]));
}

static void waited_for(void)
{
	pthread_mutex_t m;
	pthread_t t;
	char c;

	make(&m, PTHREAD_MUTEX_NORMAL);
	if (pipe(order) || pthread_create(&t, NULL, leave_while_waited, &m) ||
	    read(order[0], &c, 1) != 1)
		exit(1);
	result("waited for", pthread_mutex_lock(&m));
	pthread_join(t, NULL);
	result("made consistent", pthread_mutex_consistent(&m));
	result("unlock", pthread_mutex_unlock(&m));
}

int main(void)
{
	abi_start();
	left_locked();
	waited_for();
	return 0;
}
