/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly-unpack LAYOUT OUT: makes OUT/rootfs and OUT/config.json of the
 * image in the OCI image layout LAYOUT. mayfly-unpack(8) is its manual.
 */
#include <locale.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "unpack/unpack.h"

enum { STATUS_OK, STATUS_FAILED, STATUS_MISUSED };

static const char usage[] =
	"Usage: mayfly-unpack LAYOUT OUT\n\n"
	"Unpacks the image in the OCI image layout LAYOUT, a directory, into "
	"OUT/rootfs\nand OUT/config.json. OUT exists and holds neither.\n";

int main(int argc, char **argv)
{
	struct unpack_job job = { .say = stdout };
	struct err e;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return STATUS_OK;
	}
	if (argc != 3 || argv[1][0] == '-') {
		fputs(usage, stderr);
		return STATUS_MISUSED;
	}
	if (sodium_init() < 0) {
		fputs("mayfly-unpack: libsodium does not start\n", stderr);
		return STATUS_FAILED;
	}
	/* libarchive reads the names of pax archives by the locale. */
	setlocale(LC_CTYPE, "C.UTF-8");
	setvbuf(stdout, NULL, _IOLBF, 0);
	job.layout = argv[1];
	job.out = argv[2];
	if (unpack_image(&job, &e) < 0) {
		fprintf(stderr, "mayfly-unpack: %s\n", e.text);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}
