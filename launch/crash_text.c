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

/* What an instruction is of, as a person says it. */
struct place {
	const char *file; /* as the guest gave it, with its NUL */
	uint64_t file_off;
};

/*
 * "NAME+0xOFF" for the program, with the file's path for a library, and the
 * path and an offset in it if there is no name; or nothing.
 */
static void where(char *ret, size_t size, const struct place *p,
		  const struct image *img)
{
	const char *name = NULL;
	char path[MF_CRASH_FILE_MAX];
	const uint8_t *file;
	uint64_t len, vaddr, distance = 0;
	struct elf elf;
	bool is_main;

	ret[0] = '\0';
	copy_path(path, sizeof(path), p->file, MF_CRASH_FILE_MAX);
	if (path[0] == '\0')
		return;
	is_main = strcmp(path, img->manifest.program) == 0;
	if (image_file(img, path, &file, &len) == 0) {
		elf_parse(&elf, file, len);
		if (elf_offset_vaddr(&elf, p->file_off, &vaddr))
			name = elf_symbol_near(file, len, vaddr, &distance);
	}
	if (!name)
		snprintf(ret, size, "%s at offset 0x%llx", path,
			 (unsigned long long)p->file_off);
	else
		snprintf(ret, size, "%s+0x%llx%s%s%s", name,
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
	const struct place p = { c->file, c->file_off };
	char place[512], fault[64] = "";

	where(place, sizeof(place), &p, img);
	if (has_fault_addr(c->signal))
		snprintf(fault, sizeof(fault), " at address 0x%llx",
			 (unsigned long long)c->fault_addr);
	snprintf(ret, CRASH_TEXT_MAX,
		 "%s (code %d)%s%s%s, rip 0x%llx, thread %u",
		 crash_signal_name(c->signal), c->code, fault,
		 place[0] ? " in " : "", place, (unsigned long long)c->regs.rip,
		 c->tid);
}

void backtrace_text(char ret[BACKTRACE_TEXT_MAX], const void *message,
		    size_t len, const struct image *img)
{
	static struct mf_backtrace bt; /* large; read once */
	size_t used = 0;
	char line[400];

	ret[0] = '\0';
	if (len != sizeof(bt))
		return;
	memcpy(&bt, message, sizeof(bt));
	for (uint32_t i = 0; i < bt.frame_count && i < MF_BACKTRACE_MAX; i++) {
		struct place p = { .file_off = bt.frames[i].file_off };

		if (bt.frames[i].file >= MF_BACKTRACE_FILES)
			continue;
		p.file = bt.files[bt.frames[i].file];
		where(line, sizeof(line) - 1, &p, img);
		if (line[0])
			used += (size_t)snprintf(ret + used,
						 BACKTRACE_TEXT_MAX - used,
						 "%s\n", line);
	}
}
