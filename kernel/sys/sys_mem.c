/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls about memory: they check what Linux checks first, then call
 * core/mm.h. Locking memory is granted and means nothing, since a guest does
 * not swap.
 */
#include "core/mm.h"
#include "sys/syscall.h"

#define O_ACCMODE 3
#define O_WRONLY  1
#define O_RDWR	  2

static int check_file(const struct file *f, uint32_t prot, uint32_t flags)
{
	uint32_t mode = f->flags & O_ACCMODE;

	if (!f->ops->extent)
		return -ENODEV;
	if (mode == O_WRONLY)
		return -EACCES;
	if ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) &&
	    mode != O_RDWR)
		return -EACCES;
	return 0;
}

long sys_mmap(struct mf_regs *r)
{
	struct mmap_request req = {
		.addr = r->rdi,
		.len = r->rsi,
		.prot = (uint32_t)r->rdx,
		.flags = (uint32_t)r->r10 & ~(VMA_STACK | VMA_HEAP | VMA_LAZY),
		.off = r->r9,
	};
	uint32_t type = req.flags & MAP_TYPE;
	int err;

	if (type != MAP_PRIVATE && type != MAP_SHARED &&
	    type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE)
		req.flags = (req.flags & ~(uint32_t)MAP_TYPE) | MAP_SHARED;
	if (req.off % PAGE_SIZE)
		return -EINVAL;
	if (!(req.flags & MAP_ANONYMOUS)) {
		req.file = fd_get((int)r->r8);
		if (!req.file)
			return -EBADF;
		if (!req.len)
			return -EINVAL;
		err = check_file(req.file, req.prot, req.flags);
		if (err)
			return err;
	}
	return mm_map(&req);
}

long sys_munmap(struct mf_regs *r)
{
	return mm_unmap(r->rdi, r->rsi);
}

long sys_mprotect(struct mf_regs *r)
{
	return mm_protect(r->rdi, r->rsi, (uint32_t)r->rdx);
}

/* Only the default key exists; anything else was never allocated. */
long sys_pkey_mprotect(struct mf_regs *r)
{
	if ((int)r->r10 != -1 && r->r10 != 0)
		return -EINVAL;
	return sys_mprotect(r);
}

long sys_pkey_alloc(struct mf_regs *r)
{
	if (r->rdi || r->rsi > 3)
		return -EINVAL;
	return -ENOSPC; /* as without protection keys */
}

long sys_pkey_free(struct mf_regs *r)
{
	(void)r;
	return -EINVAL;
}

long sys_mremap(struct mf_regs *r)
{
	return mm_remap(r->rdi, r->rsi, r->rdx, (uint32_t)r->r10, r->r8);
}

long sys_madvise(struct mf_regs *r)
{
	switch ((int)r->rdx) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return mm_advise(r->rdi, r->rsi, (int)r->rdx);
	default:
		return -EINVAL;
	}
}

long sys_brk(struct mf_regs *r)
{
	return (long)mm_brk(r->rdi);
}

/* Everything is resident as far as a program can tell. */
long sys_mincore(struct mf_regs *r)
{
	uint64_t pages = ALIGN_UP(r->rsi, PAGE_SIZE) / PAGE_SIZE;

	if (r->rdi % PAGE_SIZE)
		return -EINVAL;
	if (!user_can_write(r->rdx, pages))
		return -EFAULT;
	for (uint64_t i = 0; i < pages; i++) {
		const struct vma *v = mm_find(r->rdi + i * PAGE_SIZE);

		if (!v || v->start > r->rdi + i * PAGE_SIZE)
			return -ENOMEM;
	}
	memset((void *)(uintptr_t)r->rdx, 1, pages);
	return 0;
}

static long check_range(const struct mf_regs *r)
{
	uint64_t at = ALIGN_DOWN(r->rdi, PAGE_SIZE);
	uint64_t end = r->rdi + r->rsi;
	const struct vma *v;

	for (; at < end; at = v->end) {
		v = mm_find(at);
		if (!v || v->start > at)
			return -ENOMEM;
	}
	return end < r->rdi ? -EINVAL : 0;
}

long sys_msync(struct mf_regs *r)
{
	if (r->rdi % PAGE_SIZE || (r->rdx & ~7ull) || (r->rdx & 5) == 5)
		return -EINVAL;
	return check_range(r);
}

long sys_mlock(struct mf_regs *r)
{
	return check_range(r);
}

long sys_mlock2(struct mf_regs *r)
{
	return r->rdx > 1 ? -EINVAL : check_range(r);
}

long sys_munlock(struct mf_regs *r)
{
	return check_range(r);
}

long sys_mlockall(struct mf_regs *r)
{
	return r->rdi == 0 || r->rdi > 7 ? -EINVAL : 0;
}

long sys_munlockall(struct mf_regs *r)
{
	(void)r;
	return 0;
}

/* Barriers between threads are free: there is one vCPU. */
long sys_membarrier(struct mf_regs *r)
{
	if ((int)r->rdi == 0) /* MEMBARRIER_CMD_QUERY */
		return 0x1f;
	return r->rdi > 0x10 || r->rsi ? -EINVAL : 0;
}
