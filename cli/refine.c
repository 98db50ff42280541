/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the snapshot holds stays as it is; only its table and header are
 * written anew, in a copy of the file that takes its place when it is
 * complete.
 */
#include "cli/refine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/working_set.h"
#include "host/cleanup.h"
#include "host/file.h"
#include "launch/snapshot.h"

static int check(const struct snapshot *s, struct err *e)
{
	if (s->header.facts.substrate == MF_SUBSTRATE_KVM)
		return 0;
	return err_set(e, EINVAL,
		       "%s has no working set: on the process substrate copies "
		       "are filled as a whole",
		       s->path);
}

/* 1: no answer. */
static int record(const struct refine *f, const struct snapshot *snap,
		  const struct image *img, struct run_snapshot *copy,
		  struct err *e)
{
	const struct working_set set = { .s = copy,
					 .img = img,
					 .request = f->request };
	AUTO_FREE struct mf_snapshot_range *ranges = NULL;
	AUTO_FREE uint8_t *bits = NULL;
	int r = snapshot_read_table(snap, &ranges, e);

	if (r == 0)
		r = working_set_record(&bits, &set, e);
	if (r != 0)
		return r;
	working_set_keep(bits, ranges, snap->header.facts.range_count);
	r = working_set_store(copy, bits, e);
	return r == 0 ? snapshot_seal(copy->fd, &copy->facts, e) : r;
}

int refine_snapshot(const struct refine *f, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot snap = { .copy.fd = -1 };
	AUTO_DRAFT struct file_draft d = { .fd = -1 };
	AUTO_IMAGE struct image img = { .fd = -1 };
	struct run_snapshot copy;
	int r = snapshot_open(&snap, f->path, e);

	if (r == 0)
		r = check(&snap, e);
	if (r == 0)
		r = snapshot_open_image(&snap, &img, e);
	if (r < 0)
		return r;
	r = file_draft_init(&d, f->output, 0644);
	if (r == 0)
		r = file_copy(d.fd, snap.copy.fd);
	if (r < 0)
		return err_sys(e, -r, "cannot write %s", f->output);
	copy = snap.copy;
	copy.fd = d.fd;
	r = record(f, &snap, &img, &copy, e);
	if (r != 0)
		return r;
	r = file_draft_publish(&d, true);
	return r < 0 ? err_sys(e, -r, "cannot write %s", f->output) : 0;
}
