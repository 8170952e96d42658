// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmgenid_find() on the tables of tests/unit/acpi; the .asl beside each is its source.
 */
#include "acpi/vmgenid.h"
#include "base/file.h"
#include "machine/machine.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER 36

static struct bytes load(const char *path)
{
	char *data = NULL;
	size_t size = 0;

	assert_int_equal(file_slurp(path, VMGENID_TABLE_MAX, &data, &size), 0);
	return (struct bytes){ (uint8_t *)data, size };
}

static struct bytes load_acpi(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), ACPI_TABLES "/%s.aml", name);
	return load(path);
}

/* The memory that field.asl and fields.asl refer to. */
static int read_memory(const struct phys_mem *m, uint64_t addr, void *buf, size_t size,
		       struct error *err)
{
	static const struct phys_word words[] = {
		{ 0xfc000008, 4, { 0x28, 0xf0, 0x0d, 0xfc } },
		{ 0xffffff00, 4, { 0x18, 0x70, 0x0d, 0xfc } },
		{ 0xffffff04, 4, { 0x12 } },
	};

	(void)m;
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].addr == addr && words[i].size == size) {
			memcpy(buf, words[i].data, size);
			return 0;
		}
	return error_set(err, EPERM, "no memory at %#llx", (unsigned long long)addr);
}

static const struct phys_mem memory = { .read = read_memory };

static struct vmgenid find(struct bytes table)
{
	struct vmgenid v;

	memset(&v, 0xa5, sizeof(v));
	vmgenid_find(&table, 1, &memory, &v);
	assert_non_null(memchr(v.why, 0, sizeof(v.why)));
	return v;
}

static void expect(const char *name, enum vmgenid_state state, uint64_t addr,
		   const char *why)
{
	struct bytes table = load_acpi(name);
	struct vmgenid v = find(table);

	if (v.state != state || v.addr != addr || strcmp(v.why, why) != 0)
		fail_msg("%s: state %d, %#llx, '%s'", name, v.state,
			 (unsigned long long)v.addr, v.why);
	free((void *)table.data);
}

static void test_shapes(void **state)
{
	(void)state;
	expect("package", VMGENID_FOUND, 0xdfff0, "");
	expect("sum", VMGENID_FOUND, 0x12fffff028, "");
	expect("named", VMGENID_FOUND, 0xfc00a008, "");
	expect("halves", VMGENID_FOUND, 0x7f80001000, "");
	expect("crowd", VMGENID_FOUND, 0x1feed1230, "");
	expect("field", VMGENID_FOUND, 0xfc0df028, "");
	expect("fields", VMGENID_FOUND, 0x12fc0d7018, "");
	expect("method", VMGENID_FOUND, 0xe0000, "");
	expect("shift", VMGENID_FOUND, 0xe0000, "");
}

static void test_not_understood(void **state)
{
	(void)state;
	expect("two", VMGENID_UNKNOWN_SHAPE, 0, "it is named more than once");
	expect("perhaps", VMGENID_UNKNOWN_SHAPE, 0, "it is declared under a condition");
	expect("changed", VMGENID_UNKNOWN_SHAPE, 0, "IDAT, which ADDR needs, may change");
	expect("unfilled", VMGENID_BAD_ADDRESS, 0,
	       "IDAT, which ADDR needs, has not been filled in");
}

static void replace(struct bytes table, const char *from, const char *to)
{
	uint8_t *at = memmem(table.data, table.size, from, strlen(from));

	assert_non_null(at);
	memcpy(at, to, strlen(from));
}

/* Constants of one table are valid in the other. */
static void test_two_tables(void **state)
{
	struct bytes tables[2] = { load_acpi("package"), load_acpi("named") };
	struct vmgenid v;

	(void)state;
	vmgenid_find(tables, 2, &memory, &v);
	assert_int_equal(v.state, VMGENID_UNKNOWN_SHAPE); /* two devices */
	replace(tables[0], "VM_Gen", "VM_Not");
	replace(tables[0], "VM_Gen", "VM_Not");
	vmgenid_find(tables, 2, &memory, &v);
	assert_int_equal(v.state, VMGENID_FOUND);
	assert_int_equal(v.addr, 0xfc00a008);
	vmgenid_find(tables, 1, &memory, &v);
	assert_int_equal(v.state, VMGENID_ABSENT);
	vmgenid_find(tables, 0, &memory, &v);
	assert_int_equal(v.state, VMGENID_ABSENT);
	/* A text is no mention. */
	replace(tables[0], "TEST0001", "IDAT0001");
	vmgenid_find(tables, 2, &memory, &v);
	assert_int_equal(v.state, VMGENID_FOUND);
	/* A table that is damaged may have another one. */
	replace(tables[0], "VM_Not", "VM_Gen");
	tables[0].size -= 8;
	vmgenid_find(tables, 2, &memory, &v);
	assert_int_equal(v.state, VMGENID_UNKNOWN_SHAPE);
	free((void *)tables[0].data);
	free((void *)tables[1].data);
}

static const char *const all_tables[] = {
	"changed", "crowd",   "field", "fields", "halves", "method",   "named",
	"package", "perhaps", "shift", "sum",	 "two",	   "unfilled",
};

/* A copy that ends with its memory, so that sanitizers see a read beyond it. */
static uint8_t *exact_copy(struct bytes b, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, b.data, size);
	return copy;
}

static void set_length(uint8_t *table, size_t length)
{
	for (size_t i = 0; i < 4; i++)
		table[4 + i] = (uint8_t)(length >> 8 * i);
}

/* Tables in which the device is found although the end is missing. */
static uint64_t first_address(const char *name)
{
	if (!strcmp(name, "crowd"))
		return 0x1feed1230;
	return strcmp(name, "two") ? 0 : 0xe0000;
}

/* Cut off at every length: with the old length in the header, and with the right one. */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_tables); i++) {
		struct bytes table = load_acpi(all_tables[i]);

		for (size_t size = 0; size < table.size; size++) {
			uint8_t *copy = exact_copy(table, size);
			struct vmgenid v = find((struct bytes){ copy, size });

			assert_int_equal(v.state, VMGENID_UNKNOWN_SHAPE);
			if (size >= HEADER) {
				set_length(copy, size);
				v = find((struct bytes){ copy, size });
				assert_int_not_equal(v.state, VMGENID_BAD_ADDRESS);
				if (v.state == VMGENID_FOUND)
					assert_int_equal(v.addr,
							 first_address(all_tables[i]));
			}
			free(copy);
		}
		free((void *)table.data);
	}
}

/* Each bit and each byte flipped. Nothing protects the value of the address itself. */
static void test_flipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(all_tables); i++) {
		struct bytes table = load_acpi(all_tables[i]);
		uint8_t *copy = exact_copy(table, table.size);
		struct machine m = { 0 };

		for (size_t at = 0; at < 9 * table.size; at++) {
			uint8_t mask = at % 9 == 8 ? 0xff : (uint8_t)(1 << at % 9);
			struct vmgenid v;

			copy[at / 9] ^= mask;
			v = find((struct bytes){ copy, table.size });
			copy[at / 9] ^= mask;
			machine_check_vmgenid(&m, &v);
			if (v.state == VMGENID_FOUND)
				assert_true(v.addr && v.addr % 8 == 0 &&
					    v.addr < (uint64_t)1 << 47);
			else
				assert_int_equal(v.addr, 0);
		}
		free(copy);
		free((void *)table.data);
	}
}

struct variant {
	const char *name, *from, *to; /* of the same length, in the table @name */
	size_t size;
	enum vmgenid_state state;
	const char *why;
	uint64_t addr;
};

#define CHANGE(from, to) (from), (to), sizeof(from) - 1

/* Near misses: tables of the right shape with one thing changed. */
static void test_variants(void **state)
{
	static const struct variant variants[] = {
		{ "package", CHANGE("VM_Gen", "vM_gEN"), VMGENID_FOUND, "", 0xdfff0 },
		{ "package", CHANGE("ADDR\x12\x08\x02", "ADDR\x12\x08\x03"),
		  VMGENID_UNKNOWN_SHAPE, "its ADDR is not a package of two", 0 },
		{ "package", CHANGE("ADDR\x12\x08", "ADDR\x12\x07"),
		  VMGENID_UNKNOWN_SHAPE, "its ADDR needs an element that has no value",
		  0 },
		{ "package", CHANGE("ADDR\x12\x08", "ADDR\x12\x09"),
		  VMGENID_UNKNOWN_SHAPE, "its declaration makes no sense", 0 },
		{ "package", CHANGE("ADDR", "ADDQ"), VMGENID_UNKNOWN_SHAPE,
		  "it has no ADDR", 0 },
		{ "package", CHANGE("_DDN", "ADDR"), VMGENID_UNKNOWN_SHAPE,
		  "it has more than one ADDR", 0 },
		{ "package", CHANGE("_CID", "_CIX"), VMGENID_UNKNOWN_SHAPE,
		  "it is named, but not as a device's ID", 0 },
		{ "sum", CHANGE("HIGH", "LOW_"), VMGENID_UNKNOWN_SHAPE,
		  "LOW_, which ADDR needs, is there more than once", 0 },
		{ "sum", CHANGE("\xff\xff\x08HIGH", "\xff\xff\x15HIGH"),
		  VMGENID_UNKNOWN_SHAPE, "HIGH, which ADDR needs, is in no table", 0 },
		{ "sum", CHANGE("\x00\xf0\xff\xff", "\xd8\xff\xff\xff"), VMGENID_FOUND,
		  "", 0x1300000000 },
		{ "sum", CHANGE("\xa4\x63", "\xa4\x64"), VMGENID_UNKNOWN_SHAPE,
		  "its ADDR has no value for Local4", 0 },
		{ "named", CHANGE("\x88PKG_\x00\x00", "\x88PKG_\xff\x00"),
		  VMGENID_UNKNOWN_SHAPE, "its ADDR needs an element that is not there",
		  0 },
		{ "named", CHANGE("IDAT\x00\xa4", "PKG_\x00\xa4"), VMGENID_FOUND, "",
		  0xfc00a008 }, /* its _STA means nothing then */
		{ "halves",
		  CHANGE("pIDHI", "\xa4"
				  "BOTH"),
		  VMGENID_FOUND, "", 0x80001000 }, /* returns early */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(variants); i++) {
		const struct variant *v = &variants[i];
		struct bytes table = load_acpi(v->name);
		uint8_t *at = memmem(table.data, table.size, v->from, v->size);
		struct vmgenid found;

		assert_non_null(at);
		memcpy(at, v->to, v->size);
		found = find(table);
		if (found.state != v->state || strcmp(found.why, v->why) != 0 ||
		    found.addr != v->addr)
			fail_msg("%s, variant %zu: state %d, %#llx, '%s'", v->name, i,
				 found.state, (unsigned long long)found.addr, found.why);
		free((void *)table.data);
	}
}

/* A table under construction. */
struct maker {
	uint8_t data[4096];
	size_t size;
};

static void add(struct maker *m, const void *data, size_t size)
{
	assert_true(size <= sizeof(m->data) - m->size);
	memcpy(m->data + m->size, data, size);
	m->size += size;
}

/* Opens a block; close_block() sets its length. */
static size_t open_block(struct maker *m, const char *op)
{
	add(m, op, strlen(op));
	add(m, "\xc0\0\0", 4);
	return m->size - 4;
}

static void close_block(struct maker *m, size_t at)
{
	size_t length = m->size - at;

	m->data[at] = (uint8_t)(0xc0 | (length & 15));
	m->data[at + 1] = (uint8_t)(length >> 4);
}

#define ADD(m, literal) add(m, literal, sizeof(literal) - 1)
#define ID_AND_ADDR                                                                      \
	"\x08_CID\x0dVM_Gen_Counter\0"                                                   \
	"\x08"                                                                           \
	"ADDR\x12\x08\x02\x0c\x00\x00\x0e\x00\x00"

static void expect_made(struct maker *m, enum vmgenid_state state, const char *why)
{
	struct vmgenid v;

	memcpy(m->data, "SSDT", 4);
	set_length(m->data, m->size);
	v = find((struct bytes){ m->data, m->size });
	assert_string_equal(v.why, why);
	assert_int_equal(v.state, state);
}

static void test_made(void **state)
{
	struct maker m = { .size = HEADER };
	size_t outer, inner;

	(void)state;
	outer = open_block(&m, "[\x82");
	ADD(&m, "OUTR" ID_AND_ADDR);
	close_block(&m, outer);
	expect_made(&m, VMGENID_FOUND, "");
	inner = open_block(&m, "[\x82"); /* nested */
	ADD(&m, "INNR" ID_AND_ADDR);
	close_block(&m, inner);
	close_block(&m, outer);
	expect_made(&m, VMGENID_UNKNOWN_SHAPE, "it is named more than once");

	m.size = HEADER;
	ADD(&m, ID_AND_ADDR);
	expect_made(&m, VMGENID_UNKNOWN_SHAPE, "it is named, but not as a device's ID");

	m.size = HEADER;
	ADD(&m, "\x08IDAT\x0a\x20");
	outer = open_block(&m, "[\x82");
	ADD(&m, "GENC\x08_CID\x0dVMGENCTR\0");
	inner = open_block(&m, "\x14");
	ADD(&m, "ADDR\0"
		"p\x12\x02\x02\x60"
		"p\0\x88\x60\1\0");
	ADD(&m, "rIDATIDAT\x88\x60\0\0"
		"rIDATIDAT\x88\x60\0\0"
		"\xa4\x60");
	close_block(&m, inner);
	close_block(&m, outer);
	expect_made(&m, VMGENID_FOUND, "");
	m.size -= 2; /* the last one counts */
	ADD(&m, "pIDAT\x88\x60\0\0"
		"\xa4\x60");
	close_block(&m, inner);
	close_block(&m, outer);
	expect_made(&m, VMGENID_FOUND, "");
}

/* Tables that take for ever if a part is walked once for each of its parts. */
static void test_hostile(void **state)
{
	static const char *const patterns[] = {
		"[\x82\x0b"
		"ABCD", /* nested devices that are too long */
		"VM_Gen_Counter",
		"\x10\xc8\x00\x00"
		"_SB_", /* scopes that are too short */
		"\xa0\x3f",
		"^",
		"\\",
		"\x08_CID\x0dVM_Gen_Counter",
		"p\x72"
		"ABCDABCD\x88`",
	};
	size_t size = VMGENID_TABLE_MAX;
	uint8_t *table = malloc(size);
	struct timespec start, now;

	(void)state;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (size_t i = 0; i < COUNT(patterns); i++) {
		size_t n = strlen(patterns[i]);

		for (size_t k = 0; k < size; k++)
			table[k] = (uint8_t)patterns[i][k % n];
		memcpy(table, "SSDT", 4);
		set_length(table, size);
		assert_int_not_equal(find((struct bytes){ table, size }).state,
				     VMGENID_FOUND);
	}
	/* as many nested devices as fit, each with its right length */
	for (size_t at = HEADER; at + 10 <= size; at += 10) {
		size_t length = size - at - 2;

		memcpy(table + at, "[\x82____ABCD", 10);
		table[at + 2] = (uint8_t)(0xc0 | (length & 15));
		for (size_t k = 0; k < 3; k++)
			table[at + 3 + k] = (uint8_t)(length >> (4 + 8 * k));
	}
	assert_int_equal(find((struct bytes){ table, size }).state, VMGENID_ABSENT);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	assert_true(now.tv_sec - start.tv_sec < 20); /* 0.1 s without sanitizers */
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),	   cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_variants),   cmocka_unit_test(test_made),
		cmocka_unit_test(test_two_tables), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),	   cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
