/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF reader: what it makes of a right program, the reason it gives for
 * each wrong one, and both sides of every edge.
 */
#include "lib/elf.h"

#include "tests/unit/check.h"
#include "tests/unit/elf_make.h"

static struct elf_make m;
static struct elf e;

static enum elf_verdict parse(void)
{
	return elf_parse(&e, &m, sizeof(m));
}

static void test_program(void)
{
	elf_make(&m);
	check_int(parse(), ELF_OK);
	check(!e.pie);
	check_int(e.entry, ELF_MAKE_BASE + ELF_MAKE_CODE);
	check_int(e.phdr_vaddr, ELF_MAKE_BASE + offsetof(struct elf_make, ph));
	check_int(e.phdr_count, 4);
	check_int(e.interp_len, 0);
	check(!e.exec_stack);
	check_int(e.load_count, 2);
	check(e.loads[0].read && !e.loads[0].write && e.loads[0].exec);
	check(e.loads[1].read && e.loads[1].write && !e.loads[1].exec);
	check_int(e.loads[1].file_size, 0x100);
	check_int(e.loads[1].mem_size, 0x3000);
	check_int(e.lo, ELF_MAKE_BASE);
	check_int(e.hi, ELF_MAKE_BASE + 0x4000);
	check_int(e.private_bytes, 0x3000);
}

static void test_static_pie(void)
{
	elf_make(&m);
	m.h.e_type = ET_DYN;
	m.ph[0].p_vaddr = 0;
	m.ph[1].p_vaddr = ELF_MAKE_DATA;
	m.h.e_entry = ELF_MAKE_CODE;
	check_int(parse(), ELF_OK);
	check(e.pie);
	check_int(e.lo, 0);
}

static void test_executable_stack(void)
{
	elf_make(&m);
	m.ph[2].p_flags |= PF_X;
	check_int(parse(), ELF_OK);
	check(e.exec_stack);
}

static void test_not_elf(void)
{
	elf_make(&m);
	check_int(elf_parse(&e, &m, 0), ELF_NOT_ELF);
	check_int(elf_parse(&e, &m, 3), ELF_NOT_ELF);
	m.h.e_ident[0] = '#';
	check_int(parse(), ELF_NOT_ELF);
}

static void test_every_shorter_file(void)
{
	const size_t needed = ELF_MAKE_DATA + sizeof(m.data);
	size_t len;

	elf_make(&m);
	for (len = 4; len < needed; len++)
		check_int(elf_parse(&e, &m, len), ELF_TRUNCATED);
	check_int(elf_parse(&e, &m, needed), ELF_OK);
}

static void test_other_machines(void)
{
	elf_make(&m);
	m.h.e_machine = EM_AARCH64;
	check_int(parse(), ELF_WRONG_MACHINE);
	check_str(elf_machine_name(e.machine), "ARM 64-bit (aarch64)");
	elf_make(&m);
	m.h.e_ident[EI_CLASS] = ELFCLASS32;
	m.h.e_machine = EM_386;
	check_int(parse(), ELF_WRONG_CLASS);
	check_int(e.machine, EM_386);
	elf_make(&m);
	m.h.e_ident[EI_DATA] = ELFDATA2MSB;
	m.h.e_machine = (uint16_t)(EM_S390 << 8);
	check_int(parse(), ELF_WRONG_CLASS);
	check_int(e.machine, EM_S390);
	check_ptr(elf_machine_name(0xfff0), NULL);
}

static void test_not_programs(void)
{
	elf_make(&m);
	m.h.e_type = ET_REL;
	check_int(parse(), ELF_NOT_PROGRAM);
	m.h.e_type = ET_CORE;
	check_int(parse(), ELF_NOT_PROGRAM);
	elf_make(&m); /* a shared library has no entry */
	m.h.e_type = ET_DYN;
	m.ph[0].p_vaddr = 0;
	m.ph[1].p_vaddr = ELF_MAKE_DATA;
	m.h.e_entry = 0;
	check_int(parse(), ELF_LIBRARY); /* its segment begins at 0 */
	m.ph[0].p_flags = PF_R;
	check_int(parse(), ELF_LIBRARY);
	check_int(e.load_count, 2);
}

static void test_dynamic(void)
{
	elf_make(&m);
	elf_make_dynamic(&m);
	check_int(parse(), ELF_OK);
	check_int(e.interp_len, strlen(ELF_MAKE_INTERP));
	check_str((const char *)&m + e.interp_off, ELF_MAKE_INTERP);
	m.ph[3].p_filesz--; /* the NUL is outside */
	check_int(parse(), ELF_MALFORMED);
	m.ph[3].p_filesz = 0;
	check_int(parse(), ELF_MALFORMED);
	m.ph[3].p_offset = 0;
	m.ph[3].p_filesz = ELF_INTERP_MAX + 1;
	check_int(parse(), ELF_MALFORMED);
	m.ph[3].p_offset = sizeof(m);
	m.ph[3].p_filesz = 1;
	check_int(parse(), ELF_TRUNCATED);
	m.ph[3].p_offset = UINT64_MAX;
	check_int(parse(), ELF_TRUNCATED);
}

static void test_header_tables(void)
{
	elf_make(&m);
	m.h.e_phentsize--;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m);
	m.h.e_phnum = 0;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m);
	m.h.e_phnum = 0xffff;
	check_int(parse(), ELF_TRUNCATED);
	elf_make(&m);
	m.h.e_phoff = UINT64_MAX - 8;
	check_int(parse(), ELF_TRUNCATED);
	elf_make(&m);
	m.ph[0].p_type = m.ph[1].p_type = PT_NULL;
	check_int(parse(), ELF_MALFORMED);
}

static void test_segment_sizes(void)
{
	elf_make(&m);
	m.ph[1].p_filesz = m.ph[1].p_memsz + 1;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m);
	m.ph[1].p_filesz = UINT64_MAX;
	m.ph[1].p_memsz = UINT64_MAX;
	check_int(parse(), ELF_TRUNCATED);
	elf_make(&m);
	m.ph[1].p_memsz = UINT64_MAX;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m);
	m.ph[1].p_memsz = 0; /* nothing: skipped */
	m.ph[1].p_filesz = 0;
	check_int(parse(), ELF_OK);
	check_int(e.load_count, 1);
}

static void test_segment_addresses(void)
{
	const uint64_t max = 0x0000700000000000ull;

	elf_make(&m);
	m.ph[1].p_vaddr++;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m);
	m.ph[1].p_vaddr = max - m.ph[1].p_memsz;
	check_int(parse(), ELF_OK);
	m.ph[1].p_memsz++;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m); /* page 0 of a fixed program */
	m.ph[0].p_vaddr = 0;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m); /* unordered */
	m.ph[1].p_vaddr = ELF_MAKE_BASE - 0x10000;
	check_int(parse(), ELF_MALFORMED);
	elf_make(&m); /* overlapping by one byte */
	m.ph[0].p_memsz++;
	check_int(parse(), ELF_MALFORMED);
}

static void test_entry(void)
{
	elf_make(&m);
	m.h.e_entry = ELF_MAKE_BASE + ELF_MAKE_DATA - 1;
	check_int(parse(), ELF_OK);
	m.h.e_entry++;
	check_int(parse(), ELF_MALFORMED);
	m.h.e_entry = ELF_MAKE_BASE - 1;
	check_int(parse(), ELF_MALFORMED);
}

static void test_too_many_segments(void)
{
	static struct {
		struct elf_make m;
		Elf64_Phdr ph[ELF_LOADS_MAX + 1];
	} big;
	int i;

	elf_make(&big.m);
	big.m.h.e_phoff = offsetof(__typeof__(big), ph);
	for (i = 0; i <= ELF_LOADS_MAX; i++) {
		big.ph[i] = big.m.ph[0];
		big.ph[i].p_vaddr += (uint64_t)i * 0x1000;
	}
	big.m.h.e_phnum = ELF_LOADS_MAX;
	check_int(elf_parse(&e, &big, sizeof(big)), ELF_OK);
	check_int(e.phdr_vaddr, 0);
	big.m.h.e_phnum++;
	check_int(elf_parse(&e, &big, sizeof(big)), ELF_MALFORMED);
}

static void test_offset_vaddr(void)
{
	uint64_t va = 0;

	elf_make(&m);
	check_int(parse(), ELF_OK);
	check(elf_offset_vaddr(&e, ELF_MAKE_CODE, &va));
	check_int(va, ELF_MAKE_BASE + ELF_MAKE_CODE);
	check(elf_offset_vaddr(&e, ELF_MAKE_DATA + 0xff, &va));
	check_int(va, ELF_MAKE_BASE + ELF_MAKE_DATA + 0xff);
	check(!elf_offset_vaddr(&e, ELF_MAKE_DATA + 0x100, &va));
	check(!elf_offset_vaddr(&e, UINT64_MAX, &va));
}

static const char *near(uint64_t addr, uint64_t *distance)
{
	return elf_symbol_near(&m, sizeof(m), addr, distance);
}

static void test_symbols(void)
{
	const uint64_t main_addr = ELF_MAKE_BASE + ELF_MAKE_CODE;
	uint64_t distance = 0;

	elf_make(&m);
	check_str(near(main_addr, &distance), "main");
	check_int(distance, 0);
	check_str(near(main_addr + 0xf, &distance), "main");
	check_int(distance, 0xf);
	check_ptr(near(main_addr + 0x10, &distance), NULL);
	check_str(near(main_addr + 0x41, &distance), "helper");
	check_int(distance, 1);
	check_ptr(near(main_addr - 1, &distance), NULL);
	check_ptr(near(main_addr + (1ull << 30), &distance), NULL);
	m.sym[1].st_size = 0; /* as assemblers leave it */
	check_str(near(main_addr + 0x3f, &distance), "main");
	check_int(distance, 0x3f);
}

static void test_spoilt_symbols(void)
{
	const uint64_t addr = ELF_MAKE_BASE + ELF_MAKE_CODE;
	uint64_t distance;

	elf_make(&m);
	m.sym[1].st_name = sizeof(m.names);
	m.sym[2].st_value = 0;
	check_ptr(near(addr, &distance), NULL);
	elf_make(&m);
	memset(m.names, 'x', sizeof(m.names)); /* no NUL */
	check_ptr(near(addr, &distance), NULL);
	elf_make(&m);
	m.sh[1].sh_link = 7;
	check_ptr(near(addr, &distance), NULL);
	elf_make(&m);
	m.sh[1].sh_offset = UINT64_MAX;
	check_ptr(near(addr, &distance), NULL);
	elf_make(&m);
	m.h.e_shoff = UINT64_MAX - 3;
	check_ptr(near(addr, &distance), NULL);
	check_ptr(elf_symbol_near(&m, 10, addr, &distance), NULL);
}

int main(void)
{
	RUN(test_program);
	RUN(test_static_pie);
	RUN(test_executable_stack);
	RUN(test_not_elf);
	RUN(test_every_shorter_file);
	RUN(test_other_machines);
	RUN(test_not_programs);
	RUN(test_dynamic);
	RUN(test_header_tables);
	RUN(test_segment_sizes);
	RUN(test_segment_addresses);
	RUN(test_entry);
	RUN(test_too_many_segments);
	RUN(test_offset_vaddr);
	RUN(test_symbols);
	RUN(test_spoilt_symbols);
	return check_done();
}
