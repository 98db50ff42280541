/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the image, mapped and then written: mappings that were made
 * before, straight from the image, follow the file; private copies do not.
 *
 * test: flavours musl glibc-dyn
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_NAME "/etc/passwd"
#define PAGE	  4096

static char *map(int fd, int prot, int flags)
{
	char *p = mmap(NULL, PAGE, prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static void show(const char *name, const char *p)
{
	printf("%s: %.4s\n", name, p);
}

int main(void)
{
	int ro = open(FILE_NAME, O_RDONLY), rw = open(FILE_NAME, O_RDWR);
	char *shared = map(ro, PROT_READ, MAP_SHARED);
	char *private = map(ro, PROT_READ, MAP_PRIVATE);
	char *own = map(ro, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *late;

	own[0] = 'R';
	show("shared", shared);
	if (pwrite(rw, "some", 4, 0) != 4)
		perror("pwrite");
	show("shared, written", shared);
	show("private, written", private);
	show("own copy", own);
	late = map(rw, PROT_READ | PROT_WRITE, MAP_SHARED);
	memcpy(late, "more", 4);
	show("shared, written through memory", shared);
	printf("mprotect: %d\n",
	       mprotect(private, PAGE, PROT_READ | PROT_WRITE));
	private[0] = 'M';
	show("private, now a copy", private);
	show("shared still", shared);
	printf("truncate: %d\n", ftruncate(rw, 2));
	printf("bytes: %.2s %d\n", shared, shared[2]);
	printf("program: %d\n", open("/proc/self/exe", O_RDWR) < 0 ? errno : 0);
	return 0;
}
