/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytes.h - a read-only view of memory that someone else owns.
 */
#ifndef KS_BYTES_H
#define KS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *data;
	size_t size;
};

/*
 * Sets @out to the @size bytes of @b from @offset. False if @b does not hold them all;
 * @out is then unchanged.
 */
static inline bool bytes_slice(struct bytes b, size_t offset, size_t size,
			       struct bytes *out)
{
	if (offset > b.size || size > b.size - offset)
		return false;
	*out = (struct bytes){ .data = b.data + offset, .size = size };
	return true;
}

#endif
