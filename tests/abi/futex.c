/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex and the raw calls around threads: waiting, waking, bit sets,
 * timeouts, requeueing, thread ids that are cleared at exit.
 *
 * test: hardware
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/abi/abi.h"

static _Atomic uint32_t word, other;
static atomic_int waiting, woken;

static long futex(void *at, int op, unsigned v, const struct timespec *ts)
{
	return syscall(SYS_futex, at, op, v, ts, NULL, 0);
}

static struct timespec after_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void alone(void)
{
	struct timespec ms = { 0, 5000000 }, bad = { 0, -1 }, at;
	_Atomic uint32_t *odd = (void *)((char *)&word + 1);

	word = 1;
	ret("other value", futex(&word, FUTEX_WAIT, 2, NULL));
	ret("other value, private", futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL));
	ret("timeout", futex(&word, FUTEX_WAIT_PRIVATE, 1, &ms));
	ret("bad timeout", futex(&word, FUTEX_WAIT_PRIVATE, 1, &bad));
	ret("wake nobody", futex(&word, FUTEX_WAKE, 10, NULL));
	ret("unaligned", futex(odd, FUTEX_WAIT_PRIVATE, 1, &ms));
	ret("unmapped", futex((void *)PAGE, FUTEX_WAIT_PRIVATE, 1, &ms));
	ret("unknown operation", futex(&word, 99, 1, NULL));
	at = after_ms(CLOCK_MONOTONIC, 5);
	ret("bitset, monotonic",
	    syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1, &at, NULL,
		    ~0u));
	at = after_ms(CLOCK_REALTIME, 5);
	ret("bitset, realtime",
	    syscall(SYS_futex, &word,
		    FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &at,
		    NULL, ~0u));
	at.tv_sec = 1;
	ret("in the past", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE,
				   1, &at, NULL, ~0u));
	ret("empty bitset", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE,
				    1, &at, NULL, 0));
	ret("wake, empty bitset",
	    syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
}

static void *wait_on_word(void *bits)
{
	long r;

	waiting++;
	do {
		r = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 1,
			    NULL, NULL, (unsigned)(uintptr_t)bits);
	} while (r == -1 && errno == EINTR);
	if (r == 0)
		woken += 1;
	return NULL;
}

/* Starts n waiters and gives them the time to fall asleep. */
static void start(pthread_t *t, int n, const unsigned *bits)
{
	struct timespec ms = { 0, 20000000 };

	waiting = woken = 0;
	word = 1;
	for (int i = 0; i < n; i++)
		pthread_create(&t[i], NULL, wait_on_word,
			       (void *)(uintptr_t)bits[i]);
	while (waiting < n)
		sched_yield();
	nanosleep(&ms, NULL);
}

static void finish(const pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	val("woken in all", woken);
}

static void waking(void)
{
	static const unsigned all[4] = { ~0u, ~0u, ~0u, ~0u };
	static const unsigned parts[4] = { 1, 2, 4, 3 };
	pthread_t t[4];

	start(t, 4, all);
	ret("wake 1", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL));
	ret("wake 2", futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL));
	ret("wake the rest",
	    futex(&word, FUTEX_WAKE_PRIVATE, 0x7fffffff, NULL));
	ret("none left", futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL));
	finish(t, 4);
	start(t, 4, parts);
	ret("wake bit 3", syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE,
				  9, NULL, NULL, 8));
	ret("wake bit 2", syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE,
				  9, NULL, NULL, 4));
	ret("wake bit 0", syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE,
				  9, NULL, NULL, 1));
	ret("plain wake", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL));
	finish(t, 4);
	start(t, 4, all);
	ret("requeue", syscall(SYS_futex, &word, FUTEX_REQUEUE_PRIVATE, 1, 2UL,
			       &other, 0));
	ret("left on the first", futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL));
	ret("on the second", futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL));
	finish(t, 4);
	start(t, 4, all);
	ret("cmp_requeue, other value",
	    syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 9UL, &other,
		    5));
	ret("cmp_requeue", syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE,
				   1, 9UL, &other, 1));
	ret("on the second", futex(&other, FUTEX_WAKE_PRIVATE, 9, NULL));
	finish(t, 4);
}

/* ---- a thread without a library ---------------------------------------- */

static _Atomic uint32_t child_tid, parent_tid;
static _Alignas(16) char child_stack[32768];
static atomic_int child_ran, child_tid_ok;

static int child(void *arg)
{
	child_tid_ok = (long)parent_tid == syscall(SYS_gettid);
	child_ran = (int)(intptr_t)arg;
	syscall(SYS_exit, 0);
	return 0;
}

static void cloned(void)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		    CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
		    CLONE_CHILD_CLEARTID;
	uint32_t seen;
	int tid;

	child_tid = 1;
	tid = clone(child, child_stack + sizeof(child_stack), flags, (void *)77,
		    &parent_tid, NULL, &child_tid);
	yes("clone", tid > 0);
	while ((seen = child_tid) != 0)
		futex(&child_tid, FUTEX_WAIT, seen, NULL);
	val("child ran", child_ran);
	yes("parent_tid in time", child_tid_ok);
	yes("parent_tid is the result", (int)parent_tid == tid);
	yes("set_tid_address",
	    syscall(SYS_set_tid_address, &other) == syscall(SYS_gettid));
	ret("sched_yield", sched_yield());
	ret("set_robust_list, bad size", syscall(SYS_set_robust_list, NULL, 1));
}

int main(void)
{
	abi_start();
	alone();
	waking();
	cloned();
	return 0;
}
