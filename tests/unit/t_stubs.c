/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/stubs.c: addresses there and back, and tables that lie. The segment
 * here is not code; only the table and the distances matter.
 */
#include "lib/stubs.h"

#include "tests/unit/check.h"

#define VA 0x500000ull

static struct {
	struct mf_stubs_hdr hdr;
	struct mf_stub table[3];
	uint8_t code[120];
} seg;

#define CODE ((uint32_t)((char *)seg.code - (char *)&seg))

/*
 * Sites at -0x3000, -0x2000 and -0x100. The first moved two instructions, the
 * second a `syscall` at its start and the one behind it, with a way back.
 */
static void fill(void)
{
	seg.hdr = (struct mf_stubs_hdr){
		.magic = MF_STUBS_MAGIC,
		.count = 3,
		.table_off = sizeof(seg.hdr),
		.size = sizeof(seg),
	};
	seg.table[0] = (struct mf_stub){
		.back = 0x3000,
		.code = CODE,
		.code_len = 25,
		.insn_count = 2,
		.insns = { { 0, 0 }, { 5, 5 } },
	};
	seg.table[1] = (struct mf_stub){
		.back = 0x2000,
		.code = CODE + 32,
		.code_len = 31,
		.insn_count = 3,
		.insns = { { 0, 0 }, { 2, 20 }, { 8, 26 } },
	};
	seg.table[2] = (struct mf_stub){
		.back = 0x100,
		.code = CODE + 64,
		.code_len = 20,
		.insn_count = 1,
		.insns = { { 0, 0 } },
	};
}

static struct stubs open_filled(void)
{
	struct stubs s = { 0 };

	check(stubs_open(&s, &seg, sizeof(seg), VA));
	return s;
}

static void test_to_site(void)
{
	struct stubs s;

	fill();
	s = open_filled();
	check_int(stubs_to_site(&s, VA + CODE), VA - 0x3000);
	check_int(stubs_to_site(&s, VA + CODE + 4), VA - 0x3000);
	check_int(stubs_to_site(&s, VA + CODE + 5), VA - 0x3000 + 5);
	check_int(stubs_to_site(&s, VA + CODE + 24), VA - 0x3000 + 5);
	check_int(stubs_to_site(&s, VA + CODE + 25), VA + CODE + 25);
	check_int(stubs_to_site(&s, VA + CODE + 32 + 19), VA - 0x2000);
	check_int(stubs_to_site(&s, VA + CODE + 32 + 20), VA - 0x2000 + 2);
	check_int(stubs_to_site(&s, VA + CODE + 32 + 30), VA - 0x2000 + 8);
	check_int(stubs_to_site(&s, VA + CODE + 64), VA - 0x100);
}

static void test_from_site(void)
{
	struct stubs s;

	fill();
	s = open_filled();
	check_int(stubs_from_site(&s, VA - 0x3000 + 5), VA + CODE + 5);
	check_int(stubs_from_site(&s, VA - 0x2000 + 2), VA + CODE + 32 + 20);
	check_int(stubs_from_site(&s, VA - 0x2000 + 8), VA + CODE + 32 + 26);
	/* The jump is there, or nothing that has moved. */
	check_int(stubs_from_site(&s, VA - 0x3000), VA - 0x3000);
	check_int(stubs_from_site(&s, VA - 0x100), VA - 0x100);
	check_int(stubs_from_site(&s, VA - 0x2000 + 3), VA - 0x2000 + 3);
	check_int(stubs_from_site(&s, VA - 0x4000), VA - 0x4000);
	check_int(stubs_from_site(&s, VA - 1), VA - 1);
}

static void test_elsewhere(void)
{
	struct stubs s;

	fill();
	s = open_filled();
	check_int(stubs_to_site(&s, VA - 1), VA - 1);
	check_int(stubs_to_site(&s, VA), VA);
	check_int(stubs_to_site(&s, VA + CODE - 1), VA + CODE - 1);
	check_int(stubs_to_site(&s, VA + sizeof(seg)), VA + sizeof(seg));
	check_int(stubs_to_site(&s, 0), 0);
	check_int(stubs_from_site(&s, VA + 5), VA + 5);
	check_int(stubs_from_site(&s, 0), 0);
	seg.hdr.count = 0;
	s = open_filled();
	check_int(stubs_to_site(&s, VA + CODE), VA + CODE);
	check_int(stubs_from_site(&s, VA - 0x3000 + 5), VA - 0x3000 + 5);
}

static void test_refused(void)
{
	struct stubs s;

	fill();
	check(!stubs_open(&s, &seg, sizeof(seg.hdr) - 1, VA));
	check(!stubs_open(&s, &seg, sizeof(seg) - 1, VA));
	seg.hdr.magic++;
	check(!stubs_open(&s, &seg, sizeof(seg), VA));
	fill();
	seg.hdr.count = (sizeof(seg) - sizeof(seg.hdr)) / 24 + 1;
	check(!stubs_open(&s, &seg, sizeof(seg), VA));
	fill();
	seg.hdr.count = MF_STUBS_SITES_MAX + 1;
	check(!stubs_open(&s, &seg, sizeof(seg), VA));
	fill();
	seg.hdr.table_off = sizeof(seg) - 24 * 3 + 1;
	check(!stubs_open(&s, &seg, sizeof(seg), VA));
	fill();
	seg.hdr.table_off = UINT32_MAX;
	check(!stubs_open(&s, &seg, sizeof(seg), VA));
	fill();
	seg.hdr.reserved = 1;
	check(!stubs_open(&s, &seg, sizeof(seg), VA));
}

/* More instructions than an entry has room for: no instruction. */
static void test_count_that_lies(void)
{
	struct stubs s;

	fill();
	seg.table[0].insn_count = MF_STUB_INSNS_MAX + 1;
	s = open_filled();
	check_int(stubs_to_site(&s, VA + CODE + 5), VA + CODE + 5);
	check_int(stubs_from_site(&s, VA - 0x3000 + 5), VA - 0x3000 + 5);
}

int main(void)
{
	RUN(test_to_site);
	RUN(test_from_site);
	RUN(test_elsewhere);
	RUN(test_refused);
	RUN(test_count_that_lies);
	return check_done();
}
