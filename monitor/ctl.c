/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's end of the control socket (abi/ctl.h). The parent is trusted
 * as the one who started us, yet its message is checked as any input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "monitor/instance.h"

#define FDS_MAX	 (4 + MF_PORTS_MAX)
#define BODY_MAX (MF_CTL_ARGS_MAX + MF_CTL_CPUID_MAX * MF_CTL_CPUID_SIZE)

static bool has_image(const struct mf_ctl_start *s)
{
	return s->kind != MF_START_SHELL && s->kind != MF_START_AGAIN;
}

static bool has_snapshot(const struct mf_ctl_start *s)
{
	return s->kind == MF_START_SNAPSHOT || s->kind == MF_START_COPY;
}

/* Whether a message of this kind can follow what we are. */
static bool may_follow(const struct instance *inst,
		       const struct mf_ctl_start *s)
{
	const struct mf_ctl_start *now = &inst->start;

	if (!inst->ops)
		return s->kind != MF_START_AGAIN;
	if (s->substrate != now->substrate || s->kvm_fd || s->cpuid_count)
		return false;
	if (now->kind == MF_START_SHELL)
		return has_image(s);
	return s->kind == MF_START_AGAIN && !s->port_count &&
	       !(s->trace.flags & MF_TRACE_ON);
}

/* Whole strings, for a copy; names of variables, for what is to boot. */
static bool late_ok(const struct instance *inst, const struct mf_ctl_start *s)
{
	bool copy = s->kind == MF_START_COPY || s->kind == MF_START_AGAIN;

	if (s->late_envc > s->envc || s->late_envc > MF_LATE_MAX)
		return false;
	if (!s->late_len)
		return true;
	return copy && s->late_len <= MF_LATE_SIZE &&
	       s->late_off <= s->args_len &&
	       s->late_len <= s->args_len - s->late_off &&
	       !inst->args[s->late_off + s->late_len - 1];
}

static int check_start(const struct instance *inst,
		       const struct mf_ctl_start *s, size_t len, struct err *e)
{
	if (len < sizeof(*s) || s->version != MF_CTL_VERSION)
		return err_set(e, EPROTO,
			       "the start message is of another version: "
			       "mayfly and mayfly-monitor must be of one "
			       "release");
	if (s->cpuid_count > MF_CTL_CPUID_MAX ||
	    (uint64_t)s->args_len + s->cpuid_count * MF_CTL_CPUID_SIZE !=
		    len - sizeof(*s) ||
	    !s->args_len || s->args_len > MF_CTL_ARGS_MAX ||
	    s->path_off >= s->args_len || s->cwd_off >= s->args_len ||
	    s->hostname_off >= s->args_len || s->request_off >= s->args_len ||
	    s->port_count > MF_PORTS_MAX || s->kvm_fd > 1 || s->keep > 1 ||
	    s->record > 1 || s->kind > MF_START_AGAIN ||
	    s->mark > (s->kind == MF_START_SNAPSHOT) || !late_ok(inst, s) ||
	    !may_follow(inst, s))
		return err_set(e, EPROTO, "the start message is malformed");
	return 0;
}

static int take_fds(struct instance *inst, const struct mf_ctl_start *s,
		    const struct msghdr *msg, struct err *e)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	bool trace = s->trace.flags & MF_TRACE_ON;
	uint32_t want = has_image(s) + s->kvm_fd + s->port_count + trace +
			has_snapshot(s);
	int fds[FDS_MAX] = { 0 };
	uint32_t at = 0;

	if ((msg->msg_flags & MSG_CTRUNC) ||
	    (want && (!c || c->cmsg_type != SCM_RIGHTS ||
		      c->cmsg_len != CMSG_LEN(want * sizeof(int)))))
		return err_set(e, EPROTO,
			       "the start message carries the wrong number of "
			       "descriptors");
	if (want)
		memcpy(fds, CMSG_DATA(c), want * sizeof(int));
	if (has_image(s))
		inst->image_fd = fds[at++];
	if (s->kvm_fd)
		inst->kvm_fd = fds[at++];
	for (uint32_t i = 0; i < s->port_count; i++)
		inst->port_fds[i] = fds[at++];
	if (trace)
		inst->trace_fd = fds[at++];
	if (has_snapshot(s))
		inst->snapshot_fd = fds[at++];
	return 0;
}

/* Closes what came with a message that is for nobody. */
static bool drop_fds(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fds[FDS_MAX];
	size_t len;

	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(0))
		return true;
	len = c->cmsg_len - CMSG_LEN(0);
	if (len > sizeof(fds))
		len = sizeof(fds);
	memcpy(fds, CMSG_DATA(c), len);
	for (size_t i = 0; i < len / sizeof(int); i++)
		close(fds[i]);
	return true;
}

/* A later message does not repeat the CPUID entries; one more of the same
 * differs in its identity. */
static void take_start(struct instance *inst, const struct mf_ctl_start *s)
{
	if (s->cpuid_count) {
		inst->cpuid_count = s->cpuid_count;
		memcpy(inst->cpuid, inst->args + s->args_len,
		       (size_t)s->cpuid_count * MF_CTL_CPUID_SIZE);
	}
	if (s->kind != MF_START_AGAIN)
		inst->start = *s;
	inst->start.keep = s->keep;
	inst->start.args_len = s->args_len;
	inst->start.hostname_off = s->hostname_off;
	inst->start.late_off = s->late_off;
	inst->start.late_len = s->late_len;
	memcpy(inst->start.instance_id, s->instance_id, sizeof(s->instance_id));
}

int ctl_receive_start(struct instance *inst, struct err *e)
{
	static struct mf_ctl_start s; /* the ports make it large */
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov[2];
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;
	int err;

	if (!inst->args)
		inst->args = malloc(BODY_MAX);
	if (!inst->args)
		return err_set(e, ENOMEM, "no memory for the arguments");
	iov[0] = (struct iovec){ &s, sizeof(s) };
	iov[1] = (struct iovec){ inst->args, BODY_MAX };
	do { /* a command for the guest that has ended is for nobody */
		msg.msg_controllen = sizeof(control.buf);
		n = recvmsg(MF_CTL_FD, &msg, MSG_CMSG_CLOEXEC);
	} while ((n < 0 && errno == EINTR) ||
		 (inst->ops && n == sizeof(struct mf_ctl_command) &&
		  drop_fds(&msg)));
	if (n < 0)
		return err_sys(e, errno, "cannot read the start message");
	if (n == 0 && inst->ops)
		return err_set(e, EPIPE, "nobody wants the shell");
	err = check_start(inst, &s, (size_t)n, e);
	if (!err)
		err = take_fds(inst, &s, &msg, e);
	if (!err)
		take_start(inst, &s);
	return err;
}

bool ctl_start_waits(void)
{
	struct mf_ctl_command c;
	struct iovec iov = { &c, sizeof(c) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n =
		recvmsg(MF_CTL_FD, &msg, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);

	return n > (ssize_t)sizeof(c);
}

struct mf_ctl_event *ctl_event(enum mf_event_kind kind)
{
	static struct mf_ctl_event ev; /* too large for a stack */

	memset(&ev, 0, sizeof(ev));
	ev.kind = kind;
	return &ev;
}

void ctl_send(struct mf_ctl_event *ev, const char *text, size_t len)
{
	struct iovec iov[2] = {
		{ ev, sizeof(*ev) },
		{ (void *)(uintptr_t)text, len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	ev->text_len = (uint32_t)len;
	/* A parent that is gone is noticed by ctl_poll. */
	while (sendmsg(MF_CTL_FD, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

void ctl_send_log(void *unused, const char *text, size_t len)
{
	(void)unused;
	ctl_send(ctl_event(MF_EV_LOG), text, len);
}

void ctl_ask_connect(void *unused, uint32_t id, uint8_t proto,
		     const struct mf_endpoint *to)
{
	struct mf_ctl_event *ev = ctl_event(MF_EV_CONNECT);

	(void)unused;
	ev->u.connect.id = id;
	ev->u.connect.proto = proto;
	ev->u.connect.to = *to;
	ctl_send(ev, "", 0);
}

/* ---- commands ----------------------------------------------------------- */

struct command {
	struct mf_ctl_command c;
	int fd; /* that came with it, or -1 */
};

/* Bytes received, 0 at the end, -1 and errno. */
static ssize_t receive_command(struct command *ret)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &ret->c, sizeof(ret->c) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	const struct cmsghdr *c;
	ssize_t n = recvmsg(MF_CTL_FD, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	ret->fd = -1;
	c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&ret->fd, CMSG_DATA(c), sizeof(int));
	return n;
}

static void take_connected(struct instance *inst, struct command *m)
{
	struct rings_answer a = { .id = m->c.u.connected.id,
				  .error = m->c.u.connected.error,
				  .fd = m->fd,
				  .port = m->c.u.connected.port };

	/* Linux drops a descriptor for which we have no number left. */
	if (!a.error && a.fd < 0)
		a.error = -EMFILE;
	m->fd = -1;
	rings_answer(&inst->rings, &a);
}

static void report_touched(const struct instance *inst, int fd)
{
	static const char refused[] = "they are known in a recorded copy only";
	const char *text = refused;
	int err;

	if (inst->start.record && inst->start.kind == MF_START_COPY) {
		err = touched_write(inst, fd);
		text = err ? strerror(-err) : "";
	}
	ctl_send(ctl_event(MF_EV_TOUCHED), text, strlen(text));
}

static void take_command(struct instance *inst, struct command *m)
{
	uint32_t sig = m->c.u.signal;

	switch ((enum mf_command_kind)m->c.kind) {
	case MF_CMD_SIGNAL:
		if (sig >= 1 && sig <= 64)
			atomic_fetch_or(&inst->shared->signals,
					1ull << (sig - 1));
		break;
	case MF_CMD_CONNECTED:
		take_connected(inst, m);
		break;
	case MF_CMD_FINISH:
		instance_finish(inst, MF_EXIT_PARENT, 0, "the parent ended it");
		break;
	case MF_CMD_TOUCHED:
		report_touched(inst, m->fd);
		break;
	case MF_CMD_TRACE:
		trace_set(inst, &m->c.u.trace, take_fd(&m->fd));
		break;
	default:
		break;
	}
	if (m->fd >= 0)
		close(m->fd);
}

void ctl_poll(struct instance *inst)
{
	struct command m;
	ssize_t n;

	while (!inst->done) {
		n = receive_command(&m);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			instance_finish(inst, MF_EXIT_PARENT, 0,
					"the parent went away");
			return;
		}
		if (n == sizeof(m.c))
			take_command(inst, &m);
		else if (m.fd >= 0)
			close(m.fd);
	}
}
