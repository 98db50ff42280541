/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies what the arguments of a system call name in the program's memory
 * into the call's record, as abi/syscall_args.def says. What cannot be read
 * is left out: the reader then shows the address.
 */
#define MF_ARG_SET(set) 0u
#include "arch.h"
#include "core/trace.h"
#include "core/uaccess.h"

#define IOV_MAX_SHOWN  1024u
#define MSG_NAME_MAX   128u
#define MSG_CTL_MAX    256u
#define STRINGS_MAX    1024u
#define FDSET_BITS_MAX 1024u

static const struct mf_arg_rule rules[MF_ARG_KIND_COUNT] = {
#define KIND(name, when, how, size) \
	[MF_ARG_KIND_##name] = { MF_ARG_##when, MF_ARG_##how, size },
#define CALL(...)
#include "abi/syscall_args.def"
#undef CALL
#undef KIND
};

static const uint16_t calls[MF_TRACE_CALLS][MF_CALL_ARGS] = {
#define KIND(...)
#define CALL(nr, name, result, ...) [nr] = { __VA_ARGS__ },
#include "abi/syscall_args.def"
#undef CALL
#undef KIND
};

/* Layouts of Linux, as far as they are followed here. */
struct iovec_user {
	uint64_t base, len;
};

struct msghdr_user {
	uint64_t name;
	uint32_t name_len, pad;
	uint64_t iov, iov_count;
	uint64_t control, control_len;
	uint64_t flags;
};

struct mmsghdr_user {
	struct msghdr_user hdr;
	uint64_t len;
};

struct arg {
	const struct mf_arg_rule *rule;
	uint64_t addr;
	uint64_t with; /* value of the argument that is the length ... */
	bool has_with; /* ... if there is one */
	int64_t ret; /* < 0: failed; at the call's begin 0 */
	const uint64_t *all; /* of the call */
	bool at_exit;
};

/* All of [addr, addr + len), or nothing. */
static bool add_all(struct trace_record *t, uint64_t addr, uint64_t len)
{
	if (!len || len > trace_room(t) || !user_can_read(addr, len))
		return false;
	trace_add(t, addr, len);
	return true;
}

/* From its start as much as can be read. */
static void add_some(struct trace_record *t, uint64_t addr, uint64_t len)
{
	len = min_u64(len, trace_room(t));
	trace_add(t, addr, user_usable_len(addr, len, false));
}

static bool add_string(struct trace_record *t, uint64_t addr, uint64_t max)
{
	uint64_t len =
		user_usable_len(addr, min_u64(max, trace_room(t)), false);
	const char *s = (const char *)(uintptr_t)addr;
	uint64_t n = 0;

	while (n < len && s[n])
		n++;
	if (!len || (n == len && len < max))
		return false; /* runs into what cannot be read */
	trace_add(t, addr, n < len ? n + 1 : n);
	return true;
}

static void add_strings(struct trace_record *t, uint64_t addr)
{
	uint64_t max = min_u64(t->text_max, STRINGS_MAX) + 1;
	uint64_t count = 0, item;

	while (count < max &&
	       copy_from_user(&item, addr + 8 * count, sizeof(item)) == 0) {
		count++;
		if (!item)
			break;
		add_string(t, item, (uint64_t)t->text_max + 1);
	}
	add_some(t, addr, 8 * count);
}

/* At most `total` bytes of the contents in all. */
static void add_iov(struct trace_record *t, uint64_t addr, uint64_t count,
		    uint64_t total)
{
	struct iovec_user v;

	count = min_u64(min_u64(count, t->text_max), IOV_MAX_SHOWN);
	if (!add_all(t, addr, count * sizeof(v)))
		return;
	for (uint64_t i = 0; i < count && total; i++) {
		if (copy_from_user(&v, addr + i * sizeof(v), sizeof(v)) < 0)
			return;
		v.len = min_u64(v.len, total);
		total -= v.len;
		add_some(t, v.base, min_u64(v.len, t->text_max));
	}
}

static void add_msg(struct trace_record *t, uint64_t addr, uint64_t size,
		    uint64_t total)
{
	struct msghdr_user m;

	if (copy_from_user(&m, addr, sizeof(m)) < 0 || !add_all(t, addr, size))
		return;
	add_some(t, m.name, min_u64(m.name_len, MSG_NAME_MAX));
	add_iov(t, m.iov, m.iov_count, total);
	add_some(t, m.control, min_u64(m.control_len, MSG_CTL_MAX));
}

static void add_mmsg(struct trace_record *t, uint64_t addr, uint64_t count,
		     bool received)
{
	struct mmsghdr_user m;

	count = min_u64(min_u64(count, t->text_max), IOV_MAX_SHOWN);
	for (uint64_t i = 0; i < count; i++, addr += sizeof(m)) {
		if (copy_from_user(&m, addr, sizeof(m)) < 0)
			return;
		add_msg(t, addr, sizeof(m), received ? m.len : UINT64_MAX);
	}
}

/* ---- one for each enum mf_arg_how --------------------------------------- */

static uint64_t max_len(const struct trace_record *t, const struct arg *a)
{
	return a->rule->size ? a->rule->size : t->text_max;
}

static void copy_fixed(struct trace_record *t, const struct arg *a)
{
	add_all(t, a->addr, a->rule->size);
}

static void copy_try(struct trace_record *t, const struct arg *a)
{
	add_some(t, a->addr, a->rule->size);
}

static void copy_string(struct trace_record *t, const struct arg *a)
{
	/* One more byte tells whether it is longer than what is shown. */
	add_string(t, a->addr, max_len(t, a) + !a->rule->size);
}

static void copy_strings(struct trace_record *t, const struct arg *a)
{
	add_strings(t, a->addr);
}

static void copy_bytes(struct trace_record *t, const struct arg *a)
{
	add_some(t, a->addr, min_u64(a->with, max_len(t, a)));
}

static void copy_result_bytes(struct trace_record *t, const struct arg *a)
{
	uint64_t room = a->has_with ? a->with : UINT64_MAX;

	add_some(t, a->addr,
		 min_u64(min_u64((uint64_t)a->ret, room), max_len(t, a)));
}

static void copy_pointed_bytes(struct trace_record *t, const struct arg *a)
{
	uint32_t len;

	if (copy_from_user(&len, a->with, sizeof(len)) == 0)
		add_some(t, a->addr, min_u64(len, max_len(t, a)));
}

static void copy_array(struct trace_record *t, const struct arg *a)
{
	add_some(t, a->addr, min_u64(a->with, t->text_max) * a->rule->size);
}

static void copy_result_array(struct trace_record *t, const struct arg *a)
{
	add_some(t, a->addr,
		 min_u64((uint64_t)a->ret, t->text_max) * a->rule->size);
}

static void copy_page_vector(struct trace_record *t, const struct arg *a)
{
	uint64_t len = a->all[1];
	uint64_t pages = len / PAGE_SIZE + !!(len % PAGE_SIZE);

	add_some(t, a->addr, min_u64(pages, t->text_max));
}

static void copy_fdset(struct trace_record *t, const struct arg *a)
{
	uint64_t bits = min_u64(a->all[0], FDSET_BITS_MAX);

	add_some(t, a->addr, ALIGN_UP(bits, 64) / 8);
}

static void copy_pointed(struct trace_record *t, const struct arg *a)
{
	uint64_t to;

	if (copy_from_user(&to, a->addr, sizeof(to)) < 0)
		return;
	add_some(t, a->addr, 2 * sizeof(to)); /* with what follows it */
	add_all(t, to, a->rule->size);
}

static void copy_clone_args(struct trace_record *t, const struct arg *a)
{
	uint64_t parent_tid;

	copy_bytes(t, a);
	if (copy_from_user(&parent_tid, a->addr + MF_ARG_PARENT_TID_OFF,
			   sizeof(parent_tid)) == 0)
		add_all(t, parent_tid, sizeof(uint32_t));
}

static void copy_iov(struct trace_record *t, const struct arg *a)
{
	add_iov(t, a->addr, a->with, UINT64_MAX);
}

static void copy_result_iov(struct trace_record *t, const struct arg *a)
{
	add_iov(t, a->addr, a->with, (uint64_t)a->ret);
}

static void copy_msg(struct trace_record *t, const struct arg *a)
{
	add_msg(t, a->addr, sizeof(struct msghdr_user), UINT64_MAX);
}

static void copy_result_msg(struct trace_record *t, const struct arg *a)
{
	add_msg(t, a->addr, sizeof(struct msghdr_user), (uint64_t)a->ret);
}

static void copy_mmsg(struct trace_record *t, const struct arg *a)
{
	add_mmsg(t, a->addr, a->with, false);
}

static void copy_result_mmsg(struct trace_record *t, const struct arg *a)
{
	add_mmsg(t, a->addr, (uint64_t)a->ret, true);
}

typedef void (*copy_fn)(struct trace_record *t, const struct arg *a);

static const copy_fn copy_fns[] = {
	[MF_ARG_FIXED] = copy_fixed,
	[MF_ARG_TRY] = copy_try,
	[MF_ARG_STRING] = copy_string,
	[MF_ARG_STRINGS] = copy_strings,
	[MF_ARG_BYTES] = copy_bytes,
	[MF_ARG_RESULT_BYTES] = copy_result_bytes,
	[MF_ARG_POINTED_BYTES] = copy_pointed_bytes,
	[MF_ARG_ARRAY] = copy_array,
	[MF_ARG_RESULT_ARRAY] = copy_result_array,
	[MF_ARG_PAGE_VECTOR] = copy_page_vector,
	[MF_ARG_FDSET] = copy_fdset,
	[MF_ARG_POINTED] = copy_pointed,
	[MF_ARG_CLONE_ARGS] = copy_clone_args,
	[MF_ARG_IOV] = copy_iov,
	[MF_ARG_RESULT_IOV] = copy_result_iov,
	[MF_ARG_MSG] = copy_msg,
	[MF_ARG_RESULT_MSG] = copy_result_msg,
	[MF_ARG_MMSG] = copy_mmsg,
	[MF_ARG_RESULT_MMSG] = copy_result_mmsg,
};

/* The first argument that is looked at only when the call has returned. */
static unsigned split_at(const uint16_t *args)
{
	unsigned i;

	for (i = 0; i < MF_CALL_ARGS; i++) {
		if (mf_arg_at_exit(rules[MF_ARG_KIND_OF(args[i])].when))
			break;
	}
	return i;
}

static bool due(const struct arg *a, bool before_split)
{
	switch ((enum mf_arg_when)a->rule->when) {
	case MF_ARG_IN:
		return before_split != a->at_exit;
	case MF_ARG_OUT:
		return a->at_exit && a->ret >= 0;
	case MF_ARG_OUT_ALWAYS:
		return a->at_exit;
	case MF_ARG_BOTH:
	case MF_ARG_INOUT:
		return true;
	case MF_ARG_NEVER:
		break;
	}
	return false;
}

void trace_args_copy(struct trace_record *t, bool at_exit)
{
	const struct mf_trace_record *h = t->head;
	const uint16_t *args;
	unsigned split;

	if (h->nr >= MF_TRACE_CALLS)
		return;
	args = calls[h->nr];
	split = split_at(args);
	for (unsigned i = 0; i < MF_CALL_ARGS; i++) {
		unsigned with = MF_ARG_WITH_OF(args[i]);
		struct arg a = {
			.rule = &rules[MF_ARG_KIND_OF(args[i])],
			.addr = h->arg[i],
			.with = with < MF_CALL_ARGS ? h->arg[with] : 0,
			.has_with = with != 0,
			.ret = at_exit ? h->ret : 0,
			.all = h->arg,
			.at_exit = at_exit,
		};

		if (a.addr && due(&a, i < split))
			copy_fns[a.rule->how](t, &a);
	}
}
