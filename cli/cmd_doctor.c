/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly doctor: looks at the host and says what works, what falls back to
 * what, and how to get the rest.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cmd.h"
#include "cli/doctor.h"
#include "host/cleanup.h"

enum { OPT_JSON = 10 };

static const struct opt opts[] = {
	{ OPT_JSON, 0, "json", NULL, "print one JSON object" },
	{ 0 },
};

static const char *const level_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

static void print_line(const struct doctor_check *c, const struct finding *f)
{
	printf("%-5s %-11s %s\n", level_names[f->level], c->name, f->detail);
	if (f->remedy[0])
		printf("%-5s %-11s -> %s\n", "", "", f->remedy);
}

static void add_object(json_t *list, const struct doctor_check *c,
		       const struct finding *f)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:s, s:s*}", "name",
					c->name, "level", level_names[f->level],
					"detail", f->detail, "remedy",
					f->remedy[0] ? f->remedy : NULL));
}

static int examine(bool json)
{
	const struct doctor_check *c;
	AUTO_FREE char *text = NULL;
	json_t *list = json_array();
	bool failed = false;

	for (c = doctor_checks; c->name; c++) {
		struct finding f = { .level = DOCTOR_OK };

		c->look(&f);
		failed |= f.level == DOCTOR_FAIL;
		if (json)
			add_object(list, c, &f);
		else
			print_line(c, &f);
	}
	if (json) {
		json_t *o =
			json_pack("{s:b, s:O}", "ok", !failed, "checks", list);

		text = json_dumps(o, JSON_INDENT(2));
		json_decref(o);
		puts(text ? text : "{}");
	}
	json_decref(list);
	return failed ? STATUS_UNHEALTHY : STATUS_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct opts o = { .table = opts, .argv = argv, .argc = argc };
	const char *value;
	bool json = false;
	struct err e;
	int id;

	o.next = 1;
	while ((id = opts_next(&o, &value, &e)) > OPT_END) {
		if (id == OPT_HELP) {
			cmd_print_help(cmd);
			return STATUS_OK;
		}
		json = true;
	}
	return id < 0 ? cmd_fail(STATUS_FAILED, &e) : examine(json);
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.usage = "[OPTIONS]",
	.summary = "Check what this host can do and what is missing",
	.details = "Exit status: 0, or 1 if a line says fail.",
	.opts = opts,
	.run = run,
};
