/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an ELF file to a process: segments as private file mappings, a stack
 * with arguments, environment and auxiliary vector. Static programs only;
 * the image builder has refused everything else before.
 */
#include "core/exec.h"

#include <asm/stat.h>
#include <linux/auxvec.h>

#include "core/alloc.h"
#include "core/mm.h"
#include "core/random.h"
#include "core/sigframe.h"
#include "core/uaccess.h"
#include "fs/vfs.h"
#include "lib/elf.h"

#define STACK_SIZE  (8ull << 20) /* as RLIMIT_STACK says */
#define STACK_GUARD (1ull << 20)
#define PIE_BASE    0x555555554000ull

struct program {
	struct file *file;
	struct elf elf;
	uint64_t base; /* load bias */
	uint64_t stack_top;
	uint64_t sp; /* grows down while the stack is written */
};

static const char *args_at(uint32_t off)
{
	return (const char *)gpa_kva((gpa_t){ kernel_boot->args_gpa + off });
}

static const char *verdict_text(enum elf_verdict v, const struct elf *e)
{
	switch (v) {
	case ELF_NOT_ELF:
		return "it is not an ELF file";
	case ELF_TRUNCATED:
		return "it is truncated";
	case ELF_WRONG_CLASS:
	case ELF_WRONG_MACHINE:
		return "it is for another architecture";
	case ELF_NOT_PROGRAM:
		return "it is not an executable";
	case ELF_OK:
	case ELF_MALFORMED:
	default:
		return e->what ? e->what : "it is malformed";
	}
}

static void read_headers(struct program *p, const char *path)
{
	struct map_extent whole = { { 0 }, 0 };
	struct stat st;
	uint64_t size = 0;
	enum elf_verdict v;
	int err = p->file->ops->stat(p->file, &st);

	if (!err) {
		size = (uint64_t)st.st_size;
		err = p->file->ops->extent(
			p->file, 0, ALIGN_UP(size, PAGE_SIZE), false, &whole);
	}
	if (err || whole.gpa.v < MF_IMAGE_GPA || whole.len < size)
		kpanic("%s is not in the image as one piece", path);
	v = elf_parse(&p->elf,
		      (const void *)(uintptr_t)(MF_IMAGE_VA + whole.gpa.v -
						MF_IMAGE_GPA),
		      size);
	if (v != ELF_OK)
		kpanic("cannot run %s: %s", path, verdict_text(v, &p->elf));
	if (p->elf.interp_len)
		kpanic("cannot run %s: it is dynamically linked", path);
}

static void map_or_panic(const struct mmap_request *req)
{
	int64_t at = mm_map(req);

	if (at >= 0)
		return;
	if (at == -ENOMEM)
		kpanic("memory exhausted while loading the program: %lu KiB "
		       "more do not fit the limit of %lu KiB",
		       req->len >> 10, kernel_boot->mem_limit >> 10);
	kpanic("cannot map the program at %lx: error %ld", req->addr,
	       (long)-at);
}

static uint32_t load_prot(const struct elf_load *l)
{
	return (l->read ? PROT_READ : 0u) | (l->write ? PROT_WRITE : 0u) |
	       (l->exec ? PROT_EXEC : 0u);
}

static void map_load(const struct program *p, const struct elf_load *l)
{
	uint64_t start = ALIGN_DOWN(p->base + l->vaddr, PAGE_SIZE);
	uint64_t skew = p->base + l->vaddr - start;
	uint64_t file_end = p->base + l->vaddr + l->file_size;
	uint64_t mem_end =
		ALIGN_UP(p->base + l->vaddr + l->mem_size, PAGE_SIZE);
	uint64_t split = l->file_size ? ALIGN_UP(file_end, PAGE_SIZE) : start;
	struct mmap_request req = {
		.addr = start,
		.len = split - start,
		.prot = load_prot(l),
		.flags = MAP_PRIVATE | MAP_FIXED,
		.file = p->file,
		.off = l->off - skew,
	};

	if (split > start)
		map_or_panic(&req);
	if (l->mem_size > l->file_size && l->file_size && l->write)
		memset((void *)(uintptr_t)file_end, 0, split - file_end);
	if (mem_end <= split)
		return;
	req = (struct mmap_request){
		.addr = split,
		.len = mem_end - split,
		.prot = load_prot(l),
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};
	map_or_panic(&req);
}

static void map_stack(struct program *p)
{
	struct mmap_request req = {
		.len = STACK_SIZE + STACK_GUARD,
		.prot = PROT_NONE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | VMA_STACK,
	};
	int64_t at = mm_map(&req);

	if (at < 0)
		kpanic("no room for the stack");
	p->stack_top = (uint64_t)at + STACK_SIZE + STACK_GUARD;
	p->sp = p->stack_top;
	if (mm_protect(p->stack_top - STACK_SIZE, STACK_SIZE,
		       PROT_READ | PROT_WRITE |
			       (p->elf.exec_stack ? PROT_EXEC : 0u)) < 0)
		kpanic("memory exhausted: no %llu KiB for the stack",
		       STACK_SIZE >> 10);
}

static void push(struct program *p, const void *data, size_t len)
{
	p->sp -= len;
	memcpy((void *)(uintptr_t)p->sp, data, len);
}

static void push_word(struct program *p, uint64_t v)
{
	push(p, &v, sizeof(v));
}

/* Pairs for the auxiliary vector; at_random and execfn are on the stack. */
static size_t fill_auxv(const struct program *p, uint64_t aux[][2],
			uint64_t at_random, uint64_t execfn)
{
	const uint64_t pairs[][2] = {
		{ AT_SYSINFO_EHDR, arch_vdso() },
		{ AT_PHDR,
		  p->elf.phdr_vaddr ? p->base + p->elf.phdr_vaddr : 0 },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, p->elf.phdr_count },
		{ AT_PAGESZ, PAGE_SIZE },
		{ AT_BASE, 0 },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, p->base + p->elf.entry },
		{ AT_UID, kernel_boot->uid },
		{ AT_EUID, kernel_boot->uid },
		{ AT_GID, kernel_boot->gid },
		{ AT_EGID, kernel_boot->gid },
		{ AT_SECURE, 0 },
		{ AT_CLKTCK, 100 },
		{ AT_RANDOM, at_random },
		{ AT_EXECFN, execfn },
		{ AT_HWCAP2, 2 }, /* FSGSBASE usable by programs */
		{ AT_MINSIGSTKSZ, arch_fpu_size() + 1024 },
		{ AT_NULL, 0 },
	};

	memcpy(aux, pairs, sizeof(pairs));
	return ARRAY_SIZE(pairs);
}

static void push_strings(struct program *p, uint64_t first, uint32_t count)
{
	const char *s = (const char *)(uintptr_t)first;
	uint64_t at = p->sp;

	/* The pointers come out in order at p->sp. */
	p->sp -= (count + 1) * sizeof(uint64_t);
	for (uint64_t *slot = (uint64_t *)(uintptr_t)p->sp; count; count--) {
		*slot++ = (uint64_t)(uintptr_t)s;
		s += strlen(s) + 1;
	}
	((uint64_t *)(uintptr_t)at)[-1] = 0;
}

static uint64_t skip_strings(uint64_t at, uint32_t count)
{
	while (count--)
		at += strlen((const char *)(uintptr_t)at) + 1;
	return at;
}

/* Linux: linux/fs/binfmt_elf.c documents the order of what is pushed. */
static void build_stack(struct program *p)
{
	const struct mf_boot *b = kernel_boot;
	uint64_t aux[32][2];
	uint64_t strings, at_random, envp;
	uint8_t seed[16];
	size_t pairs, words;

	push(p, args_at(0), b->args_len);
	strings = p->sp;
	random_fill(seed, sizeof(seed));
	push(p, seed, sizeof(seed));
	at_random = p->sp;
	p->sp = ALIGN_DOWN(p->sp, 16);
	pairs = fill_auxv(p, aux, at_random, strings + b->path_off);
	words = 2 * pairs + b->envc + 1 + b->argc + 1 + 1;
	if (words % 2)
		push_word(p, 0);
	push(p, aux, pairs * sizeof(aux[0]));
	envp = skip_strings(strings, b->argc);
	push_strings(p, envp, b->envc);
	push_strings(p, strings, b->argc);
	push_word(p, b->argc);
	kassert(p->sp % 16 == 0);
}

void exec_program(struct mf_regs *frame)
{
	struct program p = { 0 };
	const char *path = args_at(kernel_boot->path_off);
	uint64_t slide;
	int err = vfs_open_exec(path, &p.file);

	if (err)
		kpanic("cannot open the program %s in the image: error %d",
		       path, -err);
	read_headers(&p, path);
	random_fill(&slide, sizeof(slide));
	if (p.elf.pie)
		p.base = PIE_BASE + (slide % 4096) * MF_HUGE_SIZE - p.elf.lo;
	sigframe_set_load_base(p.base);
	for (uint32_t i = 0; i < p.elf.load_count; i++)
		map_load(&p, &p.elf.loads[i]);
	mm_set_brk(p.base + p.elf.hi);
	map_stack(&p);
	build_stack(&p);
	file_unref(p.file);
	*frame = (struct mf_regs){
		.rip = p.base + p.elf.entry,
		.rsp = p.sp,
		.rflags = 0x202,
		.cs = MF_SEL_USER_CS,
		.ss = MF_SEL_USER_DS,
		.orig_rax = UINT64_MAX,
	};
}
