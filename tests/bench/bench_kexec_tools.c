// SPDX-License-Identifier: GPL-2.0-only
/*
 * Speed of the SHA-256 in kexec-tools' purgatory. Compiled by digests.py against a checkout of
 * kexec-tools; sha256.h and sha256.c are theirs.
 */
#include "measure.h"

#include <sha256.h>

static void whole(const uint8_t *data, size_t size)
{
	sha256_digest_t digest;
	sha256_context ctx;

	sha256_starts(&ctx);
	sha256_update(&ctx, data, size);
	sha256_finish(&ctx, digest);
}

int main(void)
{
	uint8_t *data = measure_data();

	if (!data)
		return 1;
	measure("kexec-tools", data, MEASURE_SIZE, whole);
	free(data);
	return 0;
}
