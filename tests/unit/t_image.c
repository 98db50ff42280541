/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images end to end on the host: sealed from a program made here, opened,
 * verified, loaded; then every kind of damage. Needs mkfs.erofs.
 */
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/guest.h"
#include "host/file.h"
#include "image/program.h"
#include "image/seal.h"
#include "image/walk.h"
#include "tests/unit/check.h"
#include "tests/unit/elf_make.h"

static char dir[] = "/tmp/t_image.XXXXXX";
static struct err e;

static void write_file(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	check(fd >= 0);
	check_int(file_write(fd, data, len), 0);
	close(fd);
}

static void make_kernel(void)
{
	static char kernel[3 * MF_PAGE_SIZE];
	struct mf_kernel_hdr h = { .magic = MF_KERNEL_MAGIC,
				   .abi_version = MF_ABI_VERSION,
				   .entry = sizeof(h),
				   .text_size = sizeof(kernel) };

	memset(kernel, 'k', sizeof(kernel));
	memcpy(kernel, &h, sizeof(h));
	write_file("kernel", kernel, sizeof(kernel));
}

static int seal(const char *program, const char *out)
{
	AUTO_SOURCE struct source source = { .stage.fd = -1 };
	AUTO_PROGRAM struct program p = { .fd = -1 };
	struct seal_job job = { .source = &source,
				.parts.kernel = "kernel",
				.out_path = out };
	struct seal_result result;
	int r;

	check_int(source_init(&source, &e), 0);
	r = program_open(&p, program, &e);
	if (r == 0)
		r = program_stage(&source, &p, &e);
	return r < 0 ? r : seal_image(&job, &result, &e);
}

/* Opens, verifies and loads; the first error. */
static int open_all(const char *path)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	int r;

	r = image_open(&img, path, &e);
	if (r == 0)
		r = image_verify(&img, &e);
	if (r == 0)
		r = image_load(&img, &e);
	return r;
}

static char *read_file(const char *path, size_t *ret_len)
{
	struct stat st;
	char *data;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	check(fd >= 0 && fstat(fd, &st) == 0);
	data = malloc((size_t)st.st_size);
	check(data != NULL);
	check_int(file_pread(fd, data, (size_t)st.st_size, 0), 0);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return data;
}

static int count_files(void *arg, const char *path,
		       const struct erofs_inode *ino)
{
	unsigned *count = arg;

	(void)ino;
	check(path[0] == '/');
	(*count)++;
	return 0;
}

static void test_seal_and_open(void)
{
	AUTO_IMAGE struct image img = { .fd = -1 };
	const uint8_t *data;
	unsigned count = 0;
	uint64_t len;

	check_int(seal("prog", "a.img"), 0);
	check_int(image_open(&img, "a.img", &e), 0);
	check_int(image_verify(&img, &e), 0);
	check_int(image_load(&img, &e), 0);
	check_str(img.manifest.program, "/bin/prog");
	check_int(img.kernel_size, 3 * MF_PAGE_SIZE);
	check_int(img.kernel_off % MF_PAGE_SIZE, 0);
	check_int(image_file(&img, "/bin/prog", &data, &len), 0);
	check_int(len, sizeof(struct elf_make));
	check_int((data - img.map) % MF_PAGE_SIZE, 0);
	check_mem(data, ELFMAG, SELFMAG);
	check_int(image_file(&img, "/bin/none", &data, &len), -ENOENT);
	check_int(image_file(&img, "/bin", &data, &len), -EINVAL);
	check_int(image_walk(&img, count_files, &count), 0);
	check(count > 5);
}

static void test_same_input_same_bytes(void)
{
	size_t len_a, len_b;
	char *a, *b;

	check_int(mkdir("other", 0700), 0);
	check_int(rename("prog", "other/prog"), 0);
	check_int(seal("other/prog", "other/b.img"), 0);
	check_int(rename("other/prog", "prog"), 0);
	a = read_file("a.img", &len_a);
	b = read_file("other/b.img", &len_b);
	check_int(len_a, len_b);
	check_mem(a, b, len_a);
	free(a);
	free(b);
	check_int(unlink("other/b.img"), 0);
	check_int(rmdir("other"), 0);
}

static void test_truncated(void)
{
	size_t len, cut;
	char *data = read_file("a.img", &len);

	for (cut = 0; cut < len; cut += 1000) {
		write_file("cut.img", data, cut);
		check(open_all("cut.img") < 0);
	}
	write_file("cut.img", data, len - 1);
	check_int(open_all("cut.img"), -EBADMSG);
	check(strstr(e.text, "truncated") != NULL);
	write_file("cut.img", data, len - IMAGE_BLOCK);
	check_int(open_all("cut.img"), -EBADMSG);
	free(data);
}

static void test_any_flipped_bit(void)
{
	size_t len, at;
	char *data = read_file("a.img", &len);

	for (at = 0; at < len; at += at < len - 80 ? 251 : 1) {
		data[at] ^= 0x10;
		write_file("flip.img", data, len);
		check(open_all("flip.img") < 0);
		data[at] ^= 0x10;
	}
	write_file("flip.img", data, len);
	check_int(open_all("flip.img"), 0);
	free(data);
}

static void test_other_versions(void)
{
	struct image_trailer *t;
	size_t len;
	char *data = read_file("a.img", &len);

	t = (struct image_trailer *)(data + len - sizeof(*t));
	t->version = 2;
	write_file("version.img", data, len);
	check_int(open_all("version.img"), -EPROTONOSUPPORT);
	check(strstr(e.text, "format version 2") != NULL);
	free(data);
}

static void test_not_images(void)
{
	check_int(open_all("prog"), -ENOEXEC);
	check_int(open_all("kernel"), -ENOEXEC);
	check_int(open_all("."), -EISDIR);
	check_int(open_all("none"), -ENOENT);
	check_int(open_all("/dev/null"), -ENOEXEC);
}

static void test_bad_programs(void)
{
	static struct elf_make m;

	elf_make(&m);
	elf_make_dynamic(&m);
	write_file("bad", &m, sizeof(m));
	check_int(seal("bad", "bad.img"), -ENOEXEC);
	check(strstr(e.text, ELF_MAKE_INTERP) != NULL);
	elf_make(&m);
	m.h.e_machine = EM_AARCH64;
	write_file("bad", &m, sizeof(m));
	check_int(seal("bad", "bad.img"), -ENOEXEC);
	check(strstr(e.text, "aarch64") != NULL);
	write_file("bad", "#!/bin/sh\n", 10);
	check_int(seal("bad", "bad.img"), -ENOEXEC);
	write_file("bad", "", 0);
	check_int(seal("bad", "bad.img"), -ENOEXEC);
	check_int(seal("none", "bad.img"), -ENOENT);
	check(access("bad.img", F_OK) < 0);
}

static void test_bad_kernels(void)
{
	struct mf_kernel_hdr h = { .magic = MF_KERNEL_MAGIC,
				   .abi_version = MF_ABI_VERSION + 1 };

	write_file("kernel", "x", 1);
	check_int(seal("prog", "bad.img"), -EBADMSG);
	write_file("kernel", &h, sizeof(h));
	check_int(seal("prog", "bad.img"), -EPROTONOSUPPORT);
	check_int(unlink("kernel"), 0);
	check_int(seal("prog", "bad.img"), -ENOENT);
	make_kernel();
	check_int(seal("prog", "none/bad.img"), -ENOENT);
	check(access("bad.img", F_OK) < 0);
}

static void test_memory_needed(void)
{
	uint64_t least = seal_memory_needed(1);

	check_int(least % (1 << 20), 0);
	check(seal_memory_needed(64 << 20) >= 64 << 20);
	check(least < 16 << 20);
}

static void prepare(void)
{
	static struct elf_make m;

	check(mkdtemp(dir) != NULL && chdir(dir) == 0);
	elf_make(&m);
	write_file("prog", &m, sizeof(m));
	make_kernel();
}

/* Fails if a test left a file of its own, so nothing else lies about. */
static void clean(void)
{
	static const char *const names[] = {
		"prog",	    "kernel",	   "a.img", "cut.img",
		"flip.img", "version.img", "bad",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	check_int(rmdir(dir), 0);
}

int main(void)
{
	RUN(prepare);
	RUN(test_seal_and_open);
	RUN(test_same_input_same_bytes);
	RUN(test_truncated);
	RUN(test_any_flipped_bit);
	RUN(test_other_versions);
	RUN(test_not_images);
	RUN(test_bad_programs);
	RUN(test_bad_kernels);
	RUN(test_memory_needed);
	RUN(clean);
	return check_done();
}
