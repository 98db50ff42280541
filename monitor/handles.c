/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handle table. Its memory is reserved for the largest number of handles
 * and never grows; a page of it costs something only once it is used.
 */
#include "monitor/handles.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/peers.h"

#define TABLE_SIZE (MF_HANDLES_MAX * sizeof(struct handle))

int handles_init(struct handles *hs)
{
	void *mem;

	*hs = (struct handles){ .epoll_fd = -1, .first_free = MF_HANDLES_MAX };
	mem = mmap(NULL, TABLE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return -errno;
	hs->table = mem;
	hs->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (hs->epoll_fd < 0) {
		int err = errno;

		munmap(mem, TABLE_SIZE);
		hs->table = NULL;
		return -err;
	}
	return 0;
}

void handles_fini(struct handles *hs)
{
	if (!hs->table)
		return;
	for (uint32_t i = MF_HANDLE_PORT0; i < hs->used; i++) {
		if (hs->table[i].kind != HANDLE_FREE && hs->table[i].fd >= 0)
			close(hs->table[i].fd);
		if (hs->table[i].peers)
			munmap(hs->table[i].peers, sizeof(struct peers));
	}
	close(hs->epoll_fd);
	munmap(hs->table, TABLE_SIZE);
	*hs = (struct handles){ .epoll_fd = -1 };
}

static struct handle *handle_set(struct handle *h, enum handle_kind kind,
				 int fd)
{
	*h = (struct handle){ .kind = (uint8_t)kind,
			      .fd = fd,
			      .can_read = true,
			      .can_write = true };
	return h;
}

static void handle_again(struct handles *hs, struct handle *h)
{
	struct handle old = *h;

	handles_unwatch(hs, h);
	handle_set(h, old.kind, old.fd);
	h->is_file = old.is_file;
	h->shared = old.shared;
	h->inet6 = old.inet6;
	h->shared = old.shared;
	h->peers = old.peers;
	if (h->peers)
		memset(h->peers, 0, sizeof(*h->peers));
}

void handles_again(struct handles *hs, uint32_t ports)
{
	uint32_t kept = MF_HANDLE_PORT0 + ports;

	for (uint32_t i = 0; i < hs->used; i++) {
		struct handle *h = &hs->table[i];

		if (i < kept && h->kind != HANDLE_FREE) {
			handle_again(hs, h);
			continue;
		}
		if (h->kind != HANDLE_FREE && h->fd >= 0)
			close(h->fd);
		*h = (struct handle){ .fd = -1 };
	}
	hs->used = kept;
	hs->first_free = MF_HANDLES_MAX;
}

struct handle *handles_put(struct handles *hs, uint32_t nr,
			   enum handle_kind kind, int fd)
{
	if (nr >= hs->used)
		hs->used = nr + 1;
	return handle_set(&hs->table[nr], kind, fd);
}

bool handles_full(const struct handles *hs)
{
	return hs->first_free == MF_HANDLES_MAX && hs->used == MF_HANDLES_MAX;
}

struct handle *handles_new(struct handles *hs, enum handle_kind kind, int fd)
{
	uint32_t nr = hs->first_free;

	if (handles_full(hs))
		return NULL;
	if (nr == MF_HANDLES_MAX)
		nr = hs->used++;
	else
		hs->first_free = hs->table[nr].next_free;
	return handle_set(&hs->table[nr], kind, fd);
}

void handles_drop(struct handles *hs, struct handle *h)
{
	if (h->fd >= 0)
		close(h->fd);
	*h = (struct handle){ .kind = HANDLE_FREE,
			      .fd = -1,
			      .next_free = hs->first_free };
	hs->first_free = handles_number(hs, h);
}

struct handle *handles_get(struct handles *hs, uint32_t nr)
{
	struct handle *h;

	if (nr >= hs->used)
		return NULL;
	h = &hs->table[nr];
	return h->kind == HANDLE_FREE || h->closing ? NULL : h;
}

uint32_t handles_number(const struct handles *hs, const struct handle *h)
{
	return (uint32_t)(h - hs->table);
}

int handles_watch(struct handles *hs, struct handle *h, uint32_t events)
{
	uint32_t want = h->watched | events;
	struct epoll_event ev = { .events = want | EPOLLRDHUP | EPOLLET,
				  .data.u32 = handles_number(hs, h) };
	int op = h->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (want == h->watched)
		return 0;
	/* A connection wakes one of those that wait for it, not thousands. */
	if (h->shared)
		ev.events = want | EPOLLEXCLUSIVE | EPOLLET;
	if (epoll_ctl(hs->epoll_fd, op, h->fd, &ev) < 0)
		return -errno;
	h->watched = want;
	return 0;
}

void handles_unwatch(struct handles *hs, struct handle *h)
{
	if (h->watched)
		epoll_ctl(hs->epoll_fd, EPOLL_CTL_DEL, h->fd, NULL);
	h->watched = 0;
}
