/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUID words of struct mf_snapshot_header.cpu, in its order. Bits that
 * describe mitigations or belong to kernels are left out: a program does not
 * choose its code by them. Intel SDM vol. 2, CPUID; AMD APM vol. 3, E.3.
 */
#include "cli/cpu_words.h"

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

bool cpu_words_cover(const uint32_t want[MF_SNAPSHOT_CPU_WORDS], char ret[48])
{
	static const char names[] = "abcd";

	for (unsigned i = 0; i < MF_SNAPSHOT_CPU_WORDS; i++) {
		const struct word *w = &words[i < COUNT ? i : 0];
		uint32_t have = i < COUNT ? word_get(w) : 0;
		uint32_t missing = want[i] & ~have;

		if (!missing)
			continue;
		snprintf(ret, 48, "CPUID leaf %#x.%u e%cx bit %d", w->leaf,
			 w->subleaf, names[w->reg], __builtin_ctz(missing));
		return false;
	}
	return true;
}
