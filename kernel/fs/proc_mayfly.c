/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/mayfly: how a program takes part in snapshots, from any language.
 * The files are there in every instance, so that a program needs no second
 * way for where no snapshot is taken. docs/snapshots.md is for their users.
 */
#include "fs/proc.h"

#include <linux/eventpoll.h>
#include <linux/inotify.h>

#include "core/late_env.h"
#include "core/signal.h"
#include "core/snapshot.h"
#include "fs/inotify.h"
#include "fs/open.h"

#define NUMBER_MAX 8u /* bytes of a number as it is written */

/* What a file says at the moment. */
static long read_text(struct iov_iter *to, int64_t *pos, const char *text)
{
	size_t len = strlen(text);
	long n;

	if ((uint64_t)*pos >= len)
		return 0;
	n = (long)iov_copy_out(to, text + *pos, len - (uint64_t)*pos);
	*pos += n;
	return n;
}

/* ---- snapshot: the mark ------------------------------------------------ */

static long snapshot_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	(void)f;
	if (kernel_boot->generation)
		return read_text(to, pos, "copy\n");
	return read_text(to, pos, snapshot_wanted() ? "wanted\n" : "none\n");
}

/* Whatever is written. It returns in the copy, or where none is wanted. */
static long snapshot_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	long n = (long)from->left;

	(void)f;
	(void)pos;
	if (n)
		snapshot_mark();
	return n;
}

static const struct file_ops snapshot_ops = {
	.read = snapshot_read,
	.write = snapshot_write,
	.seek = pseudo_seek,
	.stat = vfile_stat,
	.release = vfile_release,
};

static int snapshot_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	*ret = vfile_new(&snapshot_ops, vn, flags);
	return *ret ? 0 : -ENOMEM;
}

/* ---- generation: another one in every copy ----------------------------- */

static struct vnode *generation_vnode;
static struct waitq changed = { LIST_INIT(changed.waiters) };

static long generation_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	char text[2 * sizeof(kernel_boot->instance_id) + 2];
	struct vfile *vf = f->priv;
	uint32_t len = 0;

	for (size_t i = 0; i < sizeof(kernel_boot->instance_id); i++)
		len += (uint32_t)fmt_snprintf(text + len, sizeof(text) - len,
					      "%02x",
					      kernel_boot->instance_id[i]);
	text[len++] = '\n';
	text[len] = '\0';
	vf->seen = kernel_boot->generation;
	return read_text(to, pos, text);
}

static uint32_t generation_poll(struct file *f)
{
	const struct vfile *vf = f->priv;

	return vf->seen != kernel_boot->generation ?
		       EPOLLIN | EPOLLRDNORM | EPOLLPRI :
		       0;
}

static const struct file_ops generation_ops = {
	.read = generation_read,
	.seek = pseudo_seek,
	.poll = generation_poll,
	.stat = vfile_stat,
	.release = vfile_release,
};

static int generation_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	struct file *f;
	struct vfile *vf;

	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	f = vfile_new(&generation_ops, vn, flags);
	if (!f)
		return -ENOMEM;
	vf = f->priv;
	vf->seen = kernel_boot->generation;
	f->waitq = &changed;
	*ret = f;
	return 0;
}

/* ---- signal: the one that a copy begins with --------------------------- */

static uint32_t resume_signal; /* 0: none */

static long signal_read(struct file *f, struct iov_iter *to, int64_t *pos)
{
	char text[NUMBER_MAX];

	(void)f;
	fmt_snprintf(text, sizeof(text), "%u\n", resume_signal);
	return read_text(to, pos, text);
}

/* A decimal number; whatever comes behind a newline does not count. */
static long signal_write(struct file *f, struct iov_iter *from, int64_t *pos)
{
	long all = (long)from->left;
	char text[NUMBER_MAX] = "";
	uint32_t n = 0;
	size_t i, len;

	(void)f;
	(void)pos;
	len = iov_copy_in(from, text, sizeof(text));
	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9' && n < 100; i++)
		n = n * 10 + (uint32_t)(text[i] - '0');
	if (!i || n > SIG_MAX || (i < len && text[i] != '\n'))
		return -EINVAL;
	resume_signal = n;
	return all;
}

static const struct file_ops signal_ops = {
	.read = signal_read,
	.write = signal_write,
	.seek = pseudo_seek,
	.stat = vfile_stat,
	.release = vfile_release,
};

static int signal_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	*ret = vfile_new(&signal_ops, vn, flags);
	return *ret ? 0 : -ENOMEM;
}

/* ---- env: variables that a copy may have set --------------------------- */

static struct vnode *env_vnode;

static void text_env(struct textbuf *t, uint64_t arg)
{
	const char *s;

	(void)arg;
	for (uint32_t i = 0; (s = late_env_text(i)); i++)
		text_add(t, "%s\n", s);
}

/* ---- the directory ----------------------------------------------------- */

const struct pseudo_node proc_mayfly[PROC_MAYFLY_FILES] = {
	{
		.name = "env",
		.mode = S_IFREG | 0444,
		.text = text_env,
		.shared = &env_vnode,
	},
	{
		.name = "generation",
		.mode = S_IFREG | 0444,
		.open = generation_open,
		.shared = &generation_vnode,
	},
	{
		.name = "signal",
		.mode = S_IFREG | 0666,
		.open = signal_open,
	},
	{
		.name = "snapshot",
		.mode = S_IFREG | 0666,
		.open = snapshot_open,
	},
};

void proc_mayfly_resume(void)
{
	struct ksiginfo info = { .signo = (int)resume_signal,
				 .code = SI_KERNEL };

	waitq_wake_all(&changed);
	if (env_vnode)
		notify_vnode(env_vnode, IN_MODIFY);
	if (generation_vnode)
		notify_vnode(generation_vnode, IN_MODIFY);
	if (resume_signal)
		signal_send_process_info(&info);
}
