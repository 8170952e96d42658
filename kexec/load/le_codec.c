// SPDX-License-Identifier: GPL-2.0-only
#include "load/le_codec.h"

#include <endian.h>
#include <string.h>

void le_bytes(struct le_codec *c, void *data, size_t size)
{
	if (!c->decode) {
		if (c->out && size)
			memcpy(c->out + c->used, data, size);
		c->used += size;
	} else if (size > c->in.size) {
		c->bad = true;
		memset(data, 0, size);
	} else if (size) {
		memcpy(data, c->in.data, size);
		c->in.data += size;
		c->in.size -= size;
	}
}

void le_u32(struct le_codec *c, uint32_t *value)
{
	uint32_t le = htole32(*value);

	le_bytes(c, &le, sizeof(le));
	if (c->decode)
		*value = le32toh(le);
}

void le_u64(struct le_codec *c, uint64_t *value)
{
	uint64_t le = htole64(*value);

	le_bytes(c, &le, sizeof(le));
	if (c->decode)
		*value = le64toh(le);
}

void le_zero(struct le_codec *c)
{
	uint32_t zero = 0;

	le_u32(c, &zero);
	c->bad |= zero != 0;
}
