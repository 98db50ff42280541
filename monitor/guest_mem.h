/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's memory as the monitor sees it, and the one gate every address
 * that came from a guest passes before it is used.
 */
#ifndef MONITOR_GUEST_MEM_H
#define MONITOR_GUEST_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/guest.h"

struct guest_mem {
	uint8_t *ram; /* host address of guest-physical 0 */
	uint64_t ram_size; /* bytes the guest may use now */
	uint64_t ram_max; /* bytes reserved at `ram` */
	int ram_fd; /* memfd behind it, or -1: anonymous */
	const uint8_t *image; /* read-only, at MF_IMAGE_GPA */
	uint64_t image_size; /* bytes, as mapped */
};

/*
 * The host address of [gpa, gpa + len) of RAM, or NULL if any byte of it is
 * outside. An access that ends exactly at the end of RAM is inside; len 0 is
 * inside up to and including the end. The memory is shared with a running
 * guest: read it once into a local, check, then act.
 */
void *guest_mem_range(const struct guest_mem *mem, gpa_t gpa, uint64_t len);

/* Bytes the host holds for a memory with ram_fd. */
uint64_t guest_mem_file_bytes(const struct guest_mem *mem);

#endif
