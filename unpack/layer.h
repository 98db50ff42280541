/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: tar archives, plain or compressed with gzip or zstd, each applied
 * to the tree that the layers before it left. A file named .wh.NAME hides
 * NAME of earlier layers, .wh..wh..opq hides all they put into its
 * directory; neither touches what its own layer brings.
 */
#ifndef UNPACK_LAYER_H
#define UNPACK_LAYER_H

#include <stdint.h>

#include "unpack/tree.h"

#define LAYER_FILES_MAX (1u << 20) /* of an image */
#define LAYER_BYTES_MAX (32ull << 30) /* of an image, unpacked */

/* What was left out of an image, so that it can be said. */
struct dropped {
	unsigned count;
	char first[MEMBER_SHOW_MAX]; /* an example; "" if count is 0 */
};

struct layers {
	struct unpack_tree *tree;
	uint64_t bytes_left; /* unpacked bytes the image may still have */
	struct dropped devices; /* device nodes, FIFOs, sockets */
	struct dropped setid; /* set-user-ID and set-group-ID bits */
	struct dropped xattrs; /* extended attributes, ACLs, capabilities */
};

/*
 * Applies the archive in fd, from its position on. ret_sha256 is that of the
 * archive uncompressed. On failure the tree is half changed.
 */
int layer_apply(struct layers *l, int fd, uint8_t ret_sha256[32],
		struct err *e);

#endif
