/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace of a guest's system calls: what the parent asks for, and the
 * stream that comes back. The kernel makes records, the monitor carries the
 * bytes to a descriptor of the parent and does not look at them, the reader
 * trusts nothing in them. docs/formats/trace.md is the prose.
 */
#ifndef ABI_TRACE_H
#define ABI_TRACE_H

#include <stdatomic.h>
#include <stdint.h>

#define MF_TRACE_MAGIC	    0x6563617274464d00ull /* "\0MFtrace" */
#define MF_TRACE_BUF_SIZE   (128u << 10) /* bytes, most in one doorbell */
#define MF_TRACE_RECORD_MAX (64u << 10) /* bytes of one record */
#define MF_TRACE_TEXT_MAX   16384u /* highest text_max */
#define MF_TRACE_PATH_MAX   4096u /* bytes of a path with its NUL */
#define MF_TRACE_CALLS	    512u /* the last bit is for all from it on */

enum mf_trace_flag {
	MF_TRACE_ON = 1u,
	MF_TRACE_BRIEF = 2u, /* records without memory */
};

struct mf_trace_config {
	uint32_t flags; /* enum mf_trace_flag */
	uint32_t text_max; /* bytes of a string, elements of an array */
	uint64_t calls[MF_TRACE_CALLS / 64]; /* bit n: trace call n */
};

/* In the shared page; written by the monitor. seq is odd while it writes. */
struct mf_trace_shared {
	_Atomic uint32_t seq; /* 0: never traced; changes with config */
	uint32_t pad;
	struct mf_trace_config config;
};

enum mf_trace_kind {
	MF_TRACE_START = 1, /* the first record */
	MF_TRACE_ENTER = 2, /* a call begins, or is under way at the start */
	MF_TRACE_EXIT = 3, /* it has returned */
	MF_TRACE_SIGNAL = 4, /* a signal is delivered to the thread */
	MF_TRACE_END = 5, /* the thread has ended */
};

/*
 * Followed by mem_count times a struct mf_trace_mem, each with its bytes,
 * padded to a multiple of 8.
 */
struct mf_trace_record {
	uint32_t size; /* bytes of all, a multiple of 8 */
	uint16_t kind; /* enum mf_trace_kind */
	uint16_t mem_count;
	uint32_t tid;
	uint32_t nr; /* of the call, or of the signal */
	uint64_t time_ns; /* monotonic clock */
	/*
	 * START: MF_TRACE_MAGIC, the realtime clock, how many threads there
	 * are. SIGNAL: si_code, si_pid, si_uid, si_addr or si_value.
	 */
	uint64_t arg[6];
	int64_t ret; /* EXIT: result; END: wait status */
	uint64_t cpu_ns; /* EXIT: processor time in the call */
};

/* What stood in the program's memory at `addr`. */
struct mf_trace_mem {
	uint64_t addr;
	uint32_t len;
	uint32_t pad;
};

_Static_assert(sizeof(struct mf_trace_record) == 88, "mf_trace_record");
_Static_assert(sizeof(struct mf_trace_mem) == 16, "mf_trace_mem");

#endif
