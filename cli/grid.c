/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables. All cells are kept until the end, when the widths are known; the
 * last column is as wide as it is.
 */
#include "cli/grid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host/cleanup.h"

int grid_init(struct grid *g, const char *const *titles)
{
	char(*row)[GRID_CELL];

	*g = (struct grid){ 0 };
	while (titles[g->columns])
		g->columns++;
	row = grid_row(g);
	if (!row)
		return -ENOMEM;
	for (size_t i = 0; i < g->columns; i++)
		grid_set(row[i], "%s", titles[i]);
	return 0;
}

char (*grid_row(struct grid *g))[GRID_CELL]
{
	size_t room = g->room ? 2 * g->room : 16;
	char(*more)[GRID_CELL];

	if (g->rows == g->room) {
		more = reallocarray(g->cells, room * g->columns, GRID_CELL);
		if (!more)
			return NULL;
		g->cells = more;
		g->room = room;
	}
	more = g->cells + g->rows++ * g->columns;
	memset(more, 0, g->columns * GRID_CELL);
	return more;
}

void grid_set(char cell[GRID_CELL], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cell, GRID_CELL, fmt, ap);
	va_end(ap);
	for (; *cell; cell++)
		if ((unsigned char)*cell < 0x20 || *cell == 0x7f)
			*cell = '?';
}

static size_t width_of(const struct grid *g, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < g->rows; i++) {
		size_t len = strlen(g->cells[i * g->columns + column]);

		width = len > width ? len : width;
	}
	return width;
}

void grid_print(const struct grid *g, FILE *to)
{
	size_t widths[GRID_COLUMNS] = { 0 };

	for (size_t c = 0; c < g->columns; c++)
		widths[c] = width_of(g, c);
	for (size_t i = 0; i < g->rows; i++) {
		for (size_t c = 0; c < g->columns; c++)
			fprintf(to, "%-*s%s",
				c + 1 < g->columns ? (int)widths[c] : 0,
				g->cells[i * g->columns + c],
				c + 1 < g->columns ? "  " : "\n");
	}
}

void grid_fini(struct grid *g)
{
	free(take_ptr(g->cells));
}

void grid_age(char cell[GRID_CELL], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 120)
		grid_set(cell, "%" PRIu64 "s", s);
	else if (s < 7200)
		grid_set(cell, "%" PRIu64 "m", s / 60);
	else if (s < 172800)
		grid_set(cell, "%" PRIu64 "h", s / 3600);
	else
		grid_set(cell, "%" PRIu64 "d", s / 86400);
}

void grid_time(char cell[GRID_CELL], double us)
{
	if (us < 1000)
		grid_set(cell, "%.0f us", us);
	else if (us < 1e6)
		grid_set(cell, "%.1f ms", us / 1e3);
	else
		grid_set(cell, "%.1f s", us / 1e6);
}

void grid_bytes(char cell[GRID_CELL], uint64_t bytes)
{
	if (bytes < 1 << 20)
		grid_set(cell, "%" PRIu64 " KiB", bytes >> 10);
	else if (bytes < 10ull << 30)
		grid_set(cell, "%" PRIu64 " MiB", bytes >> 20);
	else
		grid_set(cell, "%" PRIu64 " GiB", bytes >> 30);
}

const char *grid_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

int64_t grid_number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}
