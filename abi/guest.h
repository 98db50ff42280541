/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the guest kernel and the monitor: boot information,
 * doorbells, upcalls, the shared page, the kernel's file format.
 *
 * The monitor fills the boot page once, before the first guest instruction.
 * Afterwards the two sides meet only in the shared page, the statistics and
 * the rings; the monitor reads each word of those once, checks, then acts.
 */
#ifndef ABI_GUEST_H
#define ABI_GUEST_H

#include <stdatomic.h>
#include <stddef.h>

#include "abi/layout.h"
#include "abi/ring.h"
#include "abi/trace.h"

#define MF_ABI_VERSION 5u
#define MF_BOOT_MAGIC  0x7466624659414d00ull /* "\0MAYFbft" */

/* ---- the kernel's file (/.mayfly/kernel in an image) ------------------- */

#define MF_KERNEL_MAGIC 0x6b666c7946594d00ull

/*
 * Flat: this header opens the text. [0, text_size) is mapped read-execute
 * straight from the image, [text_size, text_size + data_size) is copied to
 * RAM and mapped read-write, followed by bss_size zero bytes. All sizes are
 * multiples of MF_PAGE_SIZE; addresses are offsets from MF_KERNEL_VA.
 */
struct mf_kernel_hdr {
	uint64_t magic;
	uint32_t abi_version;
	uint32_t entry; /* first instruction, rsp = boot stack */
	uint32_t text_size;
	uint32_t data_size;
	uint32_t bss_size;
	uint32_t boot_stack; /* top, 16-byte aligned, inside data or bss */
};

/* ---- boot information -------------------------------------------------- */

enum mf_paging {
	MF_PAGING_TABLES = 0, /* the CPU walks the kernel's page tables */
	MF_PAGING_GATE = 1, /* mappings are made by calling the gate */
};

enum mf_console_flag {
	MF_CONSOLE_TTY = 1u, /* isatty() is true */
	MF_CONSOLE_CLOSED = 2u, /* not open: the descriptor is absent */
	/* What fstat says; else it is a pipe. */
	MF_CONSOLE_FILE = 4u, /* a regular file */
	MF_CONSOLE_NULL = 8u, /* /dev/null */
	MF_CONSOLE_SOCKET = 16u,
};

/*
 * Where outbound connections are allowed the guest has a second interface.
 * Its neighbours are not on any wire: what is sent to them is answered by
 * the host. Link-local addresses, which no router passes on.
 */
enum mf_egress {
	MF_EGRESS_ON = 1u, /* some destinations are allowed */
	MF_EGRESS_INET6 = 2u, /* the host can reach IPv6 destinations */
};

#define MF_NET_HOST	   0xa9fe0101u /* 169.254.1.1: the host's loopback */
#define MF_NET_GUEST	   0xa9fe0102u /* 169.254.1.2: the guest's own */
#define MF_NET_DNS	   0xa9fe0103u /* 169.254.1.3: a name server */
#define MF_NET_FUNCTIONS   0xa9fe0104u /* 169.254.1.4: other functions */
#define MF_NET_PREFIX	   24
#define MF_NET_GUEST6_TAIL 0x0102u /* fe80::102: its own, of IPv6 */

#define MF_PORTS_MAX	64
#define MF_HOSTNAME_MAX 64 /* bytes, as in Linux */
#define MF_REQUEST_MAX	256 /* bytes of a path of HTTP, with NUL */

enum mf_port_flag {
	/* Other instances take connections of it too: the kernel asks for one
	 * only when the program waits for one. TCP only. */
	MF_PORT_SHARED = 1u,
};

struct mf_port {
	uint16_t guest_port; /* host byte order */
	uint8_t proto; /* 6 = TCP, 17 = UDP */
	uint8_t flags; /* enum mf_port_flag */
};

/*
 * Routines in the gate, called with the System V convention on a kernel
 * stack. All but doorbell exist only with MF_PAGING_GATE, else they are 0.
 *   doorbell(op)                        rings; arguments in mf_shared.arg
 *   map(va, gpa, len, prot)             0 or -errno; prot is PROT_* of Linux;
 *                                       gpa is RAM or the image; replaces
 *   unmap(va, len)                      0 or -errno
 *   protect(va, len, prot)              0 or -errno
 *   discard(va, len)                    0 or -errno; RAM mapped at va reads as
 *                                       zero, the host takes it back
 */
struct mf_gate {
	uint64_t doorbell;
	uint64_t map;
	uint64_t unmap;
	uint64_t protect;
	uint64_t discard;
};

enum mf_boot_flag {
	/* A snapshot is wanted at the first wait for work: the kernel rings
	 * MF_DB_SNAPSHOT there. The host's ports come with each copy. */
	MF_BOOT_SNAPSHOT = 1u,
	/* With it: not there, but where the program marks the point. */
	MF_BOOT_MARK = 2u,
};

/*
 * Variables of the environment that a copy of a snapshot may set again: each
 * lies on the program's stack with room for a value of this size, NUL and all.
 */
#define MF_LATE_VALUE_SIZE 1024
#define MF_LATE_MAX	   64

struct mf_boot {
	uint64_t magic; /* MF_BOOT_MAGIC */
	uint32_t abi_version; /* MF_ABI_VERSION */
	uint32_t paging; /* enum mf_paging */
	uint64_t ram_size; /* bytes of RAM mapped in the direct map now */
	uint64_t ram_max; /* bytes; MF_DB_GROW may reach this */
	uint64_t mem_limit; /* bytes the host lets the instance really use */
	uint64_t free_gpa; /* first byte of RAM free for the kernel */
	uint64_t root_gpa; /* top-level page table */
	uint64_t image_size; /* bytes at MF_IMAGE_GPA, page multiple */
	uint64_t args_gpa; /* argv then envp strings, NUL after each */
	uint32_t args_len; /* bytes */
	uint32_t argc;
	uint32_t envc;
	uint32_t path_off; /* offset in args of the program's path */
	uint32_t cwd_off; /* offset in args of the working directory */
	struct mf_gate gate;
	uint64_t xfeatures; /* XCR0 as the guest sees it */
	uint32_t xsave_size; /* bytes of a standard-format XSAVE area */
	uint32_t console_flags[3]; /* enum mf_console_flag */
	uint16_t tty_rows, tty_cols; /* 0: unknown */
	uint32_t port_count;
	struct mf_port ports[MF_PORTS_MAX];
	uint8_t entropy[64];
	uint8_t instance_id[16];
	uint64_t generation; /* 0 at cold boot, 1 in a copy of a snapshot */
	uint32_t uid, gid; /* of the program */
	uint32_t egress; /* enum mf_egress */
	uint32_t hwcap; /* CPUID 1 edx, Linux's AT_HWCAP */
	uint32_t flags; /* enum mf_boot_flag */
	uint32_t late_envc; /* of envc, the last: a copy may change them */
	uint32_t late_len; /* copy: bytes of NAME=value at MF_LATE_GPA */
	char hostname[MF_HOSTNAME_MAX + 1]; /* with NUL */
	/* With MF_BOOT_SNAPSHOT: so many times the kernel asks the program for
	 * `request`, a path of HTTP, before it comes to the point. */
	uint32_t warm_up;
	char request[MF_REQUEST_MAX]; /* with NUL */
};

_Static_assert(sizeof(struct mf_boot) <= MF_PAGE_SIZE, "boot page");

/* ---- doorbells --------------------------------------------------------- */

enum mf_doorbell {
	/* arg[0] = flags (enum mf_ring_flag), arg[1] = deadline in ns of the
	 * guest's monotonic clock, UINT64_MAX = none. Submits the SQ, then,
	 * with WAIT, returns when the CQ is not empty, an outside signal
	 * came, or the deadline passed. */
	MF_DB_RING = 1,
	MF_DB_FLUSH = 2, /* forget cached translations */
	MF_DB_EXIT = 3, /* arg[0] = wait status as of Linux; never returns */
	MF_DB_PANIC = 4, /* arg[0] = gpa, arg[1] = len of a text; no return */
	MF_DB_GROW = 5, /* arg[0] = new ram_size, multiple of 2 MiB */
	MF_DB_DISCARD = 6, /* arg[0] = gpa of an array of struct mf_range,
			    * arg[1] = how many, arg[2] = enum
			    * mf_discard_flag: the pages read as zero */
	MF_DB_CRASH = 7, /* arg[0] = gpa of struct mf_crash, arg[1] = that of
			  * struct mf_backtrace or 0; the program was ended by
			  * a signal; MF_DB_EXIT follows */
	/* arg[0] = gpa, arg[1] = len of records (0: there will be none),
	 * arg[2] = mf_trace_shared.seq that they belong to; returns when the
	 * reader has them. An error: tracing is over. */
	MF_DB_TRACE = 8,
	/* The kernel has put all its state into memory, mf_shared.resume says
	 * how to go on in a copy. No operation but READs is under way, and
	 * those are forgotten. Does not return but with an error. */
	MF_DB_SNAPSHOT = 9,
};

enum mf_ring_flag {
	MF_RING_WAIT = 1u,
	MF_RING_READY = 2u, /* first time all threads wait for outside work */
	MF_RING_FLUSH = 4u, /* as MF_DB_FLUSH, on the way back */
};

/* Whole pages of RAM above the system pages. */
struct mf_range {
	uint64_t gpa;
	uint64_t len;
};

#define MF_DISCARD_MAX 256 /* ranges of one doorbell */

enum mf_discard_flag {
	MF_DISCARD_FLUSH = 1u, /* as MF_DB_FLUSH, afterwards */
};

/* ---- upcalls ----------------------------------------------------------- */

/* In the order of Linux's struct pt_regs. */
struct mf_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax;
	uint64_t rip, cs, rflags, rsp, ss;
};

enum mf_upcall_kind {
	MF_UPCALL_TICK = 1, /* look for completions, signals, other threads */
	MF_UPCALL_TRAP = 2, /* a CPU exception in ring 3 */
};

struct mf_upcall {
	uint32_t kind; /* enum mf_upcall_kind */
	uint32_t vector; /* x86 exception vector */
	uint64_t error; /* its error code, or 0 */
	uint64_t cr2;
	struct mf_regs regs; /* of the interrupted code */
};

/*
 * An upcall starts at upcall_entry with rsp = upcall_stack and every other
 * register undefined, and is never delivered while rip is inside
 * [kernel_lo, kernel_hi) or the gate: then `pending` is set instead, and if
 * rip is inside [restart_lo, restart_hi), the kernel's last instructions
 * before the program, execution goes on at restart_rip. Traps are delivered
 * from anywhere: one inside the kernel is a kernel bug.
 */
struct mf_upcall_config {
	uint64_t upcall_entry;
	uint64_t upcall_stack;
	uint64_t kernel_lo, kernel_hi;
	uint64_t restart_lo, restart_hi;
	uint64_t restart_rip;
};

/*
 * A copy of a snapshot starts at `entry` with rsp = `stack` and every other
 * register undefined, the rings empty, the boot page as of a cold boot but for
 * what describes memory, and `generation`.
 */
struct mf_resume {
	uint64_t entry;
	uint64_t stack;
	uint32_t tcp_port; /* that the program listens on; 0: none */
	uint32_t pad;
};

/* ---- the shared page --------------------------------------------------- */

/*
 * Guest time. seq is odd while the monitor writes. With t = rdtsc in the
 * guest: ns = base_ns + ((t - tsc) * mult >> 32), modulo 2^128 inside.
 */
struct mf_clock {
	_Atomic uint32_t seq;
	uint32_t pad;
	uint64_t tsc;
	uint64_t mult; /* ns per tick, 32.32 fixed point */
	uint64_t mono_ns; /* CLOCK_MONOTONIC at tsc */
	uint64_t real_ns; /* CLOCK_REALTIME at tsc */
};

struct mf_ring_index {
	_Alignas(64) _Atomic uint32_t sq_tail; /* kernel */
	_Alignas(64) _Atomic uint32_t sq_head; /* monitor */
	_Alignas(64) _Atomic uint32_t cq_tail; /* monitor */
	_Alignas(64) _Atomic uint32_t cq_head; /* kernel */
};

struct mf_shared {
	/* Assembly in the gate knows the offsets of the first fields. */
	uint64_t syscall_entry; /* 0: kernel, target of a trapped syscall */
	uint64_t syscall_rip; /* 8: gate, the program's return address */
	_Atomic uint32_t pending; /* 16: monitor sets, kernel clears */
	uint32_t doorbell; /* 20: enum mf_doorbell, process substrate */
	uint64_t arg[4]; /* 24: kernel, arguments of a doorbell */
	int64_t ret; /* 56: monitor, result of a doorbell: 0 or -errno */
	struct mf_upcall_config upcall_config; /* 64: kernel */
	_Atomic uint64_t signals; /* 120: monitor ORs bit n-1, kernel takes */
	struct mf_upcall upcall; /* 128: monitor */
	struct mf_clock clock; /* monitor */
	_Atomic uint32_t want_tick; /* kernel: a tick upcall is of use now */
	struct mf_ring_index ring;
	struct mf_trace_shared trace; /* monitor */
	struct mf_resume resume; /* kernel, before MF_DB_SNAPSHOT */
};

_Static_assert(offsetof(struct mf_shared, syscall_rip) == 8, "gate asm");
_Static_assert(offsetof(struct mf_shared, pending) == 16, "gate asm");
_Static_assert(offsetof(struct mf_shared, arg) == 24, "gate asm");
_Static_assert(offsetof(struct mf_shared, upcall_config) == 64, "gate asm");
_Static_assert(offsetof(struct mf_shared, signals) == 120, "gate asm");
_Static_assert(offsetof(struct mf_shared, upcall) == 128, "gate asm");
_Static_assert(sizeof(struct mf_shared) <= MF_PAGE_SIZE, "shared page");

/* ---- statistics (kernel writes, monitor reports) ----------------------- */

#define MF_STATS_SYSCALLS 512

struct mf_stats {
	uint64_t syscalls[MF_STATS_SYSCALLS]; /* calls by Linux number */
	uint64_t mem_peak; /* bytes of RAM handed out, high-water mark */
	uint64_t mem_now; /* bytes of RAM handed out */
	uint64_t switches; /* thread switches */
	uint64_t upcalls; /* ticks taken */
	uint64_t entry_tsc; /* TSC at the kernel's first instruction */
	uint64_t main_tsc; /* TSC at the program's first instruction */
	uint64_t threads_peak;
};

/* The last 512 bytes of the pages are for the text of a panic. */
_Static_assert(sizeof(struct mf_stats) <= 2 * MF_PAGE_SIZE - 512,
	       "stats pages");

/* ---- a crash ----------------------------------------------------------- */

#define MF_CRASH_FILE_MAX 256 /* bytes, with NUL */

struct mf_crash {
	uint32_t signal; /* Linux number */
	int32_t code; /* si_code */
	uint64_t fault_addr; /* si_addr, 0 if none */
	uint64_t file_off; /* of the instruction in `file` */
	uint32_t tid;
	uint32_t pad;
	struct mf_regs regs;
	char file[MF_CRASH_FILE_MAX]; /* mapped at rip, "": none */
};

/* Where it was called from, as far as its stack tells; innermost first. */
#define MF_BACKTRACE_MAX   24u
#define MF_BACKTRACE_FILES 6u

struct mf_frame {
	uint64_t file_off; /* of the last byte of the call */
	uint32_t file; /* index of files */
	uint32_t pad;
};

struct mf_backtrace {
	uint32_t frame_count, file_count;
	struct mf_frame frames[MF_BACKTRACE_MAX];
	char files[MF_BACKTRACE_FILES][MF_CRASH_FILE_MAX];
};

#endif
