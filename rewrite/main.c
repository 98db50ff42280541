/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mayfly-rewrite: replaces the `syscall` instructions of every ELF file below
 * a directory by jumps to the guest kernel, and writes a report to stdout.
 * mayfly runs it while it seals an image; it is a program of its own because
 * it takes files apart that anybody may have made, and because the
 * disassembler is a shared library.
 */
#include <stdio.h>
#include <string.h>

#include "rewrite/tree.h"

static int usage(void)
{
	fputs("usage: mayfly-rewrite [--none] ROOT [EXCLUDED]...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct tree_job job = { 0 };
	struct err e = { 0 };
	int first = 1, err;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("mayfly-rewrite " MF_VERSION) == EOF;
	if (first < argc && strcmp(argv[first], "--none") == 0) {
		job.none = true;
		first++;
	}
	if (first >= argc || argv[first][0] == '-')
		return usage();
	job.root = argv[first];
	job.excluded = argv + first + 1;
	job.excluded_count = (unsigned)(argc - first - 1);
	job.report = report_new();
	err = job.report ? tree_rewrite(&job, &e) :
			   err_set(&e, 1, "out of memory");
	if (!err && report_write(job.report, stdout) < 0)
		err = err_set(&e, 1, "cannot write the report");
	report_free(job.report);
	if (err)
		fprintf(stderr, "%s\n", e.text);
	return err ? 1 : 0;
}
