/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's address space as x86-64 page tables.
 *
 * With MF_PAGING_TABLES the CPU walks them. With MF_PAGING_GATE the same
 * tables are the kernel's record of what is mapped, and every change is also
 * made by calling the gate. A leaf that is kept but not accessible has P
 * clear and SW_KEPT set. Reductions only mark the TLB stale; arch_mmu_flush
 * makes them effective, and costs nothing when no stale entry can be cached
 * (the CPU caches only entries whose accessed bit is set).
 */
#include "arch.h"
#include "core/frame.h"

#define PTE_P	 0x001ull
#define PTE_W	 0x002ull
#define PTE_U	 0x004ull
#define PTE_A	 0x020ull
#define PTE_PS	 0x080ull
#define PTE_KEPT 0x200ull /* software: no access, memory kept */
#define PTE_NX	 (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

#define LEVEL_4K 1
#define LEVEL_2M 2

static uint64_t *root;
static bool tables; /* the CPU uses them */
static bool stale; /* a flush is due */

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

/* Replaces a huge leaf by 512 small ones with the same access. */
static int split_huge(uint64_t *pde)
{
	uint64_t old = *pde;
	uint64_t *table = page_alloc(0);
	uint64_t bits = old & ~(PTE_ADDR | PTE_PS);

	if (!table)
		return -ENOMEM;
	for (uint64_t i = 0; i < 512; i++)
		table[i] = ((old & PTE_ADDR) + i * PAGE_SIZE) | bits;
	*pde = kva_gpa(table).v | PTE_P | PTE_W | PTE_U | PTE_A;
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

	for (int at = 4;; at--) {
		uint64_t *pte = &table[level_index(va, at)];

		*ret_level = at;
		if (at == level)
			return pte;
		if (*pte && pte_is_leaf(*pte, at))
			return pte;
		if (!*pte) {
			if (!make)
				return pte;
			table = page_alloc(0);
			if (!table)
				return NULL;
			*pte = kva_gpa(table).v | PTE_P | PTE_W | PTE_U | PTE_A;
		}
		table = gpa_kva((gpa_t){ *pte & PTE_ADDR });
	}
}

static int map_one(uint64_t va, gpa_t gpa, uint64_t bits, int level)
{
	int at;
	uint64_t *pte = walk(va, level, true, &at);

	if (!pte)
		return -ENOMEM;
	if (level == LEVEL_2M && *pte && !(*pte & PTE_PS)) {
		/* An empty table was left behind by small leaves. */
		page_free(gpa_kva((gpa_t){ *pte & PTE_ADDR }), 0);
		stale |= tables;
		arch_mmu_flush();
	}
	*pte = gpa.v | bits | (level == LEVEL_2M ? PTE_PS : 0);
	return 0;
}

static bool table_is_empty(uint64_t va)
{
	int at;
	const uint64_t *pte = walk(va, LEVEL_2M, false, &at);
	const uint64_t *table;

	if (at != LEVEL_2M || !*pte)
		return true;
	if (*pte & PTE_PS)
		return false;
	table = gpa_kva((gpa_t){ *pte & PTE_ADDR });
	for (int i = 0; i < 512; i++)
		if (table[i])
			return false;
	return true;
}

static bool can_be_huge(uint64_t va, gpa_t gpa, uint64_t len)
{
	return ((va | gpa.v) & (MF_HUGE_SIZE - 1)) == 0 &&
	       len >= MF_HUGE_SIZE && table_is_empty(va);
}

int arch_mmu_map(uint64_t va, gpa_t gpa, uint64_t len, uint32_t prot)
{
	uint64_t bits = prot_bits(prot);
	uint64_t done = 0;

	while (done < len) {
		gpa_t g = { gpa.v + done };
		bool huge = can_be_huge(va + done, g, len - done);
		int err =
			map_one(va + done, g, bits, huge ? LEVEL_2M : LEVEL_4K);

		if (err) {
			arch_mmu_unmap(va, done);
			return err;
		}
		done += huge ? MF_HUGE_SIZE : PAGE_SIZE;
	}
	if (tables)
		return 0;
	return (int)gate_map(va, gpa, len, prot);
}

/* The next leaf in [*va, end), split so that it lies inside; or NULL. */
static uint64_t *next_leaf(uint64_t *va, uint64_t end, uint64_t *size, int *err)
{
	*err = 0;
	while (*va < end) {
		int at;
		uint64_t *pte = walk(*va, LEVEL_4K, false, &at);
		uint64_t span = 1ull << level_shift(at);
		uint64_t start = *va & ~(span - 1);

		if (!*pte) {
			*va = start + span;
			continue;
		}
		if (at == LEVEL_2M && (start < *va || start + span > end)) {
			*err = split_huge(pte);
			if (*err)
				return NULL;
			continue;
		}
		*size = span;
		return pte;
	}
	return NULL;
}

int arch_mmu_unmap(uint64_t va, uint64_t len)
{
	uint64_t at = va, size;
	uint64_t *pte;
	int err;

	while ((pte = next_leaf(&at, va + len, &size, &err))) {
		if (*pte & PTE_A)
			stale |= tables;
		*pte = 0;
		at += size;
	}
	if (err || tables)
		return err;
	return (int)gate_call2(kernel_boot->gate.unmap, va, len);
}

/* The host's protection of [va, end), where everything is mapped. */
static int gate_protect(uint64_t va, uint64_t end, uint32_t prot)
{
	if (tables || va == end)
		return 0;
	return (int)gate_call3(kernel_boot->gate.protect, va, end - va, prot);
}

int arch_mmu_protect(uint64_t va, uint64_t len, uint32_t prot)
{
	uint64_t bits = prot_bits(prot);
	uint64_t at = va, size;
	uint64_t run = va, run_end = va; /* without a hole */
	uint64_t *pte;
	int err;

	while ((pte = next_leaf(&at, va + len, &size, &err))) {
		uint64_t old = *pte;
		uint64_t keep = old & (PTE_ADDR | PTE_PS);
		bool reduced = bits_prot(old) & ~prot;

		if (reduced && (old & PTE_A))
			stale |= tables;
		else if (!reduced)
			keep |= old & PTE_A;
		*pte = keep | bits;
		if (at != run_end) {
			int host = gate_protect(run, run_end, prot);

			if (host)
				return host;
			run = at;
		}
		at += size;
		run_end = at;
	}
	return err ? err : gate_protect(run, run_end, prot);
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
	};
}

void arch_mmu_flush(void)
{
	if (!stale)
		return;
	stale = false;
	arch_doorbell(MF_DB_FLUSH);
}
