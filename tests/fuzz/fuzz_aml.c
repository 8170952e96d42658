// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as the code of two ACPI tables. tests/unit/acpi is an initial corpus.
 */
#include "acpi/vmgenid.h"
#include "machine/machine.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 36

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* A table in its own memory, with a matching header. */
static struct bytes make_table(const uint8_t *code, size_t size)
{
	uint8_t *table = calloc(1, HEADER + size);

	require(table);
	memcpy(table, "SSDT", 4);
	for (size_t i = 0; i < 4; i++)
		table[4 + i] = (uint8_t)((HEADER + size) >> 8 * i);
	if (size)
		memcpy(table + HEADER, code, size);
	return (struct bytes){ table, HEADER + size };
}

static void check(const struct bytes *tables, size_t count)
{
	struct memory_entry ram = { 0, 0x9fc00, MEMORY_RAM };
	struct machine m = { .firmware = { &ram, 1 } };
	struct vmgenid v;

	memset(&v, 0xa5, sizeof(v));
	vmgenid_find(tables, count, &mem, &v);
	machine_check_vmgenid(&m, &v);
	require(memchr(v.why, 0, sizeof(v.why)));
	for (const char *p = v.why; *p; p++)
		require(*p >= ' ' && *p <= '~');
	if (v.state == VMGENID_FOUND)
		require(v.addr >= ram.size && v.addr % 8 == 0 &&
			v.addr < (uint64_t)1 << 47);
	else
		require(!v.addr && v.state <= VMGENID_BAD_ADDRESS && v.why[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first = size ? data[0] * (size - 1) / 255 : 0;
	struct bytes tables[3];

	if (!size)
		return 0;
	tables[0] = make_table(data + 1, first);
	tables[1] = make_table(data + 1 + first, size - 1 - first);
	tables[2] = (struct bytes){ data, size }; /* any header */
	check(tables, 3);
	check(&tables[2], 1);
	free((void *)tables[0].data);
	free((void *)tables[1].data);
	return 0;
}
