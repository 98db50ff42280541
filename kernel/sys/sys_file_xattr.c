/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: there are none and none can be set. What the path or
 * the descriptor names must exist all the same.
 */
#include "sys/files.h"

static long no_attr_path(struct mf_regs *r, uint32_t flags, long answer)
{
	struct at_target t;
	long rc = at_lookup(AT_FDCWD, r->rdi, flags, &t);

	if (rc)
		return rc;
	at_release(&t);
	return answer;
}

static long no_attr_fd(struct mf_regs *r, long answer)
{
	return fd_get_real((int)r->rdi) ? answer : -EBADF;
}

long sys_setxattr(struct mf_regs *r)
{
	return no_attr_path(r, 0, -EOPNOTSUPP);
}

long sys_lsetxattr(struct mf_regs *r)
{
	return no_attr_path(r, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

long sys_fsetxattr(struct mf_regs *r)
{
	return no_attr_fd(r, -EOPNOTSUPP);
}

long sys_getxattr(struct mf_regs *r)
{
	return no_attr_path(r, 0, -EOPNOTSUPP);
}

long sys_lgetxattr(struct mf_regs *r)
{
	return no_attr_path(r, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

long sys_fgetxattr(struct mf_regs *r)
{
	return no_attr_fd(r, -EOPNOTSUPP);
}

long sys_listxattr(struct mf_regs *r)
{
	return no_attr_path(r, 0, 0);
}

long sys_llistxattr(struct mf_regs *r)
{
	return no_attr_path(r, AT_SYMLINK_NOFOLLOW, 0);
}

long sys_flistxattr(struct mf_regs *r)
{
	return no_attr_fd(r, 0);
}

long sys_removexattr(struct mf_regs *r)
{
	return no_attr_path(r, 0, -EOPNOTSUPP);
}

long sys_lremovexattr(struct mf_regs *r)
{
	return no_attr_path(r, AT_SYMLINK_NOFOLLOW, -EOPNOTSUPP);
}

long sys_fremovexattr(struct mf_regs *r)
{
	return no_attr_fd(r, -EOPNOTSUPP);
}
