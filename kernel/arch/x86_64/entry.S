/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ways into and out of the kernel: boot, system calls, upcalls, thread
 * switches. Offsets of struct mf_regs and struct mf_shared are checked in
 * cpu.c. There is one vCPU, so its variables are plain symbols.
 */

#define FRAME_SIZE 168		/* sizeof(struct mf_regs) */
#define R_RBP	32
#define R_RBX	40
#define R_R11	48
#define R_R10	56
#define R_R9	64
#define R_R8	72
#define R_RAX	80
#define R_RCX	88
#define R_RDX	96
#define R_RSI	104
#define R_RDI	112
#define R_ORIG	120
#define R_RIP	128
#define R_FLAGS	144
#define R_RSP	152
#define FLAGS_KEPT 0x40400	/* AC and DF: a call neither uses nor loses */
#define SH_SYSCALL_RIP (shared_page + 8)
#define SH_PENDING     (shared_page + 16)

	.text
	.globl	kernel_entry
kernel_entry:
	xorl	%ebp, %ebp
	call	kernel_main
	ud2

/*
 * A `syscall` instruction, by way of the gate: r11 holds the program's flags,
 * the return address is in the shared page.
 */
	.globl	syscall_trap_entry
syscall_trap_entry:
	movq	%rsp, %rcx
	movq	cpu_kstack_top(%rip), %rsp
	andl	$~0x100, %r11d	/* TF */
	pushq	%r11
	popfq
	movq	%rcx, %rsp
	movq	SH_SYSCALL_RIP(%rip), %rcx
	jmp	syscall_entry

/*
 * A rewritten call jumps here: MF_SYSCALL_VA (abi/layout.h). rcx = where to
 * return to; r11 is free; everything else is the program's. Below rsp it may
 * have data.
 */
	.section .entry, "ax", @progbits
	.globl	syscall_entry
syscall_entry:
	movq	%rsp, %r11
	movq	cpu_kstack_top(%rip), %rsp
	pushq	$0x2b
	pushq	%r11
	pushfq
	testl	$FLAGS_KEPT, (%rsp)
	jnz	clean_flags
syscall_frame:
	pushq	$0x33
	pushq	%rcx
	pushq	%rax		/* orig_rax */
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	call	syscall_dispatch

/*
 * Back to the program with the frame at the top of the kernel stack. From
 * return_restart on an upcall may hit: the monitor then sets `pending` and
 * continues at return_restart, which starts over from the untouched frame.
 */
	.globl	return_to_user
return_to_user:
	.globl	return_restart
return_restart:
	movq	cpu_kstack_top(%rip), %rsp
	subq	$FRAME_SIZE, %rsp
	cmpl	$0, SH_PENDING(%rip)
	jne	exit_work
	cmpl	$0, cpu_exit_work(%rip)
	jne	exit_work
	cmpq	$-1, R_ORIG(%rsp)
	je	return_full
	testl	$FLAGS_KEPT, R_FLAGS(%rsp)
	jnz	return_full
	movq	R_R10(%rsp), %r10
	movq	R_R9(%rsp), %r9
	movq	R_R8(%rsp), %r8
	movq	R_RAX(%rsp), %rax
	movq	R_RDX(%rsp), %rdx
	movq	R_RSI(%rsp), %rsi
	movq	R_RDI(%rsp), %rdi
	movq	R_RBX(%rsp), %rbx
	movq	R_RBP(%rsp), %rbp
	movq	24(%rsp), %r12
	movq	16(%rsp), %r13
	movq	8(%rsp), %r14
	movq	0(%rsp), %r15
	movq	R_RIP(%rsp), %rcx
	movq	R_RSP(%rsp), %rsp
	jmpq	*%rcx

/* Every register and the flags; iretq stays in ring 3. */
return_full:
	movq	0(%rsp), %r15
	movq	8(%rsp), %r14
	movq	16(%rsp), %r13
	movq	24(%rsp), %r12
	movq	R_RBP(%rsp), %rbp
	movq	R_RBX(%rsp), %rbx
	movq	R_R11(%rsp), %r11
	movq	R_R10(%rsp), %r10
	movq	R_R9(%rsp), %r9
	movq	R_R8(%rsp), %r8
	movq	R_RAX(%rsp), %rax
	movq	R_RCX(%rsp), %rcx
	movq	R_RDX(%rsp), %rdx
	movq	R_RSI(%rsp), %rsi
	movq	R_RDI(%rsp), %rdi
	addq	$R_RIP, %rsp
	iretq
	.globl	return_end
return_end:

/* Rare: the kernel's own code must not run with them. */
clean_flags:
	pushq	$0x202
	popfq
	jmp	syscall_frame

	.text
exit_work:
	movq	%rsp, %rdi
	call	sched_exit_work
	jmp	return_to_user

/* The monitor starts an upcall here on the upcall stack. */
	.globl	upcall_entry
upcall_entry:
	cld
	call	upcall_prepare
	movq	%rax, %rsp
	movq	%rax, %rdi
	call	upcall_handle
	jmp	return_to_user

/* void arch_switch(uint64_t *from_sp, uint64_t to_sp) */
	.globl	arch_switch
arch_switch:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* bool arch_snapshot(void); a copy goes on at snapshot_resume. */
	.globl	arch_snapshot
arch_snapshot:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, snapshot_sp(%rip)
	subq	$8, %rsp
	call	snapshot_ring
	xorl	%eax, %eax
	jmp	snapshot_return
	.globl	snapshot_resume
snapshot_resume:
	cld
	movl	$1, %eax
snapshot_return:
	movq	snapshot_sp(%rip), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

/* First switch to a new thread ends here. */
	.globl	thread_first_return
thread_first_return:
	call	sched_thread_begin
	jmp	return_to_user

	.globl	arch_enter_user
arch_enter_user:
	jmp	return_to_user

	.bss
	.balign	16
	.skip	16384
	.globl	boot_stack_top
boot_stack_top:
	.skip	8192
	.globl	upcall_stack_top
upcall_stack_top:
	.balign	8
	.globl	cpu_kstack_top
cpu_kstack_top:
	.quad	0
snapshot_sp:
	.quad	0
	.globl	cpu_exit_work
cpu_exit_work:
	.long	0

	.section .note.GNU-stack, "", @progbits
