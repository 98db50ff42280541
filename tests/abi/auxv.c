/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tells a program at its start, beside arguments and
 * environment.
 *
 * test: flavours musl musl-dyn glibc-pie glibc-dyn
 * test: hardware
 */
#include <elf.h>
#include <sys/auxv.h>

#include "tests/abi/abi.h"

#define HTT (1UL << 28) /* more than one CPU, says CPUID */

static void number(const char *name, unsigned long type)
{
	say(name, "%lu", getauxval(type));
}

static void program_headers(void)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)getauxval(AT_PHDR);
	unsigned long entry = getauxval(AT_ENTRY), self = 0, bias = 0;
	bool entry_ok = false;

	/* Rewriting adds a segment: neighbours to be loaded count as one. */
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		if (!i || ph[i].p_type != PT_LOAD ||
		    ph[i - 1].p_type != PT_LOAD)
			say("program header", "%u", ph[i].p_type);
		if (ph[i].p_type == PT_PHDR)
			bias = (unsigned long)ph - ph[i].p_vaddr;
	}
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		unsigned long start = bias + ph[i].p_vaddr;

		if (ph[i].p_type != PT_LOAD)
			continue;
		if (entry - start < ph[i].p_filesz && (ph[i].p_flags & PF_X))
			entry_ok = true;
		if ((unsigned long)program_headers - start < ph[i].p_filesz)
			self++;
	}
	yes("the entry is code", entry_ok);
	yes("this is code", self == 1);
}

static void base(void)
{
	const char *at = (const char *)getauxval(AT_BASE);

	if (!at)
		say("base", "none");
	else
		say("base", "%s", memcmp(at, ELFMAG, SELFMAG) ? "?" : "an ELF");
}

/* In the order of addresses Linux has: below the strings. */
static void pointers(void)
{
	const unsigned char *random =
		(const unsigned char *)getauxval(AT_RANDOM);
	const char *name = (const char *)getauxval(AT_EXECFN);
	int sum = 0;

	for (int i = 0; i < 16; i++)
		sum |= random[i];
	yes("random bytes", sum != 0);
	yes("a name", name && strstr(name, "auxv") != NULL);
	yes("vdso",
	    !memcmp((const char *)getauxval(AT_SYSINFO_EHDR), ELFMAG, SELFMAG));
}

int main(void)
{
	abi_start();
	say("platform", "%s", (const char *)getauxval(AT_PLATFORM));
	say("hwcap", "%lx", getauxval(AT_HWCAP) & ~HTT);
	number("hwcap2", AT_HWCAP2);
	number("page size", AT_PAGESZ);
	number("clock ticks", AT_CLKTCK);
	number("size of a program header", AT_PHENT);
	number("flags", AT_FLAGS);
	number("secure", AT_SECURE);
	yes("uid", getauxval(AT_UID) == getauxval(AT_EUID));
	yes("gid", getauxval(AT_GID) == getauxval(AT_EGID));
	yes("signal stack", getauxval(AT_MINSIGSTKSZ) >= 1024);
	program_headers();
	base();
	pointers();
	return 0;
}
