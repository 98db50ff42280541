/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly-spawner: starts the monitors of mayflyd, each in its cgroup and with
 * its own user, and tells how they ended. Started by mayflyd, which speaks
 * spawner/protocol.h on descriptor 3; not meant to be run by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/cleanup.h"
#include "spawner/privileges.h"
#include "spawner/serve.h"

#define STATUS_FAILED  125
#define OOM_SCORE_MORE 500 /* thousandths of the memory */
/* Beside those of monitors that root started by hand (monitor/jail.c). */
#define UID_FIRST 0x70400000u
#define UID_COUNT (1u << 22) /* no host has more processes */
#define UID_LAST  0xfffffffdu

struct arguments {
	const char *monitor;
	const char *cgroups;
	struct uid_range uids;
};

static _Noreturn void die(const struct err *e)
{
	fprintf(stderr, "mayfly-spawner: %s\n", e->text);
	exit(STATUS_FAILED);
}

static int parse_uids(const char *text, struct uid_range *ret, struct err *e)
{
	char *end = NULL;
	unsigned long first, count = 0;

	first = strtoul(text, &end, 10);
	if (*end == ':')
		count = strtoul(end + 1, &end, 10);
	if (*end || !first || !count || first > UID_LAST ||
	    count > UID_LAST - first + 1)
		return err_set(e, EINVAL,
			       "--uids %s is not FIRST:COUNT, with FIRST from "
			       "1 on",
			       text);
	*ret = (struct uid_range){ (uid_t)first, (uid_t)count };
	return 0;
}

static bool is_kind(const char *text)
{
	return strcmp(text, "auto") == 0 || strcmp(text, "v1") == 0 ||
	       strcmp(text, "v2") == 0 || strcmp(text, "none") == 0;
}

static int parse(int argc, char **argv, struct arguments *ret, struct err *e)
{
	static const struct option options[] = {
		{ "monitor", required_argument, NULL, 'm' },
		{ "cgroups", required_argument, NULL, 'c' },
		{ "uids", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	int c, r = 0;

	*ret = (struct arguments){ .monitor = "",
				   .cgroups = "auto",
				   .uids = { UID_FIRST, UID_COUNT } };
	while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) > 0) {
		if (c == 'm')
			ret->monitor = optarg;
		else if (c == 'c')
			ret->cgroups = optarg;
		else
			r = c == 'u' ? parse_uids(optarg, &ret->uids, e) :
				       err_set(e, EINVAL,
					       "an option is not known");
	}
	if (r == 0 && !is_kind(ret->cgroups))
		r = err_set(e, EINVAL,
			    "--cgroups %s is none of auto, v1, v2 and none",
			    ret->cgroups);
	if (r == 0 &&
	    (optind < argc || !*ret->monitor || fcntl(SPAWNER_FD, F_GETFD) < 0))
		r = err_set(e, EINVAL,
			    "started by mayflyd, not by hand: it expects a "
			    "socket as descriptor %d",
			    SPAWNER_FD);
	return r;
}

static int open_monitor(const char *path, struct err *e)
{
	int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? err_sys(e, errno, "cannot open %s", path) : fd;
}

/* If memory runs out, one of many instances is to end and not mayflyd. */
static void read_oom_score(char *ret, size_t size)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/oom_score_adj", "re");
	char line[32];
	int score;

	if (!f || !fgets(line, sizeof(line), f))
		return;
	score = (int)strtol(line, NULL, 10) + OOM_SCORE_MORE;
	snprintf(ret, size, "%d", score > 1000 ? 1000 : score);
}

/* mayflyd, which made the socket; 0 if that is not our parent. */
static pid_t find_parent(void)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	if (getsockopt(SPAWNER_FD, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return 0;
	return peer.pid == getppid() ? peer.pid : 0;
}

int main(int argc, char **argv)
{
	static struct groups groups;
	struct serve_config config = { .groups = &groups };
	struct arguments args;
	struct err e, why = { 0 };
	int r;

	if (parse(argc, argv, &args, &e) < 0 || privileges_init(&e) < 0)
		die(&e);
	fcntl(SPAWNER_FD, F_SETFD, FD_CLOEXEC);
	config.monitor = open_monitor(args.monitor, &e);
	if (config.monitor < 0 || privileges_drop(&e) < 0)
		die(&e);
	if (geteuid() == 0)
		config.uids = args.uids;
	read_oom_score(config.oom_score, sizeof(config.oom_score));
	groups_init(&groups, args.cgroups, find_parent(), &why);
	config.why = &why;
	r = serve(&config, &e);
	groups_fini(&groups);
	if (r < 0)
		die(&e);
	return 0;
}
