/* SPDX-License-Identifier: Apache-2.0 */
/* The linked vDSO as part of the kernel's text; kernel.ld places it last. */
	.section .vdso, "a"
	.balign	4096
	.globl	vdso_start
vdso_start:
	.incbin	"vdso.so"
	.globl	vdso_end
vdso_end:

	.section .note.GNU-stack, "", @progbits
