/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: sources kernel/core/uaccess.c kernel/fs/file.c
 * test: sources kernel/fs/pagetree.c kernel/fs/vnode.c kernel/fs/dir.c
 * test: sources kernel/fs/image.c kernel/fs/regfile.c kernel/fs/tree.c
 * test: sources kernel/fs/path.c kernel/fs/open.c kernel/fs/vnodefile.c
 * test: sources kernel/fs/devfiles.c kernel/fs/vfs.c kernel/fs/pseudo.c
 * test: sources kernel/fs/inotify.c kernel/fs/rangelock.c
 * test: sources kernel/sys/sys_inotify.c
 * test: sources kernel/sys/sys_dir.c kernel/sys/sys_file_io.c
 * test: sources kernel/sys/sys_file_open.c kernel/sys/sys_file_attr.c
 * test: sources kernel/sys/sys_file_copy.c
 * test: timeout 60
 *
 * The guest's file tree on the host, over an image made by mkfs.erofs, by
 * way of its system calls. Its point is memory: in a run of calls each
 * allocation fails in turn, and every time nothing may be lost, nothing used
 * after it was freed (sanitizers look), and the tree must still work.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "core/mm.h"
#include "core/random.h"
#include "core/time.h"
#include "fs/anon.h"
#include "fs/console.h"
#include "fs/epoll.h"
#include "fs/open.h"
#include "fs/pagetree.h"
#include "fs/proc.h"
#include "fs/vfs.h"
#include "sys/syscall.h"
#include "tests/unit/check.h"

extern char **environ;

/* ---- what the rest of the kernel gives the file tree ------------------- */

static long alive; /* objects and pages not freed */
static long fail_in = -1; /* the allocation that fails; -1: none */

static bool allocation_fails(void)
{
	return fail_in >= 0 && fail_in-- == 0;
}

void *kzalloc(size_t size)
{
	void *p = allocation_fails() ? NULL : calloc(1, size);

	alive += p != NULL;
	return p;
}

void kfree(void *p)
{
	alive -= p != NULL;
	free(p);
}

void *krealloc(void *p, size_t old_size, size_t new_size)
{
	void *n = kzalloc(new_size);

	if (!n)
		return NULL;
	if (p)
		memcpy(n, p, old_size < new_size ? old_size : new_size);
	kfree(p);
	return n;
}

void *page_alloc(unsigned order)
{
	return kzalloc(PAGE_SIZE << order);
}

void page_free(void *p, unsigned order)
{
	(void)order;
	kfree(p);
}

gpa_t frame_alloc_run(uint64_t want, uint64_t *ret_count)
{
	void *p = page_alloc(0);

	(void)want;
	*ret_count = 1;
	return p ? kva_gpa(p) : (gpa_t){ 0 };
}

void frame_unref_range(gpa_t gpa, uint64_t len, bool dirty)
{
	(void)dirty;
	if (len)
		page_free(gpa_kva(gpa), 0);
}

uint8_t frame_tag(const void *p)
{
	(void)p;
	return 0;
}

void frame_set_tag(const void *p, uint8_t tag)
{
	(void)p;
	(void)tag;
}

uint64_t time_real_ns(void)
{
	static uint64_t now = 1700000000ull * NS_PER_SEC;

	return now += 1000;
}

void random_fill(void *buf, size_t len)
{
	memset(buf, 4, len);
}

void klog(const char *fmt, ...)
{
	(void)fmt;
}

void kpanic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	abort();
}

void waitq_init(struct waitq *q)
{
	list_init(&q->waiters);
}

void waitq_wake_all(struct waitq *q)
{
	(void)q;
}

int waitq_sleep(struct waitq *q, uint64_t deadline_ns)
{
	(void)q;
	(void)deadline_ns;
	return -EINTR;
}

/* core/rlimit.h does not go with the C library's headers. */
uint32_t rlimit_nofile(void);

uint32_t rlimit_nofile(void)
{
	return 64;
}

int64_t regfile_allowed(uint64_t pos, uint64_t len)
{
	(void)pos;
	return (int64_t)len;
}

int fifo_open(struct vnode *vn, uint32_t flags, struct file **ret)
{
	(void)vn;
	(void)flags;
	(void)ret;
	return -ENXIO;
}

int console_open_tty(uint32_t flags, struct file **ret)
{
	(void)flags;
	(void)ret;
	return -ENXIO;
}

int console_init(void)
{
	return 0;
}

void epoll_forget_file(struct file *f)
{
	(void)f;
}

/* The program's memory is this process's, all of it accessible. */
uint64_t mm_epoch;

const struct vma *mm_find(uint64_t addr)
{
	static const struct vma all = { .start = 0,
					.end = MF_USER_VA_MAX,
					.prot = PROT_READ | PROT_WRITE };

	(void)addr;
	return &all;
}

/* No area here is lazy. */
int mm_touch(const struct vma *v, uint64_t addr)
{
	(void)v;
	(void)addr;
	return -ENOMEM;
}

void mm_file_resized(const struct vnode *vn, uint64_t old_size,
		     uint64_t new_size)
{
	(void)vn;
	(void)old_size;
	(void)new_size;
}

void mm_file_changed(const struct vnode *vn, uint64_t off, uint64_t len)
{
	(void)vn;
	(void)off;
	(void)len;
}

void arch_mmu_lookup(uint64_t va, struct arch_leaf *ret)
{
	*ret = (struct arch_leaf){ .va = va,
				   .size = PAGE_SIZE,
				   .present = true };
}

static const struct pseudo_node pseudo_files[] = {
	PSEUDO_CONST("hello", "world\n"),
};

const struct pseudo_node proc_root = PSEUDO_DIR("proc", pseudo_files);
const struct pseudo_node sysfs_root = PSEUDO_DIR("sys", pseudo_files);

/* ---- calls ------------------------------------------------------------- */

#define ARG(x) ((uint64_t)(uintptr_t)(x))

static char text[20000];

static long at(syscall_fn call, uint64_t a, uint64_t b, uint64_t c)
{
	struct mf_regs r = { .rdi = a, .rsi = b, .rdx = c };

	return call(&r);
}

static long t_open(const char *path, int flags)
{
	return at(sys_open, ARG(path), (uint64_t)flags, 0644);
}

static long t_close(long fd)
{
	return fd < 0 ? fd : fd_close((int)fd);
}

static long t_write(long fd, size_t len)
{
	return at(sys_write, (uint64_t)fd, ARG(text), len);
}

static long t_names(syscall_fn call, const char *a, const char *b)
{
	return at(call, ARG(a), ARG(b), 0);
}

static long t_read_all(const char *path, char *to, size_t room)
{
	long fd = t_open(path, O_RDONLY), n;

	if (fd < 0)
		return fd;
	n = at(sys_read, (uint64_t)fd, ARG(to), room);
	t_close(fd);
	return n;
}

/* ---- setting up -------------------------------------------------------- */

static void run_mkfs(void)
{
	char name[] = "mkfs.erofs", quiet[] = "--quiet", img[] = "img",
	     tree[] = "tree";
	char *argv[] = { name, quiet, img, tree, NULL };
	int status;
	pid_t pid;

	check_int(posix_spawnp(&pid, name, NULL, NULL, argv, environ), 0);
	check_int(waitpid(pid, &status, 0), pid);
	check_int(status, 0);
}

static void put(const char *path, const char *s, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	check(fd >= 0);
	check_int(write(fd, s, len), len);
	close(fd);
}

static void *map_at(uint64_t va, size_t len, int fd)
{
	int flags = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
	void *p = mmap((void *)(uintptr_t)va, len, PROT_READ | PROT_WRITE,
		       flags, fd, 0);

	check(p != MAP_FAILED);
	return p;
}

static void set_up(void)
{
	struct mf_boot *boot;
	off_t size;
	int fd;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	check_int(mkdir("tree", 0755), 0);
	check_int(mkdir("tree/dir", 0755), 0);
	check_int(mkdir("tree/var", 0755), 0);
	put("tree/plain", text, 8192);
	put("tree/tail", text, 5000);
	put("tree/dir/inner", "inner", 5);
	check_int(link("tree/plain", "tree/hard"), 0);
	check_int(symlink("dir/inner", "tree/soft"), 0);
	run_mkfs();
	fd = open("img", O_RDONLY);
	check(fd >= 0);
	size = lseek(fd, 0, SEEK_END);
	map_at(MF_IMAGE_VA, (size_t)size, fd);
	close(fd);
	boot = map_at(MF_BOOT_VA, 2 * PAGE_SIZE, -1);
	map_at(MF_STATS_VA, 2 * PAGE_SIZE, -1);
	map_at(MF_DIRECT_VA, PAGE_SIZE, -1);
	boot->image_size = (uint64_t)size;
	boot->mem_limit = 1 << 30;
	check_int(vfs_init(), 0);
}

/* ---- tests ------------------------------------------------------------- */

static char got[20000];

static void test_image(void)
{
	check_int(t_read_all("/plain", got, sizeof(got)), 8192);
	check_mem(got, text, 8192);
	check_int(t_read_all("/tail", got, sizeof(got)), 5000);
	check_mem(got, text, 5000);
	check_int(t_read_all("/soft", got, sizeof(got)), 5);
	check_mem(got, "inner", 5);
	check_int(t_read_all("/dir/../proc/hello", got, sizeof(got)), 6);
	check_int(t_read_all("/etc/hosts", got, sizeof(got)), 34);
	check_int(t_read_all("/nothing", got, sizeof(got)), -ENOENT);
	check_int(t_read_all("/plain/x", got, sizeof(got)), -ENOTDIR);
}

static void test_copy_up(void)
{
	long fd = t_open("/hard", O_RDWR);

	check(fd >= 0);
	check_int(at(sys_lseek, (uint64_t)fd, 1000, SEEK_SET), 1000);
	check_int(t_write(fd, 200), 200);
	check_int(t_close(fd), 0);
	check_int(t_read_all("/plain", got, sizeof(got)), 8192);
	check_mem(got, text, 1000);
	check_mem(got + 1000, text, 200);
	check_mem(got + 1200, text + 1200, 8192 - 1200);
	/* What was cut off does not come back. */
	check_int(at(sys_truncate, ARG("/tail"), 100, 0), 0);
	check_int(at(sys_truncate, ARG("/tail"), 6000, 0), 0);
	check_int(t_read_all("/tail", got, sizeof(got)), 6000);
	check_mem(got, text, 100);
	for (int i = 100; i < 6000; i++)
		check_int(got[i], 0);
}

static void test_extents(void)
{
	struct map_extent e;
	struct file *f;

	check_int(vfs_open_exec("/dir/inner", &f), -EACCES);
	check_int(at(sys_chmod, ARG("/dir/inner"), 0755, 0), 0);
	check_int(vfs_open_exec("/dir/inner", &f), 0);
	/* Its five bytes lie inside the metadata: a page of its own. */
	check_int(f->ops->extent(f, 0, PAGE_SIZE, false, &e), 0);
	check_int(e.len, PAGE_SIZE);
	check(e.gpa.v < MF_IMAGE_GPA || e.gpa.v > MF_IMAGE_GPA * 2);
	check_int(f->ops->extent(f, PAGE_SIZE, 1, false, &e), -ENXIO);
	file_unref(f);
	check_int(at(sys_chmod, ARG("/plain"), 0755, 0), 0);
	check_int(vfs_open_exec("/plain", &f), 0);
	/* The first page was written, the second is the image's. */
	check_int(f->ops->extent(f, PAGE_SIZE, PAGE_SIZE, false, &e), 0);
	check(e.gpa.v >= MF_IMAGE_GPA && e.gpa.v % PAGE_SIZE == 0);
	check_int(e.len, PAGE_SIZE);
	file_unref(f);
}

static void test_pagetree(void)
{
	static const uint64_t places[] = {
		0, 1, 63, 64, 4095, 4096, 1 << 20, 1ull << 40, (1ull << 51) - 1
	};
	struct pagetree t = { 0 };
	uint64_t next = 0;
	long before = alive;

	for (int i = 8; i >= 0; i--)
		check_int(pagetree_set(&t, places[i], page_alloc(0), false), 0);
	check_int(t.page_count, 9);
	for (int i = 0; i < 9; i++) {
		check(pagetree_next(&t, &next));
		check_int(next++, places[i]);
		check(pagetree_get(&t, places[i]) != NULL);
		check(pagetree_get(&t, places[i] + 7) == NULL);
	}
	check(!pagetree_next(&t, &next));
	pagetree_remove(&t, 63, 4096);
	check_int(t.page_count, 6);
	check(pagetree_get(&t, 63) == NULL && pagetree_get(&t, 4096));
	pagetree_remove(&t, 0, UINT64_MAX);
	check_int(t.page_count, 0);
	check_int(alive, before);
}

/* A bit of everything, in /w; what fails is left out. */
static void do_a_lot(void)
{
	long fd, out, watch = at(sys_inotify_init1, 0, 0, 0);

	at(sys_mkdir, ARG("/w"), 0755, 0);
	at(sys_inotify_add_watch, (uint64_t)watch, ARG("/w"), 0xfff);
	at(sys_mkdir, ARG("/w/d"), 0755, 0);
	fd = t_open("/w/f", O_CREAT | O_RDWR);
	if (fd >= 0) {
		t_write(fd, 9000);
		at(sys_ftruncate, (uint64_t)fd, 1ull << 32, 0);
		at(sys_lseek, (uint64_t)fd, 1ull << 31, SEEK_SET);
		t_write(fd, 100);
		at(sys_ftruncate, (uint64_t)fd, 5000, 0);
	}
	out = t_open("/w/copy", O_CREAT | O_WRONLY);
	at(sys_lseek, (uint64_t)fd, 0, SEEK_SET);
	at(sys_sendfile, (uint64_t)out, (uint64_t)fd, 0);
	t_close(out);
	at(sys_inotify_add_watch, (uint64_t)watch, ARG("/w/f"), 0xfff);
	t_names(sys_symlink, "f", "/w/s");
	t_names(sys_link, "/w/f", "/w/d/h");
	t_names(sys_rename, "/w/d", "/w/e");
	t_names(sys_rename, "/w/copy", "/w/f");
	at(sys_unlink, ARG("/w/e/h"), 0, 0);
	t_write(fd, 100); /* unlinked, still open */
	t_close(fd);
	fd = t_open("/w/s", O_RDWR | O_TRUNC);
	t_write(fd, 10);
	t_close(fd);
	t_close(watch);
	fd = t_open("/w", O_RDONLY | O_DIRECTORY);
	at(sys_getdents64, (uint64_t)fd, ARG(got), sizeof(got));
	t_close(fd);
	t_close(at(sys_memfd_create, ARG("m"), 0, 0));
	t_close(t_open("/w", O_TMPFILE | O_RDWR));
	t_close(t_open("/proc/hello", O_RDONLY));
	at(sys_chdir, ARG("/w/e"), 0, 0);
	at(sys_getcwd, ARG(got), sizeof(got), 0);
	at(sys_rmdir, ARG("/w/e"), 0, 0); /* we are in it */
	t_read_all("../s", got, sizeof(got));
	at(sys_chdir, ARG("/"), 0, 0);
	for (int i = 0; i < 40; i++) {
		char name[16];
		static char path[32];

		snprintf(name, sizeof(name), "n%d", i);
		snprintf(path, sizeof(path), "/w/%s", name);
		t_close(t_open(path, O_CREAT | O_EXCL | O_WRONLY));
		at(sys_unlink, ARG(path), 0, 0);
	}
}

static void clean_up(void)
{
	static const char *const files[] = { "/w/f", "/w/copy", "/w/s",
					     "/w/d/h", "/w/e/h" };
	static char path[32];

	at(sys_chdir, ARG("/"), 0, 0);
	for (size_t i = 0; i < 5; i++)
		at(sys_unlink, ARG(files[i]), 0, 0);
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "/w/n%d", i);
		at(sys_unlink, ARG(path), 0, 0);
	}
	at(sys_rmdir, ARG("/w/d"), 0, 0);
	at(sys_rmdir, ARG("/w/e"), 0, 0);
	at(sys_rmdir, ARG("/w"), 0, 0);
	check_int(at(sys_access, ARG("/w"), 0, 0), -ENOENT);
	check_int(fd_next(0), -1);
}

static void test_memory_is_returned(void)
{
	long before;

	do_a_lot();
	clean_up();
	before = alive;
	do_a_lot();
	clean_up();
	check_int(alive, before);
}

static void test_each_allocation_fails(void)
{
	long before = alive, k;

	for (k = 0; k < 2000; k++) {
		fail_in = k;
		do_a_lot();
		if (fail_in >= 0)
			break; /* it was never reached */
		clean_up();
		check_int(alive, before);
	}
	fail_in = -1;
	clean_up();
	check(k > 100 && k < 2000);
	test_image();
}

int main(void)
{
	RUN(set_up);
	RUN(test_image);
	RUN(test_memory_is_returned);
	RUN(test_each_allocation_fails);
	RUN(test_copy_up);
	RUN(test_extents);
	RUN(test_pagetree);
	return check_done();
}
