/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every process tells of itself under the names that everybody uses. A
 * number that /proc does not have is left as it was.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/metrics/private.h"
#include "host/cleanup.h"

void process_metrics_init(struct metrics *m)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	m->started_s = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	metrics_set(m, METRIC_BUILD, LABELS(MF_VERSION), 1);
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* Pages, of the address space and resident. */
static void collect_memory(struct metrics *m)
{
	AUTO_CLOSE int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	double page = (double)sysconf(_SC_PAGESIZE);
	char text[128], *end;
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len <= 0)
		return;
	text[len] = '\0';
	metrics_set(m, METRIC_PROCESS_VIRTUAL, NO_LABELS,
		    (double)strtoull(text, &end, 10) * page);
	metrics_set(m, METRIC_PROCESS_RESIDENT, NO_LABELS,
		    (double)strtoull(end, NULL, 10) * page);
}

static void collect_fds(struct metrics *m)
{
	DIR *d = opendir("/proc/self/fd");
	struct rlimit limit;
	unsigned count = 0;
	double max;

	getrlimit(RLIMIT_NOFILE, &limit);
	max = (double)limit.rlim_cur;
	metrics_set(m, METRIC_PROCESS_FDS_MAX, NO_LABELS, max);
	if (!d)
		return;
	while (readdir(d))
		count++;
	closedir(d);
	/* Without ".", ".." and the directory itself. */
	metrics_set(m, METRIC_PROCESS_FDS, NO_LABELS, count - 3.0);
}

void process_metrics_collect(struct metrics *m)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	metrics_set(m, METRIC_PROCESS_CPU, NO_LABELS,
		    seconds(&u.ru_utime) + seconds(&u.ru_stime));
	metrics_set(m, METRIC_PROCESS_START, NO_LABELS, m->started_s);
	collect_memory(m);
	collect_fds(m);
}
