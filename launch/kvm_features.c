/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file in the cache: the host's boot id and the age of /dev/kvm, then the
 * entries. If either differs, or anything is odd, KVM is asked again.
 */
#include "launch/kvm_features.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/ctl.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "launch/cache.h"

#define CACHE_MAGIC 0x64697570636d766bull

struct head {
	uint64_t magic;
	char boot_id[40];
	int64_t kvm_sec, kvm_nsec; /* ctime of /dev/kvm */
	uint64_t count;
};

struct table {
	struct head head;
	struct kvm_cpuid_entry2 entries[MF_CTL_CPUID_MAX];
};

static int identify(int kvm_fd, struct head *ret)
{
	AUTO_CLOSE int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	struct stat st;

	*ret = (struct head){ .magic = CACHE_MAGIC };
	if (fd < 0 || read(fd, ret->boot_id, sizeof(ret->boot_id) - 1) <= 0 ||
	    fstat(kvm_fd, &st) < 0)
		return -ENOENT;
	ret->kvm_sec = st.st_ctim.tv_sec;
	ret->kvm_nsec = st.st_ctim.tv_nsec;
	return 0;
}

static bool load(const struct head *want, struct table *t)
{
	AUTO_CLOSE int fd = -1;
	char path[CACHE_PATH_MAX];
	ssize_t n;

	if (cache_path(path, "kvm-cpuid") < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, t, sizeof(*t));
	if (n < (ssize_t)sizeof(t->head) || !t->head.count ||
	    t->head.count > MF_CTL_CPUID_MAX ||
	    (size_t)n !=
		    sizeof(t->head) + t->head.count * sizeof(t->entries[0]))
		return false;
	return memcmp(want, &t->head, offsetof(struct head, count)) == 0;
}

/* Failure to remember only costs time at the next start. */
static void save(const struct table *t)
{
	AUTO_DRAFT struct file_draft d = { .fd = -1 };
	char path[CACHE_PATH_MAX];
	size_t len = sizeof(t->head) + t->head.count * sizeof(t->entries[0]);

	if (cache_path(path, "") < 0 || file_mkdirs(path) < 0 ||
	    cache_path(path, "kvm-cpuid") < 0 ||
	    file_draft_init(&d, path, 0600) < 0)
		return;
	if (file_write(d.fd, t, len) == 0)
		file_draft_publish(&d, false);
}

static uint32_t ask(int kvm_fd, struct table *t)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[MF_CTL_CPUID_MAX];
	} id;

	id.head.nent = MF_CTL_CPUID_MAX;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &id) < 0)
		return 0;
	memcpy(t->entries, id.entries, sizeof(id.entries));
	return id.head.nent;
}

uint32_t kvm_features_get(int kvm_fd, void *ret)
{
	static struct table t;
	struct head want;
	bool known = identify(kvm_fd, &want) == 0;

	if (!known || !load(&want, &t)) {
		t.head = want;
		t.head.count = ask(kvm_fd, &t);
		if (known && t.head.count)
			save(&t);
	}
	memcpy(ret, t.entries, t.head.count * sizeof(t.entries[0]));
	return (uint32_t)t.head.count;
}
