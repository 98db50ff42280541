/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: how a parent (the CLI, later the daemon) starts one
 * monitor and learns of its life. A SOCK_SEQPACKET pair; the monitor holds
 * its end as descriptor MF_CTL_FD. The parent sends a struct mf_ctl_start,
 * then any number of struct mf_ctl_command; the monitor sends struct
 * mf_ctl_event messages and exits after MF_EV_EXITED. When the parent's end
 * closes, the monitor ends its guest.
 *
 * A monitor can wait: as a shell, with a machine and nothing in it
 * (MF_START_SHELL), or after MF_EV_EXITED, as the snapshot's guest again to
 * the byte (mf_ctl_start.keep). It says MF_EV_SHELL then, and the parent
 * sends another struct mf_ctl_start; commands that come first are dropped.
 * If that message is there already, a monitor that was reset says nothing.
 *
 * Both ends are programs of the same release; versions must match exactly.
 */
#ifndef ABI_CTL_H
#define ABI_CTL_H

#include "abi/guest.h"
#include "abi/snapshot.h"

#define MF_CTL_FD	  3
#define MF_CTL_VERSION	  6u
#define MF_CTL_ARGS_MAX	  (128u << 10) /* bytes of strings */
#define MF_CTL_CPUID_MAX  256u /* entries */
#define MF_CTL_CPUID_SIZE 40u /* bytes of a struct kvm_cpuid_entry2 */

enum mf_substrate {
	MF_SUBSTRATE_AUTO = 0, /* kvm where it works, else process */
	MF_SUBSTRATE_KVM = 1,
	MF_SUBSTRATE_PROCESS = 2,
};

/* How the guest comes to be. */
enum mf_start_kind {
	MF_START_BOOT = 0,
	/* Boots, and ends with MF_EXIT_SNAPSHOT where it first waits for work
	 * or marks the point (mf_ctl_start.mark: only there); the snapshot
	 * goes to a descriptor, an empty file. */
	MF_START_SNAPSHOT = 1,
	/* A copy of the snapshot in a descriptor, whose digest was checked. Of
	 * the strings only the host name and the late variables are used, and
	 * `cwd` and `path` must still lie inside. */
	MF_START_COPY = 2,
	/* Nothing yet: substrate, kvm_fd, the CPUID entries and the sizes are
	 * used, no image comes along. The next message is of one of the kinds
	 * above and has the same substrate and no kvm_fd; if the shell has
	 * RAM, it is a copy's of a guest of these sizes. */
	MF_START_SHELL = 3,
	/* After MF_EV_EXITED of a kept copy: that copy once more, on the ports
	 * it has. Of the strings only the host name and the late variables
	 * are used, and no descriptors come along. */
	MF_START_AGAIN = 4,
};

/*
 * The first message: this struct, then args_len bytes of strings as
 * described in struct mf_boot, then cpuid_count entries of struct
 * kvm_cpuid_entry2: what KVM_GET_SUPPORTED_CPUID said on this host since it
 * booted (asking costs about a millisecond on nested hosts; with no entries
 * the monitor asks itself). With it travel, by SCM_RIGHTS: the image, if the
 * kind has one, then /dev/kvm if kvm_fd is 1, then one bound socket per port
 * (TCP: bound and not yet listening; all non-blocking), then, if `trace` is on,
 * the non-blocking descriptor that the trace is written to, then, if `kind` is
 * MF_START_SNAPSHOT or MF_START_COPY, the snapshot.
 */
struct mf_ctl_start {
	uint32_t version; /* MF_CTL_VERSION */
	uint32_t substrate; /* MF_SUBSTRATE_KVM or _PROCESS */
	uint64_t image_size; /* bytes of the EROFS part */
	uint64_t kernel_off; /* bytes into the image, page multiple */
	uint64_t kernel_size; /* bytes */
	uint64_t mem_limit; /* bytes */
	uint64_t ram_size, ram_max; /* of a shell: what it is for; 0: unknown */
	uint32_t args_len, argc, envc;
	uint32_t late_envc; /* of envc, the last: as in struct mf_boot */
	/* MF_START_COPY and _AGAIN: of the strings, those NAME=value that the
	 * copy is to have, each with its NUL; at most MF_LATE_SIZE bytes. */
	uint32_t late_off, late_len;
	uint32_t path_off, cwd_off, hostname_off;
	uint32_t uid, gid;
	uint32_t port_count;
	uint32_t kvm_fd; /* 1: /dev/kvm is passed */
	uint32_t cpuid_count;
	uint32_t console_flags[3];
	uint16_t tty_rows, tty_cols;
	uint32_t egress; /* enum mf_egress */
	uint32_t kind; /* enum mf_start_kind */
	uint32_t warm_up; /* of MF_START_SNAPSHOT: requests before it */
	uint32_t request_off; /* string: the path they ask for */
	uint32_t keep; /* 1: a copy is reset at its end and waits, where the
			* substrate can do that */
	uint32_t mark; /* 1: MF_START_SNAPSHOT where the program marks the
			* point, not where it first waits for work */
	uint32_t record; /* 1: MF_START_COPY that MF_CMD_TOUCHED will ask;
			  * its RAM is mapped, on kvm, and nothing copied */
	uint32_t pad;
	uint8_t instance_id[16];
	struct mf_port ports[MF_PORTS_MAX];
	struct mf_trace_config trace;
};

enum mf_command_kind {
	MF_CMD_SIGNAL = 1, /* u.signal */
	MF_CMD_CONNECTED = 2, /* u.connected */
	MF_CMD_TRACE = 3, /* u.trace; if it is on, with a non-blocking
			   * descriptor by SCM_RIGHTS; replaces what was */
	MF_CMD_FINISH = 4, /* the guest ends now, with MF_EXIT_PARENT */
	/* With an empty file by SCM_RIGHTS: the monitor writes a bit for each
	 * page of RAM that the snapshot had, least significant first, set if
	 * it was written to in this copy; answered by MF_EV_TOUCHED. */
	MF_CMD_TOUCHED = 5,
};

/*
 * The answer to MF_EV_CONNECT. Without an error a non-blocking socket comes
 * with it by SCM_RIGHTS: TCP connected or connecting, or one that keeps the
 * boundaries of datagrams and has one peer.
 */
struct mf_ctl_connected {
	uint32_t id; /* of the request */
	int32_t error; /* 0 or a negative Linux errno */
	uint16_t port; /* of our end, host byte order; 0: unknown */
	uint16_t pad;
};

struct mf_ctl_command {
	uint32_t kind; /* enum mf_command_kind */
	uint32_t pad;
	union {
		uint32_t signal; /* Linux number, for the program */
		struct mf_ctl_connected connected;
		struct mf_trace_config trace;
	} u;
};

/* Phases of the start, each the time since the one before, microseconds. */
enum mf_phase {
	MF_PHASE_SETUP = 0, /* monitor's exec to start message read */
	MF_PHASE_VM = 1, /* VM, vCPU, memory */
	MF_PHASE_JAIL = 2,
	MF_PHASE_BOOT = 3, /* kernel entry to the program's entry */
	MF_PHASE_READY = 4, /* the program's entry to its first wait */
	MF_PHASE_COUNT = 5,
};

enum mf_event_kind {
	MF_EV_READY = 2, /* the program waits for work; u.phase_us */
	MF_EV_LOG = 3, /* text follows the struct */
	MF_EV_CRASH = 4, /* u.crash, then, as text, a struct mf_backtrace or
			  * nothing */
	MF_EV_EXITED = 5, /* u.exit, then text: the reason in one sentence */
	MF_EV_CONNECT = 6, /* u.connect; answered by MF_CMD_CONNECTED */
	MF_EV_SNAPSHOT = 7, /* u.snapshot: the file is written but its header */
	MF_EV_SHELL = 8, /* waits for another struct mf_ctl_start */
	MF_EV_TOUCHED = 9, /* the bits are written; text: why not, or none */
};

/*
 * The guest wants to connect; asked only if mf_ctl_start.egress allows any.
 * At most MF_CTL_ASKS_MAX are unanswered, so that the answers fit the socket.
 */
#define MF_CTL_ASKS_MAX 64u

struct mf_ctl_connect {
	uint32_t id; /* of the request, no other unanswered one has it */
	uint32_t proto; /* 6 = TCP, 17 = UDP */
	struct mf_endpoint to;
};

enum mf_exit_reason {
	MF_EXIT_FINISHED = 1, /* exit or exit_group; status valid */
	MF_EXIT_SIGNAL = 2, /* the program died by a signal; status valid */
	MF_EXIT_OOM = 3, /* used more memory than its limit */
	MF_EXIT_CONTRACT = 4, /* the guest broke the contract */
	MF_EXIT_PANIC = 5, /* the guest kernel gave up, text says why */
	MF_EXIT_HOST = 6, /* the host failed us, text says how */
	MF_EXIT_PARENT = 7, /* the parent went away, or wanted it */
	MF_EXIT_SNAPSHOT = 8, /* it was taken, MF_EV_SNAPSHOT came before */
	MF_EXIT_NO_SNAPSHOT = 9, /* none can be taken here, text says why */
};

/* What the monitor could give up before the first instruction. */
enum mf_jail {
	MF_JAIL_UID = 1u, /* a user and group of its own */
	MF_JAIL_ROOT = 2u, /* an empty root directory */
	MF_JAIL_CAPS = 4u, /* all capabilities */
	MF_JAIL_SECCOMP = 8u, /* all system calls but a few */
};

struct mf_ctl_stats {
	uint64_t phase_us[MF_PHASE_COUNT];
	uint64_t exits; /* doorbells, by kind below, and others */
	uint64_t doorbells[16]; /* by enum mf_doorbell */
	uint64_t ticks;
	uint64_t traps;
	uint64_t cpu_us; /* user + system of the monitor and its child */
	uint64_t run_us; /* first instruction to the end */
	uint64_t mem_peak_bytes; /* resident, high-water mark, host's view */
	uint64_t bytes_in, bytes_out; /* sockets */
	uint32_t jail; /* enum mf_jail */
	uint32_t pad;
	struct mf_stats guest;
};

struct mf_ctl_exit {
	uint32_t reason; /* enum mf_exit_reason */
	uint32_t status; /* wait status as of Linux */
	struct mf_ctl_stats stats;
};

struct mf_ctl_event {
	uint32_t kind; /* enum mf_event_kind */
	uint32_t text_len; /* bytes after the struct */
	union {
		struct mf_crash crash;
		struct mf_ctl_exit exit;
		struct mf_ctl_connect connect;
		struct mf_snapshot_facts snapshot;
		uint64_t phase_us[MF_PHASE_COUNT];
	} u;
};

#endif
