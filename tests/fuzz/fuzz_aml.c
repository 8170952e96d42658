// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as the code of two ACPI tables, and as the memory that their regions refer to.
 * tests/unit/acpi is an initial corpus. The input:
 *
 *	byte 0		the first table's part of the code, in 255ths
 *	byte 1		bit 0: the first table is a DSDT of revision 1 (else an SSDT);
 *			bit 1: memory cannot be read
 *	bytes 2 to 33	memory, repeated all over the address space
 *	the rest	code
 */
#include "acpi/vmgenid.h"
#include "machine/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 36
#define MEMORY 32
#define START  (2 + MEMORY)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

struct memory {
	struct phys_mem mem; /* first: the reader gets it */
	const uint8_t *bytes;
	bool denied;
};

static int read_memory(const struct phys_mem *m, uint64_t addr, void *buf, size_t size,
		       struct error *err)
{
	const struct memory *memory = (const struct memory *)m;
	uint64_t end;

	require(size && size <= 9 && !__builtin_add_overflow(addr, size - 1, &end));
	if (memory->denied)
		return error_set(err, EPERM, "no memory");
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = memory->bytes[(addr + i) % MEMORY];
	return 0;
}

/* A table in its own memory, with a matching header. */
static struct bytes make_table(const uint8_t *code, size_t size, bool old)
{
	uint8_t *table = calloc(1, HEADER + size);

	require(table);
	memcpy(table, old ? "DSDT" : "SSDT", 4);
	for (size_t i = 0; i < 4; i++)
		table[4 + i] = (uint8_t)((HEADER + size) >> 8 * i);
	table[8] = old ? 1 : 2;
	if (size)
		memcpy(table + HEADER, code, size);
	return (struct bytes){ table, HEADER + size };
}

static void require_text(const char *text, size_t size)
{
	require(memchr(text, 0, size));
	for (; *text; text++)
		require(*text >= ' ' && *text <= '~');
}

static void check(const struct bytes *tables, size_t count, const struct memory *memory)
{
	struct memory_entry ram = { 0, 0x9fc00, MEMORY_RAM };
	struct machine m = { .firmware = { &ram, 1 } };
	struct vmgenid v;

	memset(&v, 0xa5, sizeof(v));
	vmgenid_find(tables, count, &memory->mem, &v);
	machine_check_vmgenid(&m, &v);
	require_text(v.why, sizeof(v.why));
	require_text(v.from, sizeof(v.from));
	require_text(v.hypervisor, sizeof(v.hypervisor));
	require(v.nr_words <= VMGENID_WORDS_MAX);
	if (v.state == VMGENID_FOUND)
		require(v.addr >= ram.size && v.addr % 8 == 0 &&
			v.addr < (uint64_t)1 << 47 && v.from[0] && !v.why[0]);
	else
		require(!v.addr && v.state <= VMGENID_UNREADABLE && v.why[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory memory = { .mem = { .read = read_memory } };
	struct bytes tables[3];
	size_t first;

	if (size < START)
		return 0;
	memory.bytes = data + 2;
	memory.denied = data[1] & 2;
	first = data[0] * (size - START) / 255;
	tables[0] = make_table(data + START, first, data[1] & 1);
	tables[1] = make_table(data + START + first, size - START - first, false);
	tables[2] = (struct bytes){ data, size }; /* any header */
	check(tables, 2, &memory);
	check(&tables[2], 1, &memory);
	free((void *)tables[0].data);
	free((void *)tables[1].data);
	return 0;
}
