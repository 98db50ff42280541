/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of image contents, and its text. The whole image is mapped, so
 * there is nothing to read in pieces.
 */
#include "image/digest.h"

#include <sodium.h>
#include <stdio.h>

_Static_assert(IMAGE_DIGEST_SIZE == crypto_hash_sha256_BYTES, "SHA-256");

void digest_compute(uint8_t ret[IMAGE_DIGEST_SIZE], const void *buf, size_t len)
{
	crypto_hash_sha256(ret, buf, len);
}

void digest_text(char ret[IMAGE_DIGEST_TEXT_MAX],
		 const uint8_t digest[IMAGE_DIGEST_SIZE])
{
	char hex[2 * IMAGE_DIGEST_SIZE + 1];

	sodium_bin2hex(hex, sizeof(hex), digest, IMAGE_DIGEST_SIZE);
	snprintf(ret, IMAGE_DIGEST_TEXT_MAX, "sha256:%s", hex);
}
