/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID and, in it, task/TID: the program's memory, threads, arguments
 * and descriptors. Most files say the same for the process and for each of
 * its threads; `arg` is the thread, or the process.
 */
#include "fs/proc.h"

#include <asm/stat.h>

#include "core/cputime.h"
#include "core/frame.h"
#include "core/identity.h"
#include "core/late_env.h"
#include "core/mm.h"
#include "core/rlimit.h"
#include "core/thread.h"
#include "core/time.h"
#include "fs/open.h"
#include "fs/vfs.h"

#define TICK_NS	  (NS_PER_SEC / 100)
#define MAPS_NAME 73 /* column of the name, as Linux has it */

static char path_buf[PATH_MAX];

/* ---- arguments --------------------------------------------------------- */

/* Length of the first `count` strings of the boot arguments. */
static size_t strings_len(uint32_t count)
{
	const char *s = boot_args(0);

	while (count--)
		s += strlen(s) + 1;
	return (size_t)(s - boot_args(0));
}

static void text_cmdline(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add_bytes(t, boot_args(0), strings_len(kernel_boot->argc));
}

static void text_environ(struct textbuf *t, uint64_t arg)
{
	uint32_t early = kernel_boot->envc - late_env_count();
	size_t args = strings_len(kernel_boot->argc);
	size_t all = strings_len(kernel_boot->argc + early);
	const char *s;

	(void)arg;
	text_add_bytes(t, boot_args(0) + args, all - args);
	for (uint32_t i = 0; (s = late_env_text(i)); i++)
		text_add_bytes(t, s, strlen(s) + 1);
}

/* ---- threads ----------------------------------------------------------- */

static const struct thread *thread_of(uint64_t arg)
{
	const struct thread *t = thread_find((int)arg);

	return t ? t : current;
}

static const char *name_of(const struct thread *t)
{
	const char *path = boot_args(kernel_boot->path_off);
	const char *name = path;

	if (t->name[0])
		return t->name;
	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

static char state_of(const struct thread *t)
{
	return t == current || t->state == THREAD_RUNNABLE ? 'R' : 'S';
}

static uint64_t cpu_ticks(uint64_t arg)
{
	uint64_t ns = process_has_pid((int)arg) ?
			      cputime_process() :
			      cputime_thread(thread_of(arg));

	return ns / TICK_NS;
}

static uint64_t resident_bytes(void)
{
	return min_u64(frame_used_bytes(), kernel_boot->mem_limit);
}

static uint64_t pages(uint64_t bytes)
{
	return bytes / PAGE_SIZE;
}

static void text_comm(struct textbuf *t, uint64_t arg)
{
	text_add(t, "%.15s\n", name_of(thread_of(arg)));
}

static void text_stat(struct textbuf *t, uint64_t arg)
{
	const struct thread *th = thread_of(arg);
	uint64_t rss = pages(resident_bytes());

	/* pid comm state ppid pgrp session tty tpgid flags */
	text_add(t, "%lu (%.15s) %c 0 %d %d 0 -1 4194560 ", arg, name_of(th),
		 state_of(th), PID, PID);
	/* minflt cminflt majflt cmajflt utime stime cutime cstime */
	text_add(t, "0 0 0 0 %lu 0 0 0 ", cpu_ticks(arg));
	/* priority nice threads itrealvalue starttime vsize rss rsslim */
	text_add(t, "20 0 %u 0 0 %lu %lu 18446744073709551615 ", thread_count,
		 mm_virtual_bytes(), rss);
	/* startcode .. kstkeip, signal .. sigcatch, wchan nswap cnswap */
	text_add(t, "0 0 0 0 0 %lu %lu 0 0 0 0 0 ", th->sig.queue.pending,
		 th->sig.blocked);
	/* exit_signal processor rt_priority policy blkio guest cguest */
	text_add(t, "17 0 0 0 0 0 0 ");
	/* start_data end_data start_brk arg_start/end env_start/end code */
	text_add(t, "0 0 0 0 0 0 0 0\n");
}

static void text_statm(struct textbuf *t, uint64_t arg)
{
	(void)arg;
	text_add(t, "%lu %lu 0 0 0 %lu 0\n", pages(mm_virtual_bytes()),
		 pages(resident_bytes()), pages(mm_data_bytes()));
}

static void text_status(struct textbuf *t, uint64_t arg)
{
	const struct thread *th = thread_of(arg);
	uint32_t uid = vfs_uid(), gid = vfs_gid();
	uint64_t vm = mm_virtual_bytes() >> 10, rss = resident_bytes() >> 10;

	text_add(t, "Name:\t%.15s\nUmask:\t0%u%u%u\n", name_of(th),
		 vfs_umask >> 6, vfs_umask >> 3 & 7, vfs_umask & 7);
	text_add(t, "State:\t%s\n",
		 state_of(th) == 'R' ? "R (running)" : "S (sleeping)");
	text_add(t,
		 "Tgid:\t%d\nNgid:\t0\nPid:\t%lu\nPPid:\t0\n"
		 "TracerPid:\t0\n",
		 process_pid, arg);
	text_add(t, "Uid:\t%u\t%u\t%u\t%u\n", uid, uid, uid, uid);
	text_add(t, "Gid:\t%u\t%u\t%u\t%u\n", gid, gid, gid, gid);
	text_add(t, "FDSize:\t64\nGroups:\t\n");
	text_add(t,
		 "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t       0 kB\n"
		 "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		 vm, vm, kernel_stats->mem_peak >> 10, rss);
	text_add(t, "VmData:\t%8lu kB\nVmSwap:\t       0 kB\n",
		 mm_data_bytes() >> 10);
	text_add(t, "Threads:\t%u\n", thread_count);
	text_add(t, "SigPnd:\t%016lx\nSigBlk:\t%016lx\n", th->sig.queue.pending,
		 th->sig.blocked);
	text_add(t, "NoNewPrivs:\t0\nSeccomp:\t0\n");
	text_add(t, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n"
		    "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	text_add(t,
		 "voluntary_ctxt_switches:\t%lu\n"
		 "nonvoluntary_ctxt_switches:\t%lu\n",
		 kernel_stats->switches, kernel_stats->upcalls);
}

/* ---- memory ------------------------------------------------------------ */

static const char *area_name(const struct vma *v)
{
	const struct vnode *vn = v->file ? file_vnode(v->file) : NULL;

	if (vn)
		return vnode_path(vn, path_buf, PATH_MAX, true) > 0 ? path_buf :
								      "";
	if ((v->flags & VMA_STACK) && v->prot)
		return "[stack]";
	return v->flags & VMA_HEAP ? "[heap]" : "";
}

static void text_maps(struct textbuf *t, uint64_t arg)
{
	const struct vma *v;

	(void)arg;
	for (size_t i = 0; (v = mm_area(i)); i++) {
		const struct vnode *vn = v->file ? file_vnode(v->file) : NULL;
		const char *name = area_name(v);
		size_t start = t->len;

		if (mm_is_reserve(v))
			continue;

		text_add(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ",
			 v->start, v->end, v->prot & PROT_READ ? 'r' : '-',
			 v->prot & PROT_WRITE ? 'w' : '-',
			 v->prot & PROT_EXEC ? 'x' : '-',
			 (v->flags & MAP_TYPE) == MAP_PRIVATE ? 'p' : 's',
			 v->file ? v->off : 0, vn ? vn->dev >> 8 : 0,
			 vn ? vn->dev & 255 : 0, vn ? vn->ino : 0);
		while (name[0] && t->len - start < MAPS_NAME && !t->failed)
			text_add(t, " ");
		text_add(t, "%s\n", name);
	}
}

/* ---- limits, mounts ---------------------------------------------------- */

static const struct {
	const char *name;
	const char *unit;
} limits[] = {
	[RLIMIT_CPU] = { "cpu time", "seconds" },
	[RLIMIT_FSIZE] = { "file size", "bytes" },
	[RLIMIT_DATA] = { "data size", "bytes" },
	[RLIMIT_STACK] = { "stack size", "bytes" },
	[RLIMIT_CORE] = { "core file size", "bytes" },
	[RLIMIT_RSS] = { "resident set", "bytes" },
	[RLIMIT_NPROC] = { "processes", "processes" },
	[RLIMIT_NOFILE] = { "open files", "files" },
	[RLIMIT_MEMLOCK] = { "locked memory", "bytes" },
	[RLIMIT_AS] = { "address space", "bytes" },
};

static void add_limit(struct textbuf *t, uint64_t value)
{
	if (value == UINT64_MAX)
		text_add(t, "%-20s ", "unlimited");
	else
		text_add(t, "%-20lu ", value);
}

static void text_limits(struct textbuf *t, uint64_t arg)
{
	struct rlimit64 l;

	(void)arg;
	text_add(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
		 "Hard Limit", "Units");
	for (uint32_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (!limits[i].name || rlimit_get(i, &l))
			continue;
		text_add(t, "Max %-21s ", limits[i].name);
		add_limit(t, l.rlim_cur);
		add_limit(t, l.rlim_max);
		text_add(t, "%-10s\n", limits[i].unit);
	}
}

static const char mounts_text[] = "mayfly / tmpfs rw,relatime 0 0\n"
				  "proc /proc proc ro,relatime 0 0\n"
				  "sysfs /sys sysfs ro,relatime 0 0\n";

static const char mountinfo_text[] =
	"20 1 0:21 / / rw,relatime - tmpfs mayfly rw\n"
	"21 20 0:22 / /proc ro,relatime - proc proc ro\n"
	"22 20 0:23 / /sys ro,relatime - sysfs sysfs ro\n";

_Static_assert(VFS_DEV_TREE == 21 && VFS_DEV_PROC == 22 && VFS_DEV_SYS == 23,
	       "numbers in the text above");

/* ---- links ------------------------------------------------------------- */

static long link_path(const struct vnode *vn, char *buf, size_t size)
{
	long n = vnode_path(vn, path_buf, PATH_MAX, true);

	if (n < 0)
		return n;
	n = (long)min_u64((uint64_t)n, size);
	memcpy(buf, path_buf, (size_t)n);
	return n;
}

static long link_exe(char *buf, size_t size, uint64_t arg)
{
	(void)arg;
	return vfs_exe() ? link_path(vfs_exe(), buf, size) : -ENOENT;
}

static int follow_exe(struct vnode **ret_vn, struct file **ret_file,
		      uint64_t arg)
{
	(void)arg;
	(void)ret_file;
	if (!vfs_exe())
		return -ENOENT;
	*ret_vn = vnode_ref(vfs_exe());
	return 0;
}

static long link_cwd(char *buf, size_t size, uint64_t arg)
{
	(void)arg;
	return link_path(vfs_cwd, buf, size);
}

static int follow_cwd(struct vnode **ret_vn, struct file **ret_file,
		      uint64_t arg)
{
	(void)arg;
	(void)ret_file;
	*ret_vn = vnode_ref(vfs_cwd);
	return 0;
}

static long link_root(char *buf, size_t size, uint64_t arg)
{
	(void)arg;
	return link_path(vfs_root, buf, size);
}

static long link_fd(char *buf, size_t size, uint64_t arg)
{
	struct file *f = fd_get((int)arg);
	struct stat st;
	const char *kind = "anon_inode";
	int n;

	if (!f)
		return -ENOENT;
	if (file_vnode(f))
		return link_path(file_vnode(f), buf, size);
	if (f->ops->stat && f->ops->stat(f, &st) == 0) {
		if (S_ISFIFO(st.st_mode))
			kind = "pipe";
		else if (S_ISSOCK(st.st_mode))
			kind = "socket";
		else if (S_ISCHR(st.st_mode))
			kind = "/dev/console";
	}
	if (kind[0] == '/')
		n = fmt_snprintf(buf, size, "%s", kind);
	else
		n = fmt_snprintf(buf, size, "%s:[%lu]", kind, arg + 1);
	return (long)min_u64((uint64_t)n, size);
}

static int follow_fd(struct vnode **ret_vn, struct file **ret_file,
		     uint64_t arg)
{
	struct file *f = fd_get((int)arg);

	if (!f)
		return -ENOENT;
	if (file_vnode(f))
		*ret_vn = vnode_ref(file_vnode(f));
	else
		*ret_file = file_ref(f);
	return 0;
}

/* ---- tables ------------------------------------------------------------ */

static const struct pseudo_node fd_member = {
	.mode = S_IFLNK | 0700,
	.link = link_fd,
	.follow = follow_fd,
};

static int64_t next_fd(int64_t from)
{
	return fd_next((int)from);
}

static int64_t next_thread(int64_t from)
{
	int64_t best = -1;
	struct list *p;

	list_for_each(p, &thread_all) {
		int tid = thread_tid(container_of(p, struct thread, all_node));

		if (tid >= from && (best < 0 || tid < best))
			best = tid;
	}
	return best;
}

#define COMMON_FILES                                                          \
	PSEUDO_FILE("cmdline", text_cmdline), PSEUDO_FILE("comm", text_comm), \
		PSEUDO_FILE("environ", text_environ),                         \
		PSEUDO_FILE("limits", text_limits),                           \
		PSEUDO_FILE("maps", text_maps),                               \
		PSEUDO_CONST("mountinfo", mountinfo_text),                    \
		PSEUDO_CONST("mounts", mounts_text),                          \
		PSEUDO_CONST("cgroup", "0::/\n"),                             \
		PSEUDO_CONST("oom_score_adj", "0\n"),                         \
		PSEUDO_FILE("stat", text_stat),                               \
		PSEUDO_FILE("statm", text_statm),                             \
		PSEUDO_FILE("status", text_status),                           \
		{                                                             \
			.name = "exe",                                        \
			.mode = S_IFLNK | 0777,                               \
			.link = link_exe,                                     \
			.follow = follow_exe,                                 \
		},                                                            \
		{                                                             \
			.name = "cwd",                                        \
			.mode = S_IFLNK | 0777,                               \
			.link = link_cwd,                                     \
			.follow = follow_cwd,                                 \
		},                                                            \
		PSEUDO_LINK("root", link_root),                               \
	{                                                                     \
		.name = "fd", .mode = S_IFDIR | 0500, .next_member = next_fd, \
		.member = &fd_member,                                         \
	}

static const struct pseudo_node thread_files[] = { COMMON_FILES };

static const struct pseudo_node task_member = {
	.mode = S_IFDIR | 0555,
	.children = thread_files,
	.child_count = ARRAY_SIZE(thread_files),
};

static const struct pseudo_node process_files[] = {
	COMMON_FILES,
	{
		.name = "task",
		.mode = S_IFDIR | 0555,
		.next_member = next_thread,
		.member = &task_member,
	},
};

const struct pseudo_node proc_process = {
	.mode = S_IFDIR | 0555,
	.children = process_files,
	.child_count = ARRAY_SIZE(process_files),
};
