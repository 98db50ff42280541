/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index lists images by platform. Entries for no platform at all
 * (unknown/unknown, where builders keep attestations) and of media types we
 * do not know are not looked at.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unpack/doc.h"
#include "unpack/json.h"

/* From the worst to the best. */
enum rank {
	RANK_NONE,
	RANK_UNSAID, /* no platform: the configuration will tell */
	RANK_VARIANT, /* amd64 of some generation */
	RANK_RIGHT,
};

/* What was found so far. */
struct found {
	const json_t *best;
	enum rank rank;
	unsigned unsaid; /* entries that do not say their platform */
	char others[160]; /* platforms that we cannot run, in text */
};

static const char *const manifest_types[] = {
	"",
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
	NULL,
};

static const char *const index_types[] = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	NULL,
};

static bool is_one_of(const char *text, const char *const *list)
{
	while (*list && strcmp(text, *list) != 0)
		list++;
	return *list != NULL;
}

static void note_other(struct found *f, const char *os, const char *arch,
		       const char *variant)
{
	char name[80];
	size_t len = strlen(f->others);

	snprintf(name, sizeof(name), "%.20s/%.20s%s%.20s", os, arch,
		 variant[0] ? "/" : "", variant);
	if (strstr(f->others, name))
		return;
	if (len + strlen(name) + 8 > sizeof(f->others)) {
		if (len > 3 && strcmp(f->others + len - 3, "...") != 0)
			snprintf(f->others + len, sizeof(f->others) - len,
				 ", ...");
		return;
	}
	snprintf(f->others + len, sizeof(f->others) - len, "%s%s",
		 len ? ", " : "", name);
}

static enum rank judge(struct found *f, const json_t *entry)
{
	const json_t *platform = json_object_get(entry, "platform");
	const char *os = unpack_json_text(platform, "os");
	const char *arch = unpack_json_text(platform, "architecture");
	const char *variant = unpack_json_text(platform, "variant");

	if (os[0] == '\0' && arch[0] == '\0')
		return RANK_UNSAID;
	if (strcmp(os, "unknown") == 0)
		return RANK_NONE;
	if (strcmp(os, "linux") == 0 && strcmp(arch, "amd64") == 0)
		return variant[0] ? RANK_VARIANT : RANK_RIGHT;
	note_other(f, os, arch, variant);
	return RANK_NONE;
}

static void look_at(struct found *f, const json_t *entry)
{
	const char *type = unpack_json_text(entry, "mediaType");
	enum rank rank;

	if (!is_one_of(type, manifest_types) && !is_one_of(type, index_types))
		return;
	rank = judge(f, entry);
	f->unsaid += rank == RANK_UNSAID;
	if (rank > f->rank) {
		f->rank = rank;
		f->best = entry;
	}
}

static int complain(const struct found *f, struct err *e)
{
	if (f->others[0])
		return err_set(e, ENOENT,
			       "the image is for %s; mayfly runs linux/amd64",
			       f->others);
	return err_set(e, ENOENT, "the index names no image");
}

int doc_choose(const char *text, size_t len, struct doc_choice *ret,
	       struct err *e)
{
	AUTO_JSON json_t *root = unpack_json_load(text, len, "the index", e);
	struct found f = { .best = NULL };
	const json_t *list;
	size_t i;

	if (!root)
		return -EBADMSG;
	list = json_object_get(root, "manifests");
	if (!json_is_array(list) || json_array_size(list) > DOC_IMAGES_MAX)
		return err_set(e, EBADMSG,
			       "the index has no list of manifests, or one of "
			       "more than %u",
			       DOC_IMAGES_MAX);
	for (i = 0; i < json_array_size(list); i++)
		look_at(&f, json_array_get(list, i));
	if (!f.best)
		return complain(&f, e);
	if (f.rank == RANK_UNSAID && f.unsaid > 1)
		return err_set(e, ENOTUNIQ,
			       "the layout holds %u images; name one, as in "
			       "oci:DIR:NAME",
			       f.unsaid);
	ret->is_index =
		is_one_of(unpack_json_text(f.best, "mediaType"), index_types);
	return unpack_json_blob(f.best, &ret->blob, e);
}
