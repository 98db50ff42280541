/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel keeps what each variable says, because the program may write
 * over what is on its stack; getenv() finds the latter, a copy's value goes
 * to both.
 */
#include "core/late_env.h"

#include "core/alloc.h"
#include "core/uaccess.h"

struct late {
	uint64_t va;
	char *text; /* NAME=value, and zeros up to `size` */
	size_t size;
};

static struct late vars[MF_LATE_MAX];
static uint32_t count;

/* The name with its '='; 0: not a variable. */
static size_t name_len(const char *entry)
{
	for (size_t i = 0; entry[i]; i++)
		if (entry[i] == '=')
			return i + 1;
	return 0;
}

size_t late_env_size(const char *entry)
{
	return name_len(entry) + MF_LATE_VALUE_SIZE;
}

static void set_text(struct late *v, const char *entry)
{
	size_t len = min_u64(strlen(entry), v->size - 1);

	memset(v->text, 0, v->size);
	memcpy(v->text, entry, len);
}

void late_env_add(const char *entry, uint64_t va)
{
	struct late *v = &vars[count];

	kassert(count < MF_LATE_MAX);
	v->size = late_env_size(entry);
	v->va = va;
	v->text = kzalloc(v->size);
	if (!v->text)
		kpanic("no memory for the environment");
	set_text(v, entry);
	memcpy((void *)(uintptr_t)va, v->text, v->size);
	count++;
}

uint32_t late_env_count(void)
{
	return count;
}

uint64_t late_env_va(uint32_t i)
{
	return vars[i].va;
}

const char *late_env_text(uint32_t i)
{
	return i < count ? vars[i].text : NULL;
}

static void set(const char *entry)
{
	size_t len = name_len(entry);

	for (uint32_t i = 0; len && i < count; i++) {
		struct late *v = &vars[i];

		if (name_len(v->text) != len ||
		    memcmp(v->text, entry, len) != 0)
			continue;
		set_text(v, entry);
		if (copy_to_user(v->va, v->text, v->size) < 0)
			klog("the program has unmapped where %.*s was",
			     (int)len - 1, entry);
		return;
	}
}

void late_env_resume(void)
{
	const char *s = gpa_kva((gpa_t){ MF_LATE_GPA });
	const char *end = s + min_u64(kernel_boot->late_len, MF_LATE_SIZE);

	for (; s < end; s += strlen(s) + 1)
		set(s);
}
