// SPDX-License-Identifier: GPL-2.0-only
#include "load/wire.h"

#include <endian.h>
#include <string.h>

uint8_t *wire_put(struct wire_writer *w, const void *data, size_t size)
{
	uint8_t *at = w->data ? w->data + w->used : NULL;

	if (at && size)
		memcpy(at, data, size);
	w->used += size;
	return at;
}

void wire_put_u32(struct wire_writer *w, uint32_t value)
{
	value = htole32(value);
	wire_put(w, &value, sizeof(value));
}

void wire_put_u64(struct wire_writer *w, uint64_t value)
{
	value = htole64(value);
	wire_put(w, &value, sizeof(value));
}

void wire_get(struct wire_reader *in, void *to, size_t size)
{
	struct bytes b;

	if (!bytes_slice(in->rest, 0, size, &b)) {
		in->bad = true;
		memset(to, 0, size);
		return;
	}
	memcpy(to, b.data, size);
	in->rest.data += size;
	in->rest.size -= size;
}

uint32_t wire_get_u32(struct wire_reader *in)
{
	uint32_t value;

	wire_get(in, &value, sizeof(value));
	return le32toh(value);
}

uint64_t wire_get_u64(struct wire_reader *in)
{
	uint64_t value;

	wire_get(in, &value, sizeof(value));
	return le64toh(value);
}

void wire_get_zero(struct wire_reader *in)
{
	in->bad |= wire_get_u32(in) != 0;
}
