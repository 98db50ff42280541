/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread takes a signal of the process: the first one, even while it
 * sleeps and others run, and another if the first has it blocked.
 *
 * test: cflags -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t stop, taker;
static pid_t first;

static void handler(int sig)
{
	(void)sig;
	taker = gettid();
}

/* Runs most of the time, and sleeps as well. */
static void *busy(void *arg)
{
	(void)arg;
	while (!stop)
		for (volatile int i = 0; i < 100000; i++)
			if (i == 50000)
				usleep(100);
	return NULL;
}

static void *sender(void *arg)
{
	for (int i = 0; i < 20; i++) {
		usleep(2000);
		kill(getpid(), *(int *)arg);
	}
	return NULL;
}

static void send(int sig)
{
	pthread_t t;

	taker = 0;
	pthread_create(&t, NULL, sender, &sig);
	pthread_join(t, NULL);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	pthread_t t[3];
	sigset_t set;

	first = gettid();
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, busy, NULL);
	send(SIGUSR1);
	yes("the first thread took it", taker == first);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	send(SIGUSR1);
	yes("blocked there, another one took it", taker && taker != first);
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	return 0;
}
