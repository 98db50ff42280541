/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads files such as
 *	some avg10=0.12 avg60=0.00 avg300=0.00 total=65633008
 *	full avg10=0.00 avg60=0.00 avg300=0.00 total=22332190
 */
#include "host/pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/cleanup.h"

#define MACHINE "/proc/pressure/memory"

/* "12.34" in hundredths of a hundredth, as thousandths; -1: it is no number. */
static long parse_average(const char *text)
{
	char *end;
	unsigned long whole = strtoul(text, &end, 10), part;

	if (end == text || *end != '.' || whole > 100)
		return -1;
	text = end + 1;
	part = strtoul(text, &end, 10);
	return end == text + 2 ? (long)(whole * 10 + part / 10) : -1;
}

static bool parse_line(const char *line, uint32_t *ret_milli, uint64_t *ret_us)
{
	const char *average = strstr(line, "avg10=");
	const char *total = strstr(line, "total=");
	long milli;

	if (!average || !total)
		return false;
	milli = parse_average(average + strlen("avg10="));
	if (milli < 0)
		return false;
	*ret_milli = (uint32_t)milli;
	*ret_us = strtoull(total + strlen("total="), NULL, 10);
	return true;
}

static int read_file(const char *path, struct pressure *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct pressure p = { 0 };
	char text[512], *full;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	full = strchr(text, '\n');
	if (full)
		*full++ = '\0';
	if (strncmp(text, "some ", 5) != 0 ||
	    !parse_line(text, &p.some_milli, &p.some_us))
		return -EBADMSG;
	if (full && strncmp(full, "full ", 5) == 0 &&
	    !parse_line(full, &p.full_milli, &p.full_us))
		return -EBADMSG;
	*ret = p;
	return 0;
}

/* Our cgroup's file; the root's has another name, and is the machine's. */
static bool own_path(const char *root, char *ret, size_t size)
{
	char dir[CGROUP_PATH_MAX];
	size_t mount_len;

	return cgroup_own_dir(dir, &mount_len, root, NULL) &&
	       snprintf(ret, size, "%s%s/memory.pressure", root, dir) <
		       (int)size;
}

int pressure_read(const char *root, struct pressure *ret)
{
	char path[CGROUP_PATH_MAX + 64];
	struct pressure machine = { 0 }, own = { 0 };
	int r;

	snprintf(path, sizeof(path), "%s" MACHINE, root);
	r = read_file(path, &machine);
	if (own_path(root, path, sizeof(path)) && read_file(path, &own) == 0 &&
	    (r < 0 || own.some_milli > machine.some_milli ||
	     own.full_milli > machine.full_milli)) {
		*ret = own;
		return 0;
	}
	if (r == 0)
		*ret = machine;
	return r;
}

int pressure_open(uint32_t stall_us, uint32_t window_us)
{
	AUTO_CLOSE int fd = open(MACHINE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	char text[64];
	int n;

	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "some %u %u", stall_us, window_us);
	/* With its NUL: that is how Linux finds the end. */
	return write(fd, text, (size_t)n + 1) < 0 ? -errno : take_fd(&fd);
}
