/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest before its first instruction: RAM, the image mapping, the kernel
 * (text straight from the image, data copied), the initial page tables and the
 * boot page. The same for every substrate; layout.h says where things are.
 */
#include <cpuid.h>
#include <errno.h>
#include <linux/kvm.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include <x86intrin.h>

#include "monitor/instance.h"

#define PTE_P	  0x01ull
#define PTE_W	  0x02ull
#define PTE_U	  0x04ull
#define PTE_AD	  0x60ull /* accessed and dirty: the CPU need not set them */
#define PTE_PS	  0x80ull
#define PTE_NX	  (1ull << 63)
#define PTE_TABLE (PTE_P | PTE_W | PTE_U | 0x20ull)

#define GIB	    (1ull << 30)
#define RAM_START   (16ull << 20) /* mapped at first, beyond the frame table */
#define RAM_FACTOR  16 /* guest-physical space per byte of the limit */
#define RAM_MAX_MIN (256ull << 20)
#define POPULATE    (240ull << 10) /* low RAM that every boot touches */

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static uint64_t *table_at(struct instance *inst, uint64_t gpa)
{
	return (uint64_t *)(void *)(inst->mem.ram + gpa);
}

/*
 * How much guest-physical memory to offer. Programs reserve several times
 * what they touch, so RAM is larger than the limit; run.c enforces the limit
 * on what is really used.
 */
static void choose_sizes(struct instance *inst)
{
	uint64_t max = inst->start.mem_limit * RAM_FACTOR;

	if (max < RAM_MAX_MIN)
		max = RAM_MAX_MIN;
	if (max > MF_RAM_MAX)
		max = MF_RAM_MAX;
	inst->mem.ram_max = round_up(max, MF_HUGE_SIZE);
	inst->mem.ram_size =
		round_up(inst->mem.ram_max / 256 + RAM_START, MF_HUGE_SIZE);
	if (inst->mem.ram_size > inst->mem.ram_max)
		inst->mem.ram_size = inst->mem.ram_max;
}

/* Host and guest-physical addresses agree modulo 2 MiB. */
static int map_ram(struct instance *inst, struct err *e)
{
	struct guest_mem *m = &inst->mem;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	uint8_t *p;

	m->ram_fd = -1;
	if (inst->ops->shared_ram) {
		m->ram_fd = memfd_create("mayfly-ram", MFD_CLOEXEC);
		if (m->ram_fd < 0 ||
		    ftruncate(m->ram_fd, (off_t)m->ram_max) < 0)
			return err_sys(e, errno,
				       "cannot make guest memory, a file of "
				       "%lu MiB",
				       (unsigned long)(m->ram_max >> 20));
		flags = MAP_SHARED | MAP_NORESERVE;
	}
	p = mmap(NULL, m->ram_max + MF_HUGE_SIZE, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot reserve %lu MiB of memory",
			       (unsigned long)(m->ram_max >> 20));
	p = (uint8_t *)round_up((uint64_t)(uintptr_t)p, MF_HUGE_SIZE);
	m->ram = mmap(p, m->ram_max, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
		      m->ram_fd, 0);
	if (m->ram == MAP_FAILED)
		return err_sys(e, errno, "cannot map guest memory");
	/* Where the host gives whole 2 MiB at the first touch, a guest would
	 * hold many times what it uses. */
	madvise(m->ram, m->ram_max, MADV_NOHUGEPAGE);
	return 0;
}

static int size_image(struct instance *inst, struct err *e)
{
	struct guest_mem *m = &inst->mem;

	m->image_size = round_up(inst->start.image_size, MF_PAGE_SIZE);
	if (!m->image_size || m->image_size > MF_IMAGE_MAX)
		return err_set(e, EINVAL, "the image has an impossible size");
	return 0;
}

/* In the place that was reserved for it, if one was. */
static int map_image(struct instance *inst, struct err *e)
{
	struct guest_mem *m = &inst->mem;
	void *at = (void *)(uintptr_t)m->image, *p;

	p = mmap(at, m->image_size, PROT_READ,
		 MAP_SHARED | (at ? MAP_FIXED : 0), inst->image_fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map the image");
	m->image = p;
	return 0;
}

int loader_reserve(struct instance *inst, struct err *e)
{
	struct guest_mem *m = &inst->mem;
	void *p;
	int err;

	if (inst->start.ram_size % MF_HUGE_SIZE ||
	    inst->start.ram_max % MF_HUGE_SIZE ||
	    inst->start.ram_size > inst->start.ram_max ||
	    inst->start.ram_max > MF_RAM_MAX)
		return err_set(e, EINVAL, "the shell has impossible sizes");
	m->ram_size = inst->start.ram_size;
	m->ram_max = inst->start.ram_max;
	err = size_image(inst, e);
	if (err)
		return err;
	p = mmap(NULL, m->image_size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot reserve the image's place");
	m->image = p;
	err = map_ram(inst, e);
	if (err)
		return err;
	/* What every guest touches costs the shell its time, not the guest. */
	madvise(m->ram, POPULATE, MADV_POPULATE_WRITE);
	return 0;
}

/* Of the sizes that are asked for now; in a shell they are there. */
static int map_memory(struct instance *inst, const struct guest_mem *shell,
		      struct err *e)
{
	struct guest_mem *m = &inst->mem;
	int err = size_image(inst, e);

	if (err)
		return err;
	if (shell->ram &&
	    (m->ram_size != shell->ram_size || m->ram_max != shell->ram_max ||
	     m->image_size != shell->image_size))
		return err_set(e, EINVAL,
			       "the shell was made for a guest of other sizes");
	if (!shell->ram && (err = map_ram(inst, e)) < 0)
		return err;
	return map_image(inst, e);
}

static int check_kernel(const struct instance *inst,
			const struct mf_kernel_hdr *h, struct err *e)
{
	uint64_t all = (uint64_t)h->text_size + h->data_size + h->bss_size;

	if (h->magic != MF_KERNEL_MAGIC)
		return err_set(e, EINVAL, "the image's kernel is not one");
	if (h->abi_version != MF_ABI_VERSION)
		return err_set(e, EINVAL,
			       "the image's kernel speaks guest ABI %u, this "
			       "monitor %u: build the image again",
			       h->abi_version, MF_ABI_VERSION);
	if ((h->text_size | h->data_size | h->bss_size) % MF_PAGE_SIZE ||
	    all > MF_KERNEL_MAX || !h->text_size ||
	    (uint64_t)h->text_size + h->data_size > inst->start.kernel_size ||
	    h->entry >= h->text_size || h->boot_stack > all)
		return err_set(e, EINVAL, "the image's kernel is malformed");
	return 0;
}

static void set_pte(uint64_t *table, unsigned index, uint64_t gpa,
		    uint64_t bits)
{
	table[index] = gpa | bits | PTE_P | PTE_U | PTE_AD;
}

struct tables {
	uint64_t next; /* first free page */
	uint64_t *pdpt;
};

static uint64_t *new_table(struct instance *inst, struct tables *t,
			   uint64_t *parent, unsigned index)
{
	uint64_t gpa = t->next;

	t->next += MF_PAGE_SIZE;
	parent[index] = gpa | PTE_TABLE;
	return table_at(inst, gpa);
}

struct huge_range {
	unsigned slot; /* 1 GiB slot of the guest-virtual window */
	uint64_t gpa, len;
	uint64_t bits;
};

static void map_huge(struct instance *inst, struct tables *t,
		     const struct huge_range *r)
{
	for (uint64_t off = 0; off < r->len; off += GIB) {
		unsigned slot = r->slot + (unsigned)(off / GIB);
		uint64_t *pd = new_table(inst, t, t->pdpt, slot);

		for (uint64_t i = 0; i < 512 && off + i * MF_HUGE_SIZE < r->len;
		     i++)
			set_pte(pd, (unsigned)i,
				r->gpa + off + i * MF_HUGE_SIZE,
				r->bits | PTE_PS);
	}
}

static void map_window(uint64_t *pt, uint64_t va, uint64_t gpa, uint64_t len,
		       uint64_t bits)
{
	unsigned index = (unsigned)((va - MF_WINDOW_VA) / MF_PAGE_SIZE);

	for (uint64_t off = 0; off < len; off += MF_PAGE_SIZE)
		set_pte(pt, index++, gpa + off, bits);
}

/* Page tables, then the kernel's data behind them; returns what is free. */
static uint64_t build_tables(struct instance *inst,
			     const struct mf_kernel_hdr *h)
{
	struct tables t = { MF_PT_GPA + MF_PAGE_SIZE, NULL };
	uint64_t *pml4 = table_at(inst, MF_PT_GPA);
	uint64_t *pt;
	uint64_t data, data_len = (uint64_t)h->data_size + h->bss_size;
	const struct huge_range ram = {
		.len = inst->mem.ram_max,
		.bits = PTE_W | PTE_NX,
	};
	const struct huge_range image = {
		.slot = (MF_IMAGE_VA >> 30) & 511,
		.gpa = MF_IMAGE_GPA,
		.len = inst->mem.image_size,
		.bits = PTE_NX,
	};

	t.pdpt = new_table(inst, &t, pml4, (MF_DIRECT_VA >> 39) & 511);
	map_huge(inst, &t, &ram);
	map_huge(inst, &t, &image);
	pt = new_table(inst, &t, t.pdpt, (MF_WINDOW_VA >> 30) & 511);
	pt = new_table(inst, &t, pt, 0);
	data = t.next;
	map_window(pt, MF_GATE_VA, MF_GATE_GPA, MF_GATE_SIZE, 0);
	map_window(pt, MF_SYS_VA, MF_BOOT_GPA, MF_SYS_END - MF_BOOT_GPA,
		   PTE_W | PTE_NX);
	map_window(pt, MF_KERNEL_VA, MF_IMAGE_GPA + inst->start.kernel_off,
		   h->text_size, 0);
	map_window(pt, MF_KERNEL_VA + h->text_size, data, data_len,
		   PTE_W | PTE_NX);
	memcpy(inst->mem.ram + data,
	       inst->mem.image + inst->start.kernel_off + h->text_size,
	       h->data_size);
	inst->kernel_data_gpa = data;
	return data + data_len;
}

/* x87, SSE, AVX, AVX-512; Intel SDM vol. 1, 13.1. */
#define XFEATURES_KNOWN	 0xe7u
#define XFEATURES_AVX512 0xe0u
#define XSAVE_LEAF	 0xdu

__attribute__((target("xsave"))) uint64_t loader_xfeatures(void)
{
	uint32_t f = (uint32_t)_xgetbv(0) & XFEATURES_KNOWN;

	if ((f & XFEATURES_AVX512) != XFEATURES_AVX512)
		f &= ~XFEATURES_AVX512;
	return f;
}

/* CPUID leaf 0xd: from KVM's table if the parent sent it, else asked. */
static void xsave_leaf(const struct instance *inst, uint32_t i, uint32_t *len,
		       uint32_t *off)
{
	struct kvm_cpuid_entry2 entry;
	uint32_t c, d;

	for (uint32_t n = 0; n < inst->cpuid_count; n++) {
		memcpy(&entry, inst->cpuid + n * sizeof(entry), sizeof(entry));
		if (entry.function == XSAVE_LEAF && entry.index == i) {
			*len = entry.eax;
			*off = entry.ebx;
			return;
		}
	}
	__cpuid_count(XSAVE_LEAF, i, *len, *off, c, d);
}

/* Bytes of a standard-format XSAVE area for these features. */
static uint32_t xsave_size(const struct instance *inst, uint32_t features)
{
	uint32_t len, off, size = 576;

	for (uint32_t i = 2; i < 8; i++) {
		if (!(features & (1u << i)))
			continue;
		xsave_leaf(inst, i, &len, &off);
		if (off + len > size)
			size = off + len;
	}
	return size;
}

/* CPUID leaf 1, edx, as the guest sees it. */
static uint32_t hwcap(const struct instance *inst)
{
	struct kvm_cpuid_entry2 entry;

	for (uint32_t n = 0; n < inst->cpuid_count; n++) {
		memcpy(&entry, inst->cpuid + n * sizeof(entry), sizeof(entry));
		if (entry.function == 1)
			return entry.edx;
	}
	return (uint32_t)getauxval(AT_HWCAP);
}

int loader_fill_identity(struct instance *inst, struct err *e)
{
	const struct mf_ctl_start *s = &inst->start;
	struct mf_boot *b = (struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);
	const char *hostname = inst->args + s->hostname_off;

	memcpy(b->console_flags, s->console_flags, sizeof(b->console_flags));
	b->tty_rows = s->tty_rows;
	b->tty_cols = s->tty_cols;
	b->port_count = s->port_count;
	memcpy(b->ports, s->ports, sizeof(b->ports));
	memcpy(b->instance_id, s->instance_id, sizeof(b->instance_id));
	b->egress = s->egress;
	memset(b->hostname, 0, sizeof(b->hostname));
	memcpy(b->hostname, hostname,
	       strnlen(hostname, min_size(MF_HOSTNAME_MAX,
					  s->args_len - s->hostname_off)));
	b->late_len = s->late_len;
	memcpy(inst->mem.ram + MF_LATE_GPA, inst->args + s->late_off,
	       s->late_len);
	if (getrandom(b->entropy, sizeof(b->entropy), 0) != sizeof(b->entropy))
		return err_sys(e, errno, "no random numbers");
	return 0;
}

/* How the snapshot is wanted that this boot is for. */
static void fill_wish(const struct mf_ctl_start *s, struct mf_boot *b,
		      const char *request)
{
	size_t max =
		min_size(s->args_len - s->request_off, sizeof(b->request) - 1);

	b->flags = MF_BOOT_SNAPSHOT | (s->mark ? MF_BOOT_MARK : 0);
	b->warm_up = s->warm_up;
	memcpy(b->request, request, strnlen(request, max));
}

static void fill_boot(struct instance *inst, uint64_t free_gpa)
{
	const struct mf_ctl_start *s = &inst->start;
	struct mf_boot *b = (struct mf_boot *)(inst->mem.ram + MF_BOOT_GPA);

	b->magic = MF_BOOT_MAGIC;
	b->abi_version = MF_ABI_VERSION;
	b->paging = inst->ops->paging;
	b->ram_size = inst->mem.ram_size;
	b->ram_max = inst->mem.ram_max;
	b->mem_limit = s->mem_limit;
	b->args_gpa = free_gpa;
	b->free_gpa = round_up(free_gpa + s->args_len, MF_PAGE_SIZE);
	b->root_gpa = MF_PT_GPA;
	b->image_size = inst->mem.image_size;
	b->args_len = s->args_len;
	b->argc = s->argc;
	b->envc = s->envc;
	b->late_envc = s->late_envc;
	b->path_off = s->path_off;
	b->cwd_off = s->cwd_off;
	b->xfeatures = loader_xfeatures();
	b->xsave_size = xsave_size(inst, (uint32_t)b->xfeatures);
	b->uid = s->uid;
	b->gid = s->gid;
	b->hwcap = hwcap(inst);
	if (s->kind == MF_START_SNAPSHOT)
		fill_wish(s, b, inst->args + s->request_off);
	memcpy(inst->mem.ram + free_gpa, inst->args, s->args_len);
}

/* The kernel of the image, which a copy goes on running. */
static int read_kernel(struct instance *inst, struct err *e)
{
	const struct mf_ctl_start *s = &inst->start;
	struct mf_kernel_hdr h;
	int err;

	if (s->kernel_off % MF_PAGE_SIZE || s->kernel_size < sizeof(h) ||
	    s->kernel_off > s->image_size ||
	    s->kernel_size > s->image_size - s->kernel_off)
		return err_set(e, EINVAL, "the kernel lies outside the image");
	memcpy(&h, inst->mem.image + s->kernel_off, sizeof(h));
	err = check_kernel(inst, &h, e);
	if (!err)
		inst->kernel = h;
	return err;
}

int loader_init(struct instance *inst, struct err *e)
{
	bool copy = inst->start.kind == MF_START_COPY;
	const struct guest_mem shell = inst->mem;
	int err;

	if (!copy)
		choose_sizes(inst);
	else if ((err = restore_facts(inst, e)) < 0)
		return err;
	if ((err = map_memory(inst, &shell, e)) < 0 ||
	    (err = read_kernel(inst, e)) < 0)
		return err;
	inst->shared = (struct mf_shared *)(inst->mem.ram + MF_SHARED_GPA);
	if (copy) {
		err = restore_ram(inst, e);
		if (err)
			return err;
	} else {
		/* One call is cheaper than a fault per page; failing is
		 * harmless. */
		madvise(inst->mem.ram, POPULATE, MADV_POPULATE_WRITE);
		fill_boot(inst, build_tables(inst, &inst->kernel));
		inst->entry = MF_KERNEL_VA + inst->kernel.entry;
		inst->stack = MF_KERNEL_VA + inst->kernel.boot_stack;
	}
	return loader_fill_identity(inst, e);
}
