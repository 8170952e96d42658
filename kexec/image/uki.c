// SPDX-License-Identifier: GPL-2.0-only
#include "image/uki.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * Microsoft, "PE Format": the DOS header says where the PE header is, which the optional
 * header and the table of sections follow. Numbers are little-endian.
 */
#define PE_OFFSET_AT 0x3cu
#define PE_MAGIC     "PE\0\0"
#define MACHINE_X64  0x8664u
#define PE32_PLUS    0x20bu
#define NAME_SIZE    8u

struct pe_header {
	char magic[4];
	uint16_t machine;
	uint16_t nr_sections;
	uint32_t time, symbols, nr_symbols;
	uint16_t optional_size;
	uint16_t flags;
	uint16_t optional_magic; /* the first field of the optional header */
} __attribute__((packed));

struct pe_section {
	char name[NAME_SIZE]; /* padded with zeroes */
	uint32_t virtual_size;
	uint32_t virtual_addr;
	uint32_t raw_size;
	uint32_t raw_offset;
	uint8_t rest[16];
} __attribute__((packed));

_Static_assert(sizeof(struct pe_header) == 26, "PE format");
_Static_assert(sizeof(struct pe_section) == 40, "PE format");

struct table {
	struct pe_header pe;
	struct bytes sections; /* pe.nr_sections of them */
};

/* What goes where; the bit of its index shows what a profile has had. */
static const struct wanted {
	const char *name;
	size_t part; /* in struct uki */
	bool many;   /* may be there more than once: the first one counts */
} wanted[] = {
	{ ".linux", offsetof(struct uki, linux_image), false },
	{ ".initrd", offsetof(struct uki, initrd), false },
	{ ".ucode", offsetof(struct uki, ucode), false },
	{ ".cmdline", offsetof(struct uki, cmdline), false },
	{ ".dtb", offsetof(struct uki, dtb), true },
};
#define NR_WANTED (sizeof(wanted) / sizeof(wanted[0]))

static bool is_named(const struct pe_section *s, const char *name)
{
	return strncmp(s->name, name, NAME_SIZE) == 0;
}

static struct pe_section section(const struct table *t, size_t i)
{
	struct pe_section s;

	memcpy(&s, t->sections.data + i * sizeof(s), sizeof(s));
	return s;
}

/* False when it is no PE file, or one whose headers are not where they are looked for. */
static bool find_table(struct bytes start, struct table *out)
{
	struct bytes at;
	uint32_t offset;
	size_t table;

	if (start.size < 2 || memcmp(start.data, "MZ", 2) != 0 ||
	    !bytes_slice(start, PE_OFFSET_AT, sizeof(offset), &at))
		return false;
	memcpy(&offset, at.data, sizeof(offset));
	if (!bytes_slice(start, offset, sizeof(out->pe), &at))
		return false;
	memcpy(&out->pe, at.data, sizeof(out->pe));
	if (memcmp(out->pe.magic, PE_MAGIC, sizeof(out->pe.magic)) != 0)
		return false;
	table = offset + offsetof(struct pe_header, optional_magic) +
		out->pe.optional_size; /* below 64 KiB + 64 KiB */
	return bytes_slice(start, table, out->pe.nr_sections * sizeof(struct pe_section),
			   &out->sections);
}

static bool has_kernel(const struct table *t)
{
	for (size_t i = 0; i < t->pe.nr_sections; i++) {
		struct pe_section s = section(t, i);

		if (is_named(&s, wanted[0].name))
			return true;
	}
	return false;
}

/*
 * In the file a section may be padded up to an alignment, which its virtual size leaves
 * out. A virtual size beyond that asks for zeroes, which mean nothing behind any of these
 * contents; a virtual size of 0 comes from tools that fill in one size only.
 */
static int take_part(const struct pe_section *s, uint64_t file_size, struct uki_part *out,
		     struct error *err)
{
	uint32_t size = s->raw_size;

	if (s->virtual_size && s->virtual_size < size)
		size = s->virtual_size;
	if ((uint64_t)s->raw_offset + size > file_size)
		return error_set(err, ENOEXEC,
				 "truncated UKI: %llu bytes, its section %.8s reaches up "
				 "to %llu",
				 (unsigned long long)file_size, s->name,
				 (unsigned long long)s->raw_offset + size);
	*out = (struct uki_part){ s->raw_offset, size };
	return 0;
}

/* @seen: which of the wanted ones this profile has had. */
static int take_section(const struct pe_section *s, uint64_t file_size,
			unsigned int *seen, struct uki *out, struct error *err)
{
	for (size_t i = 0; i < NR_WANTED; i++) {
		const struct wanted *w = &wanted[i];

		if (!is_named(s, w->name))
			continue;
		if (*seen & 1u << i)
			return w->many ? 0
				       : error_set(err, ENOEXEC,
						   "damaged UKI: two sections %s in one "
						   "profile",
						   w->name);
		*seen |= 1u << i;
		return take_part(s, file_size, (void *)((uint8_t *)out + w->part), err);
	}
	return 0;
}

/* The base profile ends at the first section .profile, profile @0 at the second. */
static int take_sections(const struct table *t, uint64_t file_size, struct uki *out,
			 struct error *err)
{
	unsigned int seen = 0, profiles = 0;

	for (size_t i = 0; i < t->pe.nr_sections; i++) {
		struct pe_section s = section(t, i);
		int ret;

		if (is_named(&s, ".profile")) {
			if (++profiles == 2)
				return 0;
			seen = 0;
		}
		ret = take_section(&s, file_size, &seen, out, err);
		if (ret)
			return ret;
	}
	return 0;
}

int uki_parse(struct bytes start, uint64_t file_size, struct uki *out, struct error *err)
{
	struct table t;
	int ret;

	*out = (struct uki){ 0 };
	if (!find_table(start, &t) || !has_kernel(&t))
		return 0;
	if (t.pe.machine != MACHINE_X64 || t.pe.optional_magic != PE32_PLUS)
		return error_set(err, ENOEXEC,
				 "a UKI for another kind of processor (PE machine "
				 "0x%04x), not for x86-64",
				 t.pe.machine);
	ret = take_sections(&t, file_size, out, err);
	if (ret)
		return ret;
	if (!out->linux_image.size)
		return error_set(err, ENOEXEC,
				 "a UKI without a kernel: its section .linux is empty or "
				 "in another profile than the first");
	return 1;
}

void uki_clean_cmdline(char *text)
{
	size_t begin = 0, end = strlen(text);

	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	while (end && text[end - 1] == ' ')
		end--;
	while (begin < end && text[begin] == ' ')
		begin++;
	memmove(text, text + begin, end - begin);
	text[end - begin] = '\0';
}
