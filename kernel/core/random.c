/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ChaCha20 (RFC 8439) as a fast-key-erasure generator: every call makes one
 * key stream, whose first 32 bytes become the next key, so that earlier
 * output cannot be computed from a later state.
 */
#include "core/random.h"

#define BLOCK 64

static uint32_t key[8];

static uint32_t rotl(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotl(*d ^ *a, 16);
	*c += *d;
	*b = rotl(*b ^ *c, 12);
	*a += *b;
	*d = rotl(*d ^ *a, 8);
	*c += *d;
	*b = rotl(*b ^ *c, 7);
}

static void chacha_block(const uint32_t k[8], uint32_t n, uint8_t out[BLOCK])
{
	uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	uint32_t x[16];

	for (int i = 0; i < 8; i++)
		in[4 + i] = k[i];
	in[12] = n;
	memcpy(x, in, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter(&x[0], &x[4], &x[8], &x[12]);
		quarter(&x[1], &x[5], &x[9], &x[13]);
		quarter(&x[2], &x[6], &x[10], &x[14]);
		quarter(&x[3], &x[7], &x[11], &x[15]);
		quarter(&x[0], &x[5], &x[10], &x[15]);
		quarter(&x[1], &x[6], &x[11], &x[12]);
		quarter(&x[2], &x[7], &x[8], &x[13]);
		quarter(&x[3], &x[4], &x[9], &x[14]);
	}
	for (int i = 0; i < 16; i++)
		x[i] += in[i];
	memcpy(out, x, BLOCK);
}

void random_init(const uint8_t *seed, size_t len)
{
	uint8_t block[BLOCK];
	uint8_t *bytes = (uint8_t *)key;

	for (size_t i = 0; i < len; i++) {
		bytes[i % 32] ^= seed[i];
		if (i % 32 == 31) {
			chacha_block(key, ~0u, block);
			memcpy(key, block, sizeof(key));
		}
	}
}

void random_fill(void *buf, size_t len)
{
	uint8_t block[BLOCK];
	uint32_t k[8];
	uint32_t counter = 0;
	uint8_t *out = buf;

	memcpy(k, key, sizeof(k));
	chacha_block(k, counter++, block);
	memcpy(key, block, sizeof(key));
	while (len) {
		size_t n = min_u64(len, BLOCK);

		chacha_block(k, counter++, block);
		memcpy(out, block, n);
		out += n;
		len -= n;
	}
	memset(block, 0, sizeof(block));
	memset(k, 0, sizeof(k));
}
