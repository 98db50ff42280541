/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exits with the status that its first argument gives, in the way that the
 * second names: return, exit from a thread, or the raw call.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *leave(void *arg)
{
	exit(*(int *)arg);
}

int main(int argc, char **argv)
{
	int status = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
	pthread_t t;

	if (argc > 2 && !strcmp(argv[2], "thread")) {
		pthread_create(&t, NULL, leave, &status);
		for (;;)
			pause();
	}
	if (argc > 2 && !strcmp(argv[2], "raw"))
		syscall(SYS_exit_group, status);
	if (argc > 2 && !strcmp(argv[2], "last"))
		syscall(SYS_exit, status);
	return status;
}
