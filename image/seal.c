/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals: checks the kernel file, stages the root file system, has mkfs.erofs
 * write it, adds the trailer, publishes. Signals wait until the temporary
 * files are gone.
 */
#include "image/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/guest.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "host/sigguard.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/mkfs.h"
#include "image/stage.h"

#define MIB (1ull << 20)

/*
 * What a start takes beside the program's own writable segments: system
 * pages, the kernel's data, page tables, the first stack.
 */
#define MEMORY_BASE (4 * MIB)

uint64_t seal_memory_needed(const struct elf *elf)
{
	uint64_t need = MEMORY_BASE + elf->private_bytes;

	return (need + MIB - 1) & ~(MIB - 1);
}

static int put_manifest(const struct stage *s, const struct program *p,
			struct err *e)
{
	char path[IMAGE_NAME_MAX + 8];
	const char *args[] = { path };
	const char *env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/" };
	struct manifest m = {
		.abi = MF_ABI_VERSION,
		.program = path,
		.cwd = "/",
		.memory_bytes = seal_memory_needed(&p->elf),
		.args = args,
		.args_count = 1,
		.env = env,
		.env_count = sizeof(env) / sizeof(env[0]),
	};
	AUTO_FREE char *text = NULL;

	snprintf(path, sizeof(path), "/bin/%s", p->name);
	text = manifest_format(&m);
	if (!text)
		return err_set(e, EILSEQ,
			       "cannot write the manifest: the "
			       "name %s is not UTF-8",
			       p->name);
	return stage_put_text(s, &IMAGE_PATH_MANIFEST[1], text, e);
}

static int put_kernel(const struct stage *s, const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct mf_kernel_hdr h;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot open the guest kernel %s",
			       path);
	r = file_pread(fd, &h, sizeof(h), 0);
	if (r < 0 || h.magic != MF_KERNEL_MAGIC)
		return err_set(e, EBADMSG, "%s is not a mayfly guest kernel",
			       path);
	if (h.abi_version != MF_ABI_VERSION)
		return err_set(e, EPROTONOSUPPORT,
			       "the guest kernel %s speaks "
			       "contract %u, this mayfly speaks %u",
			       path, h.abi_version, MF_ABI_VERSION);
	return stage_put_copy(s, &IMAGE_PATH_KERNEL[1], fd, 0644, e);
}

static int fill_stage(const struct stage *s, const struct seal_job *job,
		      struct err *e)
{
	char path[IMAGE_NAME_MAX + 8];
	int r;

	r = put_kernel(s, job->kernel_path, e);
	if (r == 0)
		r = put_manifest(s, job->program, e);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "bin/%s", job->program->name);
	return stage_put_copy(s, path, job->program->fd, 0755, e);
}

static int append_trailer(struct file_draft *d, struct seal_result *ret,
			  struct err *e)
{
	struct image_trailer t = { .version = IMAGE_VERSION };
	off_t size = lseek(d->fd, 0, SEEK_END);
	void *map;
	int r;

	if (size <= 0 || size % IMAGE_BLOCK != 0)
		return err_set(e, EIO,
			       "mkfs.erofs wrote %lld bytes, not a "
			       "number of blocks",
			       (long long)size);
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, d->fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, errno, "cannot map %s", d->temp);
	digest_compute(t.digest, map, (size_t)size);
	munmap(map, (size_t)size);
	memcpy(t.magic, IMAGE_MAGIC, sizeof(t.magic));
	t.erofs_size = (uint64_t)size;
	r = file_write(d->fd, &t, sizeof(t));
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", d->path);
	ret->size = t.erofs_size + sizeof(t);
	memcpy(ret->digest, t.digest, sizeof(t.digest));
	return 0;
}

/* What must hold just before the image becomes visible. */
static int check_undisturbed(const struct program *p, struct err *e)
{
	struct stat st;

	if (sigguard_hit())
		return err_set(e, EINTR, "interrupted");
	if (fstat(p->fd, &st) < 0 ||
	    st.st_ctim.tv_sec != p->st.st_ctim.tv_sec ||
	    st.st_ctim.tv_nsec != p->st.st_ctim.tv_nsec)
		return err_set(e, EAGAIN,
			       "%s changed while it was being "
			       "sealed",
			       p->name);
	return 0;
}

int seal_image(const struct seal_job *job, struct seal_result *ret,
	       struct err *e)
{
	AUTO_SIGGUARD struct sigguard guard;
	AUTO_DRAFT struct file_draft draft = { .fd = -1 };
	AUTO_STAGE struct stage stage = { .fd = -1 };
	struct seal_result result = { 0 };
	int r;

	sigguard_init(&guard);
	r = file_draft_init(&draft, job->out_path, 0644);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", job->out_path);
	r = stage_init(&stage, e);
	if (r == 0)
		r = fill_stage(&stage, job, e);
	if (r == 0)
		r = mkfs_run(draft.temp, stage.path, &guard.old, e);
	if (r == 0)
		r = append_trailer(&draft, &result, e);
	if (r == 0)
		r = check_undisturbed(job->program, e);
	if (r < 0)
		return r;
	r = file_draft_publish(&draft, true);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", job->out_path);
	*ret = result;
	return 0;
}
