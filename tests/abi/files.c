/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files: open and its errors, reading, writing, seeking, holes,
 * truncation, what stat says.
 *
 * test: flavours musl glibc musl-pie
 */
#include <sys/uio.h>

#include "tests/abi/abi.h"

static int mk(const char *name, int flags)
{
	return open(name, O_CREAT | O_RDWR | flags, 0644);
}

static void opening(void)
{
	int fd;

	ret("missing", open("missing", O_RDONLY));
	okay("create", fd = mk("a", O_EXCL));
	ret("create again", mk("a", O_EXCL));
	okay("open existing with O_CREAT", mk("a", 0));
	ret("close", close(fd));
	ret("close again", close(fd));
	ret("directory for writing", open(".", O_WRONLY));
	ret("directory with O_CREAT", open(".", O_CREAT | O_RDONLY, 0644));
	ret("file as a directory", open("a", O_RDONLY | O_DIRECTORY));
	ret("below a file", open("a/b", O_RDONLY));
	ret("create below a file", mk("a/b", 0));
	ret("create in a missing directory", mk("no/b", 0));
	ret("empty name", open("", O_RDONLY));
	ret("trailing slash", open("a/", O_RDONLY));
	ret("create, trailing slash", mk("new/", 0));
	okay("dots", open("/tmp/.././tmp/..//tmp/.", O_RDONLY));
	ret("bad pointer", open(bad_pointer(), O_RDONLY));
	okay("lowest descriptor", close(open("a", O_RDONLY)));
	fd = open("a", O_WRONLY);
	ret("read of write-only", read(fd, &fd, 1));
	close(fd);
	fd = open("a", O_RDONLY);
	ret("write to read-only", write(fd, "x", 1));
	ret("truncate read-only", ftruncate(fd, 1));
	close(fd);
	fd = open(".", O_RDONLY);
	ret("read of a directory", read(fd, &fd, 1));
	close(fd);
}

static void long_names(void)
{
	char name[300], path[5000];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	okay("255 characters", mk(name, 0));
	name[255] = 'n';
	name[256] = '\0';
	ret("256 characters", mk(name, 0));
	memset(path, '/', sizeof(path));
	path[4095] = '\0';
	okay("path of 4095", open(path, O_RDONLY));
	path[4095] = '/';
	path[4096] = '\0';
	ret("path of 4096", open(path, O_RDONLY));
}

static void reading(void)
{
	char buf[32] = "";
	int fd = mk("data", 0);

	ret("write", write(fd, "hello, world", 12));
	ret("read at the end", read(fd, buf, 10));
	ret("seek", lseek(fd, 0, SEEK_SET));
	ret("read 5", read(fd, buf, 5));
	say("bytes", "%.5s", buf);
	ret("read the rest", read(fd, buf, 32));
	ret("seek from here", lseek(fd, -3, SEEK_CUR));
	ret("seek from the end", lseek(fd, -12, SEEK_END));
	ret("seek before the start", lseek(fd, -1, SEEK_SET));
	ret("bad whence", lseek(fd, 0, 99));
	ret("seek beyond the end", lseek(fd, 100, SEEK_SET));
	ret("read beyond the end", read(fd, buf, 1));
	ret("write there", write(fd, "!", 1));
	ret("pread of the hole", pread(fd, buf, 10, 50));
	val("it is zero", buf[0] | buf[9]);
	ret("pread", pread(fd, buf, 5, 7));
	say("bytes", "%.5s", buf);
	ret("position is kept", lseek(fd, 0, SEEK_CUR));
	ret("pwrite", pwrite(fd, "W", 1, 7));
	ret("pread at the end", pread(fd, buf, 5, 101));
	ret("pread, negative offset", pread(fd, buf, 5, -1));
	ret("pwrite, negative offset", pwrite(fd, buf, 5, -1));
	ret("read 0", read(fd, buf, 0));
	ret("write 0", write(fd, buf, 0));
	ret("read to a bad pointer", pread(fd, bad_pointer(), 5, 0));
	ret("write from a bad pointer", write(fd, bad_pointer(), 5));
	ret("bad descriptor", read(4711, buf, 1));
	ret("negative descriptor", read(-1, buf, 1));
	close(fd);
}

static void appending(void)
{
	int fd = mk("log", O_APPEND), other = mk("log", 0);

	ret("append", write(fd, "one\n", 4));
	ret("other descriptor at its end", lseek(other, 0, SEEK_END));
	ret("other appends", write(other, "two\n", 4));
	lseek(fd, 0, SEEK_SET);
	ret("append after seek", write(fd, "three\n", 6));
	ret("position", lseek(fd, 0, SEEK_CUR));
	ret("pwrite appends too", pwrite(fd, "four\n", 5, 0));
	say_file("contents", "log");
	close(fd);
	fd = mk("log", O_TRUNC);
	say_file("O_TRUNC", "log");
	close(fd);
	close(other);
}

static void truncation(void)
{
	char buf[8] = "";
	struct stat st;
	int fd = mk("t", 0);

	ret("write", write(fd, "0123456789", 10));
	ret("shrink", ftruncate(fd, 4));
	ret("grow", ftruncate(fd, 8));
	ret("pread", pread(fd, buf, 8, 0));
	val("cut bytes are zero", buf[4] | buf[7]);
	ret("position is kept", lseek(fd, 0, SEEK_CUR));
	ret("negative", ftruncate(fd, -1));
	ret("by name", truncate("t", 100000));
	fstat(fd, &st);
	val("size", st.st_size);
	ret("missing name", truncate("missing", 1));
	ret("directory", truncate(".", 1));
	ret("fallocate", fallocate(fd, 0, 0, 200000));
	fstat(fd, &st);
	val("size", st.st_size);
	ret("fallocate, keep size",
	    fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 300000));
	fstat(fd, &st);
	val("size", st.st_size);
	close(fd);
	ret("closed", ftruncate(fd, 1));
}

static void vectors(void)
{
	char a[4] = "", b[8] = "", c[4] = "";
	struct iovec in[3] = { { a, 3 }, { b, 6 }, { c, 3 } };
	struct iovec outv[3] = { { "abc", 3 }, { "", 0 }, { "defghi", 6 } };
	struct iovec bad[2] = { { a, 3 }, { bad_pointer(), 3 } };
	int fd = mk("v", 0);

	ret("writev", writev(fd, outv, 3));
	lseek(fd, 0, SEEK_SET);
	ret("readv", readv(fd, in, 3));
	say("parts", "%s %s %s", a, b, c);
	ret("readv at the end", readv(fd, in, 3));
	ret("writev of nothing", writev(fd, outv, 0));
	ret("too many", writev(fd, outv, plain(1025)));
	ret("negative count", readv(fd, in, plain(-1)));
	ret("preadv", preadv(fd, in, 1, 6));
	say("part", "%s", a);
	ret("pwritev", pwritev(fd, outv, 3, 100));
	ret("position", lseek(fd, 0, SEEK_CUR));
	lseek(fd, 0, SEEK_SET);
	ret("second buffer is bad", readv(fd, bad, 2));
	close(fd);
}

static void status(void)
{
	struct stat st;
	int fd = mk("s", 0);

	ret("fstat", fstat(fd, &st));
	say("mode", "%o", st.st_mode);
	val("links", (long)st.st_nlink);
	val("size", st.st_size);
	val("blocks", st.st_blocks);
	ret("write", write(fd, "x", 1));
	fstat(fd, &st);
	val("size", st.st_size);
	val("blocks", st.st_blocks);
	val("block size", st.st_blksize);
	yes("uid", st.st_uid == getuid());
	ret("fchmod", fchmod(fd, 0600));
	ret("stat by name", stat("s", &st));
	say("mode", "%o", st.st_mode);
	ret("chmod", chmod("s", 04755));
	stat("s", &st);
	say("mode", "%o", st.st_mode);
	umask(027);
	close(open("u", O_CREAT | O_RDWR, 0666));
	say("umask was", "%03o", umask(022));
	stat("u", &st);
	say("mode under umask", "%o", st.st_mode);
	ret("stat missing", stat("missing", &st));
	ret("stat empty", stat("", &st));
	stat(".", &st);
	say("directory mode", "%o", st.st_mode);
	ret("access", access("s", F_OK));
	ret("access R_OK", access("s", R_OK | W_OK));
	ret("access missing", access("missing", F_OK));
	ret("access bad mode", access("s", 64));
	close(fd);
}

int main(void)
{
	abi_start();
	enter_dir();
	opening();
	long_names();
	reading();
	appending();
	truncation();
	vectors();
	status();
	return 0;
}
