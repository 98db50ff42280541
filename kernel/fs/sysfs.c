/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys, as far as programs look: there is one processor, and a huge page has
 * 2 MiB.
 */
#include "fs/proc.h"

static const struct pseudo_node cpu_files[] = {
	PSEUDO_CONST("online", "0\n"),
	PSEUDO_CONST("possible", "0\n"),
	PSEUDO_CONST("present", "0\n"),
	{ .name = "cpu0", .mode = S_IFDIR | 0555 },
};

static const struct pseudo_node system_dirs[] = {
	PSEUDO_DIR("cpu", cpu_files),
};

static const struct pseudo_node devices_dirs[] = {
	PSEUDO_DIR("system", system_dirs),
};

static const struct pseudo_node thp_files[] = {
	PSEUDO_CONST("enabled", "always [madvise] never\n"),
	PSEUDO_CONST("hpage_pmd_size", "2097152\n"),
};

static const struct pseudo_node mm_dirs[] = {
	PSEUDO_DIR("transparent_hugepage", thp_files),
};

static const struct pseudo_node kernel_dirs[] = {
	PSEUDO_DIR("mm", mm_dirs),
};

static const struct pseudo_node sysfs_dirs[] = {
	PSEUDO_DIR("devices", devices_dirs),
	PSEUDO_DIR("kernel", kernel_dirs),
};

const struct pseudo_node sysfs_root = PSEUDO_DIR("sys", sysfs_dirs);
