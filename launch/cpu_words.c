/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUID words of struct mf_snapshot_header.cpu, in its order. Bits that
 * describe mitigations or belong to kernels are left out: a program does not
 * choose its code by them. Intel SDM vol. 2, CPUID; AMD APM vol. 3, E.3.
 */
#include "launch/cpu_words.h"

#include <cpuid.h>
#include <stdio.h>

enum reg { EAX, EBX, ECX, EDX };

static const struct word {
	uint32_t leaf, subleaf;
	enum reg reg;
	uint32_t mask;
} words[] = {
	{ 1, 0, ECX, 0x77f83201 }, /* SSE3 to RDRAND, without VMX and such */
	{ 1, 0, EDX, 0x07808111 }, /* TSC, CMOV, MMX, FXSR, SSE, SSE2 */
	{ 7, 0, EBX, 0xf9bf0329 },	    { 7, 0, ECX, 0x1a407f42 },
	{ 7, 0, EDX, 0x0080411c }, /* AVX-512 and FSRM, no mitigations */
	{ 7, 1, EAX, 0x00800c30 }, /* AVX-VNNI, AVX512-BF16, FSRM kin */
	{ 0xd, 1, EAX, 0x00000007 }, /* XSAVEOPT, XSAVEC, XGETBV(1) */
	{ 0x80000001, 0, ECX, 0x00210961 }, { 0x80000001, 0, EDX, 0x08100800 },
};

#define COUNT (sizeof(words) / sizeof(words[0]))

_Static_assert(COUNT <= MF_SNAPSHOT_CPU_WORDS, "header.cpu");

static uint32_t word_get(const struct word *w)
{
	uint32_t r[4] = { 0, 0, 0, 0 };

	__get_cpuid_count(w->leaf, w->subleaf, &r[EAX], &r[EBX], &r[ECX],
			  &r[EDX]);
	return r[w->reg] & w->mask;
}

void cpu_words_get(uint32_t ret[MF_SNAPSHOT_CPU_WORDS])
{
	for (unsigned i = 0; i < MF_SNAPSHOT_CPU_WORDS; i++)
		ret[i] = i < COUNT ? word_get(&words[i]) : 0;
}

/* As in /proc/cpuinfo. */
static const struct name {
	uint8_t word, bit;
	const char *text;
} names[] = {
	{ 0, 0, "pni" },	   { 0, 9, "ssse3" },
	{ 0, 12, "fma" },	   { 0, 13, "cx16" },
	{ 0, 19, "sse4_1" },	   { 0, 20, "sse4_2" },
	{ 0, 21, "x2apic" },	   { 0, 22, "movbe" },
	{ 0, 23, "popcnt" },	   { 0, 24, "tsc_deadline_timer" },
	{ 0, 25, "aes" },	   { 0, 26, "xsave" },
	{ 0, 28, "avx" },	   { 0, 29, "f16c" },
	{ 0, 30, "rdrand" },	   { 1, 0, "fpu" },
	{ 1, 4, "tsc" },	   { 1, 8, "cx8" },
	{ 1, 15, "cmov" },	   { 1, 23, "mmx" },
	{ 1, 24, "fxsr" },	   { 1, 25, "sse" },
	{ 1, 26, "sse2" },	   { 2, 0, "fsgsbase" },
	{ 2, 3, "bmi1" },	   { 2, 5, "avx2" },
	{ 2, 8, "bmi2" },	   { 2, 9, "erms" },
	{ 2, 16, "avx512f" },	   { 2, 17, "avx512dq" },
	{ 2, 18, "rdseed" },	   { 2, 19, "adx" },
	{ 2, 20, "smap" },	   { 2, 21, "avx512ifma" },
	{ 2, 23, "clflushopt" },   { 2, 24, "clwb" },
	{ 2, 27, "avx512er" },	   { 2, 28, "avx512cd" },
	{ 2, 29, "sha_ni" },	   { 2, 30, "avx512bw" },
	{ 2, 31, "avx512vl" },	   { 3, 1, "avx512vbmi" },
	{ 3, 6, "avx512_vbmi2" },  { 3, 8, "gfni" },
	{ 3, 9, "vaes" },	   { 3, 10, "vpclmulqdq" },
	{ 3, 11, "avx512_vnni" },  { 3, 12, "avx512_bitalg" },
	{ 3, 13, "tme" },	   { 3, 14, "avx512_vpopcntdq" },
	{ 3, 22, "rdpid" },	   { 3, 25, "cldemote" },
	{ 3, 27, "movdiri" },	   { 3, 28, "movdir64b" },
	{ 4, 2, "avx512_4vnniw" }, { 4, 3, "avx512_4fmaps" },
	{ 4, 4, "fsrm" },	   { 4, 8, "avx512_vp2intersect" },
	{ 4, 14, "serialize" },	   { 4, 23, "avx512_fp16" },
	{ 5, 4, "avx_vnni" },	   { 5, 5, "avx512_bf16" },
	{ 5, 10, "fzrm" },	   { 5, 11, "fsrs" },
	{ 5, 23, "avx_ifma" },	   { 6, 0, "xsaveopt" },
	{ 6, 1, "xsavec" },	   { 6, 2, "xgetbv1" },
	{ 7, 0, "lahf_lm" },	   { 7, 5, "abm" },
	{ 7, 6, "sse4a" },	   { 7, 8, "3dnowprefetch" },
	{ 7, 11, "xop" },	   { 7, 16, "fma4" },
	{ 7, 21, "tbm" },	   { 8, 11, "syscall" },
	{ 8, 20, "nx" },	   { 8, 27, "rdtscp" },
};

static const char *name_of(unsigned word, unsigned bit)
{
	static char text[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].word == word && names[i].bit == bit)
			return names[i].text;
	snprintf(text, sizeof(text), "word %u bit %u", word, bit);
	return text;
}

void cpu_words_each(const uint32_t words_set[MF_SNAPSHOT_CPU_WORDS],
		    cpu_words_fn fn, void *arg)
{
	uint32_t have[MF_SNAPSHOT_CPU_WORDS];

	cpu_words_get(have);
	for (unsigned i = 0; i < MF_SNAPSHOT_CPU_WORDS; i++)
		for (unsigned bit = 0; bit < 32; bit++)
			if (words_set[i] >> bit & 1)
				fn(arg, name_of(i, bit), have[i] >> bit & 1);
}

bool cpu_words_cover(const uint32_t want[MF_SNAPSHOT_CPU_WORDS], char ret[48])
{
	static const char regs[] = "abcd";

	for (unsigned i = 0; i < MF_SNAPSHOT_CPU_WORDS; i++) {
		const struct word *w = &words[i < COUNT ? i : 0];
		uint32_t have = i < COUNT ? word_get(w) : 0;
		uint32_t missing = want[i] & ~have;

		if (!missing)
			continue;
		snprintf(ret, 48, "CPUID leaf %#x.%u e%cx bit %d", w->leaf,
			 w->subleaf, regs[w->reg], __builtin_ctz(missing));
		return false;
	}
	return true;
}
