/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread faults all the time while another computes, so that ticks and
 * exceptions meet in every possible way. Each fault must arrive exactly once
 * and where it belongs.
 *
 * test: timeout 60
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

#include "tests/abi/x86.h"

#define FAULTS 30000

static atomic_long handled, wrong;
static atomic_bool stop;

static void on_fault(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	handled++;
	if (sig == SIGSEGV) {
		wrong += si->si_addr != (void *)0x40;
		uc->uc_mcontext.gregs[REG_RIP] += 3;
	} else {
		uc->uc_mcontext.gregs[REG_RIP] += 2;
	}
}

static void *faults(void *arg)
{
	for (int i = 0; i < FAULTS; i++) {
		if (i % 3 == 2)
			fault_ud2_len2();
		else
			fault_store_len3((void *)0x40, (uint64_t)i);
	}
	stop = true;
	return arg;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
				.sa_flags = SA_SIGINFO };
	volatile uint64_t x = 1;
	pthread_t t;

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	pthread_create(&t, NULL, faults, NULL);
	while (!stop)
		x = x * 3 + 1;
	pthread_join(t, NULL);
	printf("%ld faults, %ld wrong\n", (long)handled, (long)wrong);
	return 0;
}
