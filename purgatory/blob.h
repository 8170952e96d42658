/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * blob.h - the purgatory's blob, embedded in the program that loads it.
 */
#ifndef KS_BLOB_H
#define KS_BLOB_H

#include "bytes.h"
#include "purgatory_params.h"

extern const uint8_t purgatory_blob_start[];
extern const uint8_t purgatory_blob_end[];

/*
 * Returns file_size bytes that begin with a struct purgatory_params, aligned, with the
 * fields "from the build" filled in. Read-only: the loader works on a copy. Lives as long
 * as the program.
 */
static inline struct bytes purgatory_blob(void)
{
	return (struct bytes){
		.data = purgatory_blob_start,
		.size = (size_t)(purgatory_blob_end - purgatory_blob_start),
	};
}

#endif
