/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of text for people: columns as wide as what is in them. */
#ifndef CLI_GRID_H
#define CLI_GRID_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GRID_COLUMNS 12u
#define GRID_CELL    96u /* bytes of a cell, with the NUL */

struct grid {
	size_t columns, rows, room;
	char (*cells)[GRID_CELL];
};

/* The titles; the list ends with NULL. 0 or -ENOMEM. */
int grid_init(struct grid *g, const char *const *titles);
/* A row of empty cells; NULL: no memory. What is too long is cut. */
char (*grid_row(struct grid *g))[GRID_CELL];
void grid_set(char cell[GRID_CELL], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What could act on a terminal is shown as ?. */
void grid_print(const struct grid *g, FILE *to);
void grid_fini(struct grid *g);

/* "3s", "5m", "2h", "4d". */
void grid_age(char cell[GRID_CELL], uint64_t ms);
/* "12.3 ms", "4.5 s". */
void grid_time(char cell[GRID_CELL], double us);
/* "12 MiB". */
void grid_bytes(char cell[GRID_CELL], uint64_t bytes);

/* Of a JSON object: "" and 0 for what is not there. */
const char *grid_text(const json_t *o, const char *key);
int64_t grid_number(const json_t *o, const char *key);

#define AUTO_GRID __attribute__((cleanup(grid_fini)))

#endif
