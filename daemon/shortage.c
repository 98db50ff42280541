/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux wakes us at most once in two seconds, and never while there is no
 * pressure: what does not run costs nothing.
 */
#include "daemon/shortage.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "host/pressure.h"
#include "launch/host_room.h"
#include "lib/list.h"

/* An ordinary user may ask for windows of two seconds only. */
#define WINDOW_US 2000000u
#define STALL_US  150000u

static void on_pressure(struct loop_watch *w, uint32_t events)
{
	struct shortage *s = container_of(w, struct shortage, watch);
	uint64_t room;

	if (events & (EPOLLERR | EPOLLHUP)) {
		shortage_fini(s);
		return;
	}
	room = host_room_memory("");
	if (room < s->low_bytes)
		s->relieve(s->arg, s->low_bytes - room);
}

int shortage_init(struct shortage *s, struct loop *l, struct err *e)
{
	int r;

	s->watch.ready = on_pressure;
	s->fd = pressure_open(STALL_US, WINDOW_US);
	if (s->fd < 0) {
		r = s->fd;
		s->fd = -1;
		return err_sys(e, -r,
			       "Linux does not tell when memory is "
			       "short");
	}
	r = loop_watch(l, &s->watch, s->fd, EPOLLPRI);
	if (r < 0) {
		close(take_fd(&s->fd));
		return err_sys(e, -r, "cannot watch the pressure of memory");
	}
	return 0;
}

void shortage_fini(struct shortage *s)
{
	if (s->fd < 0)
		return;
	loop_unwatch(&s->watch);
	close(take_fd(&s->fd));
}
