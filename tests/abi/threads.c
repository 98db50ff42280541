/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads as programs use them: creation, joining, locks, conditions,
 * thread-local storage, cancellation.
 *
 * test: flavours musl glibc musl-pie glibc-pie
 * test: hardware
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <time.h>

#include "tests/abi/abi.h"

#define THREADS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static __thread int local_value = 17;
static __thread char local_array[3000];
static long counter;
static atomic_int atomic_counter;

static void *returns(void *arg)
{
	return (void *)((intptr_t)arg * 2);
}

static void *exits(void *arg)
{
	pthread_exit((void *)((intptr_t)arg * 3));
}

static void joining(void)
{
	pthread_t t, many[200];
	void *r;
	long sum = 0;

	err("create", pthread_create(&t, NULL, returns, (void *)21));
	err("join", pthread_join(t, &r));
	val("value", (long)r);
	pthread_create(&t, NULL, exits, (void *)5);
	pthread_join(t, &r);
	val("pthread_exit", (long)r);
	for (long i = 0; i < 200; i++)
		if (pthread_create(&many[i], NULL, returns, (void *)i))
			say("create", "failed at %ld", i);
	for (int i = 0; i < 200; i++) {
		pthread_join(many[i], &r);
		sum += (long)r;
	}
	val("200 threads", sum);
	for (long i = 0; i < 500; i++) {
		pthread_create(&t, NULL, returns, (void *)i);
		pthread_join(t, &r);
		sum += (long)r;
	}
	val("500 one by one", sum);
}

static void *counts(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		long seen;

		pthread_mutex_lock(&lock);
		seen = counter;
		if (i % 64 == 0)
			sched_yield();
		counter = seen + 1;
		pthread_mutex_unlock(&lock);
		atomic_fetch_add(&atomic_counter, 1);
	}
	return arg;
}

static void *uses_tls(void *arg)
{
	int before = local_value;

	local_value = (int)(intptr_t)arg;
	memset(local_array, local_value, sizeof(local_array));
	for (int i = 0; i < 20; i++)
		sched_yield();
	for (size_t i = 0; i < sizeof(local_array); i++)
		if (local_array[i] != local_value)
			return NULL;
	return (void *)(intptr_t)(before * 100 + local_value);
}

static void run_all(void *(*fn)(void *), long *ret_sum)
{
	pthread_t t[THREADS];
	void *r;

	*ret_sum = 0;
	for (long i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, fn, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &r);
		*ret_sum += (long)r;
	}
}

static void sharing(void)
{
	long sum;

	run_all(counts, &sum);
	val("under a mutex", counter);
	val("atomic", atomic_counter);
	run_all(uses_tls, &sum);
	val("thread-local", sum);
	val("main's own", local_value);
}

static int turn;

static void *ping(void *arg)
{
	int mine = (int)(intptr_t)arg;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&lock);
		while (turn % 2 != mine)
			pthread_cond_wait(&cond, &lock);
		turn++;
		pthread_cond_signal(&cond);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static bool go;

static void *waits(void *arg)
{
	pthread_mutex_lock(&lock);
	atomic_fetch_add(&atomic_counter, 1);
	while (!go)
		pthread_cond_wait(&cond, &lock);
	counter++;
	pthread_mutex_unlock(&lock);
	return arg;
}

static struct timespec in_ms(int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms * 1000000L;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void conditions(void)
{
	struct timespec ts = in_ms(10);
	pthread_t t[THREADS];

	pthread_create(&t[0], NULL, ping, (void *)0);
	pthread_create(&t[1], NULL, ping, (void *)1);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	val("ping-pong", turn);
	counter = atomic_counter = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, waits, NULL);
	while (atomic_counter < THREADS)
		sched_yield();
	pthread_mutex_lock(&lock);
	go = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	val("broadcast", counter);
	pthread_mutex_lock(&lock);
	err("timedwait", pthread_cond_timedwait(&cond, &lock, &ts));
	pthread_mutex_unlock(&lock);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *tries(void *arg)
{
	struct timespec ts = in_ms(10);

	(void)arg;
	err("trylock of another's", pthread_mutex_trylock(&held));
	err("timedlock of another's", pthread_mutex_timedlock(&held, &ts));
	return NULL;
}

static void mutexes(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;
	pthread_t t;

	pthread_mutex_lock(&held);
	pthread_create(&t, NULL, tries, NULL);
	pthread_join(t, NULL);
	pthread_mutex_unlock(&held);
	err("trylock", pthread_mutex_trylock(&held));
	pthread_mutex_unlock(&held);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &attr);
	pthread_mutex_lock(&m);
	err("relock, error checking", pthread_mutex_lock(&m));
	pthread_mutex_unlock(&m);
	err("unlock of unlocked", pthread_mutex_unlock(&m));
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m, &attr);
	pthread_mutex_lock(&m);
	err("relock, recursive", pthread_mutex_lock(&m));
	pthread_mutex_unlock(&m);
	err("unlock, recursive", pthread_mutex_unlock(&m));
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;

static void *reads_writes(void *arg)
{
	int serial = 0;

	for (int i = 0; i < 300; i++) {
		pthread_rwlock_wrlock(&rw);
		counter++;
		pthread_rwlock_unlock(&rw);
		pthread_rwlock_rdlock(&rw);
		if (counter < i)
			serial += 1000000;
		pthread_rwlock_unlock(&rw);
	}
	for (int i = 0; i < 50; i++) {
		int r = pthread_barrier_wait(&barrier);

		if (r == PTHREAD_BARRIER_SERIAL_THREAD)
			serial++;
	}
	(void)arg;
	return (void *)(intptr_t)serial;
}

static sem_t sem, sem_done;

static void *posts(void *arg)
{
	for (int i = 0; i < 100; i++) {
		sem_wait(&sem);
		sem_post(&sem_done);
	}
	return arg;
}

static void locks(void)
{
	struct timespec ts = in_ms(10);
	long sum;
	pthread_t t;

	counter = 0;
	pthread_barrier_init(&barrier, NULL, THREADS);
	run_all(reads_writes, &sum);
	val("rwlock", counter);
	val("barrier, serial threads", sum);
	sem_init(&sem, 0, 0);
	sem_init(&sem_done, 0, 0);
	pthread_create(&t, NULL, posts, NULL);
	for (int i = 0; i < 100; i++) {
		sem_post(&sem);
		sem_wait(&sem_done);
	}
	pthread_join(t, NULL);
	ret("sem_trywait", sem_trywait(&sem));
	ret("sem_timedwait", sem_timedwait(&sem, &ts));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void count_once(void)
{
	counter++;
}

static void destroy(void *value)
{
	atomic_fetch_add(&atomic_counter, (int)(intptr_t)value);
}

static void *uses_key(void *arg)
{
	pthread_once(&once, count_once);
	pthread_setspecific(key, arg);
	return pthread_getspecific(key);
}

static void *cleaned(void *arg)
{
	struct timespec ten = { 10, 0 };

	pthread_cleanup_push(destroy, (void *)1000);
	nanosleep(&ten, NULL);
	pthread_cleanup_pop(0);
	return arg;
}

static void *names(void *arg)
{
	char name[17] = "";

	prctl(PR_SET_NAME, "worker-thread-with-long-name");
	prctl(PR_GET_NAME, name);
	say("thread name", "%s", name);
	yes("tid is not pid", syscall(SYS_gettid) != getpid());
	return arg;
}

static void *detached(void *arg)
{
	sem_post(arg);
	return NULL;
}

static void rest(void)
{
	long sum;
	pthread_t t;
	void *r;

	counter = atomic_counter = 0;
	pthread_key_create(&key, destroy);
	run_all(uses_key, &sum);
	val("once", counter);
	val("keys", sum);
	val("destructors", atomic_counter);
	pthread_create(&t, NULL, cleaned, NULL);
	sched_yield();
	err("cancel", pthread_cancel(t));
	pthread_join(t, &r);
	yes("canceled", r == PTHREAD_CANCELED);
	pthread_create(&t, NULL, names, NULL);
	pthread_join(t, NULL);
	yes("main's tid is the pid", syscall(SYS_gettid) == getpid());
	pthread_create(&t, NULL, detached, &sem);
	err("detach", pthread_detach(t));
	ret("it ran", sem_wait(&sem));
}

int main(void)
{
	abi_start();
	joining();
	sharing();
	conditions();
	mutexes();
	locks();
	rest();
	return 0;
}
