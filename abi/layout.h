/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are: guest-physical and guest-virtual layout.
 *
 * Both sides compile this header; docs/formats/guest-abi.md is its prose.
 * Every address the kernel or the program can use lies in the lower half
 * (47 bits), because on the process substrate the same kernel binary runs
 * as an ordinary Linux process.
 *
 * Guest-physical: RAM starts at 0 and may grow up to MF_RAM_MAX; the image
 * is mapped read-only at MF_IMAGE_GPA. The low pages of RAM are the system
 * pages, filled by the monitor before the first instruction.
 *
 * Guest-virtual: the program owns [MF_USER_VA_MIN, MF_USER_VA_MAX). One
 * top-level page-table slot above belongs to the kernel.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

#include <stdint.h>

#define MF_PAGE_SIZE 4096ull
#define MF_HUGE_SIZE (2ull << 20)

/* A guest-physical address; never dereference, always pass the gate. */
typedef struct {
	uint64_t v;
} gpa_t;

/* ---- guest-physical --------------------------------------------------- */

#define MF_RAM_MAX   (64ull << 30) /* bytes; RAM is [0, MF_RAM_MAX) */
#define MF_IMAGE_GPA (1ull << 38) /* below 39 physical address bits */
#define MF_IMAGE_MAX (64ull << 30)

/*
 * No RAM here, as on a PC: KVM keeps the interrupt controller's page and, on
 * some Intel CPUs, pages of its own in this range. Multiples of 2 MiB.
 */
#define MF_HOLE_LO 0xfee00000ull
#define MF_HOLE_HI 0x100000000ull

/* System pages. Page 0 is never mapped. */
#define MF_BOOT_GPA   0x1000ull /* struct mf_boot, 1 page */
#define MF_SHARED_GPA 0x2000ull /* struct mf_shared, 1 page */
#define MF_STATS_GPA  0x3000ull /* struct mf_stats, 2 pages */
#define MF_SQ_GPA     0x5000ull /* MF_SQ_ENTRIES * 64 bytes, 2 pages */
#define MF_CQ_GPA     0x7000ull /* MF_CQ_ENTRIES * 16 bytes, 1 page */
#define MF_SYS_END    0x8000ull /* end of the window at MF_SYS_VA */
#define MF_GATE_GPA   0x8000ull /* gate code, 2 pages */
#define MF_GDT_GPA    0xa000ull /* GDT and TSS, 1 page (kvm) */
#define MF_IDT_GPA    0xb000ull /* IDT, 1 page (kvm) */
#define MF_IST_GPA    0xc000ull /* exception stack, 1 page (kvm) */
#define MF_LATE_GPA   0x10000ull /* mf_boot.late_len bytes, 4 pages */
#define MF_LATE_SIZE  0x4000ull
#define MF_PT_GPA     0x14000ull /* first of the initial page tables */

/* ---- guest-virtual ---------------------------------------------------- */

#define MF_USER_VA_MIN 0x0000000000010000ull
#define MF_USER_VA_MAX 0x0000700000000000ull /* exclusive */

#define MF_DIRECT_VA 0x0000700000000000ull /* RAM, read-write, no exec */
#define MF_IMAGE_VA  0x0000704000000000ull /* image, read-only, no exec */

/* One 2 MiB window, mapped with 4 KiB entries: */
#define MF_WINDOW_VA 0x0000707f00000000ull
#define MF_GATE_VA   (MF_WINDOW_VA) /* gate, read-execute */
#define MF_GATE_SIZE 0x2000ull
/* [MF_BOOT_GPA, MF_SYS_END) */
#define MF_SYS_VA     (MF_WINDOW_VA + 0x10000ull)
#define MF_KERNEL_VA  (MF_WINDOW_VA + 0x100000ull) /* kernel, at most 1 MiB */
#define MF_KERNEL_MAX 0x100000ull
/* Rewritten system calls jump here (docs/formats/guest-abi.md, section 10). */
#define MF_SYSCALL_VA (MF_KERNEL_VA + 64)

#define MF_BOOT_VA   (MF_SYS_VA)
#define MF_SHARED_VA (MF_SYS_VA + MF_SHARED_GPA - MF_BOOT_GPA)
#define MF_STATS_VA  (MF_SYS_VA + MF_STATS_GPA - MF_BOOT_GPA)
#define MF_SQ_VA     (MF_SYS_VA + MF_SQ_GPA - MF_BOOT_GPA)
#define MF_CQ_VA     (MF_SYS_VA + MF_CQ_GPA - MF_BOOT_GPA)

/* ---- segment selectors and ports (kvm) -------------------------------- */

#define MF_SEL_KERNEL_CS 0x10
#define MF_SEL_KERNEL_DS 0x18
#define MF_SEL_USER_DS	 0x2b
#define MF_SEL_USER_CS	 0x33
#define MF_SEL_TSS	 0x40

/* `out %eax, %dx` to this port is the doorbell; eax is enum mf_doorbell. */
#define MF_PORT_DOORBELL 0x6d0
/* The IDT stub of vector v executes `out %al, $(MF_PORT_TRAP + v)`. */
#define MF_PORT_TRAP	0xc0
#define MF_TRAP_VECTORS 32

#endif
