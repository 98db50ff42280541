/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's end of the rings: takes submissions, carries them out on the
 * host, posts completions. Never blocks but in rings_wait and rings_drain.
 *
 * An entry is taken only while the completion ring has room for everything it
 * can complete, so no completion is ever queued outside the ring or lost: a
 * guest that does not look at its completions is simply not served.
 */
#ifndef MONITOR_RINGS_H
#define MONITOR_RINGS_H

#include "monitor/guest_mem.h"
#include "monitor/handles.h"

typedef void (*rings_ask_fn)(void *arg, uint32_t id, uint8_t proto,
			     const struct mf_endpoint *to);

/* Handles in the order in which they came, by next_free. */
struct connect_list {
	uint32_t head, tail; /* MF_HANDLES_MAX: empty */
};

struct rings_config {
	const struct guest_mem *mem; /* outlives the rings */
	int console_fds[3]; /* stdin, stdout, stderr: 0, 1, 2 */
	uint32_t console_flags[3]; /* enum mf_console_flag */
	const struct mf_port *ports;
	const int *port_fds; /* bound, non-blocking; taken by rings_init */
	uint32_t port_count;
	/* A line of the guest's log, printable, without newline. */
	void (*log)(void *arg, const char *text, size_t len);
	void *log_arg;
	/* Asks for an outbound connection; NULL: none is allowed. The answer
	 * comes through rings_answer. */
	rings_ask_fn ask;
	void *ask_arg;
};

struct rings {
	const struct guest_mem *mem;
	struct mf_ring_index *index; /* shared with the guest */
	const struct mf_sqe *sq;
	struct mf_cqe *cq;
	uint32_t sq_head; /* our own copies; the guest cannot change them */
	uint32_t cq_tail;
	uint32_t cq_loud; /* cq_tail after the last one that ends a wait */
	bool quiet; /* the entry at hand is MF_SQE_QUIET */
	bool broken; /* the contract was violated, see error */
	bool draining; /* the guest is gone: completions are dropped */
	int extra_fd; /* member of the epoll beside the handles, or -1 */
	struct handles handles;
	uint32_t ports; /* handles of published ports */
	void (*log)(void *arg, const char *text, size_t len);
	void *log_arg;
	rings_ask_fn ask;
	void *ask_arg;
	unsigned asked; /* requests without an answer yet */
	struct connect_list to_ask, over; /* monitor/connect.c */
	uint64_t bytes_in, bytes_out; /* sockets */
	char error[160];
};

enum rings_wake {
	RINGS_WAKE_TIMEOUT = 0,
	RINGS_WAKE_COMPLETION = 1, /* bits; several can be set */
	RINGS_WAKE_EXTRA = 2, /* extra_fd is readable or closed */
	RINGS_WAKE_SIGNAL = 4, /* a host signal came */
};

/* 0 or -errno. Ignores SIGPIPE. */
int rings_init(struct rings *r, const struct rings_config *config);
void rings_fini(struct rings *r);
/* For another guest with the same console and ports; RAM is clean. */
void rings_again(struct rings *r);

/*
 * Takes what the guest submitted. 0, or -EPROTO if it broke the contract:
 * then rings_error says how, and the guest has to be ended.
 */
int rings_submit(struct rings *r);
const char *rings_error(const struct rings *r);

/* Completes what the host has ready; does not wait. 0 or -EPROTO. */
int rings_poll(struct rings *r);

/* True if a guest that rang with MF_RING_WAIT is to go on. */
bool rings_have_completions(struct rings *r);

/*
 * Returns at once if rings_have_completions; else sleeps until there are
 * some, until timeout_ns (UINT64_MAX: no limit) has passed, extra_fd (or -1)
 * is readable, or a signal handler ran. enum rings_wake, or -EPROTO.
 */
int rings_wait(struct rings *r, uint64_t timeout_ns, int extra_fd);

struct rings_answer {
	uint32_t id; /* of the request */
	int error; /* 0 or -errno */
	int fd; /* without an error: the socket, taken */
	uint16_t port; /* of our end */
};

/* Takes an answer to `ask`; one that nobody waits for is dropped. */
void rings_answer(struct rings *r, const struct rings_answer *a);

/* From now on rings_wait looks at this descriptor as at extra_fd. 0/-errno */
int rings_watch(struct rings *r, int fd);

/*
 * The guest has ended: carries out what it had submitted, and finishes its
 * writes for at most timeout_ns.
 */
void rings_drain(struct rings *r, uint64_t timeout_ns);

/* The system calls the rings need once running, for the jail. */
struct rings_syscall {
	int nr;
	const char *why;
};
extern const struct rings_syscall rings_syscalls[];
extern const size_t rings_syscall_count;

#endif
