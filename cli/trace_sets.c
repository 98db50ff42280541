/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sets of names, with the values that the system's headers give, and how
 * values are printed with them.
 */
#include "cli/trace_sets.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>

struct trace_name {
	uint64_t value;
	const char *name; /* NULL ends a list */
};

struct trace_set {
	const char *unknown; /* what stands beside values without a name */
	uint64_t choice_mask; /* bits that are one choice; 0: none */
	const struct trace_name *choices;
	const struct trace_name *bits;
};

/* The three readings of cli/trace_sets.def. */
#define V(x)	{ (uint64_t)(uint32_t)(x), #x },
#define N(v, x) { v, #x },
#define END             \
	{               \
		0, NULL \
	}
#define LIST static const struct trace_name

#define BITS(set, unknown, names)   LIST set##_bits[] = { names END };
#define CHOICE(set, unknown, names) LIST set##_choices[] = { names END };
#define MIXED(set, unknown, mask, choices, bits) \
	LIST set##_choices[] = { choices END };  \
	LIST set##_bits[] = { bits END };
#include "cli/trace_sets.def"
#undef BITS
#undef CHOICE
#undef MIXED

static const struct trace_set sets[TRACE_SET_COUNT] = {
#define BITS(set, text, names) \
	[TRACE_SET_##set] = { .unknown = text, .bits = set##_bits },
#define CHOICE(set, text, names)                    \
	[TRACE_SET_##set] = { .unknown = text,      \
			      .choice_mask = ~0ull, \
			      .choices = set##_choices },
#define MIXED(set, text, mask, x, y)                    \
	[TRACE_SET_##set] = { .unknown = text,          \
			      .choice_mask = mask,      \
			      .choices = set##_choices, \
			      .bits = set##_bits },
#include "cli/trace_sets.def"
#undef BITS
#undef CHOICE
#undef MIXED
};

static const char *find(const struct trace_name *list, uint64_t value)
{
	for (; list->name; list++)
		if (list->value == value)
			return list->name;
	return NULL;
}

const char *trace_choice_name(enum trace_set_id id, uint64_t value)
{
	return sets[id].choices ? find(sets[id].choices, value) : NULL;
}

/* Prints the names of the bits, returns those that have none. */
static uint64_t put_bits(struct text *t, const struct trace_name *list,
			 uint64_t value, bool *put)
{
	for (; list && list->name; list++) {
		if ((value & list->value) != list->value ||
		    (!list->value && (value || *put)))
			continue;
		text_printf(t, "%s%s", *put ? "|" : "", list->name);
		*put = true;
		value &= ~list->value;
		if (!list->value)
			break;
	}
	return value;
}

void trace_put_set(struct text *t, unsigned id, uint64_t value)
{
	const struct trace_set *s = &sets[id];
	uint64_t choice = value & s->choice_mask, rest = value;
	const char *name = s->choices ? find(s->choices, choice) : NULL;
	bool put = name != NULL;

	if (name) {
		text_puts(t, name);
		rest &= ~s->choice_mask;
	}
	rest = put_bits(t, s->bits, rest, &put);
	if (rest && put)
		text_printf(t, "|%#llx", (unsigned long long)rest);
	else if (rest || (!put && s->choice_mask == ~0ull))
		text_printf(t, "%#llx /* %s */", (unsigned long long)rest,
			    s->unknown);
	else if (!put)
		text_puts(t, "0");
}
