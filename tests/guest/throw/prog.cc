/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions through system calls: thrown by the handler of a signal that
 * interrupts a blocked one, and the one that ends a cancelled thread.
 * libstdc++ and libc are the image's, rewritten.
 */
#include <csignal>
#include <cstdio>
#include <ctime>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

static int fds[2];
static volatile bool reading; /* any moment now */

struct noisy {
	const char *name;
	~noisy()
	{
		std::printf("end of %s\n", name);
	}
};

static void wait_a_moment()
{
	struct timespec t = { 0, 100000000 };

	nanosleep(&t, nullptr);
}

[[noreturn]] static void thrower(int sig)
{
	throw std::runtime_error("signal " + std::to_string(sig));
}

__attribute__((noinline)) static long blocked(int depth)
{
	noisy n{ depth ? "an outer frame" : "the frame that reads" };
	char c;

	if (depth)
		return blocked(depth - 1) + 1;
	reading = true;
	return read(fds[0], &c, 1);
}

static void throw_through_read()
{
	pthread_t self = pthread_self();
	reading = false;
	std::thread t([self] {
		do
			wait_a_moment();
		while (!reading);
		pthread_kill(self, SIGUSR1);
	});

	try {
		std::printf("read returns %ld\n", blocked(2));
	} catch (const std::exception &e) {
		std::printf("caught %s\n", e.what());
	}
	t.join();
}

static void *cancelled(void *)
{
	try {
		blocked(1);
	} catch (...) {
		std::printf("caught what cancels\n");
		throw;
	}
	return nullptr;
}

int main()
{
	struct sigaction sa = {};
	void *result = nullptr;
	pthread_t t;

	std::setvbuf(stdout, nullptr, _IOLBF, 0);
	if (pipe(fds) < 0)
		return 1;
	sa.sa_handler = thrower;
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &sa, nullptr);
	throw_through_read();
	throw_through_read();
	pthread_create(&t, nullptr, cancelled, nullptr);
	wait_a_moment();
	pthread_cancel(t);
	pthread_join(t, &result);
	std::printf("cancelled: %s\n",
		    result == PTHREAD_CANCELED ? "yes" : "no");
	return 0;
}
