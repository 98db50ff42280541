/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that shows all the memory of its machine, and one that destroys
 * it: the program shares its privilege with the guest kernel, so it reaches
 * whatever there is. run.sh compares what is left after a reset.
 *
 * test: cflags -mavx -pthread -I.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "abi/guest.h"

#define BOOT   ((const struct mf_boot *)MF_BOOT_VA)
#define SHARED ((struct mf_shared *)MF_SHARED_VA)
#define RAM    ((volatile uint64_t *)MF_DIRECT_VA)
#define WORDS  (MF_PAGE_SIZE / 8)
#define YMM    16

#define FILLED_SIZE (4u << 20)
#define SPOT	    ((void *)0x123456600000)
#define SPOT_SIZE   (3u << 20)

static uint8_t *filled;
static uint8_t vectors[YMM][32], vectors_want[YMM][32];
static uint32_t mxcsr;

/* accept(2) with known vector registers, which are then stored. */
static int accept_with_vectors(int fd)
{
	long r;

	__asm__ volatile(
		"vmovdqu (%[want]), %%ymm0\n\tvmovdqu 32(%[want]), %%ymm1\n\t"
		"vmovdqu 480(%[want]), %%ymm15\n\t"
		"syscall\n\t"
		"vmovdqu %%ymm0, (%[got])\n\tvmovdqu %%ymm1, 32(%[got])\n\t"
		"vmovdqu %%ymm15, 480(%[got])\n\tvzeroupper\n\t"
		"stmxcsr %[mxcsr]"
		: "=a"(r), [mxcsr] "=m"(mxcsr)
		: "a"(43), "D"((long)fd), "S"(0),
		  "d"(0), [want] "r"(vectors_want), [got] "r"(vectors)
		: "rcx", "r11", "memory", "xmm0", "xmm1", "xmm15");
	return (int)r;
}

/* New tables that are gone again when the program ends. */
static void map_and_unmap(void)
{
	memset(mmap(SPOT, SPOT_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	       0x5a, SPOT_SIZE);
	munmap(SPOT, SPOT_SIZE);
}

/* Memory that was filled before the snapshot goes back to the host. */
static void give_back(void)
{
	madvise(filled, FILLED_SIZE, MADV_DONTNEED);
}

static int filled_is_there(void)
{
	int there = 1;

	for (size_t i = 0; i < FILLED_SIZE; i += 512)
		there &= filled[i] == 0x77;
	return there;
}

/* What is in a new mapping, also in the place of what was given back. */
static int spot_is_zero(void)
{
	const uint8_t *p = mmap(SPOT, SPOT_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int zero = 1;

	for (size_t i = 0; i < SPOT_SIZE; i += 512)
		zero &= p[i] == 0;
	munmap(SPOT, SPOT_SIZE);
	return zero;
}

static void show_state(FILE *f)
{
	struct itimerval timer;
	struct stat st;
	sigset_t set;
	int fds = 0;

	for (int fd = 0; fd < 64; fd++)
		fds += fcntl(fd, F_GETFD) >= 0;
	sigprocmask(SIG_BLOCK, NULL, &set);
	getitimer(ITIMER_REAL, &timer);
	fprintf(f, "fds %d\nusr1 %d\ntimer %d\nfile %d\numask %o\n", fds,
		sigismember(&set, SIGUSR1), timer.it_value.tv_sec != 0,
		stat("/tmp/scribbled", &st) == 0, umask(022));
	fprintf(f, "filled %d\n", filled_is_there());
	give_back();
	fprintf(f, "gone %d\n", filled[FILLED_SIZE / 2] == 0);
	fprintf(f, "zero %d\nvectors %d\nmxcsr %x\n", spot_is_zero(),
		memcmp(vectors, vectors_want, 64) == 0 &&
			memcmp(vectors[15], vectors_want[15], 32) == 0,
		mxcsr);
}

static uint8_t is_table[1 << 16]; /* by page */

static void note_tables(uint64_t page, int level)
{
	if (page >= sizeof(is_table) || is_table[page])
		return;
	is_table[page] = 1;
	for (unsigned i = 0; level > 1 && i < WORDS; i++) {
		uint64_t entry = RAM[page * WORDS + i];

		if ((entry & 1) && !(entry & 0x80))
			note_tables((entry & 0xffffffffff000) / MF_PAGE_SIZE,
				    level - 1);
	}
}

/*
 * A line for each page that is not zero: its number and a hash. In page
 * tables the bits that the CPU sets may be left over: they cost the kernel a
 * page to clear, no more.
 */
static void show_ram(FILE *f)
{
	if (BOOT->paging == MF_PAGING_TABLES)
		note_tables(MF_PT_GPA / MF_PAGE_SIZE, 4);
	for (uint64_t p = MF_BOOT_GPA / MF_PAGE_SIZE;
	     p < BOOT->ram_size / MF_PAGE_SIZE; p++) {
		uint64_t mask = p < sizeof(is_table) && is_table[p] ? 0x60 : 0;
		uint64_t hash = 0;

		for (unsigned i = 0; i < WORDS; i++)
			hash = (hash ^ (RAM[p * WORDS + i] & ~mask)) *
				       0x100000001b3ull +
			       (hash >> 29);
		if (hash)
			fprintf(f, "page %lx %lx\n", p, hash);
	}
}

static void *spin(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* What the kernel keeps for a program. */
static void scribble_over_kernel_state(void)
{
	struct itimerval timer = { .it_value.tv_sec = 1000 };
	pthread_t t;
	sigset_t set;

	for (int i = 0; i < 8; i++)
		open("/tmp/scribbled", O_CREAT | O_RDWR, 0600);
	pthread_create(&t, NULL, spin, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	umask(0777);
	chdir("/tmp");
	mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
}

/* All of RAM, from above, until something that is needed is gone. */
static void scribble_over_memory(void)
{
	__asm__ volatile("vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n\t"
			 "vmovdqa %%xmm1, %%xmm15" ::
				 : "xmm1", "xmm15");
	for (uint64_t w = BOOT->ram_size / 8; w-- > MF_BOOT_GPA / 8;)
		RAM[w] = w * 0x9e3779b97f4a7c15ull;
}

static void answer(int fd, const char *path)
{
	FILE *f = fdopen(fd, "w");

	fprintf(f, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	if (strncmp(path, "/state", 6) == 0)
		show_state(f);
	else if (strncmp(path, "/ram", 4) == 0)
		show_ram(f);
	fclose(f);
	if (strncmp(path, "/exit", 5) == 0)
		exit(0);
	if (strncmp(path, "/kernel", 7) == 0) {
		scribble_over_kernel_state();
		_exit(0);
	}
	if (strncmp(path, "/map", 4) == 0) {
		give_back();
		map_and_unmap();
		_exit(0);
	}
	if (strncmp(path, "/memory", 7) == 0)
		scribble_over_memory();
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(8080) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[512];

	filled = mmap(NULL, FILLED_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(filled, 0x77, FILLED_SIZE);
	for (int i = 0; i < YMM * 32; i++)
		vectors_want[i / 32][i % 32] = (uint8_t)(i * 7 + 1);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 16) < 0)
		return 1;
	for (;;) {
		int c = accept_with_vectors(fd);
		ssize_t n = c < 0 ? -1 : read(c, text, sizeof(text) - 1);

		if (n < 5)
			return 2;
		text[n] = '\0';
		answer(c, text + 4);
	}
}
