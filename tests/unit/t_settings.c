/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly.yaml: what each key gives, and the line and the word of each error.
 */
#include "cli/settings.h"

#include <errno.h>

#include "tests/unit/check.h"

static struct settings s;
static struct err e;

static int parse(const char *text)
{
	settings_fini(&s);
	return settings_parse(&s, text, strlen(text), "m.yaml", &e);
}

/* Refused, and `words` is what is said. */
static void refused(const char *text, const char *words)
{
	check_int(parse(text), -EINVAL);
	if (!strstr(e.text, words))
		check_str(e.text, words);
}

static void test_nothing(void)
{
	check_int(parse(""), 0);
	check_int(parse("# nothing\n"), 0);
	check_int(parse("---\n...\n"), 0);
	check_int(parse("{}"), 0);
	check_int(s.command.count, 0);
	check_ptr(s.builder, NULL);
}

static void test_all(void)
{
	check_int(parse("builder: node\nentry: a.js\n"
			"command: [node, a b]\nargs: [1, '']\n"
			"port: 8002\nmemory: 64m\nenv:\n  A: b=c\n  D: yes\n"
			"  E:\ncwd: /srv\nfiles: [x, y:/z]\n"),
		  0);
	check_str(s.builder, "node");
	check_str(s.entry, "a.js");
	check_int(s.command.count, 2);
	check_str(s.command.items[1], "a b");
	check_int(s.args.count, 2);
	check_str(s.args.items[0], "1");
	check_str(s.args.items[1], "");
	check_int(s.ports.count, 1);
	check_str(s.ports.items[0], "8002/tcp");
	check_int(s.memory_bytes, 64 << 20);
	check_int(s.env.count, 3);
	check_str(s.env.items[0], "A=b=c");
	check_str(s.env.items[1], "D=yes");
	check_str(s.env.items[2], "E=");
	check_str(s.cwd, "/srv");
	check_int(s.files.count, 2);
	check_str(s.files.items[1], "y:/z");
}

static const char *function_text(const char *key)
{
	return json_string_value(json_object_get(s.function, key));
}

static long long function_number(const char *key)
{
	return json_integer_value(json_object_get(s.function, key));
}

static void test_function(void)
{
	check_int(parse("function:\n  name: shop\n  isolation: reuse\n"
			"  timeout: 2s\n  idle-timeout: 0\n  cpu: 0.25\n"
			"  memory: 64m\n  token-protected: true\n"
			"  egress: all\n  routes: [/a, b.c/]\n"
			"  readiness: none\n  env: { A: b, C: 7 }\n"),
		  0);
	check_str(function_text("name"), "shop");
	check_str(function_text("isolation"), "reuse");
	check_int(function_number("total_ms"), 2000);
	check(json_is_integer(json_object_get(s.function, "idle_ms")));
	check_int(function_number("idle_ms"), 0);
	check_int(function_number("cpu_milli"), 250);
	check_int(function_number("memory_bytes"), 64 << 20);
	check(json_is_true(json_object_get(s.function, "needs_token")));
	check_int(json_array_size(json_object_get(s.function, "egress")), 1);
	check_int(json_array_size(json_object_get(s.function, "routes")), 2);
	check(json_is_null(json_object_get(s.function, "readiness")));
	check_int(json_object_size(json_object_get(s.function, "env")), 2);
	check_int(parse("env: {}\n"), 0);
	check_ptr(s.function, NULL);
}

static void test_function_errors(void)
{
	refused("function: 7", "m.yaml:1: function is not a map");
	refused("function:\n  timout: 2s",
		"m.yaml:2: there is no key timout in function; did you mean "
		"timeout?");
	refused("function:\n  min: many", "m.yaml:2: min is not a number");
	refused("function:\n  cpu: 2", "m.yaml:2: cpu is not a share");
	refused("function:\n  keep: soon", "m.yaml:2: keep: soon is not");
	refused("function:\n  memory: [1]", "m.yaml:2: memory is not a text");
	refused("function:\n  token-protected: 9", "m.yaml:2: token-protected");
	refused("function:\n  env: [A]", "m.yaml:2: env is not a map");
	refused("function:\n  env:\n    A: [b]", "m.yaml:3: env has a name");
	refused("function:\n  routes:\n    - {}", "m.yaml:3: route");
	refused("function: {}\nfunction: {}", "function is said twice");
}

static void test_not_rewritten(void)
{
	check_int(parse("a: b\n"), -EINVAL);
	check(!s.no_rewrite);
	check_int(parse("no-rewrite: true\n"), 0);
	check(s.no_rewrite);
	check_int(parse("no-rewrite: false\n"), 0);
	check(!s.no_rewrite);
	check_int(s.not_rewritten.count, 0);
	check_int(parse("no-rewrite: /bin/a\n"), 0);
	check_int(s.not_rewritten.count, 1);
	check_int(parse("no-rewrite: [/bin/a, /usr/lib]\n"), 0);
	check(!s.no_rewrite);
	check_str(s.not_rewritten.items[1], "/usr/lib");
	refused("\nno-rewrite: yes\n", "m.yaml:2: no-rewrite is neither");
	refused("no-rewrite: [true]\n", "no-rewrite is neither");
	refused("no-rewrite: {/a: b}\n", "no-rewrite is neither");
}

static void test_words(void)
{
	check_int(parse("command: a  \"b 'c\" 'd\"'e ''\n"), 0);
	check_int(s.command.count, 4);
	check_str(s.command.items[1], "b 'c");
	check_str(s.command.items[2], "d\"e");
	check_str(s.command.items[3], "");
	refused("\ncommand: a 'b\n", "m.yaml:2: a quotation mark is not");
	refused("command: ''\n", "m.yaml:1: command names no program");
	refused("command: []\n", "command names no program");
	refused("command: {a: b}\n", "command is neither a line");
	refused("command: [a, [b]]\n", "command is neither a line");
}

static void test_ports(void)
{
	check_int(parse("ports: [1, 65535/udp, 1, 1/tcp]\nport: 2"), 0);
	check_int(s.ports.count, 3);
	refused("port: 0", "m.yaml:1: port is not a number from 1 to 65535");
	refused("port: 65536", "port is not");
	refused("port: 80/sctp", "port is not");
	refused("port: 80-90", "port is not");
	refused("port:", "port is not");
	refused("port: 1000000000000000000000000000000000", "port is not");
	refused("ports:\n- 80\n- x\n", "m.yaml:3: ports is not a number");
	refused("ports: {80: 80}", "ports is not");
}

static void test_keys(void)
{
	refused("colour: red\n",
		"m.yaml:1: there is no key colour; the keys are args,");
	refused("port: 80\n\ncomand: x\n",
		"m.yaml:3: there is no key comand; did you mean command?");
	refused("Builder: x\n", "did you mean builder?");
	refused("port: 1\nport: 2\n", "m.yaml:2: port is said twice");
	refused("[a]: b\n", "a key is not a word");
	refused("? {a: b}\n: c\n", "a key is not a word");
	refused("\"a\\0b\": c\n", "a key is not a word");
}

static void test_values(void)
{
	refused("builder:\n", "builder is not a word");
	refused("builder: [a]\n", "builder is not a word");
	refused("cwd: tmp\n", "cwd is not an absolute path");
	refused("memory: lots\n", "memory is not a size like 64m or 1g");
	refused("memory: 0\n", "memory is not a size");
	refused("env: [A=b]\n", "env is not a map");
	refused("env: {A=b: c}\n", "not one of a variable");
	refused("env: {A: [b]}\n", "the value of A is not a text");
	refused("env:\n  A: b\n  C: {d: e}\n", "m.yaml:3: the value of C");
	refused("files: {a: b}\n", "files is not a list of SOURCE");
	refused("files: ['']\n", "files is not a list of SOURCE");
	refused("cwd: \"/a\\0b\"\n", "cwd is not a word");
}

static void test_documents(void)
{
	refused("just text\n", "m.yaml:1: this is not a map");
	refused("- a\n", "this is not a map");
	refused("port: 1\n---\nport: 2\n",
		"m.yaml:3: there is more than one document");
	refused("a: [b\nc: d\n", "m.yaml:2: ");
	refused("a:\n\t- b\n", "m.yaml:2: ");
	refused("env: *x\n", "m.yaml:1: ");
	refused("a: \xff\n", "m.yaml: ");
}

static void test_limits(void)
{
	static char text[3 * SETTINGS_LIST_MAX + 64];
	size_t i, len = (size_t)snprintf(text, sizeof(text), "args: [x");

	for (i = 1; i < SETTINGS_LIST_MAX; i++)
		len += (size_t)snprintf(text + len, 4, ",x");
	snprintf(text + len, 8, "]");
	check_int(parse(text), 0);
	check_int(s.args.count, SETTINGS_LIST_MAX);
	snprintf(text + len, 8, ",x]");
	refused(text, "args has more than 1024 entries");
}

int main(void)
{
	RUN(test_nothing);
	RUN(test_all);
	RUN(test_function);
	RUN(test_function_errors);
	RUN(test_not_rewritten);
	RUN(test_words);
	RUN(test_ports);
	RUN(test_keys);
	RUN(test_values);
	RUN(test_documents);
	RUN(test_limits);
	settings_fini(&s);
	return check_done();
}
