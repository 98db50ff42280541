/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate page of the kvm substrate, copied to MF_GATE_GPA and run at
 * MF_GATE_VA; position independent apart from its distance to the shared
 * page. The only code that ever runs in ring 0 is here: the trap stubs, and
 * on hosts that enter ring 0 for `syscall`, gate_lstar.
 */

/* MF_SHARED_VA - MF_GATE_VA, checked in kvm.c */
#define SHARED(off) kvm_gate_start + 0x11000 + off(%rip)

	.section .rodata
	.balign	16
	.globl	kvm_gate_start
kvm_gate_start:

/* long doorbell(uint32_t op) */
	.globl	kvm_gate_doorbell
kvm_gate_doorbell:
	movl	%edi, %eax
	movl	$0x6d0, %edx		/* MF_PORT_DOORBELL */
	outl	%eax, %dx
	movq	SHARED(56), %rax
	ret

/*
 * LSTAR. rcx = return address, r11 = flags. In ring 3 already on some hosts;
 * elsewhere in ring 0, which sysretq leaves at once.
 */
	.balign	16
	.globl	kvm_gate_lstar
kvm_gate_lstar:
	movq	%rcx, SHARED(8)
	movl	%cs, %ecx
	testb	$3, %cl
	jnz	1f
	movq	SHARED(0), %rcx
	sysretq
1:	jmpq	*SHARED(0)

/* One stub per vector, 16 bytes apart: tell the monitor, never go on. */
	.balign	16
	.globl	kvm_gate_traps
kvm_gate_traps:
	.set	vector, 0
	.rept	32
	.balign	16
	outb	%al, $(0xc0 + vector)	/* MF_PORT_TRAP + vector */
1:	jmp	1b
	.set	vector, vector + 1
	.endr

	.globl	kvm_gate_end
kvm_gate_end:

	.section .note.GNU-stack, "", @progbits
