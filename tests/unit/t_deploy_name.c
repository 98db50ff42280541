/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function is called if nobody says: a name comes out, whatever goes
 * in.
 */
#include "cli/deploy_name.h"
#include "daemon/registry/spec.h"
#include "tests/unit/check.h"

static void test_names(void)
{
	static const struct {
		const char *source, *name;
	} rows[] = {
		{ "./my-node-app", "my-node-app" },
		{ "./my-node-app///", "my-node-app" },
		{ "/srv/Hello_World.img", "hello-world" },
		{ "server.js", "server" },
		{ "docker://docker.io/library/Nginx:1.25", "nginx" },
		{ "docker://x/y@sha256:0123", "y" },
		{ "oci:dir", "dir" },
		{ "oci-archive:a/b.tar:latest", "b" },
		{ "__init__.py", "init" },
		{ "a..b", "a-b" },
		{ "---", "function" },
		{ "", "function" },
		{ ".img", "img" },
		{ "\xff\xfe", "function" },
	};
	char name[DEPLOY_NAME_MAX];
	struct err e;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		deploy_name(name, rows[i].source);
		check_str(name, rows[i].name);
		check_int(function_name_check(name, &e), 0);
	}
}

static void test_long(void)
{
	char name[DEPLOY_NAME_MAX], source[400];
	struct err e;

	for (size_t len = 60; len < sizeof(source); len++) {
		memset(source, 'a', len);
		source[62] = '-';
		source[len] = '\0';
		deploy_name(name, source);
		check_int(function_name_check(name, &e), 0);
	}
}

int main(void)
{
	RUN(test_names);
	RUN(test_long);
	return check_done();
}
