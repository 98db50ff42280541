/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: what is written can be read, and every other version, shape or
 * size is refused with the right code.
 */
#include "image/manifest.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/check.h"

#define GOOD                                                     \
	"{\"version\": 2, \"abi\": 1, \"program\": \"/bin/x\","  \
	" \"args\": [\"x\", \"y\"], \"env\": [\"A=b\", \"C=\"]," \
	" \"cwd\": \"/tmp\", \"memory\": 1048576,"               \
	" \"ports\": [\"80/tcp\", \"53/udp\"]}"

static struct err e;

static int parse(const char *text)
{
	struct manifest m;
	int r = manifest_parse(&m, text, strlen(text), &e);

	if (r == 0)
		manifest_fini(&m);
	return r;
}

static void test_good(void)
{
	struct manifest m;

	check_int(manifest_parse(&m, GOOD, strlen(GOOD), &e), 0);
	check_int(m.abi, 1);
	check_str(m.program, "/bin/x");
	check_str(m.cwd, "/tmp");
	check_int(m.memory_bytes, 1 << 20);
	check_int(m.args_count, 2);
	check_str(m.args[1], "y");
	check_int(m.env_count, 2);
	check_str(m.env[1], "C=");
	check_int(m.ports_count, 2);
	check_str(m.ports[1], "53/udp");
	check_int(m.args_default, 0);
	manifest_fini(&m);
}

static void test_round_trip(void)
{
	const char *args[] = { "/bin/\"quoted\"", "" };
	const char *env[] = { "PATH=/bin" };
	const char *ports[] = { "8080/tcp" };
	struct manifest in = { .abi = 7,
			       .program = "/bin/p",
			       .cwd = "/",
			       .memory_bytes = 5 << 20,
			       .args = args,
			       .args_count = 2,
			       .args_default = 1,
			       .uid = 99,
			       .gid = UINT32_MAX - 1,
			       .stop_signal = 3,
			       .env = env,
			       .env_count = 1,
			       .ports = ports,
			       .ports_count = 1 };
	struct manifest out;
	char *text = manifest_format(&in), *again;

	check(text != NULL);
	check_int(manifest_parse(&out, text, strlen(text), &e), 0);
	check_int(out.abi, 7);
	check_str(out.args[0], args[0]);
	check_str(out.args[1], "");
	check_int(out.args_default, 1);
	check_int(out.uid, 99);
	check_int(out.gid, UINT32_MAX - 1);
	check_int(out.stop_signal, 3);
	again = manifest_format(&out);
	check_str(again, text);
	free(text);
	free(again);
	manifest_fini(&out);
}

static void test_format_refuses_invalid_utf8(void)
{
	const char *args[] = { "\xff" };
	struct manifest m = { .program = "/bin/\xff",
			      .cwd = "/",
			      .args = args,
			      .args_count = 1 };

	check_ptr(manifest_format(&m), NULL);
}

static void test_versions(void)
{
	check_int(parse("{\"version\": 1}"), -EPROTONOSUPPORT);
	check(strstr(e.text, "version 1") != NULL);
	check_int(parse("{\"version\": 0}"), -EPROTONOSUPPORT);
	check_int(parse("{\"version\": \"2\"}"), -EBADMSG);
	check_int(parse("{}"), -EBADMSG);
	/* of another version, whatever else it holds */
	check_int(parse("{\"version\": 99, \"color\": true}"),
		  -EPROTONOSUPPORT);
}

static void test_not_json(void)
{
	check_int(parse(""), -EBADMSG);
	check_int(parse("version: 1"), -EBADMSG);
	check_int(parse("[]"), -EBADMSG);
	check_int(parse(GOOD "x"), -EBADMSG);
	check_int(parse("{\"version\": 2, \"version\": 2}"), -EBADMSG);
}

/* GOOD with the first `from` replaced. */
static int parse_with(const char *from, const char *to)
{
	char text[512];
	const char *at = strstr(GOOD, from);

	check(at != NULL);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD), GOOD, to,
		 at + strlen(from));
	return parse(text);
}

#define USER(uid) "\"abi\": 1, \"user\": {\"uid\": " uid "}"

static void test_members(void)
{
	check_int(parse_with("/bin/x", "/bin/y"), 0);
	check_int(parse_with("/bin/x", "bin/x"), -EBADMSG);
	check_int(parse_with("/tmp", "tmp"), -EBADMSG);
	check_int(parse_with("1048576", "-1"), -EBADMSG);
	check_int(parse_with("1048576", "\"1\""), -EBADMSG);
	check_int(parse_with("\"x\", \"y\"", ""), -EBADMSG);
	check_int(parse_with("\"x\", \"y\"", "\"x\", 1"), -EBADMSG);
	check_int(parse_with("[\"x\", \"y\"]", "\"x\""), -EBADMSG);
	check_int(parse_with("A=b", "A"), -EBADMSG);
	check_int(parse_with("A=b", "=b"), -EBADMSG);
	check_int(parse_with("80/tcp", "65535/udp"), 0);
	check_int(parse_with("80/tcp", "65536/tcp"), -EBADMSG);
	check_int(parse_with("80/tcp", "0/tcp"), -EBADMSG);
	check_int(parse_with("80/tcp", "80"), -EBADMSG);
	check_int(parse_with("80/tcp", "80/sctp"), -EBADMSG);
	check_int(parse_with("80/tcp", "+80/tcp"), -EBADMSG);
	check_int(parse_with("\"abi\": 1,", ""), -EBADMSG);
	check_int(parse_with("\"abi\": 1", "\"abi\": 1, \"args_default\": 1"),
		  0);
	check_int(parse_with("\"abi\": 1", "\"abi\": 1, \"args_default\": 2"),
		  -EBADMSG);
	check_int(parse_with("\"abi\": 1", "\"abi\": 1, \"args_default\": -1"),
		  -EBADMSG);
	check_int(parse_with("\"abi\": 1", USER("1, \"gid\": 2")), 0);
	check_int(parse_with("\"abi\": 1", USER("1")), -EBADMSG);
	check_int(parse_with("\"abi\": 1", USER("-1, \"gid\": 2")), -EBADMSG);
	check_int(parse_with("\"abi\": 1", USER("1, \"gid\": 4294967295")),
		  -EBADMSG);
	check_int(parse_with("\"abi\": 1", "\"abi\": 1, \"stop_signal\": 65"),
		  -EBADMSG);
	check_int(parse_with("\"abi\": 1", "\"abi\": 4294967296"), -EBADMSG);
	check_int(parse_with("\"abi\": 1", "\"abi\": -1"), -EBADMSG);
	check_int(parse_with("\"abi\"", "\"color\": 1, \"abi\""), -EBADMSG);
	check_int(parse_with("/bin/x", "/bin/\\u0000x"), -EBADMSG);
}

static char *with_args(unsigned count)
{
	char *text = malloc(8 * (size_t)count + 512);
	size_t len = 0;
	unsigned i;

	check(text != NULL);
	len += (size_t)snprintf(text, 512,
				"{\"version\":2,\"abi\":1,"
				"\"program\":\"/x\",\"env\":[],"
				"\"cwd\":\"/\",\"memory\":0,\"ports\":[],"
				"\"args\":[");
	for (i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, 8, "%s\"a\"", i ? "," : "");
	snprintf(text + len, 8, "]}");
	return text;
}

static void test_limits(void)
{
	char *text = with_args(MANIFEST_STRINGS_MAX);

	check_int(parse(text), 0);
	free(text);
	text = with_args(MANIFEST_STRINGS_MAX + 1);
	check_int(parse(text), -EBADMSG);
	free(text);
	text = calloc(1, MANIFEST_SIZE_MAX + 2);
	check(text != NULL);
	memset(text, ' ', MANIFEST_SIZE_MAX + 1);
	memcpy(text, GOOD, strlen(GOOD));
	check_int(parse(text), -EBADMSG);
	text[MANIFEST_SIZE_MAX] = '\0';
	check_int(parse(text), 0);
	free(text);
}

int main(void)
{
	RUN(test_good);
	RUN(test_round_trip);
	RUN(test_format_refuses_invalid_utf8);
	RUN(test_versions);
	RUN(test_not_json);
	RUN(test_members);
	RUN(test_limits);
	return check_done();
}
