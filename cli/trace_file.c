/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments about files and descriptors in words. The structures are those
 * of Linux on x86-64, which the system's headers have.
 */
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "cli/trace_call.h"

typedef unsigned long long ull;

/* ---- descriptors, modes, ids -------------------------------------------- */

TRACE_ARG(dirfd)
{
	(void)with;
	if ((int)c->arg[i] == AT_FDCWD)
		text_puts(c->out, "AT_FDCWD");
	else
		text_printf(c->out, "%d", (int)c->arg[i]);
}

void trace_put_perm(struct text *t, uint64_t mode)
{
	text_printf(t, "%#03o", (unsigned)mode);
}

void trace_put_mode(struct text *t, uint32_t mode)
{
	static const char *const types[16] = {
		[S_IFIFO >> 12] = "S_IFIFO",   [S_IFCHR >> 12] = "S_IFCHR",
		[S_IFDIR >> 12] = "S_IFDIR",   [S_IFBLK >> 12] = "S_IFBLK",
		[S_IFREG >> 12] = "S_IFREG",   [S_IFLNK >> 12] = "S_IFLNK",
		[S_IFSOCK >> 12] = "S_IFSOCK",
	};
	const char *type = types[mode >> 12 & 15];

	if (type)
		text_printf(t, "%s%s%s%s|", type,
			    mode & S_ISUID ? "|S_ISUID" : "",
			    mode & S_ISGID ? "|S_ISGID" : "",
			    mode & S_ISVTX ? "|S_ISVTX" : "");
	text_printf(t, "%#03o", type ? mode & 0777 : mode);
}

TRACE_ARG(mode)
{
	(void)with;
	trace_put_perm(c->out, (uint16_t)c->arg[i]);
}

TRACE_ARG(mode_type)
{
	(void)with;
	trace_put_mode(c->out, (uint16_t)c->arg[i]);
}

void trace_put_id(struct text *t, uint64_t id)
{
	if ((uint32_t)id == UINT32_MAX)
		text_puts(t, "-1");
	else
		text_printf(t, "%u", (unsigned)id);
}

TRACE_ARG(id)
{
	(void)with;
	trace_put_id(c->out, c->arg[i]);
}

static void put_device(struct text *t, uint64_t dev)
{
	text_printf(t, "makedev(%#x, %#x)", major(dev), minor(dev));
}

TRACE_ARG(device)
{
	(void)with;
	put_device(c->out, c->arg[i]);
}

TRACE_ARG(fds)
{
	int fds[2];

	(void)with;
	if (trace_get_arg(c, i, fds, sizeof(fds)))
		text_printf(c->out, "[%d, %d]", fds[0], fds[1]);
}

/* ---- directories -------------------------------------------------------- */

/* The offset of d_reclen is the same in both layouts. */
static void put_dents(const struct trace_call *c, unsigned i)
{
	uint64_t at = 0, end = (uint64_t)c->ret;
	unsigned count = 0;
	uint16_t len;

	text_addr(c->out, c->arg[i]);
	while (at < end) {
		if (!trace_get(c, c->arg[i] + at + 16, &len, sizeof(len)) ||
		    len < 19)
			return;
		count++;
		at += len;
	}
	text_printf(c->out, " /* %u entries */", count);
}

TRACE_ARG(dents)
{
	(void)with;
	put_dents(c, i);
}

TRACE_ARG(dents_old)
{
	(void)with;
	put_dents(c, i);
}

/* ---- what stat says ----------------------------------------------------- */

TRACE_ARG(stat)
{
	struct stat st;

	(void)with;
	if (!trace_get_arg(c, i, &st, sizeof(st)))
		return;
	text_puts(c->out, "{st_mode=");
	trace_put_mode(c->out, st.st_mode);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
		text_puts(c->out, ", st_rdev=");
		put_device(c->out, st.st_rdev);
	} else {
		text_printf(c->out, ", st_size=%lld", (long long)st.st_size);
	}
	text_puts(c->out, ", ...}");
}

TRACE_ARG(statx)
{
	struct statx st;

	(void)with;
	if (!trace_get_arg(c, i, &st, sizeof(st)))
		return;
	text_puts(c->out, "{stx_mask=");
	trace_put_set(c->out, TRACE_SET_statx, st.stx_mask);
	text_puts(c->out, ", stx_attributes=");
	trace_put_set(c->out, TRACE_SET_statx_attr, st.stx_attributes);
	text_puts(c->out, ", stx_mode=");
	trace_put_mode(c->out, st.stx_mode);
	text_printf(c->out, ", stx_size=%llu, ...}", (ull)st.stx_size);
}

TRACE_ARG(statfs)
{
	struct statfs st;
	struct text *t = c->out;
	unsigned fsid[2];

	(void)with;
	if (!trace_get_arg(c, i, &st, sizeof(st)))
		return;
	memcpy(fsid, &st.f_fsid, sizeof(fsid));
	text_puts(t, "{f_type=");
	trace_put_set(t, TRACE_SET_fs_type, (uint32_t)st.f_type);
	text_printf(t, ", f_bsize=%llu, f_blocks=%llu, f_bfree=%llu",
		    (ull)st.f_bsize, (ull)st.f_blocks, (ull)st.f_bfree);
	text_printf(t, ", f_bavail=%llu, f_files=%llu, f_ffree=%llu",
		    (ull)st.f_bavail, (ull)st.f_files, (ull)st.f_ffree);
	text_printf(t, ", f_fsid={val=[%#x, %#x]}, f_namelen=%llu", fsid[0],
		    fsid[1], (ull)st.f_namelen);
	text_printf(t, ", f_frsize=%llu, f_flags=", (ull)st.f_frsize);
	trace_put_set(t, TRACE_SET_mount, (uint32_t)st.f_flags);
	text_puts(t, "}");
}

/* ---- times of files ----------------------------------------------------- */

static void put_time(struct text *t, int64_t sec, uint64_t part, bool nano)
{
	text_printf(t, "{tv_sec=%lld, tv_%s=%llu}", (long long)sec,
		    nano ? "nsec" : "usec", (ull)part);
	if (part >= (nano ? 1000000000u : 1000000u))
		return;
	text_puts(t, " /* ");
	trace_put_time_comment(t, sec, part, nano ? 9 : 6);
	text_puts(t, " */");
}

static void put_timespec_of_file(struct text *t, const int64_t ts[2])
{
	if (ts[1] == UTIME_NOW)
		text_puts(t, "UTIME_NOW");
	else if (ts[1] == UTIME_OMIT)
		text_puts(t, "UTIME_OMIT");
	else
		put_time(t, ts[0], (uint64_t)ts[1], true);
}

TRACE_ARG(timespec2)
{
	int64_t ts[4];

	(void)with;
	if (!trace_get_arg(c, i, ts, sizeof(ts)))
		return;
	text_puts(c->out, "[");
	put_timespec_of_file(c->out, ts);
	text_puts(c->out, ", ");
	put_timespec_of_file(c->out, ts + 2);
	text_puts(c->out, "]");
}

TRACE_ARG(timeval2)
{
	int64_t tv[4];

	(void)with;
	if (!trace_get_arg(c, i, tv, sizeof(tv)))
		return;
	text_puts(c->out, "[");
	put_time(c->out, tv[0], (uint64_t)tv[1], false);
	text_puts(c->out, ", ");
	put_time(c->out, tv[2], (uint64_t)tv[3], false);
	text_puts(c->out, "]");
}

static void put_seconds(struct text *t, const char *name, int64_t sec)
{
	text_printf(t, "%s=%lld /* ", name, (long long)sec);
	trace_put_time_comment(t, sec, 0, 0);
	text_puts(t, " */");
}

TRACE_ARG(utimbuf)
{
	int64_t times[2];

	(void)with;
	if (!trace_get_arg(c, i, times, sizeof(times)))
		return;
	text_puts(c->out, "{");
	put_seconds(c->out, "actime", times[0]);
	text_puts(c->out, ", ");
	put_seconds(c->out, "modtime", times[1]);
	text_puts(c->out, "}");
}

/* ---- fcntl and ioctl ---------------------------------------------------- */

static void put_flock(const struct trace_call *c, unsigned i, bool with_pid)
{
	struct flock fl;

	if (!trace_get_arg(c, i, &fl, sizeof(fl)))
		return;
	text_puts(c->out, "{l_type=");
	trace_put_set(c->out, TRACE_SET_lock_type, (uint16_t)fl.l_type);
	text_puts(c->out, ", l_whence=");
	trace_put_set(c->out, TRACE_SET_whence, (uint16_t)fl.l_whence);
	text_printf(c->out, ", l_start=%lld, l_len=%lld", (long long)fl.l_start,
		    (long long)fl.l_len);
	if (with_pid)
		text_printf(c->out, ", l_pid=%d", (int)fl.l_pid);
	text_puts(c->out, "}");
}

TRACE_ARG(fcntl)
{
	(void)with;
	switch ((int)c->arg[i - 1]) {
	case F_SETFD:
		trace_put_set(c->out, TRACE_SET_fd, (uint32_t)c->arg[i]);
		break;
	case F_SETFL:
		trace_put_set(c->out, TRACE_SET_open, (uint32_t)c->arg[i]);
		break;
	case F_GETLK:
	case F_OFD_GETLK:
		if (c->failed)
			text_addr(c->out, c->arg[i]);
		else
			put_flock(c, i, true);
		break;
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		put_flock(c, i, false);
		break;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		text_printf(c->out, "%u", (unsigned)c->arg[i]);
		break;
	case F_SETOWN:
	case F_SETPIPE_SZ:
		text_printf(c->out, "%d", (int)c->arg[i]);
		break;
	default:
		text_printf(c->out, "%#llx", (ull)c->arg[i]);
		break;
	}
}

static void put_ioctl_code(struct text *t, uint32_t code)
{
	static const char *const dirs[] = { "_IOC_NONE", "_IOC_WRITE",
					    "_IOC_READ",
					    "_IOC_READ|_IOC_WRITE" };

	text_printf(t, "_IOC(%s, %#x, %#x, %#x)", dirs[_IOC_DIR(code)],
		    _IOC_TYPE(code), _IOC_NR(code), _IOC_SIZE(code));
}

TRACE_ARG(ioctl_request)
{
	uint32_t code = (uint32_t)c->arg[i];
	const char *name = trace_choice_name(TRACE_SET_ioctl, code);

	(void)with;
	if (name)
		text_puts(c->out, name);
	else
		put_ioctl_code(c->out, code);
}

static void put_winsize(const struct trace_call *c, unsigned i)
{
	struct winsize w;

	if (trace_get_arg(c, i, &w, sizeof(w)))
		text_printf(c->out,
			    "{ws_row=%u, ws_col=%u, ws_xpixel=%u, "
			    "ws_ypixel=%u}",
			    w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
}

/* What the kernel calls struct termios; the C library's is larger. */
struct kernel_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};

static void put_termios(const struct trace_call *c, unsigned i)
{
	struct kernel_termios t;

	if (!trace_get_arg(c, i, &t, sizeof(t)))
		return;
	text_puts(c->out, "{c_iflag=");
	trace_put_set(c->out, TRACE_SET_tc_iflag, t.iflag);
	text_puts(c->out, ", c_oflag=");
	trace_put_set(c->out, TRACE_SET_tc_oflag, t.oflag);
	text_puts(c->out, ", c_cflag=");
	trace_put_set(c->out, TRACE_SET_tc_cflag, t.cflag);
	text_puts(c->out, ", c_lflag=");
	trace_put_set(c->out, TRACE_SET_tc_lflag, t.lflag);
	text_puts(c->out, ", ...}");
}

static void put_mem_int(const struct trace_call *c, unsigned i)
{
	trace_arg_mem_int(c, i, 0);
}

static void put_ifconf(const struct trace_call *c, unsigned i)
{
	struct ifconf conf;

	if (!trace_get_arg(c, i, &conf, sizeof(conf)))
		return;
	text_printf(c->out, "{ifc_len=%d, ifc_buf=", conf.ifc_len);
	text_addr(c->out, (uintptr_t)conf.ifc_buf);
	text_puts(c->out, "}");
}

static void put_ifname(const struct trace_call *c, unsigned i)
{
	struct ifreq r;

	if (!trace_get_arg(c, i, &r, sizeof(r)))
		return;
	text_printf(c->out, "{ifr_ifindex=%d", r.ifr_ifindex);
	if (!c->failed) {
		text_puts(c->out, ", ifr_name=");
		text_quote(c->out, r.ifr_name, strnlen(r.ifr_name, IFNAMSIZ));
	}
	text_puts(c->out, "}");
}

static void put_ifreq(const struct trace_call *c, unsigned i)
{
	struct ifreq r;

	if (!trace_get_arg(c, i, &r, sizeof(r)))
		return;
	text_puts(c->out, "{ifr_name=");
	text_quote(c->out, r.ifr_name, strnlen(r.ifr_name, IFNAMSIZ));
	switch (c->failed ? 0 : (uint32_t)c->arg[i - 1]) {
	case SIOCGIFFLAGS:
		text_puts(c->out, ", ifr_flags=");
		trace_put_set(c->out, TRACE_SET_iff, (uint16_t)r.ifr_flags);
		break;
	case SIOCGIFINDEX:
		text_printf(c->out, ", ifr_ifindex=%d", r.ifr_ifindex);
		break;
	case SIOCGIFMTU:
		text_printf(c->out, ", ifr_mtu=%d", r.ifr_mtu);
		break;
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
		text_puts(c->out, ", ifr_addr=");
		trace_put_sockaddr(c->out, &r.ifr_addr, sizeof(r.ifr_addr));
		break;
	default:
		break;
	}
	text_puts(c->out, "}");
}

static const struct ioctl_arg {
	uint32_t request;
	bool out; /* the call fills it */
	void (*put)(const struct trace_call *c, unsigned i);
} ioctl_args[] = {
	{ FIONREAD, true, put_mem_int },
	{ FIONBIO, false, put_mem_int },
	{ FIOASYNC, false, put_mem_int },
	{ TIOCOUTQ, true, put_mem_int },
	{ TIOCGPGRP, true, put_mem_int },
	{ TIOCSPGRP, false, put_mem_int },
	{ TIOCGPTN, true, put_mem_int },
	{ TIOCSPTLCK, false, put_mem_int },
	{ TIOCGWINSZ, true, put_winsize },
	{ TIOCSWINSZ, false, put_winsize },
	{ TCGETS, true, put_termios },
	{ TCSETS, false, put_termios },
	{ TCSETSW, false, put_termios },
	{ TCSETSF, false, put_termios },
	{ SIOCGIFCONF, true, put_ifconf },
	{ SIOCGIFFLAGS, false, put_ifreq },
	{ SIOCGIFADDR, false, put_ifreq },
	{ SIOCGIFNETMASK, false, put_ifreq },
	{ SIOCGIFMTU, false, put_ifreq },
	{ SIOCGIFBRDADDR, false, put_ifreq },
	{ SIOCGIFINDEX, false, put_ifreq },
	{ SIOCGIFNAME, false, put_ifname },
};

TRACE_ARG(ioctl)
{
	uint32_t request = (uint32_t)c->arg[i - 1];
	const size_t count = sizeof(ioctl_args) / sizeof(ioctl_args[0]);
	size_t k = 0;

	(void)with;
	while (k < count && ioctl_args[k].request != request)
		k++;
	if (k == count)
		text_printf(c->out, "%#llx", (ull)c->arg[i]);
	else if (c->failed && ioctl_args[k].out)
		text_addr(c->out, c->arg[i]);
	else
		ioctl_args[k].put(c, i);
}
