/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pressure of memory, out of files that a kernel could have written.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "host/pressure.h"
#include "tests/unit/check.h"

#define MACHINE "proc/pressure/memory"
#define GROUP	"sys/fs/cgroup/a/b/memory.pressure"

static char root[512];
static struct pressure p;

static void put(const char *path, const char *text)
{
	char full[1024], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	slash = strrchr(full, '/');
	*slash = '\0';
	check_int(file_mkdirs(full), 0);
	*slash = '/';
	f = fopen(full, "we");
	check(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void test_machine(void)
{
	check_int(pressure_read(root, &p), -ENOENT);
	put(MACHINE, "some avg10=12.34 avg60=1.00 avg300=0.02 total=65633008\n"
		     "full avg10=0.99 avg60=0.00 avg300=0.00 total=22332190\n");
	check_int(pressure_read(root, &p), 0);
	check_int(p.some_milli, 123);
	check_int(p.full_milli, 9);
	check_int(p.some_us, 65633008);
	check_int(p.full_us, 22332190);
	put(MACHINE, "some avg10=100.00 avg60=0.00 avg300=0.00 total=1\n");
	check_int(pressure_read(root, &p), 0);
	check_int(p.some_milli, 1000);
	check_int(p.full_milli, 0);
}

static void test_group(void)
{
	put(MACHINE, "some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n"
		     "full avg10=0.00 avg60=0.00 avg300=0.00 total=6\n");
	put("proc/self/cgroup", "4:memory:/other\n0::/a/b\n");
	put("proc/self/mountinfo", "30 1 0:2 / /sys/fs/cgroup rw - cgroup2 "
				   "none rw\n");
	check_int(pressure_read(root, &p), 0);
	check_int(p.some_us, 5);
	put(GROUP, "some avg10=30.00 avg60=0.00 avg300=0.00 total=7\n"
		   "full avg10=10.00 avg60=0.00 avg300=0.00 total=8\n");
	check_int(pressure_read(root, &p), 0);
	check_int(p.some_milli, 300);
	check_int(p.full_us, 8);
	put(GROUP, "some avg10=0.50 avg60=0.00 avg300=0.00 total=7\n"
		   "full avg10=0.00 avg60=0.00 avg300=0.00 total=8\n");
	check_int(pressure_read(root, &p), 0);
	check_int(p.some_milli, 10);
}

static void test_nonsense(void)
{
	static const char *const bad[] = {
		"",
		"some\n",
		"some avg10= total=\n",
		"some avg10=x.00 total=1\n",
		"some avg10=1.0 total=1\n",
		"some avg10=999.00 avg60=0.00 avg300=0.00 total=1\n",
		"full avg10=1.00 avg60=0.00 avg300=0.00 total=1\n",
		"some avg10=1.00 avg60=0.00 avg300=0.00 total=1\nfull x\n",
	};

	put("proc/self/cgroup", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(MACHINE, bad[i]);
		p.some_us = 77;
		check_int(pressure_read(root, &p), -EBADMSG);
		check_int(p.some_us, 77);
	}
}

int main(void)
{
	if (!getcwd(root, sizeof(root)))
		return 1;
	RUN(test_machine);
	RUN(test_group);
	RUN(test_nonsense);
	return check_done();
}
