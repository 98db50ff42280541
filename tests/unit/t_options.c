/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser and the environment list: all spellings of an option,
 * where the program's own words begin, and what a typing error answers.
 */
#include "host/opts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/run_options.h"
#include "launch/env_list.h"
#include "tests/unit/check.h"

static struct err e;
static struct run_options o;

static int parse(const char *const *words)
{
	static char *argv[16];
	int argc = 0;

	for (; words[argc] && argc < 15; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	run_options_fini(&o);
	memset(&o, 0, sizeof(o));
	return run_options_parse(&o, argc, argv, &e);
}

#define PARSE(...) parse((const char *[]){ "run", __VA_ARGS__, NULL })

static void test_spellings(void)
{
	check_int(PARSE("-m", "1m", "p"), 0);
	check_int(o.memory_bytes, 1 << 20);
	check_int(PARSE("-m2m", "p"), 0);
	check_int(o.memory_bytes, 2 << 20);
	check_int(PARSE("--memory", "3m", "p"), 0);
	check_int(o.memory_bytes, 3 << 20);
	check_int(PARSE("--memory=4m", "p"), 0);
	check_int(o.memory_bytes, 4 << 20);
}

static void test_words_of_the_program(void)
{
	check_int(PARSE("--stats", "p", "--stats", "-x", "--"), 0);
	check(o.stats);
	check_str(o.path, "p");
	check_int(o.args_count, 3);
	check_str(o.args[0], "--stats");
	check_str(o.args[2], "--");
	check_int(PARSE("--", "-p", "a"), 0);
	check_str(o.path, "-p");
	check_int(o.args_count, 1);
}

static const struct opt table[] = {
	{ 10, 'f', "force", NULL, "" },
	{ 11, 0, "times", "[=N]", "" },
	{ 0 },
};

/* What opts_next() says of `words` one after the other: 'f', 't', 'w', and
 * the number of words that are left. */
static const char *taken(const char *const *words, bool program)
{
	static char ret[16], *argv[8];
	struct opts it = { .table = table,
			   .argv = argv,
			   .next = 1,
			   .words_between = true,
			   .program = program };
	const char *value;
	size_t n = 0;
	int id;

	for (; words[it.argc]; it.argc++)
		argv[it.argc] = (char *)(uintptr_t)words[it.argc];
	while ((id = opts_next(&it, &value, &e)) > OPT_END)
		ret[n++] = id == OPT_WORD ? 'w' : id == 10 ? 'f' : 't';
	check_int(id, OPT_END);
	snprintf(ret + n, sizeof(ret) - n, "%d", it.argc - it.next);
	return ret;
}

#define TAKEN(program, ...) \
	taken((const char *[]){ "verb", __VA_ARGS__, NULL }, program)

/* Options between words; what is behind -- are words, or the program's. */
static void test_words_between(void)
{
	check_str(TAKEN(false, "a", "-f", "-", "--times", "b"), "wfwtw0");
	check_str(TAKEN(false, "a", "--", "-f", "--"), "www0");
	check_str(TAKEN(true, "a", "-f", "--", "-f", "--"), "wf2");
	check_str(TAKEN(true, "--", "-a", "--", "-f"), "w1");
	check_str(TAKEN(true, "-f", "--"), "f0");
}

static void test_mistakes(void)
{
	check_int(PARSE("--stat", "p"), -EINVAL);
	check(strstr(e.text, "did you mean --stats?") != NULL);
	check_int(PARSE("--bogus-thing", "p"), -EINVAL);
	check(strstr(e.text, "did you mean") == NULL);
	check_int(PARSE("-Z", "p"), -EINVAL);
	check_int(PARSE("--stats=yes", "p"), -EINVAL);
	check_int(PARSE("--memory"), -EINVAL);
	check_int(PARSE("--stats"), -EINVAL);
	check_int(PARSE("--substrate", "qemu", "p"), -EINVAL);
	check_int(PARSE("-w", "tmp", "p"), -EINVAL);
	check_int(PARSE("--name", "-x", "p"), -EINVAL);
	check_int(PARSE("--name", "a/b", "p"), -EINVAL);
	check_int(PARSE("--name", "", "p"), -EINVAL);
}

static void test_ports(void)
{
	check_int(PARSE("-p", "1:2", "-p", "3:2/udp", "p"), 0);
	check_int(o.port_count, 2);
	check_int(PARSE("-p", "1:2", "-p", "3:2", "p"), -EINVAL);
	check(strstr(e.text, "published twice") != NULL);
}

static void test_help_wins(void)
{
	check_int(PARSE("--help"), 0);
	check(o.help);
	check_int(PARSE("-h", "p"), 0);
	check(o.help);
}

static void test_environment(void)
{
	struct env_list l = { 0 };

	setenv("T_OPTIONS_HERE", "1 2", 1);
	unsetenv("T_OPTIONS_GONE");
	check_int(env_list_set(&l, "A=1", &e), 0);
	check_int(env_list_set(&l, "AB=2", &e), 0);
	check_int(env_list_set(&l, "A=3=4", &e), 0);
	check_int(env_list_set(&l, "T_OPTIONS_HERE", &e), 0);
	check_int(env_list_set(&l, "T_OPTIONS_GONE", &e), 0);
	check_int(env_list_set(&l, "EMPTY=", &e), 0);
	check_int(l.count, 4);
	check_str(l.items[0], "A=3=4");
	check_str(l.items[1], "AB=2");
	check_str(l.items[2], "T_OPTIONS_HERE=1 2");
	check_int(env_list_set(&l, "=x", &e), -EINVAL);
	check_int(env_list_set(&l, "", &e), -EINVAL);
	env_list_fini(&l);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	check(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void test_environment_file(void)
{
	char path[] = "/tmp/t_options.XXXXXX";
	int fd = mkstemp(path), r;

	check(fd >= 0);
	close(fd);
	write_file(path, "# comment\n\nA=file\n  B=blank\nC=last");
	r = PARSE("-e", "A=flag", "--env-file", path, "p");
	unlink(path);
	check_int(r, 0);
	check_int(o.env.count, 3);
	check_str(o.env.items[0], "A=flag");
	check_str(o.env.items[1], "B=blank");
	check_str(o.env.items[2], "C=last");
	check_int(PARSE("--env-file", path, "p"), -ENOENT);
}

int main(void)
{
	RUN(test_spellings);
	RUN(test_words_of_the_program);
	RUN(test_words_between);
	RUN(test_mistakes);
	RUN(test_ports);
	RUN(test_help_wins);
	RUN(test_environment);
	RUN(test_environment_file);
	run_options_fini(&o);
	return check_done();
}
