/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which function a host and a path lead to: by path, by host, as declared.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/registry/registry.h"
#include "daemon/registry/route.h"
#include "daemon/registry/spec.h"
#include "tests/unit/check.h"

static struct registry *registry;
static char dir[] = "/tmp/t_route.XXXXXX";

static void deploy(const char *name, const char *json)
{
	struct err e = { 0 };
	struct spec spec;
	struct version *v = NULL;

	check_int(spec_parse_text(&spec, json, strlen(json), &e), 0);
	check_int(registry_stage(registry, name, &spec, &v, &e), 0);
	spec_fini(&spec);
	check_int(version_set_files(v, "d", "/nowhere/i", NULL), 0);
	check_int(registry_commit(registry, v, 100, &e), 0);
	version_unref(v);
}

static void leads(const char *host, const char *path, const char *name,
		  uint32_t prefix)
{
	struct route route;

	registry_route(registry, &route, host, path);
	if (!name) {
		check(!route.function);
		return;
	}
	check(route.function);
	check_str(route.function->name, name);
	check_int(route.prefix_len, prefix);
}

static void test_by_path(void)
{
	struct route route;

	leads("localhost", "/fn/one", "one", 7);
	leads("localhost", "/fn/one/", "one", 7);
	leads("127.0.0.1", "/fn/one/a/b", "one", 7);
	leads("", "/fn/one@3/a", "one", 9);
	leads("", "/fn/ones/", NULL, 0);
	leads("", "/fn/", NULL, 0);
	leads("", "/fn", NULL, 0);
	leads("", "/fn/one@/", NULL, 0);
	leads("", "/fn/@x/", NULL, 0);
	leads("", "/FN/one/", NULL, 0);
	registry_route(registry, &route, "", "/fn/one@beta/x");
	check_str(route.alias, "beta");
	registry_route(registry, &route, "", "/fn/one/x");
	check_str(route.alias, "");
}

static void test_long_names(void)
{
	char path[400] = "/fn/";

	memset(path + 4, 'a', 300);
	leads("", path, NULL, 0);
	memcpy(path, "/fn/one@", 8);
	leads("", path, NULL, 0);
	memset(path, 'a', 399);
	leads(path, "/", NULL, 0);
}

static void test_by_host(void)
{
	leads("one.localhost", "/", "one", 0);
	leads("ONE.LocalHost.", "/fn/two/", "one", 0);
	leads("nobody.localhost", "/", NULL, 0);
	leads(".localhost", "/", NULL, 0);
	leads("one.localhost.example", "/", NULL, 0);
	leads("oneXlocalhost", "/", NULL, 0);
	leads("one.functions.example", "/", NULL, 0);
	check_int(registry_set_domain(registry, "functions.example", NULL), 0);
	leads("one.functions.example", "/", "one", 0);
	check(registry_set_domain(registry, "no domain", NULL) < 0);
	check(registry_set_domain(registry, "", NULL) < 0);
	leads("one.functions.example", "/", "one", 0);
}

static void test_declared(void)
{
	deploy("shop", "{\"routes\": [\"shop.example/\", \"/shop\"]}");
	deploy("cart", "{\"routes\": [\"shop.example/cart/\"]}");
	leads("shop.example", "/", "shop", 0);
	leads("Shop.Example", "/carts", "shop", 0);
	leads("shop.example", "/cart", "cart", 0);
	leads("shop.example", "/cart/1", "cart", 0);
	leads("shop.example", "/fn/one/", "shop", 0);
	leads("other.example", "/shop", "shop", 0);
	leads("other.example", "/shop/x", "shop", 0);
	leads("other.example", "/shopping", NULL, 0);
	leads("one.localhost", "/shop", "one", 0);
}

static void test_only_what_answers(void)
{
	deploy("shop", "{\"routes\": [\"/store\"]}");
	leads("x", "/shop", NULL, 0);
	leads("x", "/store/", "shop", 0);
	check_int(registry_rollback(registry, registry_find(registry, "shop"),
				    ALIAS_DEFAULT, NULL),
		  0);
	leads("x", "/shop", "shop", 0);
	leads("x", "/store/", NULL, 0);
}

static void test_clash(void)
{
	static const char json[] = "{\"routes\": [\"shop.example/cart\"]}";
	struct err e = { 0 };
	struct spec spec;
	struct version *v = NULL;

	check_int(spec_parse_text(&spec, json, strlen(json), &e), 0);
	check_int(registry_stage(registry, "thief", &spec, &v, &e), -EEXIST);
	check(strstr(e.text, "cart's already"));
	spec_fini(&spec);
}

static void test_syntax(void)
{
	static const char *const good[] = { "/", "/a", "/a/b/", "a.b/",
					    "x-1.example/y" };
	static const char *const bad[] = { "",	    "a",     "a b/", "A/",
					   "//",    "/a//b", "/a?b", "/a#",
					   "a..b/", ".a/",   "a:1/", "/\x01",
					   "/../x", "/%2f" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check(route_check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(!route_check(bad[i]));
}

int main(void)
{
	char rm[] = "rm", rf[] = "-rf", *argv[] = { rm, rf, dir, NULL };
	struct err e = { 0 };

	if (!mkdtemp(dir) || registry_open(&registry, dir, &e) < 0) {
		printf("%s\n", e.text);
		return 1;
	}
	deploy("one", "{}");
	deploy("two", "{}");
	RUN(test_by_path);
	RUN(test_long_names);
	RUN(test_by_host);
	RUN(test_declared);
	RUN(test_only_what_answers);
	RUN(test_clash);
	RUN(test_syntax);
	registry_close(registry);
	if (check_done())
		return 1;
	fflush(stdout);
	execvp(argv[0], argv);
	return 1;
}
