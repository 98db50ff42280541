/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayflyd: the serverless platform on one machine, in one process that does
 * nothing but wait for events. ARCHITECTURE.md follows a request through it.
 */
#include <stdio.h>

#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/platform.h"
#include "host/log.h"

#define STATUS_FAILED 125

static int fail(const struct err *e)
{
	log_say("%s", e->text);
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	static struct daemon_options options;
	static struct platform platform;
	struct err e;
	int r;

	log_set_name("mayflyd");
	if (daemon_options_parse(&options, argc, argv, &e) < 0)
		return fail(&e);
	if (options.help) {
		daemon_options_help();
		return 0;
	}
	if (options.version) {
		printf("mayflyd %s\n", MF_VERSION);
		return 0;
	}
	if (platform_start(&platform, &options, &e) < 0)
		return fail(&e);
	notify_manager("READY=1");
	r = platform_run(&platform);
	platform_end(&platform);
	return r < 0 ? STATUS_FAILED : 0;
}
