/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rewrite report of an image (docs/formats/image.md), as a table of files
 * with the calls that were left. It comes out of an image: nothing in it is
 * relied on, and nothing of it reaches the terminal as it is.
 */
#include "cli/inspect_syscalls.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "host/cleanup.h"

static const struct {
	const char *how;
	const char *words;
	bool each; /* every such call is worth a line */
} reasons[] = {
	{ "sigreturn", "unwinders know its bytes", true },
	{ "uncertain", "it may be data", true },
	{ "branch-target", "something may jump to what would make room", true },
	{ "no-room", "nothing beside it can make room", true },
	{ "too-far", "it is too far from the end of the file", true },
	{ "too-many", "the file has too many", false },
	{ "excluded", "left alone by --no-rewrite", false },
	{ "file", "left with the file", false },
};

static const char *reason_words(const char *how, bool *ret_each)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(reasons[i].how, how) == 0) {
			*ret_each = reasons[i].each;
			return reasons[i].words;
		}
	}
	*ret_each = false;
	return "unknown reason";
}

/* A member's text, or "". */
static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static json_int_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_line(const json_t *o, const char *name)
{
	json_int_t found = number_of(o, "found");
	json_int_t rewritten = number_of(o, "rewritten");

	printf("%8lld %10lld %6lld  ", (long long)found, (long long)rewritten,
	       (long long)(found - rewritten));
	cmd_print_text(name);
	putchar('\n');
}

static void print_site(const json_t *site)
{
	const char *function = text_of(site, "function"), *words;
	bool each;

	words = reason_words(text_of(site, "how"), &each);
	if (!each)
		return;
	printf("%28s", "");
	cmd_print_text(text_of(site, "address"));
	putchar(' ');
	cmd_print_text(*function ? function : text_of(site, "section"));
	printf(": %s\n", words);
}

/* What was left for one reason, when not every call has its line. */
static void print_counts(const json_t *file)
{
	const json_t *left = json_object_get(file, "left");
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		json_int_t count = number_of(left, reasons[i].how);

		if (count && !reasons[i].each)
			printf("%28s%lld: %s\n", "", (long long)count,
			       reasons[i].words);
	}
}

static void print_file(const json_t *file)
{
	const json_t *sites = json_object_get(file, "sites");
	const char *why = text_of(file, "why");
	size_t i;

	print_line(file, text_of(file, "path"));
	if (*why) {
		printf("%28sleft as it is: ", "");
		cmd_print_text(why);
		putchar('\n');
	}
	print_counts(file);
	for (i = 0; i < json_array_size(sites); i++)
		print_site(json_array_get(sites, i));
}

static int print_table(const json_t *all)
{
	const json_t *files = json_object_get(all, "files");
	size_t i;

	printf("%8s %10s %6s  %s\n", "found", "rewritten", "left", "file");
	for (i = 0; i < json_array_size(files); i++)
		print_file(json_array_get(files, i));
	print_line(all, "total");
	if (json_is_true(json_object_get(all, "truncated")))
		printf("the list of calls is not complete\n");
	return 0;
}

static int print_json(const json_t *all, struct err *e)
{
	AUTO_FREE char *text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);

	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	printf("%s\n", text);
	return 0;
}

int inspect_syscalls(const struct image *img, bool json, struct err *e)
{
	const uint8_t *text;
	json_error_t je;
	uint64_t len;
	json_t *all;
	int r;

	r = image_file(img, IMAGE_PATH_REWRITE, &text, &len);
	if (r == -ENOENT)
		return err_set(e, ENOENT,
			       "the image %s has no report of its system "
			       "calls; seal it again",
			       img->path);
	if (r < 0 || len > IMAGE_REWRITE_MAX)
		return err_set(e, EUCLEAN,
			       "the image %s has no usable report of its "
			       "system calls",
			       img->path);
	json_object_seed(1);
	all = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, &je);
	if (!all || number_of(all, "version") != 1) {
		json_decref(all);
		return err_set(e, EUCLEAN,
			       "the report of system calls in the image %s is "
			       "damaged, or of a later version",
			       img->path);
	}
	r = json ? print_json(all, e) : print_table(all);
	json_decref(all);
	return r;
}
