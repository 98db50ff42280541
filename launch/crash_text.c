/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything in a crash report is a guest's word: its path is looked for in
 * the image, whose symbols give the place a name.
 */
#include "launch/crash_text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/elf.h"

const char *crash_signal_name(unsigned number)
{
	static char text[16];
	const char *abbrev = sigabbrev_np((int)number);

	if (abbrev)
		snprintf(text, sizeof(text), "SIG%s", abbrev);
	else
		snprintf(text, sizeof(text), "signal %u", number);
	return text;
}

/* A path as the guest gave it: it may hold anything. */
static void copy_path(char *ret, size_t size, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < size - 1 && path[i]; i++)
		ret[i] = path[i] < ' ' || path[i] > '~' ? '?' : path[i];
	ret[i] = '\0';
}

/*
 * " in NAME+0xOFF" for the program, with the file's path for a library, and
 * the path and an offset in it if there is no name; or nothing.
 */
static void where(char *ret, size_t size, const struct mf_crash *c,
		  const struct image *img)
{
	unsigned long long off = c->file_off;
	const char *name = NULL;
	char path[MF_CRASH_FILE_MAX];
	const uint8_t *file;
	uint64_t len, vaddr, distance = 0;
	struct elf elf;
	bool is_main;

	ret[0] = '\0';
	copy_path(path, sizeof(path), c->file, sizeof(c->file));
	if (path[0] == '\0')
		return;
	is_main = strcmp(path, img->manifest.program) == 0;
	if (image_file(img, path, &file, &len) == 0) {
		elf_parse(&elf, file, len);
		if (elf_offset_vaddr(&elf, c->file_off, &vaddr))
			name = elf_symbol_near(file, len, vaddr, &distance);
	}
	if (!name)
		snprintf(ret, size, " in %s at offset 0x%llx", path, off);
	else
		snprintf(ret, size, " in %s+0x%llx%s%s%s", name,
			 (unsigned long long)distance, is_main ? "" : " (",
			 is_main ? "" : path, is_main ? "" : ")");
}

static bool has_fault_addr(unsigned signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL ||
	       signal == SIGFPE || signal == SIGTRAP;
}

void crash_text(char ret[CRASH_TEXT_MAX], const struct mf_crash *c,
		const struct image *img)
{
	char place[512], fault[64] = "";

	where(place, sizeof(place), c, img);
	if (has_fault_addr(c->signal))
		snprintf(fault, sizeof(fault), " at address 0x%llx",
			 (unsigned long long)c->fault_addr);
	snprintf(ret, CRASH_TEXT_MAX, "%s (code %d)%s%s, rip 0x%llx, thread %u",
		 crash_signal_name(c->signal), c->code, fault, place,
		 (unsigned long long)c->regs.rip, c->tid);
}
