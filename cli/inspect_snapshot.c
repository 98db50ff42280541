/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot in words. It may have been taken elsewhere: an image that is not
 * here and a CPU that is another are facts to be told, not errors.
 */
#include "cli/inspect_snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "host/cleanup.h"
#include "host/snapshot_check.h"
#include "image/digest.h"
#include "launch/cpu_words.h"
#include "launch/snapshot.h"

struct facts {
	const struct snapshot *snap;
	const struct mf_snapshot_facts *f;
	char digest[IMAGE_DIGEST_TEXT_MAX], image_digest[IMAGE_DIGEST_TEXT_MAX];
	uint64_t stored, in_image, zero; /* bytes of RAM */
	uint64_t hot; /* bytes of the working set; 0: none was recorded */
	uint64_t hot_zero; /* of these, of zero pages */
	uint64_t copied; /* by each clone */
	uint64_t shared; /* by all of them, the image's too */
	bool image_here;
	struct err image_error; /* if it is not */
};

static void gather(struct facts *ret, const struct snapshot *s,
		   const struct mf_snapshot_range *ranges)
{
	AUTO_IMAGE struct image img = { .fd = -1 };

	*ret = (struct facts){ .snap = s, .f = &s->header.facts };
	digest_text(ret->digest, s->header.digest);
	digest_text(ret->image_digest, s->header.image_digest);
	for (uint32_t i = 0; i < ret->f->range_count; i++) {
		if (ranges[i].source == MF_RANGE_IMAGE)
			ret->in_image += ranges[i].len;
		if (ranges[i].source == MF_RANGE_STORED)
			ret->stored += ranges[i].len;
		if (!(ranges[i].flags & MF_RANGE_HOT))
			continue;
		ret->hot += ranges[i].len;
		if (ranges[i].source == MF_RANGE_ZERO)
			ret->hot_zero += ranges[i].len;
	}
	ret->zero = ret->f->ram_size - ret->stored - ret->in_image;
	ret->copied = snapshot_copied(ret->f, ranges);
	ret->shared = ret->f->image_size + ret->stored + ret->in_image +
		      ret->hot_zero - ret->copied;
	ret->image_here = snapshot_open_image(s, &img, &ret->image_error) == 0;
}

static const char *substrate_name(const struct facts *t)
{
	return t->f->substrate == MF_SUBSTRATE_KVM ? "kvm" : "process";
}

/* ---- for a person -------------------------------------------------------- */

#define CPU_LINE_MAX 60 /* bytes */

struct line {
	const char *title;
	size_t len;
};

static void print_feature(void *arg, const char *name, bool here)
{
	struct line *l = arg;
	int n;

	if (l->len + strlen(name) > CPU_LINE_MAX) {
		putchar('\n');
		l->len = 0;
	}
	if (l->len == 0)
		printf("%-13s", l->title);
	l->title = "";
	n = printf("%s%s%s", l->len ? " " : "", name,
		   here ? "" : " (not here)");
	l->len += n > 0 ? (size_t)n : 0;
}

static void print_bytes(const char *title, uint64_t bytes, const char *what)
{
	printf("%-13s%" PRIu64 " bytes%s\n", title, bytes, what);
}

static void print_table(const struct facts *t)
{
	const struct mf_snapshot_facts *f = t->f;
	struct line cpu = { "CPU needed", 0 };

	printf("%-13s%s\n", "digest", t->digest);
	print_bytes("size", f->file_size, "");
	printf("%-13s", "image");
	cmd_print_text(t->snap->header.image_path);
	printf("\n%-13s%s\n%-13s", "", t->image_digest, "");
	cmd_print_text(t->image_here ? "it is there" : t->image_error.text);
	printf("\n%-13s%s\n", "substrate", substrate_name(t));
	printf("%-13s%u\n", "guest ABI", f->abi_version);
	printf("%-13sat most %" PRIu64 " MiB\n", "memory", f->mem_limit >> 20);
	print_bytes("stored", t->stored, "");
	print_bytes("in image", t->in_image, "");
	print_bytes("zero", t->zero, "");
	if (t->hot)
		print_bytes("working set", t->hot, "");
	else
		printf("%-13snone was recorded\n", "working set");
	print_bytes("clone copies", t->copied, "");
	print_bytes("clone shares", t->shared, ", but for what it writes to");
	cpu_words_each(t->snap->header.cpu, print_feature, &cpu);
	putchar('\n');
}

/* ---- for a program ------------------------------------------------------- */

static void add_feature(void *arg, const char *name, bool here)
{
	json_t *o = arg;

	json_object_set_new(o, name, json_boolean(here));
}

static int print_json(const struct facts *t, struct err *e)
{
	const struct mf_snapshot_facts *f = t->f;
	json_t *cpu = json_object(), *o;
	AUTO_FREE char *text = NULL;

	cpu_words_each(t->snap->header.cpu, add_feature, cpu);
	o = json_pack(
		"{s:s, s:I, s:i, s:s, s:i, s:{s:s, s:s, s:b}, "
		"s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:{s:I, s:I}, s:o}",
		"digest", t->digest, "size", (json_int_t)f->file_size,
		"version", (int)MF_SNAPSHOT_VERSION, "substrate",
		substrate_name(t), "abi", (int)f->abi_version, "image", "path",
		t->snap->header.image_path, "digest", t->image_digest, "here",
		t->image_here, "memory", "limit", (json_int_t)f->mem_limit,
		"ram", (json_int_t)f->ram_size, "stored", (json_int_t)t->stored,
		"in_image", (json_int_t)t->in_image, "zero",
		(json_int_t)t->zero, "working_set", (json_int_t)t->hot,
		"ranges", (json_int_t)f->range_count, "clone", "copies",
		(json_int_t)t->copied, "shares", (json_int_t)t->shared, "cpu",
		cpu);
	if (o)
		text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (!text)
		return err_set(e, ENOMEM,
			       "cannot print %s: out of memory, or the path of "
			       "its image is not UTF-8",
			       t->snap->path);
	printf("%s\n", text);
	return 0;
}

int inspect_snapshot(const char *path, bool json, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot snap = { .copy.fd = -1 };
	AUTO_FREE struct mf_snapshot_range *ranges = NULL;
	struct facts t;
	int r = snapshot_inspect(&snap, path, &ranges, e);

	if (r < 0)
		return r;
	gather(&t, &snap, ranges);
	if (json)
		return print_json(&t, e);
	print_table(&t);
	return 0;
}
