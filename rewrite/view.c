/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF for the rewriter. Structures are copied out before use: nothing in a
 * hostile file is aligned. Section headers are believed only if all of the
 * executable ones agree with the segments, because sealed programs may be
 * stripped of them, or carry wrong ones.
 */
#include "rewrite/view.h"

#include <stdlib.h>
#include <string.h>

#include "abi/layout.h"
#include "abi/stubs.h"

static const uint64_t stubs_magic = MF_STUBS_MAGIC;

static bool inside(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static enum view_verdict odd(const char **ret_why, const char *why)
{
	*ret_why = why;
	return VIEW_ODD;
}

static bool is_ours(const Elf64_Ehdr *h)
{
	return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 &&
	       h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB &&
	       h->e_machine == EM_X86_64 &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) && h->e_phnum > 0;
}

/* What was split off for debuggers: its code has no bytes. */
static bool is_debug_file(const struct view *v)
{
	uint64_t len = (uint64_t)v->eh.e_shnum * sizeof(Elf64_Shdr);
	Elf64_Shdr s;

	if (v->eh.e_shentsize != sizeof(s) ||
	    !inside(v->eh.e_shoff, len, v->size))
		return false;
	for (unsigned i = 0; i < v->eh.e_shnum; i++) {
		memcpy(&s, v->buf + v->eh.e_shoff + i * sizeof(s), sizeof(s));
		if ((s.sh_flags & SHF_EXECINSTR) && s.sh_type == SHT_NOBITS)
			return true;
	}
	return false;
}

/* Code that is changed would be changed twice. */
static bool shares_bytes(const struct view *v, const Elf64_Phdr *p)
{
	for (unsigned i = 0; i < v->load_count; i++) {
		const struct piece *l = &v->loads[i];
		uint64_t off = (uint64_t)(l->bytes - v->buf);

		if (p->p_offset < off + l->len &&
		    off < p->p_offset + p->p_filesz)
			return true;
	}
	return false;
}

static const char *add_load(struct view *v, const Elf64_Phdr *p)
{
	struct piece *l = &v->loads[v->load_count];

	if (v->load_count == VIEW_LOADS_MAX)
		return "it has too many segments";
	if (!inside(p->p_offset, p->p_filesz, v->size))
		return "it is truncated";
	if (p->p_filesz > p->p_memsz ||
	    !inside(p->p_vaddr, p->p_memsz, MF_USER_VA_MAX) ||
	    (p->p_vaddr ^ p->p_offset) % MF_PAGE_SIZE || p->p_vaddr < v->end)
		return "its segments are not in order";
	if (shares_bytes(v, p))
		return "its segments share bytes of the file";
	*l = (struct piece){
		.va = p->p_vaddr,
		.len = p->p_filesz,
		.bytes = v->buf + p->p_offset,
		.exec = p->p_flags & PF_X,
		.write = p->p_flags & PF_W,
	};
	v->load_count++;
	v->end = p->p_vaddr + p->p_memsz;
	if (l->exec && l->write)
		return "its code is writable";
	if (l->exec && l->len >= 8 &&
	    memcmp(l->bytes, &stubs_magic, sizeof(stubs_magic)) == 0)
		return "it has been rewritten before";
	return NULL;
}

static enum view_verdict read_segments(struct view *v, const char **ret_why)
{
	uint64_t len = (uint64_t)v->eh.e_phnum * sizeof(Elf64_Phdr);

	if (v->eh.e_phentsize != sizeof(Elf64_Phdr) ||
	    !inside(v->eh.e_phoff, len, v->size))
		return odd(ret_why, "its program headers are not all there");
	v->ph = malloc(len);
	if (!v->ph)
		return VIEW_NO_MEMORY;
	memcpy(v->ph, v->buf + v->eh.e_phoff, len);
	for (unsigned i = 0; i < v->eh.e_phnum; i++) {
		const char *why = NULL;

		if (v->ph[i].p_type == PT_LOAD && v->ph[i].p_memsz)
			why = add_load(v, &v->ph[i]);
		if (why)
			return odd(ret_why, why);
	}
	if (!v->load_count)
		return odd(ret_why, "it has nothing to load");
	return VIEW_OK;
}

static bool read_sections(struct view *v)
{
	uint64_t len = (uint64_t)v->eh.e_shnum * sizeof(Elf64_Shdr);
	const Elf64_Shdr *n;

	if (!v->eh.e_shnum || v->eh.e_shnum > VIEW_SECTIONS_MAX ||
	    v->eh.e_shentsize != sizeof(Elf64_Shdr) ||
	    v->eh.e_shstrndx >= v->eh.e_shnum ||
	    !inside(v->eh.e_shoff, len, v->size))
		return false;
	v->sh = malloc(len);
	if (!v->sh)
		return false;
	memcpy(v->sh, v->buf + v->eh.e_shoff, len);
	v->sh_count = v->eh.e_shnum;
	n = &v->sh[v->eh.e_shstrndx];
	if (n->sh_type != SHT_STRTAB || !n->sh_size ||
	    !inside(n->sh_offset, n->sh_size, v->size) ||
	    v->buf[n->sh_offset + n->sh_size - 1])
		return false;
	v->names = (const char *)v->buf + n->sh_offset;
	v->names_len = n->sh_size;
	return true;
}

static bool is_code(const Elf64_Shdr *s)
{
	return (s->sh_flags & SHF_EXECINSTR) && (s->sh_flags & SHF_ALLOC) &&
	       s->sh_size;
}

static int by_address(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->va < y->va ? -1 : x->va > y->va;
}

/* False: a section of code is not where the segments say it is. */
static bool add_code_section(struct view *v, const Elf64_Shdr *s)
{
	uint64_t len;
	const uint8_t *at = view_at(v, s->sh_addr, &len);

	if (v->code_count == VIEW_CODE_MAX || s->sh_type == SHT_NOBITS || !at ||
	    len < s->sh_size || at != v->buf + s->sh_offset)
		return false;
	v->code[v->code_count++] = (struct piece){
		.va = s->sh_addr,
		.len = s->sh_size,
		.bytes = at,
		.exec = true,
	};
	return true;
}

static bool code_from_sections(struct view *v)
{
	if (!read_sections(v))
		return false;
	for (unsigned i = 0; i < v->sh_count; i++) {
		if (is_code(&v->sh[i]) && !add_code_section(v, &v->sh[i]))
			return false;
	}
	qsort(v->code, v->code_count, sizeof(v->code[0]), by_address);
	for (unsigned i = 1; i < v->code_count; i++) {
		if (v->code[i].va - v->code[i - 1].va < v->code[i - 1].len)
			return false;
	}
	return v->code_count > 0;
}

static void code_from_segments(struct view *v)
{
	free(v->sh);
	v->sh = NULL;
	v->sh_count = 0;
	v->names = NULL;
	v->names_len = 0;
	v->code_count = 0;
	for (unsigned i = 0; i < v->load_count; i++) {
		if (v->loads[i].exec && v->loads[i].len)
			v->code[v->code_count++] = v->loads[i];
	}
}

enum view_verdict view_init(struct view *v, const void *buf, uint64_t size,
			    const char **ret_why)
{
	enum view_verdict r;

	*v = (struct view){ .buf = buf, .size = size };
	if (size < sizeof(v->eh))
		return VIEW_OTHER;
	memcpy(&v->eh, buf, sizeof(v->eh));
	if (!is_ours(&v->eh) || is_debug_file(v))
		return VIEW_OTHER;
	r = read_segments(v, ret_why);
	if (r != VIEW_OK)
		return r;
	if (!code_from_sections(v))
		code_from_segments(v);
	return VIEW_OK;
}

void view_fini(struct view *v)
{
	free(v->ph);
	free(v->sh);
	*v = (struct view){ 0 };
}

static const struct piece *find(const struct piece *p, unsigned count,
				uint64_t va)
{
	for (unsigned i = 0; i < count; i++) {
		if (va >= p[i].va && va - p[i].va < p[i].len)
			return &p[i];
	}
	return NULL;
}

const uint8_t *view_at(const struct view *v, uint64_t va, uint64_t *ret_len)
{
	const struct piece *p = find(v->loads, v->load_count, va);

	if (!p)
		return NULL;
	*ret_len = p->len - (va - p->va);
	return p->bytes + (va - p->va);
}

const struct piece *view_code(const struct view *v, uint64_t va)
{
	const struct piece *last;

	/* Most of what is asked is not even near. */
	if (!v->code_count || va < v->code[0].va)
		return NULL;
	last = &v->code[v->code_count - 1];
	return va >= last->va + last->len ? NULL :
					    find(v->code, v->code_count, va);
}

const char *view_section_name(const struct view *v, const Elf64_Shdr *sh)
{
	return sh->sh_name < v->names_len ? v->names + sh->sh_name : "";
}

const Elf64_Shdr *view_section(const struct view *v, const char *name)
{
	for (unsigned i = 0; i < v->sh_count; i++) {
		const Elf64_Shdr *s = &v->sh[i];

		if (s->sh_type != SHT_NOBITS &&
		    strcmp(view_section_name(v, s), name) == 0 &&
		    inside(s->sh_offset, s->sh_size, v->size))
			return s;
	}
	return NULL;
}

const char *view_code_name(const struct view *v, uint64_t va)
{
	for (unsigned i = 0; i < v->sh_count; i++) {
		if (is_code(&v->sh[i]) && va >= v->sh[i].sh_addr &&
		    va - v->sh[i].sh_addr < v->sh[i].sh_size)
			return view_section_name(v, &v->sh[i]);
	}
	return "";
}

bool view_dynamic(const struct view *v, int64_t tag, uint64_t *ret)
{
	const Elf64_Phdr *dyn = NULL;
	const uint8_t *at;
	uint64_t len = 0;
	Elf64_Dyn d;

	for (unsigned i = 0; i < v->eh.e_phnum; i++) {
		if (v->ph[i].p_type == PT_DYNAMIC)
			dyn = &v->ph[i];
	}
	at = dyn ? view_at(v, dyn->p_vaddr, &len) : NULL;
	if (!at)
		return false;
	for (; len >= sizeof(d); at += sizeof(d), len -= sizeof(d)) {
		memcpy(&d, at, sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		if (d.d_tag != tag)
			continue;
		*ret = d.d_un.d_val;
		return true;
	}
	return false;
}

struct visitor {
	void (*visit)(void *arg, const Elf64_Sym *sym);
	void *arg;
};

static void visit_table(const uint8_t *at, uint64_t count,
			const struct visitor *w)
{
	Elf64_Sym s;

	for (uint64_t i = 0; i < count; i++) {
		memcpy(&s, at + i * sizeof(s), sizeof(s));
		if (s.st_shndx == SHN_UNDEF || s.st_shndx == SHN_ABS ||
		    !s.st_value || ELF64_ST_TYPE(s.st_info) == STT_TLS)
			continue;
		w->visit(w->arg, &s);
	}
}

/* The symbols a GNU hash table knows: one behind the last of any chain. */
static uint64_t count_by_gnu_hash(const struct view *v, uint64_t va)
{
	uint64_t len = 0, max = 0;
	const uint8_t *at = view_at(v, va, &len);
	uint32_t h[4], bucket; /* buckets, first symbol, bloom words, shift */
	uint64_t buckets, chains;

	if (!at || len < sizeof(h))
		return 0;
	memcpy(h, at, sizeof(h));
	buckets = sizeof(h) + 8ull * h[2];
	chains = buckets + 4ull * h[0];
	if (chains > len)
		return 0;
	for (uint32_t i = 0; i < h[0]; i++) {
		memcpy(&bucket, at + buckets + 4ull * i, sizeof(bucket));
		max = bucket > max ? bucket : max;
	}
	if (max < h[1])
		return h[1];
	for (uint32_t hash = 0; !(hash & 1); max++) {
		if (!inside(chains + 4 * (max - h[1]), 4, len))
			return 0;
		memcpy(&hash, at + chains + 4 * (max - h[1]), sizeof(hash));
	}
	return max;
}

static void visit_dynamic(const struct view *v, const struct visitor *w)
{
	uint64_t symtab, hash, len = 0, count = 0;
	const uint8_t *at;
	uint32_t h[2];

	if (!view_dynamic(v, DT_SYMTAB, &symtab))
		return;
	if (view_dynamic(v, DT_HASH, &hash)) {
		at = view_at(v, hash, &len);
		if (at && len >= sizeof(h)) {
			memcpy(h, at, sizeof(h));
			count = h[1];
		}
	} else if (view_dynamic(v, DT_GNU_HASH, &hash)) {
		count = count_by_gnu_hash(v, hash);
	}
	at = view_at(v, symtab, &len);
	if (at && count <= len / sizeof(Elf64_Sym))
		visit_table(at, count, w);
}

void view_symbols(const struct view *v,
		  void (*visit)(void *arg, const Elf64_Sym *sym), void *arg)
{
	const struct visitor w = { visit, arg };

	for (unsigned i = 0; i < v->sh_count; i++) {
		const Elf64_Shdr *s = &v->sh[i];

		if (s->sh_type != SHT_SYMTAB ||
		    !inside(s->sh_offset, s->sh_size, v->size))
			continue;
		visit_table(v->buf + s->sh_offset,
			    s->sh_size / sizeof(Elf64_Sym), &w);
		break; /* there is one */
	}
	visit_dynamic(v, &w);
}
