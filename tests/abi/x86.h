/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions that test programs need and C cannot say: raw system
 * calls with every register under watch, deliberate faults of a known
 * length, vector registers.
 */
#ifndef TESTS_ABI_X86_H
#define TESTS_ABI_X86_H

#include <stdbool.h>
#include <stdint.h>

/* A syscall instruction that no library wraps. */
static inline long raw_syscall3(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}

static inline long raw_syscall6(long nr, const long a[6])
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "0"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

/*
 * Loads regs[0..12] into rbx rbp rdi rsi rdx r8 r9 r10 r12 r13 r14 r15 and
 * flags that a program can see, makes the call, and stores them back.
 */
struct x86_regs {
	uint64_t rbx, rbp, rdi, rsi, rdx, r8, r9, r10, r12, r13, r14, r15;
	uint64_t rax; /* number in, result out */
	uint64_t rsp_delta; /* out: rsp after - rsp before */
};

static inline void syscall_all_regs(struct x86_regs *r)
{
	__asm__ volatile("push %%rbp\n\t"
			 "push %%rbx\n\t"
			 "push %0\n\t"
			 "mov %%rsp, 104(%0)\n\t"
			 "mov %0, %%rax\n\t"
			 "mov 0(%%rax), %%rbx\n\t"
			 "mov 8(%%rax), %%rbp\n\t"
			 "mov 16(%%rax), %%rdi\n\t"
			 "mov 24(%%rax), %%rsi\n\t"
			 "mov 32(%%rax), %%rdx\n\t"
			 "mov 40(%%rax), %%r8\n\t"
			 "mov 48(%%rax), %%r9\n\t"
			 "mov 56(%%rax), %%r10\n\t"
			 "mov 64(%%rax), %%r12\n\t"
			 "mov 72(%%rax), %%r13\n\t"
			 "mov 80(%%rax), %%r14\n\t"
			 "mov 88(%%rax), %%r15\n\t"
			 "mov 96(%%rax), %%rax\n\t"
			 "syscall\n\t"
			 "pop %%rcx\n\t"
			 "mov %%rbx, 0(%%rcx)\n\t"
			 "mov %%rbp, 8(%%rcx)\n\t"
			 "mov %%rdi, 16(%%rcx)\n\t"
			 "mov %%rsi, 24(%%rcx)\n\t"
			 "mov %%rdx, 32(%%rcx)\n\t"
			 "mov %%r8, 40(%%rcx)\n\t"
			 "mov %%r9, 48(%%rcx)\n\t"
			 "mov %%r10, 56(%%rcx)\n\t"
			 "mov %%r12, 64(%%rcx)\n\t"
			 "mov %%r13, 72(%%rcx)\n\t"
			 "mov %%r14, 80(%%rcx)\n\t"
			 "mov %%r15, 88(%%rcx)\n\t"
			 "mov %%rax, 96(%%rcx)\n\t"
			 "lea -8(%%rsp), %%rdx\n\t"
			 "sub 104(%%rcx), %%rdx\n\t"
			 "mov %%rdx, 104(%%rcx)\n\t"
			 "pop %%rbx\n\t"
			 "pop %%rbp\n\t"
			 : "+a"(r)
			 :
			 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
			   "r12", "r13", "r14", "r15", "memory", "cc");
}

/* A call of two arguments with `set` added to the flags; the flags after. */
static inline uint64_t syscall_with_flags(long nr, uint64_t a, uint64_t b,
					  uint64_t set)
{
	uint64_t flags;

	__asm__ volatile("sub $128, %%rsp\n\t"
			 "pushfq\n\t"
			 "pushfq\n\t"
			 "or %[set], (%%rsp)\n\t"
			 "popfq\n\t"
			 "syscall\n\t"
			 "pushfq\n\t"
			 "pop %[flags]\n\t"
			 "popfq\n\t"
			 "add $128, %%rsp"
			 : "+a"(nr), [flags] "=&r"(flags)
			 : "D"(a), "S"(b), [set] "r"(set)
			 : "rcx", "r11", "memory", "cc");
	return flags;
}

/* ---- deliberate faults: each instruction has the length in its name ----- */

static inline void fault_ud2_len2(void)
{
	__asm__ volatile("ud2");
}

static inline void fault_int3_len1(void)
{
	__asm__ volatile("int3");
}

static inline void fault_int90_len2(void)
{
	__asm__ volatile("int $0x90");
}

static inline void fault_hlt_len1(void)
{
	__asm__ volatile("hlt");
}

/* xor %ecx,%ecx first; the faulting `div %ecx` has 2 bytes. */
static inline unsigned fault_div_len2(unsigned x)
{
	__asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx"
			 : "+a"(x)
			 :
			 : "rcx", "rdx", "cc");
	return x;
}

/* mov (%rdi),%rax: 3 bytes. */
static inline uint64_t fault_load_len3(const volatile void *p, uint64_t rax)
{
	__asm__ volatile("mov (%%rdi), %%rax" : "+a"(rax) : "D"(p) : "memory");
	return rax;
}

/* mov %rax,(%rdi): 3 bytes. */
static inline void fault_store_len3(volatile void *p, uint64_t v)
{
	__asm__ volatile("mov %%rax, (%%rdi)" : : "a"(v), "D"(p) : "memory");
}

/* ---- vector registers -------------------------------------------------- */

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]),
			   "=d"(out[3])
			 : "0"(leaf), "2"(sub));
}

static inline uint64_t xgetbv0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static inline bool cpu_has_osxsave(void)
{
	uint32_t r[4];

	cpuid(1, 0, r);
	return r[2] >> 27 & 1;
}

static inline bool cpu_has_avx2(void)
{
	uint32_t r[4];

	cpuid(7, 0, r);
	return cpu_has_osxsave() && (xgetbv0() & 6) == 6 && (r[1] >> 5 & 1);
}

static inline bool cpu_has_avx512(void)
{
	uint32_t r[4];

	cpuid(7, 0, r);
	return cpu_has_osxsave() && (xgetbv0() & 0xe6) == 0xe6 &&
	       (r[1] >> 16 & 1);
}

/*
 * Fill every vector register from `in` (32 lines of 64 bytes), do something,
 * and store the registers to `out`. What is done: the system call `nr`
 * without arguments, or with nr < 0 a loop of `spins` turns; the ud2 form
 * executes one ud2. sse handles xmm0-15, avx ymm0-15, avx512 zmm0-31.
 */
#define X86_LOAD(i, op, r)  op " " #i "*64(%[in]), %%" r #i "\n\t"
#define X86_STORE(i, op, r) op " %%" r #i ", " #i "*64(%[out])\n\t"
#define X86_16(m, op, r)                                                    \
	m(0, op, r) m(1, op, r) m(2, op, r) m(3, op, r) m(4, op, r)         \
		m(5, op, r) m(6, op, r) m(7, op, r) m(8, op, r) m(9, op, r) \
			m(10, op, r) m(11, op, r) m(12, op, r) m(13, op, r) \
				m(14, op, r) m(15, op, r)
#define X86_32(m, op, r)                                                    \
	X86_16(m, op, r)                                                    \
	m(16, op, r) m(17, op, r) m(18, op, r) m(19, op, r) m(20, op, r)    \
		m(21, op, r) m(22, op, r) m(23, op, r) m(24, op, r)         \
			m(25, op, r) m(26, op, r) m(27, op, r) m(28, op, r) \
				m(29, op, r) m(30, op, r) m(31, op, r)
#define X86_BETWEEN             \
	"test %%rax, %%rax\n\t" \
	"js 1f\n\t"             \
	"syscall\n\t"           \
	"jmp 2f\n"              \
	"1: dec %[spins]\n\t"   \
	"jnz 1b\n"              \
	"2:\n\t"
#define X86_VECTOR(name, all, op, r, ...)                                      \
	static inline void name(const void *in, void *out, long nr,            \
				uint64_t spins)                                \
	{                                                                      \
		__asm__ volatile(all(X86_LOAD, op, r)                          \
					 X86_BETWEEN all(X86_STORE, op, r)     \
				 : "+a"(nr), [spins] "+r"(spins)               \
				 : [in] "r"(in), [out] "r"(out)                \
				 : "rcx", "r11", "memory", "cc", __VA_ARGS__); \
	}

#define X86_XMM_CLOBBERS                                                     \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",      \
		"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", \
		"xmm15"

static inline void vectors_sse_ud2(const void *in, void *out)
{
	__asm__ volatile(X86_16(X86_LOAD, "movups", "xmm") "ud2\n\t" X86_16(
				 X86_STORE, "movups", "xmm")
			 :
			 : [in] "r"(in), [out] "r"(out)
			 : "memory", X86_XMM_CLOBBERS);
}

X86_VECTOR(vectors_sse, X86_16, "movups", "xmm", X86_XMM_CLOBBERS)
X86_VECTOR(vectors_avx, X86_16, "vmovups", "ymm", X86_XMM_CLOBBERS)
X86_VECTOR(vectors_avx512, X86_32, "vmovups", "zmm", X86_XMM_CLOBBERS)

/* Compares the first `bytes` of `count` registers. */
static inline bool vectors_equal(const unsigned char *a, const unsigned char *b,
				 int count, int bytes)
{
	for (int i = 0; i < count; i++)
		for (int j = 0; j < bytes; j++)
			if (a[i * 64 + j] != b[i * 64 + j])
				return false;
	return true;
}

/* Floating-point exceptions that are not masked. */
static inline void sse_divide_unmasked(void)
{
	uint32_t csr = 0x1f80 & ~0x200u;
	double one = 1, zero = 0;

	__asm__ volatile("ldmxcsr %1\n\tdivsd %2, %0"
			 : "+x"(one)
			 : "m"(csr), "x"(zero));
}

static inline void x87_init(void)
{
	__asm__ volatile("fninit");
}

static inline void x87_divide_unmasked(void)
{
	uint16_t cw = 0x37b;

	__asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\t"
			 "fdivrp\n\tfwait"
			 :
			 : "m"(cw));
}

static inline void x87_invalid_unmasked(void)
{
	uint16_t cw = 0x37e;

	__asm__ volatile("fninit\n\tfldcw %0\n\tfldz\n\tfldz\n\t"
			 "fdivp\n\tfwait"
			 :
			 : "m"(cw));
}

#endif
