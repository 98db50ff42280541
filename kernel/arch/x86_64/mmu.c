/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's address space as x86-64 page tables.
 *
 * With MF_PAGING_TABLES the CPU walks them. With MF_PAGING_GATE the same
 * tables are the kernel's record of what is mapped, and every change is also
 * made by calling the gate. A leaf that is kept but not accessible has P
 * clear and KEPT set. Reductions only mark the TLB stale; arch_mmu_flush
 * makes them effective, and costs nothing when no stale entry can be cached
 * (the CPU caches only entries whose accessed bit is set). The dirty
 * bit, once set, stays as long as the leaf: a page without it is as zero as
 * when it was mapped.
 *
 * Tables that became empty are kept for a while, since a host that shadows
 * page tables traps most changes of their upper levels.
 */
#include "arch.h"
#include "core/frame.h"

#define PTE_P	 0x001ull
#define PTE_W	 0x002ull
#define PTE_U	 0x004ull
#define PTE_A	 0x020ull
#define PTE_D	 0x040ull
#define PTE_PS	 0x080ull
#define PTE_KEPT 0x200ull /* software: no access, memory kept */
#define PTE_NX	 (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

#define LEVEL_4K  1
#define LEVEL_2M  2
#define LEVEL_TOP 4

static uint64_t *root;
static bool tables; /* the CPU uses them */
static bool stale; /* a flush is due */
#define EMPTY_MAX 64u
static uint64_t empty[EMPTY_MAX]; /* where tables became empty */
static unsigned empty_count;
static uint64_t *dead; /* empty tables, linked by their first entries */

static long gate_call2(uint64_t fn, uint64_t va, uint64_t len)
{
	return ((long (*)(uint64_t, uint64_t))(uintptr_t)fn)(va, len);
}

static long gate_call3(uint64_t fn, uint64_t va, uint64_t len, uint64_t prot)
{
	return ((long (*)(uint64_t, uint64_t, uint64_t))(uintptr_t)fn)(va, len,
								       prot);
}

static long gate_map(uint64_t va, gpa_t gpa, uint64_t len, uint32_t prot)
{
	long (*map)(uint64_t, uint64_t, uint64_t, uint64_t) =
		(long (*)(uint64_t, uint64_t, uint64_t, uint64_t))(
			uintptr_t)kernel_boot->gate.map;

	return map(va, gpa.v, len, prot);
}

void arch_mmu_init(void)
{
	root = gpa_kva((gpa_t){ kernel_boot->root_gpa });
	tables = kernel_boot->paging == MF_PAGING_TABLES;
}

static uint64_t prot_bits(uint32_t prot)
{
	uint64_t bits = PTE_U;

	if (!prot)
		return bits | PTE_KEPT | PTE_NX;
	bits |= PTE_P;
	if (prot & ARCH_W)
		bits |= PTE_W;
	if (!(prot & ARCH_X))
		bits |= PTE_NX;
	return bits;
}

static uint32_t bits_prot(uint64_t pte)
{
	uint32_t prot = 0;

	if (!(pte & PTE_P))
		return 0;
	prot = ARCH_R;
	if (pte & PTE_W)
		prot |= ARCH_W;
	if (!(pte & PTE_NX))
		prot |= ARCH_X;
	return prot;
}

static unsigned level_shift(int level)
{
	return 12 + 9 * (unsigned)(level - 1);
}

static unsigned level_index(uint64_t va, int level)
{
	return (va >> level_shift(level)) & 511;
}

static bool pte_is_leaf(uint64_t pte, int level)
{
	return level == LEVEL_4K || (pte & PTE_PS);
}

static uint64_t *pte_table(uint64_t pte)
{
	return gpa_kva((gpa_t){ pte & PTE_ADDR });
}

/*
 * Cleared by writing to it, although a fresh page is zero: a host that keeps
 * tables of its own beside ours sees what the guest writes, and a page that
 * was a table before a reset is still one to it.
 */
static uint64_t *new_table(void)
{
	uint64_t *table = page_alloc(0);

	if (table && tables)
		memset(table, 0, PAGE_SIZE);
	return table;
}

/* Replaces a huge leaf by 512 small ones with the same access. */
static int split_huge(uint64_t *pde)
{
	uint64_t old = *pde;
	uint64_t *table = new_table();
	uint64_t bits = old & ~(PTE_ADDR | PTE_PS);

	if (!table)
		return -ENOMEM;
	for (uint64_t i = 0; i < 512; i++)
		table[i] = ((old & PTE_ADDR) + i * PAGE_SIZE) | bits;
	*pde = kva_gpa(table).v | PTE_P | PTE_W | PTE_U;
	if (old & PTE_P)
		stale |= tables;
	return 0;
}

/*
 * The entry for va at `level`, making tables on the way when `make` is set.
 * *ret_level is where the walk ended: lower levels are missing (make false)
 * or a huge leaf covers va. NULL only when memory for a table is missing.
 */
static uint64_t *walk(uint64_t va, int level, bool make, int *ret_level)
{
	uint64_t *table = root;

	for (int at = LEVEL_TOP;; at--) {
		uint64_t *pte = &table[level_index(va, at)];

		*ret_level = at;
		if (at == level)
			return pte;
		if (*pte && pte_is_leaf(*pte, at))
			return pte;
		if (!*pte) {
			if (!make)
				return pte;
			table = new_table();
			if (!table)
				return NULL;
			*pte = kva_gpa(table).v | PTE_P | PTE_W | PTE_U;
		}
		table = pte_table(*pte);
	}
}

/* Where what an entry at this level covers ends. */
static uint64_t span_end(uint64_t va, int level)
{
	uint64_t span = 1ull << level_shift(level);

	return (va & ~(span - 1)) + span;
}

static bool table_is_empty(const uint64_t *table)
{
	for (int i = 0; i < 512; i++)
		if (table[i])
			return false;
	return true;
}

static void clear_table(uint64_t *pte)
{
	uint64_t *table = pte_table(*pte);

	if (*pte & PTE_A)
		stale |= tables;
	*pte = 0;
	/* An aligned address is no entry the CPU would take. */
	table[0] = (uint64_t)(uintptr_t)dead;
	dead = table;
}

static void clear_leaf(uint64_t *pte, uint64_t size, arch_gone gone)
{
	uint64_t old = *pte;

	if (old & PTE_A)
		stale |= tables;
	*pte = 0;
	if (gone)
		gone((gpa_t){ old & PTE_ADDR }, size, !tables || (old & PTE_D));
}

/* Empty tables on the way to va, from below. */
static void sweep_at(uint64_t va)
{
	for (int level = LEVEL_2M; level <= LEVEL_TOP; level++) {
		int at;
		uint64_t *pte = walk(va, level, false, &at);

		if (at != level || !*pte || pte_is_leaf(*pte, level))
			continue;
		if (!table_is_empty(pte_table(*pte)))
			return;
		clear_table(pte);
	}
}

void arch_mmu_sweep(void)
{
	for (unsigned i = 0; i < empty_count; i++)
		sweep_at(empty[i]);
	empty_count = 0;
}

static void note_empty(uint64_t va)
{
	va = ALIGN_DOWN(va, MF_HUGE_SIZE);
	for (unsigned i = 0; i < empty_count; i++)
		if (empty[i] == va)
			return;
	if (empty_count == EMPTY_MAX)
		arch_mmu_sweep();
	empty[empty_count++] = va;
}

/* Leaves lie inside or outside as a whole. */
static void unmap_table(uint64_t *table, int level, uint64_t va, uint64_t end,
			arch_gone gone)
{
	uint64_t next;

	for (; va < end; va = next) {
		uint64_t *pte = &table[level_index(va, level)];

		next = min_u64(span_end(va, level), end);
		if (!*pte)
			continue;
		if (pte_is_leaf(*pte, level)) {
			clear_leaf(pte, next - va, gone);
			continue;
		}
		unmap_table(pte_table(*pte), level - 1, va, next, gone);
		if (level == LEVEL_2M && table_is_empty(pte_table(*pte)))
			note_empty(va);
	}
}

static void unmap_tables(uint64_t va, uint64_t end, arch_gone gone)
{
	unmap_table(root, LEVEL_TOP, va, end, gone);
}

static int map_one(uint64_t va, gpa_t gpa, uint64_t bits, int level)
{
	int at;
	uint64_t *pte = walk(va, level, true, &at);

	if (!pte)
		return -ENOMEM;
	if (level == LEVEL_2M && *pte) {
		clear_table(pte);
		arch_mmu_flush();
	}
	*pte = gpa.v | bits | (level == LEVEL_2M ? PTE_PS : 0);
	return 0;
}

/* No small leaf is in the 2 MiB at va. */
static bool span_is_free(uint64_t va)
{
	int at;
	uint64_t pte = *walk(va, LEVEL_2M, false, &at);

	return !pte || (at == LEVEL_2M && !(pte & PTE_PS) &&
			table_is_empty(pte_table(pte)));
}

static bool can_be_huge(uint64_t va, gpa_t gpa, uint64_t len)
{
	return ((va | gpa.v) & (MF_HUGE_SIZE - 1)) == 0 &&
	       len >= MF_HUGE_SIZE && span_is_free(va);
}

int arch_mmu_map(uint64_t va, gpa_t gpa, uint64_t len, uint32_t prot)
{
	uint64_t bits = prot_bits(prot & ~(uint32_t)ARCH_DIRTY) |
			(prot & ARCH_DIRTY ? PTE_D : 0);
	uint64_t done = 0;
	int err;

	while (done < len) {
		gpa_t g = { gpa.v + done };
		bool huge = can_be_huge(va + done, g, len - done);

		err = map_one(va + done, g, bits, huge ? LEVEL_2M : LEVEL_4K);
		if (err) {
			unmap_tables(va, va + done, NULL);
			return err;
		}
		done += huge ? MF_HUGE_SIZE : PAGE_SIZE;
	}
	if (tables)
		return 0;
	err = (int)gate_map(va, gpa, len, prot & ~(uint32_t)ARCH_DIRTY);
	if (err)
		unmap_tables(va, va + len, NULL);
	return err;
}

/* Makes leaves begin at va. */
static int split_at(uint64_t va)
{
	int at;
	uint64_t *pte;

	if (va % MF_HUGE_SIZE == 0)
		return 0;
	pte = walk(va, LEVEL_4K, false, &at);
	return at == LEVEL_2M && *pte ? split_huge(pte) : 0;
}

static bool is_mapped(uint64_t va, uint64_t end)
{
	struct arch_leaf leaf;

	for (; va < end; va = leaf.va + leaf.size) {
		arch_mmu_lookup(va, &leaf);
		if (leaf.present)
			return true;
	}
	return false;
}

int arch_mmu_unmap(uint64_t va, uint64_t len, arch_gone gone)
{
	uint64_t end = va + len;
	int err;

	if (!is_mapped(va, end))
		return 0;
	err = split_at(va);
	if (!err)
		err = split_at(end);
	if (!err && !tables)
		err = (int)gate_call2(kernel_boot->gate.unmap, va, len);
	if (!err)
		unmap_tables(va, end, gone);
	return err;
}

struct protect {
	uint64_t bits;
	uint32_t prot;
	uint64_t run, run_end; /* mapped without a hole, not the host's yet */
	int err;
};

/* The host's protection of the run, where everything is mapped. */
static void protect_run(struct protect *p)
{
	if (!tables && p->run < p->run_end && !p->err)
		p->err = (int)gate_call3(kernel_boot->gate.protect, p->run,
					 p->run_end - p->run, p->prot);
}

static void protect_leaf(uint64_t *pte, uint64_t va, uint64_t size,
			 struct protect *p)
{
	uint64_t old = *pte;
	uint64_t keep = old & (PTE_ADDR | PTE_PS | PTE_D);
	bool reduced = bits_prot(old) & ~p->prot;

	if (reduced && (old & PTE_A))
		stale |= tables;
	else if (!reduced)
		keep |= old & PTE_A;
	*pte = keep | p->bits;
	if (va != p->run_end) {
		protect_run(p);
		p->run = va;
	}
	p->run_end = va + size;
}

static void protect_table(uint64_t *table, int level, uint64_t va, uint64_t end,
			  struct protect *p)
{
	uint64_t next;

	for (; va < end && !p->err; va = next) {
		uint64_t *pte = &table[level_index(va, level)];

		next = min_u64(span_end(va, level), end);
		if (!*pte)
			continue;
		if (pte_is_leaf(*pte, level))
			protect_leaf(pte, va, next - va, p);
		else
			protect_table(pte_table(*pte), level - 1, va, next, p);
	}
}

int arch_mmu_protect(uint64_t va, uint64_t len, uint32_t prot)
{
	struct protect p = {
		.bits = prot_bits(prot),
		.prot = prot,
		.run = va,
		.run_end = va,
	};
	int err = split_at(va);

	if (!err)
		err = split_at(va + len);
	if (err)
		return err;
	protect_table(root, LEVEL_TOP, va, va + len, &p);
	protect_run(&p);
	return p.err;
}

/*
 * Of a huge leaf nothing is kept from va to end: those pages begin as not
 * written. The translation may be cached with D set, hence the flush.
 */
static void refine_huge(uint64_t *pde, uint64_t va, uint64_t end)
{
	uint64_t *table;

	if (!tables || split_huge(pde))
		return;
	table = pte_table(*pde);
	for (; va < end; va += PAGE_SIZE)
		table[level_index(va, LEVEL_4K)] &= ~(PTE_A | PTE_D);
	stale = true;
}

static void dirty_table(uint64_t *table, int level, uint64_t va, uint64_t end,
			arch_gone found)
{
	uint64_t next;

	for (; va < end; va = next) {
		uint64_t *pte = &table[level_index(va, level)];
		uint64_t old = *pte;
		uint64_t span = 1ull << level_shift(level);

		next = min_u64(span_end(va, level), end);
		if (!old)
			continue;
		if (!pte_is_leaf(old, level)) {
			dirty_table(pte_table(old), level - 1, va, next, found);
			continue;
		}
		if (tables && !(old & PTE_D))
			continue;
		found((gpa_t){ (old & PTE_ADDR) + (va & (span - 1)) },
		      next - va, true);
		if (level == LEVEL_2M)
			refine_huge(pte, va, next);
	}
}

void arch_mmu_dirty(uint64_t va, uint64_t len, arch_gone found)
{
	dirty_table(root, LEVEL_TOP, va, va + len, found);
}

void arch_mmu_lookup(uint64_t va, struct arch_leaf *ret)
{
	int at;
	uint64_t pte = *walk(va, LEVEL_4K, false, &at);
	uint64_t span = 1ull << level_shift(at);
	uint64_t start = va & ~(span - 1);

	*ret = (struct arch_leaf){ .va = va, .size = start + span - va };
	if (!pte)
		return;
	*ret = (struct arch_leaf){
		.va = start,
		.size = span,
		.gpa = { pte & PTE_ADDR },
		.prot = bits_prot(pte),
		.present = true,
		.dirty = !tables || (pte & PTE_D),
	};
}

bool arch_mmu_flush_due(void)
{
	return stale;
}

/* Neighbours of one kind, which the gate maps with one call. */
struct run {
	uint64_t va, len;
	gpa_t gpa;
	uint32_t prot;
};

static int map_run(const struct run *r)
{
	return r->len ? (int)gate_map(r->va, r->gpa, r->len, r->prot) : 0;
}

int arch_mmu_resume(void)
{
	struct run r = { 0 };
	struct arch_leaf leaf;
	int err = 0;

	if (tables)
		return 0;
	for (uint64_t va = 0; va < MF_USER_VA_MAX && !err;
	     va = leaf.va + leaf.size) {
		arch_mmu_lookup(va, &leaf);
		if (!leaf.present)
			continue;
		if (leaf.va == r.va + r.len && leaf.gpa.v == r.gpa.v + r.len &&
		    leaf.prot == r.prot) {
			r.len += leaf.size;
			continue;
		}
		err = map_run(&r);
		r = (struct run){ leaf.va, leaf.size, leaf.gpa, leaf.prot };
	}
	return err ? err : map_run(&r);
}

bool arch_mmu_take_flush(void)
{
	bool due = stale;

	stale = false;
	return due;
}

void arch_mmu_flush(void)
{
	if (arch_mmu_take_flush())
		arch_doorbell(MF_DB_FLUSH);
	while (dead) {
		uint64_t *table = dead;

		dead = (uint64_t *)(uintptr_t)table[0];
		table[0] = 0;
		page_free(table, 0);
	}
}

bool arch_discard(gpa_t gpa, uint64_t len)
{
	if (tables)
		return false;
	return gate_call2(kernel_boot->gate.discard,
			  (uint64_t)(uintptr_t)gpa_kva(gpa), len) == 0;
}
