/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK mean for areas. The first two
 * are infinite as a rule; only when they are not are all areas added up.
 */
#include <asm-generic/resource.h>

#include "core/mm.h"
#include "core/rlimit.h"

static uint64_t stack_top, stack_low, stack_floor;
static uint32_t stack_prot;

static bool is_data(uint32_t prot, uint32_t flags)
{
	return (prot & PROT_WRITE) && (flags & MAP_TYPE) == MAP_PRIVATE &&
	       !(flags & VMA_STACK);
}

bool mm_is_reserve(const struct vma *v)
{
	return (v->flags & VMA_STACK) && !v->prot;
}

uint64_t mm_virtual_bytes(void)
{
	const struct vma *v;
	uint64_t sum = 0;

	for (size_t i = 0; (v = mm_area(i)); i++)
		if (!mm_is_reserve(v))
			sum += v->end - v->start;
	return sum;
}

uint64_t mm_data_bytes(void)
{
	const struct vma *v;
	uint64_t sum = 0;

	for (size_t i = 0; (v = mm_area(i)); i++)
		if (is_data(v->prot, v->flags))
			sum += v->end - v->start;
	return sum;
}

/* What a fixed mapping at the range replaces. */
static uint64_t replaced_bytes(uint64_t start, uint64_t end, bool data)
{
	const struct vma *v = mm_find(start);
	uint64_t sum = 0;

	while (v && v->start < end) {
		if (!data || is_data(v->prot, v->flags))
			sum += min_u64(v->end, end) - max_u64(v->start, start);
		v = mm_find(v->end);
	}
	return sum;
}

static bool fits(uint64_t limit, uint64_t used, uint64_t more)
{
	return used <= limit && more <= limit - used;
}

bool mm_may_map(const struct mmap_request *req, uint64_t len)
{
	uint64_t as = rlimit_value(RLIMIT_AS);
	uint64_t data = rlimit_value(RLIMIT_DATA);
	uint64_t end = req->flags & MAP_FIXED ? req->addr + len : req->addr;

	if (as != RLIM64_INFINITY &&
	    !fits(as,
		  mm_virtual_bytes() - replaced_bytes(req->addr, end, false),
		  len))
		return false;
	return data == RLIM64_INFINITY || !is_data(req->prot, req->flags) ||
	       fits(data,
		    mm_data_bytes() - replaced_bytes(req->addr, end, true),
		    len);
}

bool mm_may_grow(const struct vma *v, uint64_t more)
{
	struct mmap_request req = { .prot = v->prot, .flags = v->flags };

	req.flags &= ~(uint32_t)MAP_FIXED;
	return mm_may_map(&req, more);
}

bool mm_may_write(const struct vma *v)
{
	uint64_t data = rlimit_value(RLIMIT_DATA);

	return data == RLIM64_INFINITY || is_data(v->prot, v->flags) ||
	       !is_data(PROT_WRITE, v->flags) ||
	       fits(data, mm_data_bytes(), v->end - v->start);
}

/* ---- the first thread's stack -------------------------------------------- */

int mm_map_stack(uint64_t size, uint32_t prot, uint64_t *ret_top)
{
	struct mmap_request req = {
		.len = MM_STACK_MAX + MM_STACK_GUARD,
		.prot = PROT_NONE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | VMA_STACK,
	};
	int64_t at = mm_map(&req);
	int err;

	if (at < 0)
		return (int)at;
	stack_floor = (uint64_t)at + MM_STACK_GUARD;
	stack_top = stack_floor + MM_STACK_MAX;
	stack_low = stack_top - size;
	stack_prot = prot;
	err = mm_protect(stack_low, size, prot);
	*ret_top = stack_top;
	return err;
}

/* Linux lets the stack grow as far as the limit allows when it is touched. */
void mm_stack_limit(uint64_t limit)
{
	uint64_t size = min_u64(limit, MM_STACK_MAX);
	uint64_t low =
		stack_top -
		ALIGN_DOWN(min_u64(size, kernel_boot->mem_limit), PAGE_SIZE);

	/* What it has, it keeps; without memory it does not grow. */
	if (low < stack_low && !mm_protect(low, stack_low - low, stack_prot))
		stack_low = low;
}
