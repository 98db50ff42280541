/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of calls and signals. The classes are strace's: what takes a path or
 * a descriptor follows from the table of arguments, the others are listed.
 */
#include "cli/trace_filter.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trace_call.h"
#include "host/opts.h"

#define WORD_MAX_LEN 64

void trace_filter_init(struct trace_filter *f)
{
	memset(f, 0xff, sizeof(*f));
}

/* ---- classes ------------------------------------------------------------ */

static const char network[] =
	" socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind "
	"listen getsockname getpeername socketpair setsockopt getsockopt "
	"accept4 recvmmsg sendmmsg ";
static const char memory[] =
	" mmap mprotect munmap brk mremap msync mincore madvise mlock munlock "
	"mlockall munlockall mbind set_mempolicy get_mempolicy mlock2 "
	"pkey_mprotect ";
static const char process[] =
	" clone fork vfork execve exit wait4 exit_group waitid execveat clone3 "
	"kill tkill tgkill arch_prctl rt_sigqueueinfo rt_tgsigqueueinfo ";
static const char signals[] =
	" rt_sigaction rt_sigprocmask rt_sigreturn pause kill rt_sigpending "
	"rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack tkill "
	"tgkill rt_tgsigqueueinfo ";
/* Descriptors that are made, or hidden in memory. */
static const char makes_fd[] =
	" pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 "
	"eventfd eventfd2 timerfd_create inotify_init inotify_init1 "
	"memfd_create open creat ";

static bool listed(const char *list, const char *name)
{
	char word[WORD_MAX_LEN];

	snprintf(word, sizeof(word), " %s ", name);
	return strstr(list, word) != NULL;
}

static bool has_kind(const struct trace_row *row, unsigned kind)
{
	for (unsigned i = 0; i < MF_CALL_ARGS; i++)
		if (MF_ARG_KIND_OF(row->args[i]) == kind)
			return true;
	return false;
}

static bool in_file(const struct trace_row *row)
{
	return has_kind(row, MF_ARG_KIND_PATH) ||
	       has_kind(row, MF_ARG_KIND_OUT_CWD);
}

static bool in_network(const struct trace_row *row)
{
	return listed(network, row->name);
}

static bool in_desc(const struct trace_row *row)
{
	return !in_network(row) && (has_kind(row, MF_ARG_KIND_FD) ||
				    has_kind(row, MF_ARG_KIND_DIRFD) ||
				    listed(makes_fd, row->name));
}

static bool in_memory(const struct trace_row *row)
{
	return listed(memory, row->name);
}

static bool in_process(const struct trace_row *row)
{
	return listed(process, row->name);
}

static bool in_signal(const struct trace_row *row)
{
	return listed(signals, row->name);
}

static const struct class
{
	const char *name;
	bool (*has)(const struct trace_row *row);
} classes[] = {
	{ "file", in_file },	   { "network", in_network },
	{ "net", in_network },	   { "memory", in_memory },
	{ "process", in_process }, { "signal", in_signal },
	{ "desc", in_desc },
};

#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))

static const struct class *class_find(const char *name)
{
	for (size_t i = 0; i < CLASS_COUNT; i++)
		if (strcmp(classes[i].name, name) == 0)
			return &classes[i];
	return NULL;
}

/* ---- words -------------------------------------------------------------- */

static void add_bit(uint64_t *set, unsigned bit)
{
	set[bit / 64] |= 1ull << bit % 64;
}

static int add_class(uint64_t *set, const char *name, struct err *e)
{
	const struct class *class = class_find(name);

	if (!class)
		return err_set(e, EINVAL,
			       "there is no class %%%s of system calls; the "
			       "classes are %%file, %%desc, %%network, "
			       "%%memory, %%process and %%signal",
			       name);
	for (uint32_t nr = 0; nr < MF_TRACE_CALLS; nr++)
		if (trace_row(nr)->name && class->has(trace_row(nr)))
			add_bit(set, nr);
	return 0;
}

static int no_such_call(const char *word, struct err *e)
{
	const char *names[MF_TRACE_CALLS + 1];
	const char *near;
	size_t n = 0;

	for (uint32_t nr = 0; nr < MF_TRACE_CALLS; nr++)
		if (trace_call_name(nr))
			names[n++] = trace_call_name(nr);
	names[n] = NULL;
	near = opts_nearest(word, names);
	if (near)
		return err_set(e, EINVAL,
			       "there is no system call %s; did you mean %s?",
			       word, near);
	return err_set(e, EINVAL, "there is no system call %s", word);
}

static int add_call(void *arg, const char *word, struct err *e)
{
	uint64_t *set = arg;
	bool found = false;

	if (word[0] == '%')
		return add_class(set, word + 1, e);
	for (uint32_t nr = 0; nr < MF_TRACE_CALLS; nr++) {
		const char *name = trace_call_name(nr);

		if (name && strcmp(name, word) == 0) {
			add_bit(set, nr);
			found = true;
		}
	}
	/* Words that strace knows as classes without the sign. */
	if (!found && class_find(word))
		return add_class(set, word, e);
	return found ? 0 : no_such_call(word, e);
}

/* 0 if there is none. */
static int signal_number(const char *word)
{
	const char *name = strncasecmp(word, "SIG", 3) == 0 ? word + 3 : word;
	char *end;
	long nr = strtol(word, &end, 10);

	if (!*end)
		return nr >= 1 && nr <= 64 ? (int)nr : 0;
	for (int sig = 1; sig < 32; sig++) {
		const char *abbrev = sigabbrev_np(sig);

		if (abbrev && strcasecmp(abbrev, name) == 0)
			return sig;
	}
	return 0;
}

static int add_signal(void *set, const char *word, struct err *e)
{
	int sig = signal_number(word);

	if (!sig)
		return err_set(e, EINVAL, "there is no signal %s", word);
	add_bit(set, (unsigned)sig - 1);
	return 0;
}

/* ---- lists -------------------------------------------------------------- */

typedef int (*add_fn)(void *set, const char *word, struct err *e);

/* Adds every word between commas. */
static int add_words(const char *list, add_fn add, void *set, struct err *e)
{
	char word[WORD_MAX_LEN];
	int r = 0;

	while (r == 0) {
		size_t len = strcspn(list, ",");

		if (len == 0 || len >= sizeof(word))
			return err_set(e, EINVAL,
				       "a name is missing or too long at "
				       "\"%.20s\"",
				       list);
		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		r = add(set, word, e);
		if (!list[len])
			break;
		list += len + 1;
	}
	return r;
}

struct list_spec {
	add_fn add;
	size_t words; /* of 64 bits in the set */
};

static int parse_list(uint64_t *ret, const char *list,
		      const struct list_spec *s, struct err *e)
{
	bool negated = list[0] == '!';
	uint64_t set[MF_TRACE_CALLS / 64] = { 0 };
	int r = 0;

	list += negated;
	if (strcmp(list, "all") == 0)
		memset(set, 0xff, sizeof(set));
	else if (strcmp(list, "none") != 0)
		r = add_words(list, s->add, set, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->words; i++)
		ret[i] = negated ? ~set[i] : set[i];
	return 0;
}

int trace_filter_calls(struct trace_filter *f, const char *list, struct err *e)
{
	const struct list_spec s = { add_call, MF_TRACE_CALLS / 64 };

	return parse_list(f->calls, list, &s, e);
}

int trace_filter_signals(struct trace_filter *f, const char *list,
			 struct err *e)
{
	const struct list_spec s = { add_signal, 1 };

	return parse_list(&f->signals, list, &s, e);
}
