/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot file, version 2: docs/formats/snapshot.md is its prose. One
 * header page, the stored pages of RAM, the table of ranges. Whatever the
 * guest had in its CPU the guest kernel has put into RAM (struct mf_resume).
 *
 * The monitor writes what follows the header and reports the facts; its
 * parent, who knows the image, completes the header.
 */
#ifndef ABI_SNAPSHOT_H
#define ABI_SNAPSHOT_H

#include "abi/guest.h"

#define MF_SNAPSHOT_MAGIC      "MAYFLYsn" /* 8 bytes, no NUL */
#define MF_SNAPSHOT_VERSION    2u
#define MF_SNAPSHOT_DATA       MF_PAGE_SIZE /* offset of the first page */
#define MF_SNAPSHOT_RANGES_MAX (1u << 16)
#define MF_SNAPSHOT_PATH_MAX   1024u
#define MF_SNAPSHOT_LATE_MAX   1024u
#define MF_SNAPSHOT_CPU_WORDS  12u
/*
 * Bytes of RAM in all ranges of a snapshot without a working set. Copying a
 * page costs less than mapping it; more than this is not touched by most
 * starts.
 */
#define MF_SNAPSHOT_COPY_MAX (4ull << 20)

enum mf_range_source {
	MF_RANGE_STORED = 0, /* `off` lies in the snapshot, ascending */
	MF_RANGE_IMAGE = 1, /* `off` lies in the image, as mapped */
	MF_RANGE_ZERO = 2, /* `off` is 0; only if it is hot */
};

enum mf_range_flag {
	/* Of the working set: a copy writes to it when it begins to work. */
	MF_RANGE_HOT = 1u,
};

/* RAM that is not zero: `len` bytes of it, from `off` in what `source` says. */
struct mf_snapshot_range {
	uint64_t gpa; /* whole pages, ascending */
	uint64_t len;
	uint64_t off; /* whole pages */
	uint32_t source; /* enum mf_range_source */
	uint32_t flags; /* enum mf_range_flag */
};

/* What the monitor knows. */
struct mf_snapshot_facts {
	uint32_t abi_version; /* MF_ABI_VERSION */
	uint32_t substrate; /* enum mf_substrate */
	uint64_t ram_size, ram_max, mem_limit; /* bytes, as in mf_boot */
	uint64_t image_size; /* bytes, as in mf_boot */
	uint64_t kernel_data_gpa; /* the kernel's data and bss */
	struct mf_resume resume;
	uint64_t mono_ns; /* the guest's CLOCK_MONOTONIC */
	uint64_t tsc; /* the guest's */
	uint64_t xfeatures; /* as in mf_boot */
	uint32_t xsave_size; /* as in mf_boot */
	uint32_t range_count;
	uint64_t range_off; /* of the table in the file, whole pages */
	uint64_t file_size; /* bytes */
};

struct mf_snapshot_header {
	uint8_t magic[8];
	uint32_t version; /* MF_SNAPSHOT_VERSION */
	uint32_t reserved; /* 0 */
	uint8_t digest[32]; /* SHA-256 of the file with zeros here */
	uint8_t image_digest[32]; /* of the image's trailer */
	/* CPUID words whose set bits the CPU must have; host/cpu.h. */
	uint32_t cpu[MF_SNAPSHOT_CPU_WORDS];
	struct mf_snapshot_facts facts;
	char image_path[MF_SNAPSHOT_PATH_MAX]; /* absolute, with NUL */
	/* Names of variables that a copy may set, each with NUL; then NULs. */
	char late_env[MF_SNAPSHOT_LATE_MAX];
};

_Static_assert(offsetof(struct mf_snapshot_header, facts) == 128, "facts");
_Static_assert(offsetof(struct mf_snapshot_header, image_path) == 248, "path");
_Static_assert(offsetof(struct mf_snapshot_header, late_env) == 1272, "env");
_Static_assert(sizeof(struct mf_snapshot_header) <= MF_PAGE_SIZE, "header");
_Static_assert(sizeof(struct mf_snapshot_range) == 32, "range");

#endif
