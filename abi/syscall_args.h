/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How abi/syscall_args.def is read. An argument is a kind and, where the kind
 * says so, the number of the argument that is its length (WITH) or the set of
 * names that it is printed with (FLAGS, ENUM; of interest to the printer
 * only, which defines MF_ARG_SET first).
 *
 * A call's arguments are copied and printed in order: those before the first
 * one that the call fills in when it begins, the others when it returns.
 */
#ifndef ABI_SYSCALL_ARGS_H
#define ABI_SYSCALL_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/trace.h"

#define MF_CALL_ARGS 6u

enum mf_arg_when {
	MF_ARG_NEVER, /* a number: nothing to copy */
	MF_ARG_IN, /* the program filled it */
	MF_ARG_OUT, /* the call fills it, if it succeeds */
	MF_ARG_OUT_ALWAYS, /* also if it fails */
	MF_ARG_BOTH, /* in; what the call made of it belongs to its result */
	MF_ARG_INOUT, /* out, and what it was before */
};

/* What to copy; `size` of the kind is said in brackets. */
enum mf_arg_how {
	MF_ARG_NOTHING,
	MF_ARG_FIXED, /* [bytes] */
	MF_ARG_TRY, /* [bytes], or as many as there are */
	MF_ARG_STRING, /* to the NUL [bytes at most] */
	MF_ARG_STRINGS, /* an array of pointers to strings, up to NULL */
	MF_ARG_BYTES, /* an argument is the length [at most] */
	MF_ARG_RESULT_BYTES, /* the result is the length [at most]; more than
			      * an argument, if one is named, is not there */
	MF_ARG_POINTED_BYTES, /* the length is where one points [at most] */
	MF_ARG_ARRAY, /* an argument is the count [bytes of an element] */
	MF_ARG_RESULT_ARRAY, /* the result is the count */
	MF_ARG_PAGE_VECTOR, /* a byte for each page that argument 1 spans */
	MF_ARG_FDSET, /* argument 0 is the number of bits */
	MF_ARG_POINTED, /* a pointer, and [bytes] where it points */
	MF_ARG_CLONE_ARGS, /* an argument is the length [at most]; what
			    * parent_tid points to */
	MF_ARG_IOV, /* struct iovec; an argument is the count */
	MF_ARG_RESULT_IOV, /* the same; the result is the bytes in all */
	MF_ARG_MSG, /* struct msghdr */
	MF_ARG_RESULT_MSG,
	MF_ARG_MMSG, /* struct mmsghdr; an argument is the count */
	MF_ARG_RESULT_MMSG, /* the result is the count */
};

enum mf_arg_kind {
	MF_ARG_KIND_NONE = 0, /* no such argument */
#define KIND(name, when, how, size) MF_ARG_KIND_##name,
#define CALL(...)
#include "abi/syscall_args.def"
#undef CALL
#undef KIND
	MF_ARG_KIND_COUNT,
};

/* An argument in a row; the upper half is the other argument or the set. */
#define MF_ARG(kind, with)  ((uint16_t)(MF_ARG_KIND_##kind | (with) << 8))
#define MF_ARG_KIND_OF(arg) ((arg)&0xffu)
#define MF_ARG_WITH_OF(arg) ((unsigned)(arg) >> 8)

/* Where things are in structures of Linux. */
#define MF_ARG_SIGMASK_OFF    296u /* uc_sigmask in a struct ucontext */
#define MF_ARG_PARENT_TID_OFF 24u /* in a struct clone_args */

/* For includers of the rows. */
#define K(kind)		 MF_ARG(kind, 0)
#define WITH(kind, with) MF_ARG(kind, with)
#define FLAGS(set)	 MF_ARG(FLAGS, MF_ARG_SET(set))
#define ENUM(set)	 MF_ARG(ENUM, MF_ARG_SET(set))

/* Such an argument, and what follows it, waits for the end of the call. */
static inline bool mf_arg_at_exit(unsigned when)
{
	return when == MF_ARG_OUT || when == MF_ARG_OUT_ALWAYS ||
	       when == MF_ARG_INOUT;
}

struct mf_arg_rule {
	uint8_t when; /* enum mf_arg_when */
	uint8_t how; /* enum mf_arg_how */
	uint16_t size;
};

#endif
