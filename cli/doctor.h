/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `mayfly doctor` looks at. Each check finds one fact about the host
 * and says what follows from it and what can be done about it.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARN, /* works, with something else in its place */
	DOCTOR_FAIL, /* something that mayfly is for does not work */
};

struct finding {
	enum doctor_level level;
	char detail[160];
	char remedy[160]; /* empty: nothing to do */
};

struct doctor_check {
	const char *name;
	void (*look)(struct finding *ret);
};

extern const struct doctor_check doctor_checks[]; /* ends with name NULL */

void doctor_found(struct finding *f, enum doctor_level level, const char *fmt,
		  ...) __attribute__((format(printf, 3, 4)));
void doctor_remedy(struct finding *f, const char *text);

/* What the platform needs of a host, cli/doctor_platform.c. */
void doctor_look_cgroup(struct finding *f);
void doctor_look_pressure(struct finding *f);
void doctor_look_files(struct finding *f);
void doctor_look_memory(struct finding *f);
void doctor_look_state(struct finding *f);
void doctor_look_port(struct finding *f);
void doctor_look_user(struct finding *f);

#endif
