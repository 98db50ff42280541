/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, select and epoll. A time the program gave in memory is updated with
 * what is left of it, as Linux does for ppoll and both selects.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>

#include "core/alloc.h"
#include "core/rlimit.h"
#include "core/signal.h"
#include "core/time.h"
#include "fs/epoll.h"
#include "fs/poll.h"
#include "sys/clock.h"
#include "sys/syscall.h"

#define POLLNVAL 0x20u

struct upollfd {
	int fd;
	uint16_t events, revents;
};

/* Milliseconds of poll and epoll_wait; negative waits for ever. */
static uint64_t deadline_ms(int ms)
{
	if (ms < 0)
		return DEADLINE_NEVER;
	return ms ? time_deadline((uint64_t)ms * 1000000u) : 0;
}

/* A timespec of the program, 0 for none; 0, -EFAULT or -EINVAL. */
static int deadline_user(uint64_t uts, uint64_t *ret_deadline)
{
	struct __kernel_timespec ts;
	uint64_t ns;

	*ret_deadline = DEADLINE_NEVER;
	if (!uts)
		return 0;
	if (copy_from_user(&ts, uts, sizeof(ts)) < 0)
		return -EFAULT;
	if (!clock_timespec_ok(&ts))
		return -EINVAL;
	ns = clock_ns(&ts);
	*ret_deadline = ns ? time_deadline(ns) : 0;
	return 0;
}

static uint64_t left_of(uint64_t deadline_ns)
{
	uint64_t now = time_mono_ns();

	return deadline_ns > now ? deadline_ns - now : 0;
}

static void put_left(uint64_t uts, uint64_t deadline_ns)
{
	struct __kernel_timespec ts;

	if (!uts || deadline_ns == DEADLINE_NEVER)
		return;
	clock_timespec(left_of(deadline_ns), &ts);
	copy_to_user(uts, &ts, sizeof(ts));
}

/* The temporary mask of ppoll and epoll_pwait; 0: none. */
static int take_mask(uint64_t umask, uint64_t size)
{
	uint64_t mask;

	if (!umask)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)) < 0)
		return -EFAULT;
	signal_mask_temporarily(mask);
	return 0;
}

/* Only a call that was interrupted lets handlers see the temporary mask. */
static long settle_mask(long n)
{
	if (n != -EINTR)
		signal_mask_back();
	return n;
}

/* ---- poll --------------------------------------------------------------- */

static long do_poll(uint64_t ufds, uint64_t count, uint64_t deadline_ns)
{
	struct upollfd *fds = (struct upollfd *)(uintptr_t)ufds;
	struct poll_entry *entries;
	long n;

	if (count > rlimit_nofile())
		return -EINVAL;
	if (!user_can_write(ufds, count * sizeof(*fds)))
		return -EFAULT;
	entries = poll_entries_new((uint32_t)count);
	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct file *f = fd_get(fds[i].fd);

		if (f)
			entries[i].file = file_ref(f);
		else if (fds[i].fd >= 0)
			entries[i].revents = POLLNVAL;
		entries[i].events = fds[i].events;
	}
	n = poll_files(entries, (uint32_t)count, deadline_ns);
	if (n >= 0 && user_can_write(ufds, count * sizeof(*fds)))
		for (uint32_t i = 0; i < count; i++)
			fds[i].revents = (uint16_t)entries[i].revents;
	poll_entries_free(entries, (uint32_t)count);
	return n;
}

long sys_poll(struct mf_regs *r)
{
	return do_poll(r->rdi, (uint32_t)r->rsi, deadline_ms((int)r->rdx));
}

long sys_ppoll(struct mf_regs *r)
{
	uint64_t deadline;
	long n;
	int err = deadline_user(r->rdx, &deadline);

	if (!err)
		err = take_mask(r->r10, r->r8);
	if (err)
		return err;
	n = settle_mask(do_poll(r->rdi, (uint32_t)r->rsi, deadline));
	put_left(r->rdx, deadline);
	return n;
}

/* ---- select ------------------------------------------------------------- */

#define SELECT_IN  (EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR)
#define SELECT_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR)
#define SELECT_PRI (EPOLLPRI)

static const uint32_t select_events[3] = { SELECT_IN, SELECT_OUT, SELECT_PRI };

struct select_args {
	int count; /* descriptors looked at */
	uint64_t usets[3]; /* 0: absent */
};

static uint64_t set_bytes(const struct select_args *a)
{
	return ((uint64_t)a->count + 63) / 64 * 8;
}

static bool set_has(uint64_t uset, int fd)
{
	const uint64_t *words = (const uint64_t *)(uintptr_t)uset;

	return uset && (words[fd / 64] & (1ull << (fd % 64)));
}

static uint32_t wanted_events(const struct select_args *a, int fd)
{
	uint32_t events = 0;

	for (int s = 0; s < 3; s++)
		if (set_has(a->usets[s], fd))
			events |= select_events[s];
	return events;
}

/* Fills entries for the descriptors asked for; their number or -EBADF. */
static int select_collect(const struct select_args *a,
			  struct poll_entry *entries)
{
	int n = 0;

	for (int fd = 0; fd < a->count; fd++) {
		uint32_t events = wanted_events(a, fd);
		struct file *f = fd_get(fd);

		if (!events)
			continue;
		if (!f) {
			poll_entries_free(entries, (uint32_t)n);
			return -EBADF;
		}
		entries[n++] = (struct poll_entry){ .file = file_ref(f),
						    .events = events,
						    .index = fd };
	}
	return n;
}

static long select_report(const struct select_args *a,
			  const struct poll_entry *entries, int n)
{
	long bits = 0;

	for (int s = 0; s < 3; s++) {
		uint64_t *words = (uint64_t *)(uintptr_t)a->usets[s];

		if (!words || !user_can_write(a->usets[s], set_bytes(a)))
			continue;
		for (int i = 0; i < n; i++) {
			const struct poll_entry *e = &entries[i];
			uint64_t bit = 1ull << (e->index % 64);

			if (!(words[e->index / 64] & bit))
				continue;
			if (e->revents & select_events[s])
				bits++;
			else
				words[e->index / 64] &= ~bit;
		}
	}
	return bits;
}

static long do_select(struct select_args *a, uint64_t deadline_ns)
{
	struct poll_entry *entries;
	long res;
	int n;

	if (a->count < 0)
		return -EINVAL;
	if (a->count > FD_MAX)
		a->count = FD_MAX;
	for (int s = 0; s < 3; s++)
		if (a->usets[s] && !user_can_write(a->usets[s], set_bytes(a)))
			return -EFAULT;
	entries = poll_entries_new((uint32_t)a->count);
	if (!entries)
		return -ENOMEM;
	n = select_collect(a, entries);
	if (n < 0)
		return n;
	res = poll_files(entries, (uint32_t)n, deadline_ns);
	if (res >= 0)
		res = select_report(a, entries, n);
	poll_entries_free(entries, (uint32_t)n);
	return res;
}

long sys_select(struct mf_regs *r)
{
	struct select_args a = { (int)r->rdi, { r->rsi, r->rdx, r->r10 } };
	struct __kernel_old_timeval tv;
	uint64_t deadline = DEADLINE_NEVER, left;
	long n;

	if (r->r8) {
		if (copy_from_user(&tv, r->r8, sizeof(tv)) < 0)
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		left = tv.tv_sec > 1000000000l ?
			       DEADLINE_NEVER :
			       (uint64_t)tv.tv_sec * NS_PER_SEC +
				       (uint64_t)tv.tv_usec * 1000u;
		deadline = left ? time_deadline(left) : 0;
	}
	n = do_select(&a, deadline);
	if (r->r8 && deadline != DEADLINE_NEVER) {
		left = left_of(deadline);
		tv.tv_sec = (long)(left / NS_PER_SEC);
		tv.tv_usec = (long)(left % NS_PER_SEC / 1000u);
		copy_to_user(r->r8, &tv, sizeof(tv));
	}
	return n;
}

long sys_pselect6(struct mf_regs *r)
{
	struct select_args a = { (int)r->rdi, { r->rsi, r->rdx, r->r10 } };
	struct {
		uint64_t umask, size;
	} sig = { 0 };
	uint64_t deadline;
	long n;
	int err = deadline_user(r->r8, &deadline);

	if (!err && r->r9)
		err = copy_from_user(&sig, r->r9, sizeof(sig));
	if (!err)
		err = take_mask(sig.umask, sig.size);
	if (err)
		return err;
	n = settle_mask(do_select(&a, deadline));
	put_left(r->r8, deadline);
	return n;
}

/* ---- epoll -------------------------------------------------------------- */

long sys_epoll_create(struct mf_regs *r)
{
	struct file *f;

	if ((int)r->rdi <= 0)
		return -EINVAL;
	f = epoll_new();
	return f ? fd_install(f, 0, false) : -ENOMEM;
}

long sys_epoll_create1(struct mf_regs *r)
{
	struct file *f;

	if (r->rdi & ~(uint64_t)EPOLL_CLOEXEC)
		return -EINVAL;
	f = epoll_new();
	return f ? fd_install(f, 0, r->rdi & EPOLL_CLOEXEC) : -ENOMEM;
}

long sys_epoll_ctl(struct mf_regs *r)
{
	struct file *ep = fd_get((int)r->rdi);
	struct file *f = fd_get((int)r->rdx);
	struct epoll_event ev = { 0 };

	if ((int)r->rsi != EPOLL_CTL_DEL &&
	    copy_from_user(&ev, r->r10, sizeof(ev)) < 0)
		return -EFAULT;
	if (!ep || !f)
		return -EBADF;
	return epoll_ctl_file(ep, (int)r->rsi, (int)r->rdx, f, &ev);
}

static long do_epoll_wait(const struct mf_regs *r, uint64_t deadline_ns)
{
	struct file *ep = fd_get((int)r->rdi);
	long n;

	if (!ep)
		return -EBADF;
	file_ref(ep);
	n = epoll_wait_file(ep, r->rsi, (int)r->rdx, deadline_ns);
	file_unref(ep);
	return n;
}

long sys_epoll_wait(struct mf_regs *r)
{
	return do_epoll_wait(r, deadline_ms((int)r->r10));
}

long sys_epoll_pwait(struct mf_regs *r)
{
	int err = take_mask(r->r8, r->r9);

	if (err)
		return err;
	return settle_mask(do_epoll_wait(r, deadline_ms((int)r->r10)));
}

long sys_epoll_pwait2(struct mf_regs *r)
{
	uint64_t deadline;
	int err = deadline_user(r->r10, &deadline);

	if (!err)
		err = take_mask(r->r8, r->r9);
	return err ? err : settle_mask(do_epoll_wait(r, deadline));
}
