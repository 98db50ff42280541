/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most programs keep no frame pointers, and tables for unwinding are another
 * format in each language. So the stack is scanned: a word that points behind
 * a call instruction of a mapped file is taken for a return address. A call
 * that has returned may still have left its word there.
 */
#include "core/backtrace.h"

#include "core/mm.h"
#include "core/uaccess.h"
#include "fs/open.h"

#define SCAN_MAX 16384 /* bytes of stack */
#define CALL_MAX 7 /* bytes of a call instruction */

static bool is_code(const struct vma *v, uint64_t addr)
{
	return v && v->start <= addr && v->file && (v->prot & PROT_EXEC);
}

/* The bytes of FF /2, whose length the ModRM byte says. */
static bool ends_in_indirect_call(const uint8_t *end)
{
	for (int len = 2; len <= CALL_MAX; len++)
		if (end[-len] == 0xff && (end[1 - len] >> 3 & 7) == 2)
			return true;
	return false;
}

static bool follows_call(uint64_t addr)
{
	const uint8_t *end = (const uint8_t *)addr;
	int32_t distance;

	if (!user_can_read(addr - CALL_MAX, CALL_MAX))
		return false;
	if (end[-5] != 0xe8)
		return ends_in_indirect_call(end);
	memcpy(&distance, end - 4, sizeof(distance));
	addr += (uint64_t)(int64_t)distance;
	return is_code(mm_find(addr), addr) || ends_in_indirect_call(end);
}

/* The number of a path in the table, made if there is room. */
static bool find_file(struct mf_backtrace *bt, const char *path, uint32_t *ret)
{
	uint32_t i;

	for (i = 0; i < bt->file_count; i++)
		if (strcmp(bt->files[i], path) == 0)
			break;
	if (i == MF_BACKTRACE_FILES)
		return false;
	if (i == bt->file_count)
		memcpy(bt->files[bt->file_count++], path, strlen(path) + 1);
	*ret = i;
	return true;
}

static void add_frame(struct mf_backtrace *bt, uint64_t addr)
{
	const struct vma *v = mm_find(addr);
	struct mf_frame f = { 0 };
	const struct vnode *vn;
	char path[MF_CRASH_FILE_MAX];

	if (!is_code(v, addr) || !follows_call(addr))
		return;
	vn = file_vnode(v->file);
	if (!vn || vnode_path(vn, path, sizeof(path), false) <= 0)
		return;
	/* The call itself, so that the last instruction of a function that
	 * does not return counts as of that function. */
	f.file_off = v->off + (addr - v->start) - 1;
	if (find_file(bt, path, &f.file))
		bt->frames[bt->frame_count++] = f;
}

void backtrace_fill(struct mf_backtrace *bt, uint64_t rsp)
{
	uint64_t end, word;

	rsp &= ~7ull;
	end = rsp + user_usable_len(rsp, SCAN_MAX, false);
	for (; rsp + 8 <= end && bt->frame_count < MF_BACKTRACE_MAX; rsp += 8) {
		memcpy(&word, (const void *)rsp, sizeof(word));
		add_frame(bt, word);
	}
}
