/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splice between pipes, files and sockets; descriptors sent over unix sockets;
 * many messages in one call.
 *
 * test: flavours musl glibc
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "abi.h"

static void splice_pipes(void)
{
	int in[2], out[2], fd = open("spliced", O_RDWR | O_CREAT, 0600);
	char buf[32] = { 0 };
	loff_t off = 3;

	ret("pipe", pipe(in));
	ret("pipe", pipe2(out, O_NONBLOCK));
	ret("write", write(in[1], "abcdefgh", 8));
	ret("pipe to file", splice(in[0], NULL, fd, &off, 5, 0));
	ret("offset", off);
	ret("position", lseek(fd, 0, SEEK_CUR));
	ret("pread", pread(fd, buf, 8, 0));
	printf("text: %.3s\n", buf + 3);
	off = 4;
	ret("file to pipe", splice(fd, &off, out[1], NULL, 2, 0));
	ret("read", read(out[0], buf, 32));
	printf("text: %.2s\n", buf);
	ret("pipe to pipe", splice(in[0], NULL, out[1], NULL, 100, 0));
	ret("read", read(out[0], buf, 32));
	ret("empty", splice(out[0], NULL, in[1], NULL, 1, SPLICE_F_NONBLOCK));
	ret("no pipe", splice(fd, NULL, fd, NULL, 1, 0));
	ret("offset of a pipe", splice(in[0], &off, fd, NULL, 1, 0));
	ret("wrong end", splice(in[1], NULL, fd, NULL, 1, 0));
	ret("nothing", splice(in[0], NULL, fd, NULL, 0, 0));
	ret("closed", splice(99, NULL, fd, NULL, 1, 0));
	close(in[1]);
	ret("end", splice(in[0], NULL, fd, NULL, 9, 0));
	close(in[0]);
	close(out[0]);
	close(out[1]);
	close(fd);
	unlink("spliced");
}

static void splice_sockets(void)
{
	int s[2], p[2];
	char buf[32] = { 0 };

	ret("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	ret("pipe", pipe(p));
	ret("write", write(s[0], "through", 7));
	ret("socket to pipe", splice(s[1], NULL, p[1], NULL, 100, 0));
	ret("pipe to socket", splice(p[0], NULL, s[1], NULL, 100, 0));
	ret("read", read(s[0], buf, 32));
	printf("text: %s\n", buf);
	close(s[0]);
	ret("end", splice(s[1], NULL, p[1], NULL, 100, 0));
	close(s[1]);
	close(p[0]);
	close(p[1]);
}

static ssize_t send_fd(int s, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { "m", 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(s, &m, 0);
}

/* Receives a message and the descriptor with it, or -1. */
static ssize_t recv_fd(int s, size_t room, int *ret_fd, int *ret_flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = room };
	ssize_t n = recvmsg(s, &m, 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	*ret_fd = -1;
	*ret_flags = m.msg_flags;
	if (n >= 0 && c)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
	return n;
}

static void pass_descriptors(int type)
{
	int s[2], p[2], fd, flags;
	char buf[8];

	ret("socketpair", socketpair(AF_UNIX, type, 0, s));
	ret("pipe", pipe(p));
	ret("send it", send_fd(s[0], p[1]));
	ret("send a closed one", send_fd(s[0], 99));
	close(p[1]);
	ret("receive it", recv_fd(s[1], CMSG_SPACE(sizeof(int)), &fd, &flags));
	printf("a descriptor: %d, flags %#x\n", fd >= 0, flags);
	ret("write into it", write(fd, "hello", 5));
	ret("read", read(p[0], buf, 8));
	ret("send it back", send_fd(s[1], fd));
	ret("no room for it", recv_fd(s[0], 0, &p[1], &flags));
	printf("truncated: %d\n", !!(flags & MSG_CTRUNC));
	close(fd);
	ret("all copies are gone", read(p[0], buf, 8));
	ret("send another", send_fd(s[0], p[0]));
	close(s[0]);
	close(s[1]);
	close(p[0]);
}

static void many_messages(void)
{
	struct iovec iov[3] = { { "one", 3 }, { "two", 3 }, { "three", 5 } };
	struct mmsghdr m[3] = { 0 };
	char buf[3][8] = { 0 };
	int s[2];

	ret("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	for (int i = 0; i < 3; i++) {
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	ret("sendmmsg", sendmmsg(s[0], m, 3, 0));
	printf("lengths: %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	for (int i = 0; i < 3; i++)
		iov[i] = (struct iovec){ buf[i], 4 };
	ret("recvmmsg", recvmmsg(s[1], m, 3, MSG_WAITFORONE, NULL));
	printf("lengths: %u %u %u\n", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	printf("truncated: %d %d\n", !!(m[1].msg_hdr.msg_flags & MSG_TRUNC),
	       !!(m[2].msg_hdr.msg_flags & MSG_TRUNC));
	ret("none", recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL));
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	splice_pipes();
	splice_sockets();
	pass_descriptors(SOCK_STREAM);
	pass_descriptors(SOCK_DGRAM);
	pass_descriptors(SOCK_SEQPACKET);
	many_messages();
	return 0;
}
