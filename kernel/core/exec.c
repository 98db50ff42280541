/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an ELF file to a process: the segments of the program, and of the
 * interpreter it wants, as private file mappings; a stack with arguments,
 * environment and auxiliary vector. An interpreter is loaded wherever mmap
 * finds room, starts instead of the program, and finds that by AT_PHDR.
 */
#include "core/exec.h"

#include <asm/stat.h>
#include <linux/auxvec.h>

#include "core/alloc.h"
#include "core/late_env.h"
#include "core/mm.h"
#include "core/random.h"
#include "core/sigframe.h"
#include "core/uaccess.h"
#include "fs/vfs.h"
#include "lib/elf.h"

#define STACK_SIZE (8ull << 20) /* as RLIMIT_STACK says */
#define PIE_BASE   0x555555554000ull

struct binary {
	const char *path;
	struct file *file;
	const void *bytes; /* in the image */
	struct elf elf;
	uint64_t base; /* load bias */
};

struct program {
	struct binary main;
	struct binary interp; /* file NULL: the program is static */
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
	case ELF_LIBRARY:
		return "it is not an executable";
	case ELF_OK:
	case ELF_MALFORMED:
	default:
		return e->what ? e->what : "it is malformed";
	}
}

__attribute__((format(printf, 3, 4))) _Noreturn static void
refuse(const struct program *p, const struct binary *b, const char *fmt, ...)
{
	char why[128];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (b == &p->main)
		kpanic("cannot run %s: %s", b->path, why);
	kpanic("cannot run %s, which wants the interpreter %s: %s",
	       p->main.path, b->path, why);
}

static void open_binary(const struct program *p, struct binary *b)
{
	int err = vfs_open_exec(b->path, &b->file);

	if (err == -ENOENT || err == -ENOTDIR)
		refuse(p, b, "it is not in the image");
	if (err == -ELOOP)
		refuse(p, b, "its path is a loop of symbolic links");
	if (err == -EACCES)
		refuse(p, b, "it is not an executable file");
	if (err)
		refuse(p, b, "error %d", -err);
}

static void read_headers(const struct program *p, struct binary *b)
{
	struct map_extent whole = { { 0 }, 0 };
	struct stat st;
	uint64_t size = 0;
	enum elf_verdict v;
	int err;

	open_binary(p, b);
	err = b->file->ops->stat(b->file, &st);
	if (!err) {
		size = (uint64_t)st.st_size;
		err = b->file->ops->extent(
			b->file, 0, ALIGN_UP(size, PAGE_SIZE), false, &whole);
	}
	if (!size)
		refuse(p, b, "it is empty");
	if (err || whole.gpa.v < MF_IMAGE_GPA || whole.len < size)
		refuse(p, b, "it is not in the image as one piece");
	b->bytes = (const void *)(uintptr_t)(MF_IMAGE_VA + whole.gpa.v -
					     MF_IMAGE_GPA);
	v = elf_parse(&b->elf, b->bytes, size);
	if (v != ELF_OK)
		refuse(p, b, "%s", verdict_text(v, &b->elf));
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

static void map_load(const struct binary *b, const struct elf_load *l)
{
	uint64_t start = ALIGN_DOWN(b->base + l->vaddr, PAGE_SIZE);
	uint64_t skew = b->base + l->vaddr - start;
	uint64_t file_end = b->base + l->vaddr + l->file_size;
	uint64_t mem_end =
		ALIGN_UP(b->base + l->vaddr + l->mem_size, PAGE_SIZE);
	uint64_t split = l->file_size ? ALIGN_UP(file_end, PAGE_SIZE) : start;
	struct mmap_request req = {
		.addr = start,
		.len = split - start,
		.prot = load_prot(l),
		.flags = MAP_PRIVATE | MAP_FIXED,
		.file = b->file,
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

static void map_loads(const struct binary *b)
{
	for (uint32_t i = 0; i < b->elf.load_count; i++)
		map_load(b, &b->elf.loads[i]);
}

/* Room for all segments: where the file says, or where mmap finds it. */
static void place_interp(const struct program *p, struct binary *b)
{
	struct mmap_request req = {
		.addr = b->elf.pie ? 0 : b->elf.lo,
		.len = b->elf.hi - b->elf.lo,
		.prot = PROT_NONE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS |
			 (b->elf.pie ? 0u : MAP_FIXED_NOREPLACE),
	};
	int64_t at = mm_map(&req);

	if (at < 0)
		refuse(p, b, "there is no room at its addresses");
	mm_unmap((uint64_t)at, req.len);
	if (b->elf.pie)
		b->base = (uint64_t)at - b->elf.lo;
}

static void load_interp(struct program *p)
{
	const struct elf *e = &p->main.elf;

	if (!e->interp_len)
		return;
	p->interp.path = (const char *)p->main.bytes + e->interp_off;
	read_headers(p, &p->interp);
	place_interp(p, &p->interp);
	map_loads(&p->interp);
}

static void load_main(struct program *p)
{
	struct binary *b = &p->main;
	uint64_t slide;

	b->path = args_at(kernel_boot->path_off);
	read_headers(p, b);
	random_fill(&slide, sizeof(slide));
	if (b->elf.pie)
		b->base = PIE_BASE + (slide % 4096) * MF_HUGE_SIZE - b->elf.lo;
	map_loads(b);
	mm_set_brk(b->base + b->elf.hi);
}

static void map_stack(struct program *p)
{
	uint32_t exec = p->main.elf.exec_stack ? PROT_EXEC : 0u;

	if (mm_map_stack(STACK_SIZE, PROT_READ | PROT_WRITE | exec, &p->sp))
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

/* Where what the auxiliary vector points to is on the stack. */
struct aux_strings {
	uint64_t random, execfn, platform;
};

#define AT_RANDOM_SIZE 16
static uint64_t random_va; /* what AT_RANDOM points to */

/* A program that looks again finds its own; if it kept them, so be it. */
void exec_resume(void)
{
	uint8_t seed[AT_RANDOM_SIZE];

	random_fill(seed, sizeof(seed));
	if (copy_to_user(random_va, seed, sizeof(seed)) < 0)
		klog("AT_RANDOM was unmapped: it stays as it was");
}

static size_t fill_auxv(const struct program *p, uint64_t aux[][2],
			const struct aux_strings *at)
{
	const struct binary *b = &p->main;
	const uint64_t pairs[][2] = {
		{ AT_SYSINFO_EHDR, arch_vdso() },
		{ AT_HWCAP, kernel_boot->hwcap },
		{ AT_PAGESZ, PAGE_SIZE },
		{ AT_CLKTCK, 100 },
		{ AT_PHDR,
		  b->elf.phdr_vaddr ? b->base + b->elf.phdr_vaddr : 0 },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, b->elf.phdr_count },
		{ AT_BASE, p->interp.base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, b->base + b->elf.entry },
		{ AT_UID, kernel_boot->uid },
		{ AT_EUID, kernel_boot->uid },
		{ AT_GID, kernel_boot->gid },
		{ AT_EGID, kernel_boot->gid },
		{ AT_SECURE, 0 },
		{ AT_RANDOM, at->random },
		{ AT_HWCAP2, 2 }, /* FSGSBASE usable by programs */
		{ AT_EXECFN, at->execfn },
		{ AT_PLATFORM, at->platform },
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

static uint32_t late_envc(void)
{
	const struct mf_boot *b = kernel_boot;

	return (uint32_t)min_u64(min_u64(b->late_envc, b->envc), MF_LATE_MAX);
}

/* Those that a copy of a snapshot may change lie apart, with room. */
static void push_late(struct program *p)
{
	const struct mf_boot *b = kernel_boot;
	uint32_t count = late_envc();
	uint64_t at = skip_strings((uint64_t)(uintptr_t)args_at(0),
				   b->argc + b->envc - count);

	while (count--) {
		const char *s = (const char *)(uintptr_t)at;

		p->sp -= late_env_size(s);
		late_env_add(s, p->sp);
		at = skip_strings(at, 1);
	}
}

/* The last of the pointers at p->sp lead to those. */
static void point_late(const struct program *p)
{
	uint64_t *slot = (uint64_t *)(uintptr_t)p->sp + kernel_boot->envc;

	for (uint32_t i = late_env_count(); i; i--)
		*--slot = late_env_va(i - 1);
}

/* Linux: linux/fs/binfmt_elf.c documents the order of what is pushed. */
static void build_stack(struct program *p)
{
	static const char platform[] = "x86_64";
	const struct mf_boot *b = kernel_boot;
	struct aux_strings at;
	uint64_t aux[32][2];
	uint64_t strings, envp;
	uint8_t seed[AT_RANDOM_SIZE];
	size_t pairs, words;

	push(p, args_at(0), b->args_len);
	strings = p->sp;
	at.execfn = strings + b->path_off;
	push_late(p);
	push(p, platform, sizeof(platform));
	at.platform = p->sp;
	random_fill(seed, sizeof(seed));
	push(p, seed, sizeof(seed));
	at.random = random_va = p->sp;
	p->sp = ALIGN_DOWN(p->sp, 16);
	pairs = fill_auxv(p, aux, &at);
	words = 2 * pairs + b->envc + 1 + b->argc + 1 + 1;
	if (words % 2)
		push_word(p, 0);
	push(p, aux, pairs * sizeof(aux[0]));
	envp = skip_strings(strings, b->argc);
	push_strings(p, envp, b->envc);
	point_late(p);
	push_strings(p, strings, b->argc);
	push_word(p, b->argc);
	kassert(p->sp % 16 == 0);
}

void exec_program(struct mf_regs *frame)
{
	static struct program p; /* too large for a kernel stack */
	const struct binary *first = &p.main;

	load_main(&p);
	load_interp(&p);
	if (p.interp.file)
		first = &p.interp;
	map_stack(&p);
	build_stack(&p);
	*frame = (struct mf_regs){
		.rip = first->base + first->elf.entry,
		.rsp = p.sp,
		.rflags = 0x202,
		.cs = MF_SEL_USER_CS,
		.ss = MF_SEL_USER_DS,
		.orig_rax = UINT64_MAX,
	};
	file_unref(p.main.file);
	if (p.interp.file)
		file_unref(p.interp.file);
}
