/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest addresses at both edges of what there is, given to the monitor
 * directly: it must take an access that ends with the last byte of memory
 * and refuse one that goes a byte further.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "abi/guest.h"

#define BOOT   ((const struct mf_boot *)MF_BOOT_VA)
#define SHARED ((struct mf_shared *)MF_SHARED_VA)
#define SQ     ((struct mf_sqe *)MF_SQ_VA)
#define CQ     ((const struct mf_cqe *)MF_CQ_VA)

/* The statistics pages serve as memory whose guest address is known. */
#define TEXT ((char *)MF_STATS_VA)

static void ring(uint32_t op, uint64_t a0, uint64_t a1)
{
	SHARED->arg[0] = a0;
	SHARED->arg[1] = a1;
	((void (*)(uint32_t))BOOT->gate.doorbell)(op);
}

/* Submits one entry, waits for its completion, returns the result. */
static int64_t submit(struct mf_sqe sqe)
{
	static uint64_t next_id = 0x4d61796679ull << 20;
	uint32_t tail = atomic_load(&SHARED->ring.sq_tail);

	sqe.user_data = ++next_id;
	SQ[tail % MF_SQ_ENTRIES] = sqe;
	atomic_store(&SHARED->ring.sq_tail, tail + 1);
	for (;;) {
		uint32_t head = atomic_load(&SHARED->ring.cq_head);

		if (head == atomic_load(&SHARED->ring.cq_tail)) {
			ring(MF_DB_RING, MF_RING_WAIT, UINT64_MAX);
			continue;
		}
		atomic_store(&SHARED->ring.cq_head, head + 1);
		if (CQ[head % MF_CQ_ENTRIES].user_data == next_id)
			return CQ[head % MF_CQ_ENTRIES].res;
	}
}

static void print(const char *name, int64_t r)
{
	struct mf_sqe sqe = { .op = MF_OP_WRITE,
			      .handle = MF_HANDLE_STDOUT,
			      .addr = { MF_STATS_GPA } };
	const char *result = r == -EFAULT ? "EFAULT" :
			     r == -EINVAL ? "EINVAL" :
			     r == -EBADF  ? "EBADF" :
			     r == -ENOSYS ? "ENOSYS" :
			     r < 0	  ? "error" :
					    "ok";

	sqe.len = (uint32_t)snprintf(TEXT, 200, "%s: %s\n", name, result);
	submit(sqe);
}

/* A log line is the operation that only reads memory. */
static void reads(const char *name, uint64_t gpa, uint32_t len)
{
	print(name, submit((struct mf_sqe){
			    .op = MF_OP_LOG, .addr = { gpa }, .len = len }));
}

/* Console input (at its end) is one that may write. */
static void writes(const char *name, uint64_t gpa, uint32_t len)
{
	print(name, submit((struct mf_sqe){ .op = MF_OP_READ,
					    .handle = MF_HANDLE_STDIN,
					    .addr = { gpa },
					    .len = len }));
}

static void edges(void)
{
	uint64_t end = BOOT->ram_size;
	char *tail = (char *)MF_DIRECT_VA + end - 4;
	char saved[4];

	memcpy(saved, tail, 4);
	memcpy(tail, "tail", 4);
	reads("the last four bytes", end - 4, 4);
	memcpy(tail, saved, 4);
	reads("one more", end - 4, 5);
	reads("from the end", end, 1);
	reads("nothing at the end", end, 0);
	reads("beyond the end", end + 1, 1);
	reads("the last byte of all", UINT64_MAX, 1);
	reads("around the end of all", UINT64_MAX - 3, 8);
	reads("all of it", 8, UINT32_MAX);
	reads("half of it", 1ull << 63, 1);
	writes("write the last byte", end - 1, 1);
	writes("write one more", end - 1, 2);
	writes("write at the end", end, 1);
	writes("write the image", MF_IMAGE_GPA, 1);
	writes("write before the image", MF_IMAGE_GPA - 1, 1);
	writes("write across all", UINT64_MAX, 2);
	writes("too long", MF_STATS_GPA, MF_IO_LEN_MAX + 1);
}

static void entries(void)
{
	struct mf_sqe good = { .op = MF_OP_NOP };
	struct mf_sqe bad;

	print("nop", submit(good));
	bad = good;
	bad.op = MF_OP_COUNT;
	print("unknown operation", submit(bad));
	bad.op = 255;
	print("last operation", submit(bad));
	bad = good;
	bad.flags = 0x80;
	print("flags", submit(bad));
	bad = good;
	bad.reserved = 1;
	print("reserved", submit(bad));
	bad = good;
	bad.pad[1] = 1;
	print("padding", submit(bad));
	bad = (struct mf_sqe){ .op = MF_OP_SEND,
			       .handle = 4000,
			       .addr = { MF_STATS_GPA },
			       .len = 1 };
	print("handle that is free", submit(bad));
	bad.handle = MF_HANDLES_MAX;
	print("handle beyond the table", submit(bad));
	bad.handle = UINT32_MAX;
	print("last handle", submit(bad));
	bad.handle = MF_HANDLE_STDOUT;
	print("stream operation on the console", submit(bad));
	bad.op = MF_OP_ACCEPT;
	print("accept on the console", submit(bad));
	bad.op = MF_OP_LISTEN;
	print("listen on the console", submit(bad));
}

int main(void)
{
	edges();
	entries();
	ring(MF_DB_EXIT, 0, 0);
	return 1;
}
