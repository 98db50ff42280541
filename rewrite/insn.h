/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One x86-64 instruction as far as moving it is concerned. The only file
 * that knows the disassembler is insn.c.
 */
#ifndef REWRITE_INSN_H
#define REWRITE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_LEN_MAX 15u
/* The longest form of an instruction that was moved. */
#define INSN_MOVED_MAX 16u

enum insn_flow {
	INSN_NEXT = 0, /* on to the next instruction */
	INSN_BRANCH, /* there, or to `target` */
	INSN_JUMP, /* to `target` */
	INSN_CALL, /* on, sooner or later; direct if `branches` */
	INSN_STOP, /* elsewhere, or nowhere: ret, indirect jumps, ud2 */
};

struct insn {
	uint64_t va;
	const uint8_t *bytes; /* borrowed from the caller of insn_decode */
	uint8_t len;
	enum insn_flow flow;
	bool branches; /* `target` is where it jumps or calls */
	bool refers; /* `target` is the address of a rip-relative operand */
	uint64_t target;
	uint8_t field, field_len; /* where the distance to `target` is */
	bool movable; /* insn_move can write it */
	bool is_syscall;
	bool is_padding; /* nop or int3 */
	bool is_lea;
	uint8_t constant_count; /* large enough to be addresses */
	uint64_t constants[2];
	bool strange; /* not for programs: privileged, I/O, far jumps */
};

/* False: the bytes are no instruction, or more than `len` of them. */
bool insn_decode(struct insn *ret, const uint8_t *bytes, size_t len,
		 uint64_t va);

/*
 * Writes the instruction as it has to be at `va` to mean the same. Returns
 * its length, or 0 if `target` is too far away.
 */
size_t insn_move(const struct insn *i, uint64_t va,
		 uint8_t ret[INSN_MOVED_MAX]);

/*
 * True if it writes rax; then *ret_number is the constant it writes, or -1 if
 * that is not known or not a call's number.
 */
bool insn_sets_rax(const struct insn *i, int64_t *ret_number);

/* jmp rel32 at `va` to `to`; false: too far. */
#define INSN_JMP_LEN 5u
bool insn_write_jmp(uint8_t ret[INSN_JMP_LEN], uint64_t va, uint64_t to);

#endif
