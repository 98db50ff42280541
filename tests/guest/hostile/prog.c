/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that breaks its contract with the monitor, in the way that its
 * argument names. Program and kernel share one privilege level, so a program
 * can do whatever a broken kernel could.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/guest.h"

#define BOOT   ((const struct mf_boot *)MF_BOOT_VA)
#define SHARED ((struct mf_shared *)MF_SHARED_VA)
#define SQ     ((struct mf_sqe *)MF_SQ_VA)

static unsigned long number; /* the second argument */

static int64_t ring(uint32_t op, uint64_t a0, uint64_t a1)
{
	SHARED->arg[0] = a0;
	SHARED->arg[1] = a1;
	((void (*)(uint32_t))BOOT->gate.doorbell)(op);
	return SHARED->ret;
}

static void finish(int status)
{
	ring(MF_DB_EXIT, (uint64_t)status << 8, 0);
}

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void take_completions(void)
{
	atomic_store(&SHARED->ring.cq_head, atomic_load(&SHARED->ring.cq_tail));
}

static void sq_tail(void)
{
	atomic_fetch_add(&SHARED->ring.sq_tail, MF_SQ_ENTRIES + 1);
	ring(MF_DB_RING, 0, 0);
}

static void cq_head(void)
{
	atomic_fetch_add(&SHARED->ring.cq_head, 7777);
	atomic_fetch_add(&SHARED->ring.sq_tail, 1);
	ring(MF_DB_RING, 0, 0);
}

/* Random entries, mostly with a known operation and a small handle. */
static void garbage(void)
{
	for (int round = 0; round < 2000; round++) {
		uint64_t *words = (uint64_t *)MF_SQ_VA;

		for (size_t i = 0; i < MF_SQ_ENTRIES * 8; i++)
			words[i] = next_random();
		for (size_t i = 0; i < MF_SQ_ENTRIES; i++) {
			uint64_t r = next_random();

			SQ[i].op = (uint8_t)(r % (MF_OP_COUNT + 1));
			SQ[i].flags = 0;
			SQ[i].reserved = 0;
			SQ[i].pad[0] = SQ[i].pad[1] = 0;
			SQ[i].handle = (uint32_t)(r >> 8) % 5;
			/* Nothing may reach the test's own output. */
			if (SQ[i].op == MF_OP_WRITE || SQ[i].op == MF_OP_LOG)
				SQ[i].addr.v |= 1ull << 63;
		}
		atomic_fetch_add(&SHARED->ring.sq_tail, MF_SQ_ENTRIES);
		ring(MF_DB_RING, 0, 0);
		take_completions();
	}
	finish(7);
}

/* Nobody takes completions: the ring fills. */
static void full(void)
{
	memset((void *)MF_SQ_VA, 0, MF_SQ_ENTRIES * sizeof(struct mf_sqe));
	for (int i = 0; i < 10; i++) {
		uint32_t head = atomic_load(&SHARED->ring.sq_head);

		atomic_store(&SHARED->ring.sq_tail, head + MF_SQ_ENTRIES);
		ring(MF_DB_RING, 0, 0);
	}
	if (atomic_load(&SHARED->ring.cq_tail) -
		    atomic_load(&SHARED->ring.cq_head) >
	    MF_CQ_ENTRIES)
		finish(8);
	finish(7);
}

static void doorbell(void)
{
	ring((uint32_t)number, 0, 0);
	finish(7);
}

static void doorbell_loop(void)
{
	for (;;)
		ring((uint32_t)number, 0, 0);
}

static void say_results(const int64_t *r, size_t n)
{
	char text[200];
	int len = 0;

	for (size_t i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%ld ",
				(long)r[i]);
	text[len - 1] = '\n';
	if (write(1, text, (size_t)len) != len)
		_exit(9);
}

static void grow(void)
{
	int64_t r[] = {
		ring(MF_DB_GROW, 0, 0),
		ring(MF_DB_GROW, 4096, 0),
		ring(MF_DB_GROW, BOOT->ram_max + MF_HUGE_SIZE, 0),
		ring(MF_DB_GROW, ~0ull, 0),
		ring(MF_DB_GROW, 1ull << 63, 0),
		ring(MF_DB_GROW, MF_IMAGE_GPA + MF_HUGE_SIZE, 0),
	};

	say_results(r, sizeof(r) / sizeof(*r));
}

static int64_t discard_one(uint64_t gpa, uint64_t len)
{
	struct mf_range *list = (struct mf_range *)(MF_STATS_VA + 2048);

	list[0] = (struct mf_range){ 0x100000, 0 }; /* fine: empty */
	list[1] = (struct mf_range){ gpa, len };
	SHARED->arg[2] = 0;
	return ring(MF_DB_DISCARD, MF_STATS_GPA + 2048, 2);
}

static int64_t discard_list(uint64_t gpa, uint64_t count, uint64_t flags)
{
	SHARED->arg[2] = flags;
	return ring(MF_DB_DISCARD, gpa, count);
}

static void discard(void)
{
	uint64_t end = BOOT->ram_max;
	int64_t r[] = {
		discard_one(end, 4096),
		discard_one(end - 4096, 8192),
		discard_one(~0ull & ~4095ull, 4096),
		discard_one(4096, ~0ull & ~4095ull),
		discard_one(MF_IMAGE_GPA, 4096),
		discard_one(0x100001, 4096),
		discard_one(0x100000, 4095),
		discard_one(MF_PT_GPA - 4096, 4096),
		discard_list(MF_STATS_GPA, MF_DISCARD_MAX + 1, 0),
		discard_list(MF_STATS_GPA, ~0ull / 16, 0),
		discard_list(end - 8, 1, 0),
		discard_list(MF_STATS_GPA, 0, 2),
		discard_list(MF_STATS_GPA, 0, MF_DISCARD_FLUSH), /* fine */
		discard_one(0x100000, 0), /* fine */
	};

	say_results(r, sizeof(r) / sizeof(*r));
}

static void panic(void)
{
	memcpy((void *)MF_STATS_VA, "made up \x1b[31m\n reason", 21);
	ring(MF_DB_PANIC, MF_STATS_GPA, 21);
}

static void panic_outside(void)
{
	ring(MF_DB_PANIC, BOOT->ram_max - 4, number);
}

static void crash_outside(void)
{
	ring(MF_DB_CRASH, BOOT->ram_max - 8, 0);
	ring(MF_DB_EXIT, 11, 0);
}

static void exit_nonsense(void)
{
	ring(MF_DB_EXIT, number, 0);
}

/* The kernel's own data and bss. */
static void kernel_data(void)
{
	const struct mf_kernel_hdr *k = (const void *)MF_KERNEL_VA;

	memset((char *)MF_KERNEL_VA + k->text_size, (int)number,
	       (size_t)k->data_size + k->bss_size);
	for (;;)
		write(1, "x", 1);
}

static void kernel_text(void)
{
	*(volatile char *)(MF_KERNEL_VA + 64) = 0;
}

static void gate_text(void)
{
	*(volatile char *)MF_GATE_VA = 0;
}

static void image(void)
{
	*(volatile char *)MF_IMAGE_VA = 0;
}

static void kernel_exec(void)
{
	((void (*)(void))MF_DIRECT_VA)();
}

static void page_tables(void)
{
	memset((char *)MF_DIRECT_VA + BOOT->root_gpa, (int)number, 4096);
	ring(MF_DB_FLUSH, 0, 0);
	for (;;)
		write(1, "x", 1);
}

static void shared_page(void)
{
	memset(SHARED, (int)number, sizeof(*SHARED));
	((void (*)(uint32_t))BOOT->gate.doorbell)(MF_DB_RING);
	for (;;)
		write(1, "x", 1);
}

/* Traps and ticks are to arrive where nothing is. */
static void upcall(void)
{
	volatile char *volatile nowhere = (volatile char *)8;

	SHARED->upcall_config.upcall_entry = number;
	SHARED->upcall_config.upcall_stack = number;
	for (;;)
		*nowhere = 0;
}

static void wait_for_ever(void)
{
	ring(MF_DB_RING, MF_RING_WAIT, UINT64_MAX);
}

/* Uses what the host has, `number` MiB if it can, while it is said to wait. */
static void hog(void)
{
	uint64_t end = number << 20;

	ring(MF_DB_GROW, BOOT->ram_max, 0);
	SHARED->arg[0] = MF_RING_WAIT;
	SHARED->arg[1] = UINT64_MAX;
	SHARED->doorbell = 0x80000000u | MF_DB_RING; /* no call, no sleep */
	for (uint64_t at = 32ull << 20; at < end; at += MF_PAGE_SIZE)
		*((volatile char *)MF_DIRECT_VA + at) = 1;
	for (;;)
		;
}

static void out_port(void)
{
	__asm__ volatile("out %%eax, %%dx" : : "a"(1), "d"((int)number));
	finish(7);
}

static void in_port(void)
{
	uint32_t v;

	__asm__ volatile("in %%dx, %%eax" : "=a"(v) : "d"((int)number));
	finish(7);
}

static const struct way {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "sq-tail", sq_tail },
	{ "cq-head", cq_head },
	{ "garbage", garbage },
	{ "full", full },
	{ "doorbell", doorbell },
	{ "doorbell-loop", doorbell_loop },
	{ "grow", grow },
	{ "discard", discard },
	{ "panic", panic },
	{ "panic-outside", panic_outside },
	{ "crash-outside", crash_outside },
	{ "exit-nonsense", exit_nonsense },
	{ "kernel-data", kernel_data },
	{ "kernel-text", kernel_text },
	{ "gate-text", gate_text },
	{ "image", image },
	{ "kernel-exec", kernel_exec },
	{ "page-tables", page_tables },
	{ "shared-page", shared_page },
	{ "upcall", upcall },
	{ "wait", wait_for_ever },
	{ "hog", hog },
	{ "out", out_port },
	{ "in", in_port },
};

int main(int argc, char **argv)
{
	if (argc > 2)
		number = strtoul(argv[2], NULL, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(ways[i].name, argv[1])) {
			ways[i].run();
			return 0;
		}
	return 1;
}
