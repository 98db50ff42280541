/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads that never call anything compete for the processor; both get
 * on, and integer, floating-point and vector results are exact.
 *
 * test: flavours musl glibc
 * test: timeout 60
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

static atomic_ulong progress[2];
static atomic_int started;

struct result {
	uint64_t hash;
	double series;
	float lanes[8];
};

static void compute(struct result *r, atomic_ulong *mine, unsigned turns)
{
	uint64_t x = 1;
	double sum = 0;

	for (int l = 0; l < 8; l++)
		r->lanes[l] = (float)l;
	for (unsigned i = 1; i <= turns; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		x ^= x >> 29;
		sum += 1.0 / ((double)i * i);
		for (int l = 0; l < 8; l++)
			r->lanes[l] = r->lanes[l] * 0.999f + (float)(i & 7);
		if (i % 65536 == 0)
			atomic_fetch_add(mine, 1);
	}
	r->hash = x;
	r->series = sum;
}

/* Spins until the other has started: without preemption it never would. */
static void *run(void *arg)
{
	static struct result results[2];
	int n = (int)(intptr_t)arg;

	atomic_fetch_add(&started, 1);
	while (atomic_load(&started) < 2)
		;
	compute(&results[n], &progress[n], 20000000);
	return &results[n];
}

int main(void)
{
	pthread_t t[2];

	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, run, (void *)i);
	for (int i = 0; i < 2; i++) {
		struct result *r;

		pthread_join(t[i], (void **)&r);
		printf("%d: %016lx %.15f", i, (unsigned long)r->hash,
		       r->series);
		for (int l = 0; l < 8; l++)
			printf(" %.3f", (double)r->lanes[l]);
		printf("\n");
	}
	return 0;
}
