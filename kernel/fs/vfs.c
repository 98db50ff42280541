/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree at the start: the image, and over it what a program expects of
 * any Linux system and an image of one program does not have. What the image
 * does have is left as it is, but for its name servers.
 */
#include "fs/vfs.h"

#include <linux/fcntl.h>

#include "core/identity.h"
#include "fs/image.h"
#include "fs/path.h"
#include "fs/proc.h"

struct vnode *vfs_root;
struct vnode *vfs_cwd;
uint32_t vfs_umask = 022;

static const struct {
	const char *path;
	uint32_t mode;
} dirs[] = {
	{ "/dev", 0755 },      { "/etc", 0755 }, { "/tmp", 01777 },
	{ "/run", 0755 },      { "/var", 0755 }, { "/var/tmp", 01777 },
	{ "/dev/shm", 01777 },
};

static const struct {
	const char *path;
	const char *target;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

static const struct {
	const char *path;
	uint32_t rdev; /* major << 8 | minor */
} devices[] = {
	{ "/dev/null", 0x103 },	   { "/dev/zero", 0x105 },
	{ "/dev/full", 0x107 },	   { "/dev/random", 0x108 },
	{ "/dev/urandom", 0x109 }, { "/dev/tty", 0x500 },
};

static const struct {
	const char *path;
	const char *text;
} files[] = {
	{ "/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "/etc/resolv.conf", "# There is no name server.\n" },
	{ "/etc/nsswitch.conf", "passwd: files\ngroup: files\n"
				"hosts: files dns\n" },
	{ "/etc/passwd",
	  "root:x:0:0:root:/root:/bin/sh\n"
	  "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" },
	{ "/etc/group", "root:x:0:\nnogroup:x:65534:\n" },
};

int vfs_chdir(struct vnode *dir)
{
	int rc;

	if (!vnode_is_dir(dir))
		return -ENOTDIR;
	rc = vnode_access(dir, ACCESS_X);
	if (rc)
		return rc;
	vnode_ref(dir);
	vnode_unref(vfs_cwd);
	vfs_cwd = dir;
	return 0;
}

/*
 * Finds path; if nothing is there and its directory is, *ret may be used to
 * make it. 1: there already, 0: may be made, -errno: cannot be.
 */
static int want(const char *path, struct path_result *ret)
{
	int rc = path_lookup(AT_FDCWD, path, PATH_MISSING | PATH_PARENT, ret);

	if (rc || !ret->e.vn)
		return rc;
	path_release(ret);
	return 1;
}

static int make_node(const char *path, uint32_t mode, uint32_t rdev)
{
	struct path_result p;
	int rc = want(path, &p);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = tree_create(&p.e, mode, rdev, NULL);
	path_release(&p);
	return rc;
}

static int make_link(const char *path, const char *target)
{
	struct path_result p;
	int rc = want(path, &p);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = tree_symlink(&p.e, target);
	path_release(&p);
	return rc;
}

/* The text is the file's lower bytes; it must stay where it is. */
static int make_file(const char *path, const char *text)
{
	struct path_result p;
	struct vnode *vn;
	int rc = want(path, &p);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = tree_create(&p.e, S_IFREG | 0644, 0, &vn);
	path_release(&p);
	if (rc)
		return rc;
	vn->u.reg.lower = (const uint8_t *)text;
	vn->u.reg.lower_len = vn->u.reg.size = strlen(text);
	vnode_unref(vn);
	return 0;
}

/* The instance's name, with a newline, as /etc/hostname has it. */
static int make_hostname(void)
{
	static char text[128];

	fmt_snprintf(text, sizeof(text), "%s\n", kernel_hostname());
	return make_file("/etc/hostname", text);
}

/*
 * The name server that answers where connections to the outside are allowed;
 * whatever the image has was meant for another machine.
 */
static int make_resolv_conf(void)
{
	static const char path[] = "/etc/resolv.conf";
	static char text[64];
	struct path_result p;
	int rc;

	if (!(kernel_boot->egress & MF_EGRESS_ON))
		return 0;
	rc = path_lookup(AT_FDCWD, path, PATH_MISSING | PATH_PARENT, &p);
	if (rc)
		return rc;
	if (p.e.vn)
		rc = tree_unlink(&p.e);
	path_release(&p);
	fmt_snprintf(text, sizeof(text), "nameserver %u.%u.%u.%u\n",
		     MF_NET_DNS >> 24, MF_NET_DNS >> 16 & 0xff,
		     MF_NET_DNS >> 8 & 0xff, MF_NET_DNS & 0xff);
	return rc ? rc : make_file(path, text);
}

/* What the image has there is hidden, as under any mount point. */
static int mount_pseudo(const char *path, const struct pseudo_node *node,
			uint32_t dev)
{
	struct path_result p;
	struct vnode *vn = NULL;
	int rc = path_lookup(AT_FDCWD, path, PATH_MISSING | PATH_PARENT, &p);

	if (rc)
		return rc;
	if (p.e.vn)
		rc = dir_remove(&p.e.n);
	if (!rc)
		rc = pseudo_mount(node, dev, &vn);
	if (!rc)
		rc = dir_insert(&p.e.n, vn);
	if (!rc && !p.e.vn)
		p.e.n.dir->nlink++;
	vnode_unref(vn);
	path_release(&p);
	return rc;
}

/* An image may lack or contradict any of these: then it goes without. */
static void make_defaults(void)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		rc |= make_node(dirs[i].path, S_IFDIR | dirs[i].mode, 0);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		rc |= make_node(devices[i].path, S_IFCHR | 0666,
				devices[i].rdev);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		rc |= make_link(links[i].path, links[i].target);
	rc |= make_resolv_conf();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		rc |= make_file(files[i].path, files[i].text);
	rc |= make_hostname();
	rc |= mount_pseudo("/proc", &proc_root, VFS_DEV_PROC);
	rc |= mount_pseudo("/sys", &sysfs_root, VFS_DEV_SYS);
	if (rc)
		klog("some of the files in /dev, /etc, /proc and /sys that "
		     "programs expect could not be made in this image");
}

static void enter_start_dir(void)
{
	const char *path = boot_args(kernel_boot->cwd_off);
	struct vnode *vn;
	int rc;

	if (!*path)
		return;
	rc = path_vnode(AT_FDCWD, path, PATH_FOLLOW, &vn);
	if (!rc) {
		rc = vfs_chdir(vn);
		vnode_unref(vn);
	}
	if (rc)
		klog("working directory %s: error %d, starting in /", path,
		     -rc);
}

int vfs_init(void)
{
	int rc = image_init();

	if (!rc)
		rc = image_root(&vfs_root);
	if (rc)
		return rc;
	vfs_root->pinned = true;
	vfs_cwd = vnode_ref(vfs_root);
	make_defaults();
	vfs_ids.uid = kernel_boot->uid;
	vfs_ids.gid = kernel_boot->gid;
	enter_start_dir();
	return 0;
}
