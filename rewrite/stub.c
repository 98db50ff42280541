/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs, as docs/formats/guest-abi.md, section 10, wants them: the kernel is
 * entered by a jump with the return address in rcx, nothing is pushed, and
 * r11 is used, which `syscall` destroys too.
 */
#include "rewrite/stub.h"

#include <string.h>

#include "abi/layout.h"

_Static_assert(SITE_INSNS_MAX *INSN_MOVED_MAX + 20 + INSN_JMP_LEN <=
		       MF_STUB_CODE_MAX,
	       "every stub fits");

#define CALL_LEN 20u

/* movabs $MF_SYSCALL_VA,%r11; lea back(%rip),%rcx; jmp *%r11 */
static bool put_call(uint8_t *code, uint64_t va, uint64_t back)
{
	static const uint8_t form[CALL_LEN] = {
		0x49, 0xbb, 0,	  0, 0, 0, 0, 0,    0,	  0,
		0x48, 0x8d, 0x0d, 0, 0, 0, 0, 0x41, 0xff, 0xe3,
	};
	const uint64_t entry = MF_SYSCALL_VA;
	int64_t distance = (int64_t)(back - (va + 17));
	int32_t d = (int32_t)distance;

	memcpy(code, form, sizeof(form));
	memcpy(code + 2, &entry, sizeof(entry));
	memcpy(code + 13, &d, sizeof(d));
	return d == distance;
}

static void note(struct stub *st, uint64_t site_off)
{
	st->insns[st->insn_count++] = (struct mf_stub_insn){
		.site = (uint8_t)site_off,
		.stub = st->len,
	};
}

bool stub_make(struct stub *ret, const struct site *s, uint64_t va)
{
	const struct insn *last = &s->insns[s->insn_count - 1];
	uint64_t end = s->lo + s->len;
	bool call_is_last = s->call + 1 == s->insn_count;

	*ret = (struct stub){ 0 };
	for (unsigned n = 0; n < s->insn_count; n++) {
		const struct insn *i = &s->insns[n];
		uint8_t *code = ret->code + ret->len;
		uint64_t at = va + ret->len;
		size_t len = CALL_LEN;

		note(ret, i->va - s->lo);
		if (n != s->call)
			len = insn_move(i, at, code);
		else if (!put_call(code, at,
				   call_is_last ? i->va + i->len :
						  at + CALL_LEN))
			len = 0;
		if (!len)
			return false;
		ret->len += (uint8_t)len;
	}
	if (call_is_last || last->flow == INSN_JUMP || last->flow == INSN_STOP)
		return true;
	note(ret, s->len);
	if (!insn_write_jmp(ret->code + ret->len, va + ret->len, end))
		return false;
	ret->len += INSN_JMP_LEN;
	return true;
}
