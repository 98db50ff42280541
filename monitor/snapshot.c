/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest at rest into a file (abi/snapshot.h): the pages of its RAM that are
 * neither zero nor the image's, and what belongs where. The guest does not
 * run meanwhile; the file is complete when MF_EV_SNAPSHOT has been sent, and
 * nothing before.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/file.h"
#include "monitor/instance.h"

/* Zero pages up to this many do not end a range: fewer ranges map faster. */
#define GAP_MAX 16u
/* As do fewer pages of the image in a row: they are stored. */
#define IMAGE_RUN_MIN 4u

struct writer {
	const struct instance *inst;
	int fd;
	uint64_t off; /* end of what is written, bytes */
	uint32_t count; /* of ranges */
	uint64_t from, end; /* RAM to be stored next; empty: none */
};

/* The jail lets nothing be allocated; what is not used is not touched. */
static struct mf_snapshot_range ranges[MF_SNAPSHOT_RANGES_MAX];

static void refuse(struct instance *inst, const char *why)
{
	instance_finish(inst, MF_EXIT_NO_SNAPSHOT, 0, "%s", why);
}

/* What was found to be stored is written. */
static int store(struct writer *w)
{
	struct mf_snapshot_range r = { .gpa = w->from,
				       .len = w->end - w->from,
				       .off = w->off };

	if (!r.len)
		return 0;
	ranges[w->count++] = r;
	w->off += r.len;
	w->from = w->end = 0;
	return file_pwrite(w->fd, w->inst->mem.ram + r.gpa, r.len, r.off);
}

/* The last range takes all that is left. */
static bool has_room(const struct writer *w, uint32_t ranges_more)
{
	return w->count + ranges_more < MF_SNAPSHOT_RANGES_MAX;
}

/* Bytes from `at` on that the image has; 0: none, or too few. */
static uint64_t refer(struct writer *w, uint64_t at, int *err)
{
	struct mf_snapshot_range r = { .gpa = at, .source = MF_RANGE_IMAGE };

	r.len = image_pages_match(w->inst, at, &r.off);
	if (r.len < IMAGE_RUN_MIN * MF_PAGE_SIZE || !has_room(w, 2))
		return 0;
	*err = store(w);
	ranges[w->count++] = r;
	return r.len;
}

static bool page_is_zero(const uint8_t *page)
{
	return !page[0] && memcmp(page, page + 1, MF_PAGE_SIZE - 1) == 0;
}

/* Takes what is at `at`; the bytes of it, negative: an error. */
static int64_t take_pages(struct writer *w, uint64_t at)
{
	uint64_t len;
	int err = 0;

	if (page_is_zero(w->inst->mem.ram + at))
		return MF_PAGE_SIZE;
	len = refer(w, at, &err);
	if (len)
		return err ? err : (int64_t)len;
	if (w->end && at - w->end > GAP_MAX * MF_PAGE_SIZE && has_room(w, 1))
		err = store(w);
	if (!w->end)
		w->from = at;
	w->end = at + MF_PAGE_SIZE;
	return err ? err : (int64_t)MF_PAGE_SIZE;
}

/* From above page 0, which is nobody's. */
static int write_ram(struct writer *w)
{
	uint64_t at = MF_BOOT_GPA;
	int64_t n;

	while (at < w->inst->mem.ram_size) {
		n = take_pages(w, at);
		if (n < 0)
			return (int)n;
		at += (uint64_t)n;
		if (at == MF_HOLE_LO)
			at = MF_HOLE_HI;
	}
	return store(w);
}

static int write_table(struct writer *w, struct mf_snapshot_facts *f)
{
	uint64_t len = w->count * sizeof(ranges[0]);
	static const char zero[MF_PAGE_SIZE];
	int err;

	f->range_off = w->off;
	f->range_count = w->count;
	err = file_pwrite(w->fd, ranges, len, w->off);
	w->off += len;
	len = -len % MF_PAGE_SIZE;
	if (!err)
		err = file_pwrite(w->fd, zero, len, w->off);
	f->file_size = w->off + len;
	return err;
}

static void fill_facts(const struct instance *inst, struct mf_snapshot_facts *f)
{
	const struct mf_boot *b =
		(const struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);

	*f = (struct mf_snapshot_facts){
		.abi_version = MF_ABI_VERSION,
		.substrate = inst->start.substrate,
		.ram_size = inst->mem.ram_size,
		.ram_max = inst->mem.ram_max,
		.mem_limit = inst->start.mem_limit,
		.image_size = inst->mem.image_size,
		.kernel_data_gpa = inst->kernel_data_gpa,
		.resume = inst->shared->resume,
		.xfeatures = b->xfeatures,
		.xsave_size = b->xsave_size,
	};
	f->mono_ns = clock_shown_mono_ns(inst, &f->tsc);
}

/* Connections belong to somebody; a copy cannot have them. */
static unsigned connections(const struct instance *inst)
{
	const struct handles *hs = &inst->rings.handles;
	unsigned n = 0;

	for (uint32_t i = MF_HANDLE_PORT0; i < hs->used; i++)
		n += hs->table[i].kind != HANDLE_FREE;
	return n;
}

void snapshot_take(struct instance *inst)
{
	struct writer w = { .inst = inst,
			    .fd = inst->snapshot_fd,
			    .off = MF_SNAPSHOT_DATA };
	struct mf_ctl_event *ev = ctl_event(MF_EV_SNAPSHOT);
	char text[96];
	int err;

	if (inst->start.kind != MF_START_SNAPSHOT) {
		instance_finish(inst, MF_EXIT_CONTRACT, 0, "%s",
				"the guest offered a snapshot that nobody "
				"asked for");
		return;
	}
	if (connections(inst)) {
		snprintf(text, sizeof(text),
			 "it has %u connections open where it waits for work",
			 connections(inst));
		refuse(inst, text);
		return;
	}
	fill_facts(inst, &ev->u.snapshot);
	image_pages_index(inst);
	err = write_ram(&w);
	if (!err)
		err = write_table(&w, &ev->u.snapshot);
	if (err) {
		snprintf(text, sizeof(text), "it cannot be written: %s",
			 strerror(-err));
		refuse(inst, text);
		return;
	}
	ctl_send(ev, "", 0);
	instance_finish(inst, MF_EXIT_SNAPSHOT, 0, "a snapshot was taken");
}
