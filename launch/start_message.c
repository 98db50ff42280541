/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the start message. argv[0] is what a native start would give: the
 * word the user typed for a program, the manifest's first argument for an
 * image.
 */
#include "launch/start_message.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "launch/console.h"
#include "launch/kvm_features.h"
#include "launch/late_env.h"

#define HOSTNAME_SIZE 13u /* twelve digits */
#define HOSTNAME_ROOM (MF_HOSTNAME_MAX + 1u)
#define SMALL_MAX     (MF_LATE_SIZE + 256) /* strings where these are all */

struct strings {
	char *base; /* `max` bytes */
	size_t max;
	size_t len; /* bytes used; more than the maximum: did not fit */
};

static uint32_t add(struct strings *s, const char *text)
{
	size_t size = strlen(text) + 1;
	uint32_t off = (uint32_t)s->len;

	if (s->len <= s->max && size <= s->max - s->len)
		memcpy(s->base + s->len, text, size);
	s->len += size;
	return off;
}

static void add_args(struct strings *s, struct mf_ctl_start *start,
		     const struct run_options *o, const struct image *img)
{
	const struct manifest *m = &img->manifest;
	size_t i, count = m->args_count;
	int k;

	if (o->args_count > 0)
		count -= m->args_default;
	add(s, img->from_program ? o->path : m->args[0]);
	for (i = 1; i < count; i++)
		add(s, m->args[i]);
	for (k = 0; k < o->args_count; k++)
		add(s, o->args[k]);
	start->argc = (uint32_t)(count + (size_t)o->args_count);
}

static bool same_name(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len + 1) == 0;
}

static bool is_late(const struct run_options *o, const char *entry)
{
	return o->snapshot && late_env_has(o->snapshot, entry);
}

/* The manifest's variables that the user did not replace, then the user's. */
static void add_env(struct strings *s, struct mf_ctl_start *start,
		    const struct run_options *o, const struct image *img)
{
	const struct manifest *m = &img->manifest;
	size_t i, k;

	for (i = 0; i < m->env_count; i++) {
		for (k = 0; k < o->env.count; k++) {
			if (same_name(o->env.items[k], m->env[i]))
				break;
		}
		if (k < o->env.count || is_late(o, m->env[i]))
			continue;
		add(s, m->env[i]);
		start->envc++;
	}
	for (k = 0; k < o->env.count; k++) {
		if (is_late(o, o->env.items[k]))
			continue;
		add(s, o->env.items[k]);
		start->envc++;
	}
}

/* What a variable without a default of its own says otherwise, or NULL. */
static const char *find_env(const struct run_options *o,
			    const struct image *img, const char *name)
{
	const struct manifest *m = &img->manifest;
	size_t len = strlen(name);

	for (size_t i = 0; i < o->env.count; i++)
		if (strncmp(o->env.items[i], name, len) == 0 &&
		    o->env.items[i][len] == '=')
			return o->env.items[i];
	for (size_t i = 0; i < m->env_count; i++)
		if (strncmp(m->env[i], name, len) == 0 && m->env[i][len] == '=')
			return m->env[i];
	return NULL;
}

/* Those that copies may set come last; they are empty without a default. */
static int add_late(struct strings *s, struct mf_ctl_start *start,
		    const struct run_options *o, const struct image *img,
		    struct err *e)
{
	uint32_t count = o->snapshot ? o->snapshot->late_count : 0;
	int r;

	for (uint32_t i = 0; i < count; i++) {
		const char *entry = o->snapshot->late_env[i];
		const char *found = entry;

		if (!strchr(entry, '='))
			found = find_env(o, img, entry);
		if (found) {
			r = late_env_check_value(found, e);
			if (r < 0)
				return r;
			add(s, found);
		} else {
			add(s, entry);
			s->len--;
			add(s, "=");
		}
	}
	start->envc += count;
	start->late_envc = count;
	return 0;
}

/* The variables of a copy. */
static void add_late_values(struct strings *s, struct mf_ctl_start *start,
			    const struct env_list *env)
{
	start->late_off = (uint32_t)s->len;
	for (size_t i = 0; i < env->count; i++)
		add(s, env->items[i]);
	start->late_len = (uint32_t)s->len - start->late_off;
}

/*
 * What descriptor fd is, besides a terminal. Standard input is carried as a
 * stream: whoever believes it to be a file asks for its size and position.
 */
static uint32_t console_kind(int fd)
{
	struct stat st, null;

	if (fstat(fd, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode) && fd != STDIN_FILENO)
		return MF_CONSOLE_FILE;
	if (S_ISSOCK(st.st_mode))
		return MF_CONSOLE_SOCKET;
	if (S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 &&
	    st.st_rdev == null.st_rdev)
		return MF_CONSOLE_NULL;
	return 0;
}

static void set_console(struct mf_ctl_start *start)
{
	struct termios t;
	struct winsize w;
	int fd;

	for (fd = 0; fd < 3; fd++) {
		if (console_absent(fd))
			start->console_flags[fd] = MF_CONSOLE_CLOSED;
		else if (ioctl(fd, TCGETS, &t) == 0)
			start->console_flags[fd] = MF_CONSOLE_TTY;
		else
			start->console_flags[fd] = console_kind(fd);
		if (start->console_flags[fd] != MF_CONSOLE_TTY ||
		    ioctl(fd, TIOCGWINSZ, &w) < 0)
			continue;
		start->tty_rows = w.ws_row;
		start->tty_cols = w.ws_col;
	}
}

static void set_ports(struct mf_ctl_start *start, const struct run_options *o)
{
	uint32_t i;

	for (i = 0; i < o->port_count; i++) {
		start->ports[i].guest_port = o->ports[i].guest_port;
		start->ports[i].proto = o->ports[i].proto;
		start->ports[i].flags =
			o->clones > 1 || o->keep ? MF_PORT_SHARED : 0;
	}
	start->port_count = o->port_count;
}

static void set_memory(struct mf_ctl_start *start, const struct run_options *o,
		       const struct image *img)
{
	uint64_t need = img->manifest.memory_bytes;

	if (o->memory_bytes)
		start->mem_limit = o->memory_bytes;
	else
		start->mem_limit =
			need > RUN_MEMORY_DEFAULT ? need : RUN_MEMORY_DEFAULT;
}

/* Asking for a route sends nothing. */
static bool host_has_inet6(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(53) };
	AUTO_CLOSE int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Of the range for documentation: only a default route leads there. */
	in6.sin6_addr.s6_addr[0] = 0x20;
	in6.sin6_addr.s6_addr[1] = 0x01;
	in6.sin6_addr.s6_addr[2] = 0x0d;
	in6.sin6_addr.s6_addr[3] = 0xb8;
	return fd >= 0 &&
	       connect(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
}

static void set_egress(struct mf_ctl_start *start, const struct run_options *o)
{
	if (!o->egress.count)
		return;
	start->egress = MF_EGRESS_ON;
	if (host_has_inet6())
		start->egress |= MF_EGRESS_INET6;
}

/* Where no name was given: the beginning of the identity. */
static void make_hostname(char ret[HOSTNAME_SIZE], const struct mf_ctl_start *s)
{
	const uint8_t *id = s->instance_id;

	snprintf(ret, HOSTNAME_SIZE, "%02x%02x%02x%02x%02x%02x", id[0], id[1],
		 id[2], id[3], id[4], id[5]);
}

/* The last, with room for any other (start_message_rename). */
static uint32_t add_hostname(struct strings *s, const char *name)
{
	uint32_t off = add(s, name);

	s->len = off + HOSTNAME_ROOM;
	return off;
}

static int set_strings(struct start_message *m, const struct run_options *o,
		       const struct image *img, struct err *e)
{
	struct mf_ctl_start *start = m->start;
	struct strings s = { .base = (char *)(start + 1),
			     .max = MF_CTL_ARGS_MAX };
	const char *request = o->snapshot ? o->snapshot->request : NULL;
	char hostname[HOSTNAME_SIZE];
	int r;

	make_hostname(hostname, start);
	add_args(&s, start, o, img);
	if (o->snapshot && o->snapshot->kind == MF_START_COPY) {
		add_late_values(&s, start, &o->env);
	} else {
		add_env(&s, start, o, img);
		r = add_late(&s, start, o, img, e);
		if (r < 0)
			return r;
	}
	start->request_off = add(&s, request ? request : "/");
	start->path_off = add(&s, img->manifest.program);
	start->cwd_off = add(&s, o->cwd ? o->cwd : img->manifest.cwd);
	start->hostname_off = add_hostname(&s, o->name ? o->name : hostname);
	if (s.len > MF_CTL_ARGS_MAX)
		return err_set(e, E2BIG,
			       "the arguments and the environment "
			       "are %zu bytes long, at most %u are allowed",
			       s.len, MF_CTL_ARGS_MAX);
	start->args_len = (uint32_t)s.len;
	m->len = sizeof(*start) + s.len;
	return 0;
}

int start_message_init(struct start_message *ret, const struct run_options *o,
		       const struct image *img, struct err *e)
{
	struct start_message m;
	int r;

	m.start = calloc(1, sizeof(*m.start) + MF_CTL_ARGS_MAX +
				    MF_CTL_CPUID_MAX * MF_CTL_CPUID_SIZE);
	if (!m.start)
		return err_set(e, ENOMEM, "out of memory");
	m.start->version = MF_CTL_VERSION;
	m.start->image_size = img->erofs_size;
	m.start->kernel_off = img->kernel_off;
	m.start->kernel_size = img->kernel_size;
	if (getrandom(m.start->instance_id, sizeof(m.start->instance_id), 0) <
	    0)
		r = err_sys(e, errno, "no random numbers");
	else
		r = set_strings(&m, o, img, e);
	if (r < 0) {
		free(m.start);
		return r;
	}
	m.start->uid = img->manifest.uid;
	m.start->gid = img->manifest.gid;
	set_memory(m.start, o, img);
	if (o->console_flags)
		memcpy(m.start->console_flags, o->console_flags,
		       sizeof(m.start->console_flags));
	else
		set_console(m.start);
	set_ports(m.start, o);
	set_egress(m.start, o);
	if (o->snapshot) {
		m.start->kind = o->snapshot->kind;
		m.start->mark = o->snapshot->mark;
		m.start->warm_up = o->snapshot->warm_up;
	}
	m.start->keep = o->keep;
	m.start->record = o->record;
	if (o->trace)
		m.start->trace = o->trace->config;
	*ret = m;
	return 0;
}

int start_message_rename(struct start_message *m, const char *name,
			 struct err *e)
{
	struct mf_ctl_start *s = m->start;
	char *hostname = (char *)(s + 1) + s->hostname_off;

	if (getrandom(s->instance_id, sizeof(s->instance_id), 0) < 0)
		return err_sys(e, errno, "no random numbers");
	memset(hostname, 0, HOSTNAME_ROOM);
	if (name)
		memcpy(hostname, name, strnlen(name, MF_HOSTNAME_MAX));
	else
		make_hostname(hostname, s);
	return 0;
}

const char *start_message_name(const struct start_message *m)
{
	return (const char *)(m->start + 1) + m->start->hostname_off;
}

static int init_small(struct start_message *ret, enum mf_start_kind kind,
		      const struct run_options *o, struct err *e)
{
	struct mf_ctl_start *start;
	struct strings s = { .max = SMALL_MAX };
	char hostname[HOSTNAME_SIZE];

	start = calloc(1, sizeof(*start) + SMALL_MAX +
				  MF_CTL_CPUID_MAX * MF_CTL_CPUID_SIZE);
	if (!start)
		return err_set(e, ENOMEM, "out of memory");
	s.base = (char *)(start + 1);
	start->version = MF_CTL_VERSION;
	start->kind = kind;
	if (getrandom(start->instance_id, sizeof(start->instance_id), 0) < 0) {
		free(start);
		return err_sys(e, errno, "no random numbers");
	}
	make_hostname(hostname, start);
	add(&s, o && o->name ? o->name : hostname);
	if (o)
		add_late_values(&s, start, &o->env);
	if (s.len > s.max) {
		free(start);
		return err_set(e, E2BIG,
			       "the variables of a copy are too long");
	}
	start->args_len = (uint32_t)s.len;
	*ret = (struct start_message){ start, sizeof(*start) + s.len };
	return 0;
}

int start_message_init_shell(struct start_message *ret, struct err *e)
{
	return init_small(ret, MF_START_SHELL, NULL, e);
}

int start_message_init_again(struct start_message *ret,
			     const struct run_options *o, struct err *e)
{
	return init_small(ret, MF_START_AGAIN, o, e);
}

int start_message_send(const struct start_message *m, int ctl, const int *fds,
		       unsigned fd_count)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * START_MESSAGE_FDS_MAX)];
	} control = { 0 };
	struct iovec iov = { m->start, m->len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct cmsghdr *c;

	if (fd_count > 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	}
	if (sendmsg(ctl, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

void start_message_add_kvm(struct start_message *m, int kvm_fd)
{
	m->start->kvm_fd = 1;
	m->start->cpuid_count =
		kvm_features_get(kvm_fd, (char *)m->start + m->len);
	m->len += m->start->cpuid_count * MF_CTL_CPUID_SIZE;
}

void start_message_fini(struct start_message *m)
{
	free(m->start);
	m->start = NULL;
}
