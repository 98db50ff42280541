/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals: completes the tree of the source, has mkfs.erofs write it, adds the
 * trailer, publishes. Signals wait until the temporary files are gone.
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
#include "image/closure.h"
#include "image/digest.h"
#include "image/entry.h"
#include "image/links.h"
#include "image/manifest.h"
#include "image/mkfs.h"
#include "image/rewrite.h"

#define MIB (1ull << 20)

/*
 * What a start takes beside the program's own writable segments: system
 * pages, the kernel's data, page tables, the first stack.
 */
#define MEMORY_BASE (4 * MIB)

uint64_t seal_memory_needed(uint64_t private_bytes)
{
	uint64_t need = MEMORY_BASE + private_bytes;

	return (need + MIB - 1) & ~(MIB - 1);
}

/* The variables that every program has, unless the source sets them. */
static const char *const default_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/",
	NULL,
};

static bool has_variable(const struct strlist *env, const char *entry)
{
	size_t i, len = strcspn(entry, "=") + 1;

	for (i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], entry, len) == 0)
			return true;
	}
	return false;
}

static int add_default_env(struct source *s, struct err *e)
{
	struct strlist all = { 0 };
	size_t i;
	int r = 0;

	for (i = 0; default_env[i] && r == 0; i++) {
		if (!has_variable(&s->config.env, default_env[i]))
			r = strlist_add(&all, default_env[i]);
	}
	for (i = 0; i < s->config.env.count && r == 0; i++)
		r = strlist_add(&all, s->config.env.items[i]);
	if (r < 0) {
		strlist_fini(&all);
		return err_set(e, ENOMEM, "out of memory");
	}
	strlist_fini(&s->config.env);
	s->config.env = all;
	return 0;
}

/*
 * What an image of elsewhere does not have is made, as its runtimes do; a
 * person who asks for it is told.
 */
static int add_cwd(const struct source *s, struct err *e)
{
	const struct source_config *c = &s->config;
	AUTO_CLOSE int fd = -1;

	if (!c->cwd)
		return 0;
	fd = stage_open(&s->stage, c->cwd, O_PATH | O_DIRECTORY);
	if (fd >= 0)
		return 0;
	if (fd == -ENOENT && !c->cwd_at)
		return stage_put_dir(&s->stage, c->cwd, 0755, e);
	return err_at(e, c->cwd_at,
		      err_sys(e, -fd, "cannot work in %s of the image",
			      c->cwd));
}

static int put_manifest(const struct source *s, uint64_t memory, struct err *e)
{
	const struct source_config *c = &s->config;
	struct manifest m = {
		.abi = MF_ABI_VERSION,
		.program = c->program,
		.cwd = c->cwd ? c->cwd : "/",
		.memory_bytes = c->memory_bytes > memory ? c->memory_bytes :
							   memory,
		.args = (void *)c->args.items,
		.args_count = c->args.count,
		.env = (void *)c->env.items,
		.env_count = c->env.count,
		.ports = (void *)c->ports.items,
		.ports_count = c->ports.count,
		.uid = c->uid,
		.gid = c->gid,
		.stop_signal = c->stop_signal,
		/* Another program would have had to be found in the tree. */
		.args_default = c->args_default < c->args.count ?
					c->args_default :
					c->args.count - 1,
	};
	AUTO_FREE char *text = NULL;
	struct manifest parsed;
	int r;

	text = manifest_format(&m);
	if (!text)
		return err_set(e, EILSEQ,
			       "cannot write the manifest: %s, an argument or "
			       "a variable is not UTF-8",
			       c->program);
	r = manifest_parse(&parsed, text, strlen(text), e);
	if (r < 0)
		return r;
	manifest_fini(&parsed);
	return stage_put_text(&s->stage, IMAGE_PATH_MANIFEST, text, e);
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
	return stage_put_copy(s, IMAGE_PATH_KERNEL, fd, 0644, e);
}

/* What makes a tree bootable, in this order. */
static int complete(const struct seal_job *job, const sigset_t *mask,
		    struct err *e)
{
	struct source *s = job->source;
	uint64_t private_bytes = 0;
	int r;

	r = stage_add_standard(&s->stage, e);
	if (r == 0)
		r = add_default_env(s, e);
	if (r == 0)
		r = add_cwd(s, e);
	if (r == 0)
		r = err_at(e, s->config.args_at, entry_resolve(s, e));
	if (r == 0)
		r = closure_add(s, &private_bytes, e);
	if (r == 0)
		r = links_check(s, e);
	if (r == 0 && job->parts.rewriter)
		r = rewrite_source(s, job->parts.rewriter, mask, e);
	if (r == 0)
		r = put_kernel(&s->stage, job->parts.kernel, e);
	if (r == 0)
		r = put_manifest(s, seal_memory_needed(private_bytes), e);
	return r;
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
static int check_undisturbed(const struct source *s, struct err *e)
{
	const char *path;

	if (sigguard_hit())
		return err_set(e, EINTR, "interrupted");
	path = inputs_changed(&s->inputs, false);
	if (path)
		return err_set(e, EAGAIN,
			       "%s changed while it was being sealed", path);
	return 0;
}

int seal_image(const struct seal_job *job, struct seal_result *ret,
	       struct err *e)
{
	AUTO_SIGGUARD struct sigguard guard = { .active = false };
	AUTO_DRAFT struct file_draft draft = { .fd = -1 };
	struct seal_result result = { 0 };
	struct mkfs_job mkfs = { .dir = job->source->stage.path,
				 .uid = job->source->config.uid,
				 .gid = job->source->config.gid,
				 .mask = &guard.old,
				 .watch = &job->source->watch };
	struct stat st;
	int r;

	if (stat(job->out_path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, EINVAL,
			       "cannot write %s: it is there and "
			       "not a regular file",
			       job->out_path);
	sigguard_init(&guard);
	r = file_draft_init(&draft, job->out_path, 0644);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", job->out_path);
	mkfs.out = draft.temp;
	r = complete(job, &guard.old, e);
	source_step(job->source, "writing the image");
	if (r == 0)
		r = mkfs_run(&mkfs, e);
	if (r == 0)
		r = append_trailer(&draft, &result, e);
	if (r == 0)
		r = check_undisturbed(job->source, e);
	if (r < 0)
		return r;
	r = file_draft_publish(&draft, true);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", job->out_path);
	*ret = result;
	return 0;
}
