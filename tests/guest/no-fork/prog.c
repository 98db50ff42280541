/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork, vfork and exec are refused, and the program goes on.
 *
 * test: flavours musl glibc
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void say(const char *name, long r, int e)
{
	printf("%s: %s\n", name, r < 0 ? strerror(e) : "worked");
	fflush(stdout);
}

int main(void)
{
	char *argv[] = { "true", NULL };
	long r;
	pid_t pid;
	int e;

	for (int i = 0; i < 3; i++) {
		r = fork();
		say("fork", r, errno);
	}
	r = syscall(SYS_vfork);
	say("vfork", r, errno);
	r = syscall(SYS_clone, 17, 0, 0, 0, 0);
	say("clone", r, errno);
	r = execve("/bin/true", argv, environ);
	say("execve", r, errno);
	e = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);
	say("posix_spawn", e ? -1 : 0, e);
	return 0;
}
