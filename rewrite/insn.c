/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions by Zydis. What cannot be moved: calls, because their return
 * addresses are looked up by unwinders; endbr64, because it must be where
 * indirect jumps arrive; interrupts and system calls; loop and jrcxz, which
 * have no form with a long distance.
 */
#include "rewrite/insn.h"

#include <Zydis/Zydis.h>
#include <string.h>

#define JMP_REL32   0xe9
#define TWO_BYTES   0x0f
#define JCC_REL32   0x80 /* behind TWO_BYTES, plus the condition */
#define CALL_NR_MAX 4096

static const ZydisDecoder *decoder(void)
{
	static ZydisDecoder d;
	static bool ready;

	if (!ready)
		ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64,
				 ZYDIS_STACK_WIDTH_64);
	ready = true;
	return &d;
}

static bool is_strange(const ZydisDecodedInstruction *z)
{
	ZydisInstructionCategory c = z->meta.category;

	if (c == ZYDIS_CATEGORY_IO || c == ZYDIS_CATEGORY_IOSTRINGOP ||
	    c == ZYDIS_CATEGORY_SYSRET ||
	    z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return true;
	return z->mnemonic != ZYDIS_MNEMONIC_HLT &&
	       (z->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED);
}

static enum insn_flow flow_of(const ZydisDecodedInstruction *z, bool direct)
{
	ZydisInstructionCategory c = z->meta.category;

	if (c == ZYDIS_CATEGORY_CALL)
		return INSN_CALL;
	if (c == ZYDIS_CATEGORY_COND_BR)
		return INSN_BRANCH;
	if (c == ZYDIS_CATEGORY_UNCOND_BR && direct)
		return INSN_JUMP;
	if (c == ZYDIS_CATEGORY_UNCOND_BR || c == ZYDIS_CATEGORY_RET ||
	    z->mnemonic == ZYDIS_MNEMONIC_UD2 ||
	    z->mnemonic == ZYDIS_MNEMONIC_HLT)
		return INSN_STOP;
	return INSN_NEXT;
}

/* jmp and jcc without prefixes have a form that reaches 2 GiB. */
static bool can_widen(const ZydisDecodedInstruction *z)
{
	if (z->raw.prefix_count)
		return false;
	if (z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
		return z->opcode == JMP_REL32 || z->opcode == 0xeb ||
		       (z->opcode & 0xf0) == 0x70;
	return z->opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       (z->opcode & 0xf0) == JCC_REL32;
}

static bool is_movable(const ZydisDecodedInstruction *z, const struct insn *i)
{
	ZydisInstructionCategory c = z->meta.category;

	if (c == ZYDIS_CATEGORY_CALL || c == ZYDIS_CATEGORY_INTERRUPT ||
	    c == ZYDIS_CATEGORY_SYSCALL || c == ZYDIS_CATEGORY_CET ||
	    z->mnemonic == ZYDIS_MNEMONIC_ENDBR64 || i->strange)
		return false;
	if (i->branches)
		return can_widen(z);
	return !i->refers || i->field_len == 4;
}

static void find_target(struct insn *i, const ZydisDecodedInstruction *z)
{
	uint64_t end = i->va + i->len;

	for (unsigned n = 0; n < 2; n++) {
		if (!z->raw.imm[n].size || !z->raw.imm[n].is_relative)
			continue;
		i->branches = true;
		i->field = z->raw.imm[n].offset;
		i->field_len = z->raw.imm[n].size / 8;
		i->target = end + z->raw.imm[n].value.u;
	}
	if (!i->branches && (z->attributes & ZYDIS_ATTRIB_HAS_MODRM) &&
	    z->raw.modrm.mod == 0 && z->raw.modrm.rm == 5 &&
	    z->raw.disp.size == 32 &&
	    (z->attributes & ZYDIS_ATTRIB_IS_RELATIVE)) {
		i->refers = true;
		i->field = z->raw.disp.offset;
		i->field_len = 4;
		i->target = end + (uint64_t)z->raw.disp.value;
	}
}

static void find_constants(struct insn *i, const ZydisDecodedInstruction *z)
{
	if (z->raw.imm[0].size >= 32 && !z->raw.imm[0].is_relative)
		i->constants[i->constant_count++] = z->raw.imm[0].value.u;
	if (z->raw.disp.size >= 32 && !i->refers)
		i->constants[i->constant_count++] = (uint64_t)z->raw.disp.value;
}

bool insn_decode(struct insn *ret, const uint8_t *bytes, size_t len,
		 uint64_t va)
{
	ZydisDecodedInstruction z;

	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder(), NULL, bytes,
						      len, &z)))
		return false;
	*ret = (struct insn){
		.va = va,
		.bytes = bytes,
		.len = z.length,
		.strange = is_strange(&z),
		.is_syscall = z.mnemonic == ZYDIS_MNEMONIC_SYSCALL &&
			      z.length == 2,
		.is_padding = z.meta.category == ZYDIS_CATEGORY_NOP ||
			      z.meta.category == ZYDIS_CATEGORY_WIDENOP ||
			      z.mnemonic == ZYDIS_MNEMONIC_INT3,
		.is_lea = z.mnemonic == ZYDIS_MNEMONIC_LEA,
	};
	find_target(ret, &z);
	find_constants(ret, &z);
	ret->flow = flow_of(&z, ret->branches);
	ret->movable = is_movable(&z, ret);
	return true;
}

static bool put_distance(uint8_t *field, uint64_t end, uint64_t to)
{
	int64_t distance = (int64_t)(to - end);
	int32_t d = (int32_t)distance;

	if (d != distance)
		return false;
	memcpy(field, &d, sizeof(d));
	return true;
}

bool insn_write_jmp(uint8_t ret[INSN_JMP_LEN], uint64_t va, uint64_t to)
{
	ret[0] = JMP_REL32;
	return put_distance(ret + 1, va + INSN_JMP_LEN, to);
}

size_t insn_move(const struct insn *i, uint64_t va, uint8_t ret[INSN_MOVED_MAX])
{
	if (i->branches && i->flow == INSN_JUMP)
		return insn_write_jmp(ret, va, i->target) ? INSN_JMP_LEN : 0;
	if (i->branches) {
		/* The condition is the low half of the opcode's last byte. */
		ret[0] = TWO_BYTES;
		ret[1] = JCC_REL32 | (i->bytes[i->field - 1] & 0xf);
		return put_distance(ret + 2, va + 6, i->target) ? 6 : 0;
	}
	memcpy(ret, i->bytes, i->len);
	if (i->refers && !put_distance(ret + i->field, va + i->len, i->target))
		return 0;
	return i->len;
}

struct operands {
	ZydisDecodedInstruction z;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static bool decode_fully(struct operands *o, const struct insn *i)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder(), i->bytes, i->len,
						   &o->z, o->op));
}

bool insn_sets_rax(const struct insn *i, int64_t *ret_number)
{
	struct operands o;
	bool sets = false;

	*ret_number = -1;
	if (!decode_fully(&o, i))
		return false;
	for (unsigned n = 0; n < o.z.operand_count; n++) {
		if (o.op[n].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(o.op[n].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						     o.op[n].reg.value) ==
		    ZYDIS_REGISTER_RAX)
			sets = true;
	}
	if (sets && o.z.mnemonic == ZYDIS_MNEMONIC_MOV &&
	    o.z.operand_width >= 32 &&
	    o.op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    o.op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	    o.op[1].imm.value.u < CALL_NR_MAX)
		*ret_number = (int64_t)o.op[1].imm.value.u;
	return sets;
}
