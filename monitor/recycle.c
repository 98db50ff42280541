/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kept copy, used again: everything that has happened since its first
 * instruction is taken back. RAM is compared with nothing and believed in
 * nothing: each page that the guest may have written to gets its content from
 * the snapshot or the image, or zeros (monitor/touched.c). docs/design/0012
 * tells why page tables are another matter.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/instance.h"

/* Zeros in a row that are given back; fewer stay, and are cleared. */
#define GIVE_BACK_PAGES 64u

/* Page tables, Intel SDM vol. 3, 4.5. */
#define PTE_P	     1ull
#define PTE_AD	     0x60ull
#define PTE_PS	     0x80ull
#define PTE_ADDR     0x000ffffffffff000ull
#define TABLE_LEVELS 4
#define TABLES_MAX   1024u

/* Where the snapshot's page tables are, ascending; TABLES_MAX + 1: too many. */
static uint64_t tables[TABLES_MAX];
static unsigned table_count;

/* Where the reset has come to; addresses ascend. */
struct cursor {
	struct instance *inst;
	uint32_t range; /* the first that ends above */
	unsigned table; /* the first that is not below */
	bool keep_tables;
	uint64_t zero_from, zero_to; /* pages to be cleared; empty: none */
};

/* What an entry that is no leaf leads to, in the RAM that was restored. */
static void note_tables(const struct instance *inst, uint64_t gpa, int level)
{
	const uint64_t *entry;
	unsigned at;

	if (gpa % MF_PAGE_SIZE || gpa > inst->mem.ram_size - MF_PAGE_SIZE ||
	    table_count > TABLES_MAX)
		return;
	if (table_count++ == TABLES_MAX)
		return;
	for (at = table_count - 1; at > 0 && tables[at - 1] > gpa; at--)
		tables[at] = tables[at - 1];
	tables[at] = gpa;
	entry = (const uint64_t *)(const void *)(inst->mem.ram + gpa);
	for (unsigned i = 0; level > 1 && i < 512; i++)
		if ((entry[i] & PTE_P) && !(entry[i] & PTE_PS))
			note_tables(inst, entry[i] & PTE_ADDR, level - 1);
}

static size_t discarded_size(const struct instance *inst)
{
	return (inst->facts.ram_size / MF_PAGE_SIZE + 63) / 64 * 8;
}

int recycle_prepare(struct instance *inst, struct err *e)
{
	uint64_t size = inst->facts.file_size;
	int flags = MAP_PRIVATE;
	void *p;

	/* What is copied back in any case should not have to be fetched. */
	if (size <= MF_SNAPSHOT_COPY_MAX)
		flags |= MAP_POPULATE;
	p = mmap(NULL, size, PROT_READ, flags, inst->snapshot_fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map the snapshot");
	inst->original = p;
	p = mmap(NULL, discarded_size(inst), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "no memory for a list of pages");
	inst->discarded = p;
	table_count = 0;
	note_tables(inst, MF_PT_GPA, TABLE_LEVELS);
	return 0;
}

void recycle_note_discard(struct instance *inst, uint64_t gpa, uint64_t len)
{
	uint64_t page = gpa / MF_PAGE_SIZE;
	uint64_t end = (gpa + len) / MF_PAGE_SIZE;

	if (end > inst->facts.ram_size / MF_PAGE_SIZE)
		end = inst->facts.ram_size / MF_PAGE_SIZE;
	for (; page < end; page++)
		inst->discarded[page / 64] |= 1ull << page % 64;
}

static int clear_zeros(struct cursor *c)
{
	uint64_t len = c->zero_to - c->zero_from;
	uint8_t *at = c->inst->mem.ram + c->zero_from;

	c->zero_from = c->zero_to = 0;
	if (len < GIVE_BACK_PAGES * MF_PAGE_SIZE)
		memset(at, 0, len);
	else if (madvise(at, len, MADV_DONTNEED) < 0)
		return -errno;
	return 0;
}

/* The page as it was, NULL: zeros. *range is where the search begins. */
static const uint8_t *original_page(const struct instance *inst, uint64_t gpa,
				    uint32_t *range)
{
	const struct mf_snapshot_range *r = inst->ranges;
	uint32_t i = *range;

	while (i < inst->facts.range_count && r[i].gpa + r[i].len <= gpa)
		i++;
	*range = i;
	if (i == inst->facts.range_count || gpa < r[i].gpa ||
	    r[i].source == MF_RANGE_ZERO)
		return NULL;
	return (r[i].source == MF_RANGE_IMAGE ? inst->mem.image :
						inst->original) +
	       r[i].off + (gpa - r[i].gpa);
}

/* Only accessed and dirty bits were set, which is the CPU's doing. */
static bool table_is_same(const uint64_t *now, const uint64_t *old)
{
	uint64_t wrong = 0;

	for (unsigned i = 0; i < MF_PAGE_SIZE / sizeof(*now); i++)
		wrong |= (now[i] ^ old[i]) & ~(~old[i] & PTE_AD);
	return !wrong;
}

/*
 * Whether the guest has left its page tables as they were. Then KVM's own are
 * right as well, and stay: it follows what the guest writes, and only what
 * the monitor writes it does not see. Such tables are not written to; a bit
 * in them that says "dirty" has the kernel clear a page more. A page that was
 * a table in between may be one again: the kernel clears it itself, and KVM
 * sees that.
 */
static bool tables_are_same(const struct instance *inst)
{
	uint32_t range = 0;

	if (table_count > TABLES_MAX)
		return false;
	for (unsigned i = 0; i < table_count; i++) {
		const void *now = inst->mem.ram + tables[i];
		const void *old = original_page(inst, tables[i], &range);

		if (!old || !table_is_same(now, old))
			return false;
	}
	return true;
}

static bool is_table(struct cursor *c, uint64_t gpa)
{
	while (c->table < table_count && tables[c->table] < gpa)
		c->table++;
	return c->table < table_count && tables[c->table] == gpa;
}

static int reset_page(void *arg, uint64_t gpa)
{
	struct cursor *c = arg;
	const uint8_t *from = original_page(c->inst, gpa, &c->range);
	int err = 0;

	if (c->keep_tables && is_table(c, gpa))
		return 0;
	if (from) {
		memcpy(c->inst->mem.ram + gpa, from, MF_PAGE_SIZE);
		return 0;
	}
	if (c->zero_to != gpa) {
		err = clear_zeros(c);
		c->zero_from = gpa;
	}
	c->zero_to = gpa + MF_PAGE_SIZE;
	return err;
}

/* What the guest gave back and nobody touched: no page says so. */
static void put_back(struct cursor *c)
{
	struct instance *inst = c->inst;
	uint64_t pages = inst->facts.ram_size / MF_PAGE_SIZE;
	const uint8_t *from;

	c->range = c->table = 0;
	for (uint64_t word = 0; word < (pages + 63) / 64; word++) {
		uint64_t bits = inst->discarded[word];

		if (!bits)
			continue;
		inst->discarded[word] = 0;
		for (; bits; bits &= bits - 1) {
			uint64_t page =
				word * 64 + (uint64_t)__builtin_ctzll(bits);
			uint64_t gpa = page * MF_PAGE_SIZE;

			from = original_page(inst, gpa, &c->range);
			if (from && !(c->keep_tables && is_table(c, gpa)))
				memcpy(inst->mem.ram + gpa, from, MF_PAGE_SIZE);
		}
	}
}

/* RAM that was added since is none of the snapshot's: it goes as a whole. */
static int reset_ram(struct instance *inst, bool keep_tables)
{
	struct cursor c = { .inst = inst, .keep_tables = keep_tables };
	uint64_t size = inst->facts.ram_size;
	int err;

	if (inst->mem.ram_size > size &&
	    madvise(inst->mem.ram + size, inst->mem.ram_size - size,
		    MADV_DONTNEED) < 0)
		return -errno;
	err = touched_each(inst, size, reset_page, &c);
	if (!err)
		err = clear_zeros(&c);
	put_back(&c);
	inst->mem.ram_size = size;
	return err;
}

/* The monitor's own, as before the first instruction. */
static void forget(struct instance *inst)
{
	uint32_t jail = inst->exit.stats.jail;

	if (inst->trace_fd >= 0)
		close(inst->trace_fd);
	inst->trace_fd = -1;
	inst->trace_seq = 0;
	inst->nudge = inst->ready = inst->done = false;
	inst->limit_checked_ns = 0;
	memset(&inst->exit, 0, sizeof(inst->exit));
	inst->exit.stats.jail = jail;
	inst->exit_text[0] = '\0';
}

int recycle(struct instance *inst, struct err *e)
{
	bool same = tables_are_same(inst);
	int err = reset_ram(inst, same);

	if (err)
		return err_sys(e, -err, "cannot reset the guest's memory");
	rings_again(&inst->rings);
	forget(inst);
	err = restore_clean(inst, e);
	return err ? err : inst->ops->reset(inst, same, e);
}
