/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instance: everything the monitor process knows. main.c makes it, run.c
 * serves it until it ends, the substrate drives its vCPU.
 */
#ifndef MONITOR_INSTANCE_H
#define MONITOR_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "abi/ctl.h"
#include "host/err.h"
#include "monitor/guest_mem.h"
#include "monitor/rings.h"

#define TICK_NS	      (2u * 1000 * 1000) /* preemption period of a busy guest */
#define TRACE_LOOK_MS 100 /* at a guest that waits for its trace's reader */

struct instance;

enum vm_exit_kind {
	VM_EXIT_DOORBELL, /* the guest rang: vm_exit.doorbell */
	VM_EXIT_TICK, /* TICK_NS of guest time have passed, about */
	VM_EXIT_DEAD, /* the guest cannot go on: vm_exit.reason */
	VM_EXIT_HOST, /* nor can it, and it is not its fault: reason */
};

struct vm_exit {
	enum vm_exit_kind kind;
	uint32_t doorbell;
	char reason[160]; /* one sentence, what happened */
};

/*
 * How a guest is run. Every function returns 0 or -errno unless it says
 * otherwise; state lives in instance.substrate_state.
 */
struct substrate_ops {
	const char *name;
	enum mf_paging paging;
	/* attach needs what the jail takes: it closes after that, not before */
	bool open_attach;
	/* RAM is a memfd that another process can map. */
	bool shared_ram;
	/* Makes a machine, with inst->mem if that is known. */
	int (*create)(struct instance *inst, struct err *e);
	/* Puts inst->mem into it unless it is, and the registers to the start.
	 */
	int (*attach)(struct instance *inst, struct err *e);
	/* As attach left it, after RAM was written, `same_tables`: but for the
	 * page tables; NULL: cannot do that. */
	int (*reset)(struct instance *inst, bool same_tables, struct err *e);
	void (*run)(struct instance *inst, struct vm_exit *ret);
	/* The program is to enter the kernel as soon as it can. */
	int (*upcall_tick)(struct instance *inst);
	/* Cached translations are forgotten. */
	int (*flush)(struct instance *inst);
	/* RAM is now `size` bytes (larger than before). */
	int (*grow)(struct instance *inst, uint64_t size);
	/* Offset from the host's TSC to the guest's. */
	uint64_t (*tsc_offset)(struct instance *inst);
	void (*fini)(struct instance *inst);
};

extern const struct substrate_ops substrate_kvm;
extern const struct substrate_ops substrate_process;

struct clock_sample {
	uint64_t tsc; /* the host's */
	uint64_t mono_ns, real_ns; /* the host's */
};

struct clock_state {
	uint64_t tsc_khz; /* 0 until known */
	bool rate_known; /* the substrate said it */
	uint64_t mult; /* ns per tick, 32.32 fixed point */
	struct clock_sample birth; /* of the monitor */
	uint64_t tsc_offset; /* guest TSC - host TSC */
	uint64_t mono_offset_ns; /* host CLOCK_MONOTONIC - guest's */
	uint64_t updated_ns; /* host CLOCK_MONOTONIC */
	uint64_t page_tsc, page_mono_ns, page_mult; /* last written */
};

struct instance {
	struct mf_ctl_start start;
	char *args; /* start.args_len bytes */
	uint32_t cpuid_count;
	char cpuid[MF_CTL_CPUID_MAX * MF_CTL_CPUID_SIZE];
	int image_fd;
	int kvm_fd; /* /dev/kvm, or -1 */
	int port_fds[MF_PORTS_MAX];
	int statm_fd; /* /proc/self/statm, opened before the jail */
	int watch_fd; /* readable when the guest's process ends, or -1 */

	const struct substrate_ops *ops;
	void *substrate_state;
	struct guest_mem mem;
	struct mf_shared *shared; /* in guest memory: read once */
	struct rings rings;
	struct clock_state clock;
	struct mf_kernel_hdr kernel; /* checked copy */
	uint64_t kernel_data_gpa;
	uint64_t limit_checked_ns;
	int snapshot_fd; /* start.kind says what it is, or -1 */
	struct mf_snapshot_facts facts; /* of the snapshot copied, checked */
	struct mf_snapshot_range *ranges; /* facts.range_count, checked */
	const uint8_t *original; /* the snapshot, if the copy is kept */
	uint64_t *discarded; /* a bit for each page of RAM, if kept */
	int pagemap_fd; /* /proc/self/pagemap, or -1: copies are not kept */
	uint64_t entry, stack; /* rip and rsp of the first instruction */
	int trace_fd; /* where the trace goes, or -1 */
	uint32_t trace_seq; /* of the configuration in the shared page */
	bool nudge; /* the kernel has to look at the shared page */

	bool done;
	struct mf_ctl_exit exit; /* stats grow while it runs */
	char exit_text[256];
	uint64_t cpu_billed_us; /* of guests before this one */
	uint64_t born_ns; /* host CLOCK_MONOTONIC at main */
	uint64_t phase_ns; /* end of the last phase */
	uint64_t started_ns; /* first guest instruction */
	bool ready;
};

uint64_t host_mono_ns(void);
/* Ends the current phase of the start. */
void instance_phase(struct instance *inst, enum mf_phase phase);

/* Notes why the instance ends; the first reason stands. */
void instance_finish(struct instance *inst, enum mf_exit_reason reason,
		     uint32_t status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* monitor/ctl.c: the control socket. */
/* -EPIPE: the parent has no use for this monitor any more. */
int ctl_receive_start(struct instance *inst, struct err *e);
/* It would not wait: the next message is there, and no command. */
bool ctl_start_waits(void);
struct mf_ctl_event *ctl_event(enum mf_event_kind kind); /* the one, cleared */
void ctl_send(struct mf_ctl_event *ev, const char *text, size_t len);
void ctl_send_log(void *unused, const char *text, size_t len);
/* For rings_config.ask. */
void ctl_ask_connect(void *unused, uint32_t id, uint8_t proto,
		     const struct mf_endpoint *to);
/* Takes what the parent sent: signals, answers to what was asked. */
void ctl_poll(struct instance *inst);

/* monitor/loader.c: memory, kernel, page tables, boot page. */
/* The memory of a shell that knows its sizes, still without content. */
int loader_reserve(struct instance *inst, struct err *e);
int loader_init(struct instance *inst, struct err *e);

/* The identity of this start, into the boot page. */
int loader_fill_identity(struct instance *inst, struct err *e);
uint64_t loader_xfeatures(void);

/* monitor/image_pages.c: what of RAM is the image's. */
/* Before the jail closes: memory for the index. */
int image_pages_prepare(struct instance *inst, struct err *e);
/* Reads the whole image. */
void image_pages_index(struct instance *inst);
/*
 * How many bytes from gpa on, whole pages of which the first and the last are
 * not zero, are those of the image from *ret_off on; 0: none.
 */
uint64_t image_pages_match(const struct instance *inst, uint64_t gpa,
			   uint64_t *ret_off);

/* monitor/snapshot.c: all of a guest in a file. */
/* The guest has come to the point; ends it either way. */
void snapshot_take(struct instance *inst);

/* monitor/restore.c: a guest from such a file. */
/* Reads and checks the facts, before memory is mapped. */
int restore_facts(struct instance *inst, struct err *e);
/* Fills the RAM; after loader_map_ram. */
int restore_ram(struct instance *inst, struct err *e);
/* RAM of a copy reads as zero from now on, 0 or -errno. */
int restore_discard(struct instance *inst, uint64_t gpa, uint64_t len);
/* The boot page and what is shared, as a copy finds them. */
int restore_clean(struct instance *inst, struct err *e);

/* monitor/touched.c: which pages of RAM were written to. */
/* 0, or what ends the walk. */
typedef int touched_fn(void *arg, uint64_t gpa);
/* Of those below `size`, in order. 0, the first other result of fn, -errno. */
int touched_each(const struct instance *inst, uint64_t size, touched_fn *fn,
		 void *arg);
/* Of the RAM that the snapshot had: a bit for each into fd, an empty file. */
int touched_write(const struct instance *inst, int fd);

/* monitor/recycle.c: the same guest again. */
/* Pages that a reset has to put back although nobody has written to them. */
void recycle_note_discard(struct instance *inst, uint64_t gpa, uint64_t len);
/* Before the jail closes: what recycle() will need. */
int recycle_prepare(struct instance *inst, struct err *e);
/* Forgets everything since the first instruction of a kept copy. */
int recycle(struct instance *inst, struct err *e);

/* monitor/clock.c: guest time. */
/* First of all: the rate is measured from here on. */
void clock_birth(struct instance *inst);
int clock_init(struct instance *inst, struct err *e);
/* Rewrites the clock page if it is older than a moment. */
void clock_update(struct instance *inst, bool now);
uint64_t clock_guest_mono_ns(const struct instance *inst);
/* The latest time the guest can have seen, and its TSC of now. */
uint64_t clock_shown_mono_ns(const struct instance *inst, uint64_t *ret_tsc);
/* Host nanoseconds from now to a guest deadline; UINT64_MAX: none. */
uint64_t clock_timeout_ns(const struct instance *inst, uint64_t deadline_ns);

/* monitor/jail.c: gives up everything not needed from here on. */
int jail_drop(struct instance *inst, struct err *e); /* privileges */
int jail_close(struct instance *inst, struct err *e); /* system calls */

/* monitor/trace.c: the trace of the guest's system calls. */
/* From now on this is traced to fd, which is taken; fd -1: nothing is. */
void trace_set(struct instance *inst, const struct mf_trace_config *c, int fd);
/*
 * Hands records of the guest to the reader, and waits for it. 0, or -errno:
 * nobody reads them.
 */
int64_t trace_carry(struct instance *inst, gpa_t gpa, uint64_t len,
		    uint64_t seq);

/* monitor/run.c: serves the guest until it ends. */
void run_instance(struct instance *inst);
/* Ends it if it uses too much memory; looks once in a while only. */
void instance_check_limit(struct instance *inst);

#endif
