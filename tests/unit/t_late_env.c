/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables that copies of a snapshot may set: what is declared, how a header
 * names it, and a header that says nonsense.
 */
#include <errno.h>
#include <string.h>

#include "launch/late_env.h"
#include "tests/unit/check.h"

static void test_declare(void)
{
	static struct run_snapshot s;
	struct err e;

	check_int(late_env_declare(&s, "A", &e), 0);
	check_int(late_env_declare(&s, "AB=x=y", &e), 0);
	check_int(late_env_declare(&s, "A=1", &e), -EINVAL);
	check_int(late_env_declare(&s, "", &e), -EINVAL);
	check_int(late_env_declare(&s, "=1", &e), -EINVAL);
	check_int((int)s.late_count, 2);
	check_int(late_env_has(&s, "A=z"), 1);
	check_int(late_env_has(&s, "AB"), 1);
	check_int(late_env_has(&s, "ABC"), 0);
}

static void test_names_fill_the_header(void)
{
	static struct run_snapshot s;
	static char name[MF_SNAPSHOT_LATE_MAX + 1];
	char names[MF_SNAPSHOT_LATE_MAX];
	struct err e;

	memset(name, 'n', sizeof(name) - 1);
	check_int(late_env_declare(&s, name, &e), -E2BIG);
	/* Its NUL, and one that ends the list. */
	check_int(late_env_declare(&s, name + 2, &e), 0);
	check_int(late_env_declare(&s, "A", &e), -E2BIG);
	late_env_write(names, &s);
	check_int(strlen(names) == MF_SNAPSHOT_LATE_MAX - 2, 1);
	check_int(names[MF_SNAPSHOT_LATE_MAX - 1], 0);
}

static int check_one(const char names[MF_SNAPSHOT_LATE_MAX], const char *entry)
{
	struct env_list env = { 0 };
	struct err e;
	int r = env_list_set(&env, entry, &e);

	if (r == 0)
		r = late_env_check(names, "x.snap", &env, &e);
	env_list_fini(&env);
	return r;
}

static void test_check(void)
{
	static struct run_snapshot s;
	char names[MF_SNAPSHOT_LATE_MAX];
	struct err e;

	late_env_declare(&s, "PORT=1", &e);
	late_env_declare(&s, "HOST", &e);
	late_env_write(names, &s);
	check_int(memcmp(names, "PORT\0HOST\0", 11), 0);
	check_int(check_one(names, "PORT=2"), 0);
	check_int(check_one(names, "HOST="), 0);
	check_int(check_one(names, "POR=2"), -EINVAL);
	check_int(check_one(names, "PORTS=2"), -EINVAL);
}

static void test_header_of_nonsense(void)
{
	char names[MF_SNAPSHOT_LATE_MAX];

	memset(names, 'x', sizeof(names)); /* no end */
	check_int(check_one(names, "x=1"), -EINVAL);
	names[sizeof(names) - 2] = '\0'; /* the last name without its NUL */
	check_int(check_one(names, "x=1"), 0);
	memset(names, 0, sizeof(names));
	names[1] = 'A'; /* behind the end */
	check_int(check_one(names, "A=1"), -EINVAL);
}

int main(void)
{
	RUN(test_declare);
	RUN(test_names_fill_the_header);
	RUN(test_check);
	RUN(test_header_of_nonsense);
	return check_done();
}
