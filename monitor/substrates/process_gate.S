/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate of the process substrate, copied to MF_GATE_GPA and run at
 * MF_GATE_VA: the only code from which the guest's process may make system
 * calls, and its signal handlers. Nothing here is trusted: what these
 * instructions may ask of the host is decided by process_filter.c, whoever
 * jumps to them.
 *
 * Handlers run on the signal stack and never return by sigreturn: they
 * either enter the kernel, which leaves the signal stack empty, or restore
 * the interrupted registers themselves. All signals stay unblocked, so a
 * tick can hit a handler: it finds rip in the gate, sets `pending` and
 * resumes, in a frame below the first one.
 *
 * Offsets of struct mf_shared and struct mf_regs are checked in process.c.
 */
#include <asm/unistd.h>

/* MF_SHARED_VA - MF_GATE_VA, checked in process.c */
#define SHARED(off) process_gate_start + 0x11000 + off(%rip)

#define SH_SYSCALL_ENTRY 0
#define SH_SYSCALL_RIP	 8
#define SH_PENDING	 16
#define SH_DOORBELL	 20
#define SH_ARG		 24
#define SH_RET		 56
#define SH_UPCALL_ENTRY	 64
#define SH_UPCALL_STACK	 72
#define SH_KERNEL_LO	 80
#define SH_KERNEL_HI	 88
#define SH_RESTART_LO	 96
#define SH_RESTART_HI	 104
#define SH_RESTART_RIP	 112
#define SH_UPCALL	 128
#define SH_REGS		 152

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

#define RUNG		0x80000000
#define GUEST_SLEEPS	0x40000000
#define MONITOR_SLEEPS	1
#define RING_TRAP	0x3f000000
#define RING_NO_PAGE	0x3f000100
#define RING_STARTED	0x3f000200
#define RING_FAILED	0x3f000300

#define XFEATURES 0xe7		/* x87, SSE, AVX, AVX-512 */

/* struct ucontext of Linux x86-64 */
#define UC_R8	40
#define UC_R9	48
#define UC_R10	56
#define UC_R11	64
#define UC_R12	72
#define UC_R13	80
#define UC_R14	88
#define UC_R15	96
#define UC_RDI	104
#define UC_RSI	112
#define UC_RBP	120
#define UC_RBX	128
#define UC_RDX	136
#define UC_RAX	144
#define UC_RCX	152
#define UC_RSP	160
#define UC_RIP	168
#define UC_FLAGS 176
#define UC_CS	184
#define UC_SS	190
#define UC_ERR	192
#define UC_TRAPNO 200
#define UC_CR2	216
#define UC_FPSTATE 224
/* siginfo_t */
#define SI_CODE	8
#define SI_ARCH	28
#define SYS_SECCOMP 1
#define AUDIT_X86_64 0xc000003e

	.section .rodata
	.balign	64
	.globl	process_gate_start
process_gate_start:

/* An XSAVE area with everything in its initial state. */
initial_state:
	.short	0x37f			/* FCW */
	.skip	22
	.long	0x1f80			/* MXCSR */
	.skip	576 - 28

/* long doorbell(uint32_t op) */
	.balign	16
	.globl	process_gate_doorbell
process_gate_doorbell:
	orl	$RUNG, %edi
	xchgl	%edi, SHARED(SH_DOORBELL)
	testl	$MONITOR_SLEEPS, %edi
	jz	1f
	leaq	SHARED(SH_DOORBELL), %rdi
	movl	$FUTEX_WAKE, %esi
	movl	$1, %edx
	movl	$__NR_futex, %eax
	syscall
1:	movl	SHARED(SH_DOORBELL), %eax
	testl	%eax, %eax
	jns	2f
	movl	%eax, %edx
	orl	$GUEST_SLEEPS, %edx
	lock cmpxchgl %edx, SHARED(SH_DOORBELL)
	jne	1b
	leaq	SHARED(SH_DOORBELL), %rdi
	movl	$FUTEX_WAIT, %esi
	xorl	%r10d, %r10d
	movl	$__NR_futex, %eax
	syscall
	jmp	1b
2:	movq	SHARED(SH_RET), %rax
	ret

/* long map(va, gpa, len, prot); what is accessible is readable */
	.balign	16
	.globl	process_gate_map
process_gate_map:
	movq	%rsi, %r9
	movq	%rdx, %rsi
	movl	%ecx, %edx
	testl	%edx, %edx
	jz	1f
	orl	$1, %edx		/* PROT_READ */
1:	movl	$0x11, %r10d		/* MAP_SHARED | MAP_FIXED */
	xorl	%r8d, %r8d		/* PROCESS_RAM_FD */
	btrq	$38, %r9		/* MF_IMAGE_GPA */
	adcl	$0, %r8d		/* or PROCESS_IMAGE_FD */
	movl	$__NR_mmap, %eax
	syscall
	cmpq	$-4095, %rax
	jae	2f
	xorl	%eax, %eax
2:	ret

/* long unmap(va, len) */
	.balign	16
	.globl	process_gate_unmap
process_gate_unmap:
	movl	$__NR_munmap, %eax
	syscall
	ret

/* long protect(va, len, prot) */
	.balign	16
	.globl	process_gate_protect
process_gate_protect:
	testl	%edx, %edx
	jz	1f
	orl	$1, %edx
1:	movl	$__NR_mprotect, %eax
	syscall
	ret

/* long discard(va, len) */
	.balign	16
	.globl	process_gate_discard
process_gate_discard:
	movl	$9, %edx		/* MADV_REMOVE */
	movl	$__NR_madvise, %eax
	syscall
	ret

/*
 * A `syscall` outside the gate. Its registers go to the kernel as they were,
 * but the instruction's own: rcx is lost, r11 has the flags.
 */
	.balign	16
	.globl	process_gate_sigsys
process_gate_sigsys:
	cmpl	$SYS_SECCOMP, SI_CODE(%rsi)
	jne	resume
	cmpl	$AUDIT_X86_64, SI_ARCH(%rsi)
	jne	int80
	movq	%rdx, %rcx
	movq	UC_RIP(%rcx), %rax
	movq	%rax, SHARED(SH_SYSCALL_RIP)
	movq	UC_FPSTATE(%rcx), %r11
	movl	$XFEATURES, %eax
	xorl	%edx, %edx
	xrstor64 (%r11)
	pushq	$2			/* clears AC */
	popfq
	movq	UC_R8(%rcx), %r8
	movq	UC_R9(%rcx), %r9
	movq	UC_R10(%rcx), %r10
	movq	UC_R12(%rcx), %r12
	movq	UC_R13(%rcx), %r13
	movq	UC_R14(%rcx), %r14
	movq	UC_R15(%rcx), %r15
	movq	UC_RDI(%rcx), %rdi
	movq	UC_RSI(%rcx), %rsi
	movq	UC_RBP(%rcx), %rbp
	movq	UC_RBX(%rcx), %rbx
	movq	UC_RDX(%rcx), %rdx
	movq	UC_RAX(%rcx), %rax
	movq	UC_FLAGS(%rcx), %r11
	movq	UC_RSP(%rcx), %rsp	/* from here on the frame is gone */
	jmpq	*SHARED(SH_SYSCALL_ENTRY)

/* `int $0x80` is a general protection fault, as without a host below. */
int80:
	subq	$2, UC_RIP(%rdx)
	movl	$13, UC_TRAPNO(%rdx)
	movq	$0x402, UC_ERR(%rdx)
	movq	$0, UC_CR2(%rdx)
	jmp	trap

/* SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP */
	.balign	16
	.globl	process_gate_trap
process_gate_trap:
	cmpl	$0, SI_CODE(%rsi)
	jle	resume			/* somebody sent it */
	cmpl	$7, %edi		/* SIGBUS on a page fault: no page */
	jne	trap
	cmpl	$14, UC_TRAPNO(%rdx)
	jne	trap
	movl	$RING_NO_PAGE, %edi
	jmp	process_gate_doorbell
trap:	movl	UC_TRAPNO(%rdx), %eax
	cmpq	$0, SHARED(SH_UPCALL_ENTRY)
	je	no_kernel
	movl	$2, SHARED(SH_UPCALL)	/* MF_UPCALL_TRAP */
	movl	%eax, SHARED(SH_UPCALL + 4)
	movq	UC_ERR(%rdx), %rax
	movq	%rax, SHARED(SH_UPCALL + 8)
	movq	UC_CR2(%rdx), %rax
	movq	%rax, SHARED(SH_UPCALL + 16)

	.macro	reg from, to
	movq	\from(%rdx), %rax
	movq	%rax, SHARED(SH_REGS + \to)
	.endm

/* The interrupted registers are the upcall's; rdx = ucontext */
upcall:
	reg	UC_R15, 0
	reg	UC_R14, 8
	reg	UC_R13, 16
	reg	UC_R12, 24
	reg	UC_RBP, 32
	reg	UC_RBX, 40
	reg	UC_R11, 48
	reg	UC_R10, 56
	reg	UC_R9, 64
	reg	UC_R8, 72
	reg	UC_RAX, 80
	reg	UC_RCX, 88
	reg	UC_RDX, 96
	reg	UC_RSI, 104
	reg	UC_RDI, 112
	reg	UC_RIP, 128
	reg	UC_FLAGS, 144
	reg	UC_RSP, 152
	movq	$0x33, SHARED(SH_REGS + 136)
	movq	$0x2b, SHARED(SH_REGS + 160)
	movq	UC_FPSTATE(%rdx), %rcx
	movl	$XFEATURES, %eax
	xorl	%edx, %edx
	xrstor64 (%rcx)
	pushq	$2
	popfq
	movq	SHARED(SH_UPCALL_STACK), %rsp
	jmpq	*SHARED(SH_UPCALL_ENTRY)

no_kernel:
	leal	RING_TRAP(%rax), %edi
	jmp	process_gate_doorbell

/* A tick: the rules beside struct mf_upcall_config */
	.balign	16
	.globl	process_gate_tick
process_gate_tick:
	cmpq	$0, SHARED(SH_UPCALL_ENTRY)
	je	resume
	movq	UC_RIP(%rdx), %rax
	leaq	process_gate_start(%rip), %rcx
	subq	%rax, %rcx
	negq	%rcx
	cmpq	$0x2000, %rcx		/* MF_GATE_SIZE */
	jb	1f
	cmpq	SHARED(SH_KERNEL_LO), %rax
	jb	2f
	cmpq	SHARED(SH_KERNEL_HI), %rax
	jae	2f
1:	movl	$1, SHARED(SH_PENDING)
	cmpq	SHARED(SH_RESTART_LO), %rax
	jb	resume
	cmpq	SHARED(SH_RESTART_HI), %rax
	jae	resume
	movq	SHARED(SH_RESTART_RIP), %rax
	movq	%rax, UC_RIP(%rdx)
	jmp	resume
2:	movq	$1, SHARED(SH_UPCALL)	/* MF_UPCALL_TICK, vector 0 */
	movq	$0, SHARED(SH_UPCALL + 8)
	movq	$0, SHARED(SH_UPCALL + 16)
	jmp	upcall

/* Goes on where the signal hit; rdx = ucontext */
resume:
	movq	%rdx, %rbx
	movq	UC_FPSTATE(%rbx), %rcx
	movl	$XFEATURES, %eax
	xorl	%edx, %edx
	xrstor64 (%rcx)
	movzwl	UC_SS(%rbx), %eax
	pushq	%rax
	pushq	UC_RSP(%rbx)
	pushq	UC_FLAGS(%rbx)
	movzwl	UC_CS(%rbx), %eax
	pushq	%rax
	pushq	UC_RIP(%rbx)
	movq	UC_R8(%rbx), %r8
	movq	UC_R9(%rbx), %r9
	movq	UC_R10(%rbx), %r10
	movq	UC_R11(%rbx), %r11
	movq	UC_R12(%rbx), %r12
	movq	UC_R13(%rbx), %r13
	movq	UC_R14(%rbx), %r14
	movq	UC_R15(%rbx), %r15
	movq	UC_RDI(%rbx), %rdi
	movq	UC_RSI(%rbx), %rsi
	movq	UC_RBP(%rbx), %rbp
	movq	UC_RDX(%rbx), %rdx
	movq	UC_RAX(%rbx), %rax
	movq	UC_RCX(%rbx), %rcx
	movq	UC_RBX(%rbx), %rbx
	iretq

/*
 * The last step of process_child, without a stack: rdi = bytes of RAM, rsi =
 * bytes of the image, rdx = the kernel's entry, rcx = its stack. The
 * monitor's memory goes, the guest's comes, then the monitor is told.
 */
	.balign	16
	.globl	process_gate_enter
process_gate_enter:
	movq	%rdi, %r12
	movq	%rsi, %r13
	movq	%rdx, %r14
	movq	%rcx, %r15
	xorl	%ebx, %ebx		/* the step, see process_child.c */
	xorl	%edi, %edi
	movabsq	$0x707f00000000, %rsi	/* MF_WINDOW_VA */
	movl	$__NR_munmap, %eax
	syscall
	testq	%rax, %rax
	jnz	failed
	movabsq	$0x707f00200000, %rdi	/* the end of the window */
	movabsq	$0x7ffffffff000, %rsi	/* the end of user addresses */
	subq	%rdi, %rsi
	movl	$__NR_munmap, %eax
	syscall
	testq	%rax, %rax
	jnz	failed
	incl	%ebx
	movabsq	$0x700000000000, %rdi	/* MF_DIRECT_VA */
	movq	%r12, %rsi
	movl	$3, %edx		/* PROT_READ | PROT_WRITE */
	movl	$0x11, %r10d		/* MAP_SHARED | MAP_FIXED */
	xorl	%r8d, %r8d		/* PROCESS_RAM_FD */
	xorl	%r9d, %r9d
	movl	$__NR_mmap, %eax
	syscall
	cmpq	%rdi, %rax
	jne	failed
	incl	%ebx
	movabsq	$0x704000000000, %rdi	/* MF_IMAGE_VA */
	movq	%r13, %rsi
	movl	$1, %edx		/* PROT_READ */
	movl	$1, %r8d		/* PROCESS_IMAGE_FD */
	movl	$__NR_mmap, %eax
	syscall
	cmpq	%rdi, %rax
	jne	failed
	movq	%r15, %rsp
	movl	$RING_STARTED, %edi
	call	process_gate_doorbell
	xorl	%eax, %eax
	wrfsbase %rax
	wrgsbase %rax
	leaq	initial_state(%rip), %rcx
	movl	$XFEATURES, %eax
	xorl	%edx, %edx
	xrstor64 (%rcx)
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	jmpq	*%r14

failed:
	negq	%rax
	movq	%rax, SHARED(SH_ARG)
	movq	%rbx, SHARED(SH_ARG + 8)
	movl	$RING_FAILED, %edi
	jmp	process_gate_doorbell

	.balign	16
	.globl	process_gate_end
process_gate_end:

	.section .note.GNU-stack, "", @progbits
