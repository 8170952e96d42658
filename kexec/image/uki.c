// SPDX-License-Identifier: GPL-2.0-only
#include "image/uki.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "image/addons.h"
#include "image/unsupported.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Microsoft, "PE Format": the DOS header has the offset of the PE header; the optional
 * header and the section table follow that. Numbers are little-endian.
 */
#define PE_OFFSET_AT 0x3cu
#define PE_MAGIC     "PE\0\0"
#define PE32_PLUS    0x20bu
#define NAME_SIZE    8u

/* Limit in bytes: longer than any kernel accepts. */
#define CMDLINE_MAX 65536u

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
	char name[NAME_SIZE]; /* padded with NULs */
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
	struct bytes sections; /* pe.nr_sections entries */
};

/*
 * Known sections and their destinations; bits of @seen below are indices of this table.
 */
static const struct wanted {
	const char *name;
	size_t part; /* offset in struct uki */
	bool many;   /* may occur several times: the first one counts */
} wanted[] = {
	{ ".linux", offsetof(struct uki, linux_image), false },
	{ ".initrd", offsetof(struct uki, initrd), false },
	{ ".ucode", offsetof(struct uki, ucode), false },
	{ ".cmdline", offsetof(struct uki, cmdline), false },
	{ ".dtb", offsetof(struct uki, dtb), true },
	{ ".uname", offsetof(struct uki, uname), true },
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

/* False unless @start begins a PE file and holds all its headers. */
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
		out->pe.optional_size; /* cannot overflow: below 64 KiB + 64 KiB */
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
 * A section in the file may be padded for alignment; its virtual size excludes the
 * padding. A larger virtual size asks for trailing zeroes, which are insignificant for
 * all these contents. A virtual size of 0 comes from tools that fill in one size only.
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

/* @seen: bits of known sections already found in this profile. */
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

/* The base profile ends at the first .profile section, profile @0 at the second. */
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

static int check_machine(const struct table *t, const char *what, struct error *err)
{
	if (t->pe.machine == arch_pe_machine && t->pe.optional_magic == PE32_PLUS)
		return 0;
	return error_set(err, ENOEXEC, "%s for %s (PE machine 0x%04x), not for %s", what,
			 t->pe.machine == arch_pe_machine
				 ? "another architecture"
				 : unsupported_machine(t->pe.machine),
			 t->pe.machine, arch_name);
}

int uki_parse_addon(struct bytes start, uint64_t file_size, struct uki *out,
		    struct error *err)
{
	struct table t;
	int ret;

	*out = (struct uki){ 0 };
	if (!find_table(start, &t))
		return error_set(err, ENOEXEC, "not an EFI program");
	if (has_kernel(&t))
		return error_set(err, ENOEXEC, "a UKI, not an addon");
	ret = check_machine(&t, "an addon", err);
	if (!ret)
		ret = take_sections(&t, file_size, out, err);
	if (!ret && !out->cmdline.size && !out->initrd.size && !out->ucode.size)
		ret = error_set(err, ENOEXEC,
				"it has no command line, initrd or microcode");
	return ret;
}

int uki_parse(struct bytes start, uint64_t file_size, struct uki *out, struct error *err)
{
	struct table t;
	int ret;

	*out = (struct uki){ 0 };
	if (!find_table(start, &t) || !has_kernel(&t))
		return 0;
	ret = check_machine(&t, "a UKI", err);
	if (!ret)
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

int uki_probe(struct bytes start, uint64_t file_size, struct error *err)
{
	struct uki ignored;

	return uki_parse(start, file_size, &ignored, err);
}

static int take_cmdline(const struct file *f, const struct uki_part *part, char **out,
			struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int ret;

	if (part->size > CMDLINE_MAX)
		return error_set(err, ENOEXEC, "%s: its command line has %llu bytes",
				 f->path, (unsigned long long)part->size);
	text = calloc(1, part->size + 1);
	if (!text)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_read(f, part->offset, text, part->size, err);
	if (ret)
		return ret;
	uki_clean_cmdline(text);
	*out = take_ptr(text);
	return 0;
}

/* The command line of the UKI, then those of its addons. */
static int take_cmdlines(const struct file *f, const struct uki *uki,
			 const struct addons *addons, char **out, struct error *err)
{
	int ret = uki->cmdline.size ? take_cmdline(f, &uki->cmdline, out, err) : 0;

	for (size_t i = 0; !ret && i < addons->count; i++) {
		const struct addon *a = &addons->items[i];
		_cleanup_free_ char *before = take_ptr(*out), *more = NULL;

		ret = take_cmdline(&a->file, &a->parts.cmdline, &more, err);
		if (!ret && asprintf(out, "%s%s%s", before ? before : "",
				     before && *before && *more ? " " : "", more) < 0) {
			*out = NULL;
			ret = error_set(err, ENOMEM, "out of memory");
		}
	}
	return ret;
}

/* An initrd while it is composed. */
struct initrd {
	struct file_part *parts;
	size_t count;
	uint64_t size;
};

static void add_part(struct initrd *to, const struct file *f, const struct uki_part *part)
{
	uint64_t at = align_up(to->size, INITRD_ALIGN);

	if (!part->size)
		return;
	to->parts[to->count++] = (struct file_part){
		.file = f, .from = part->offset, .to = at, .size = part->size
	};
	to->size = at + part->size;
}

/*
 * In the order of systemd-stub. The kernel takes the microcode that it finds first: the
 * last addon wins.
 */
static int take_initrd(const struct file *f, const struct uki *uki,
		       const struct addons *addons, struct file *out, struct error *err)
{
	_cleanup_free_ struct file_part *parts =
		calloc(2 * addons->count + 2, sizeof(*parts));
	struct initrd all = { .parts = parts };

	if (!parts)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = addons->count; i--;)
		add_part(&all, &addons->items[i].file, &addons->items[i].parts.ucode);
	add_part(&all, f, &uki->ucode);
	add_part(&all, f, &uki->initrd);
	for (size_t i = 0; i < addons->count; i++)
		add_part(&all, &addons->items[i].file, &addons->items[i].parts.initrd);
	return all.count ? file_compose(f, parts, all.count, all.size, out, err) : 0;
}

/* Notes which extras there are, in the UKI and in its addons. */
static void find_extras(const struct uki *uki, struct image_extras *out)
{
	out->has_initrd = out->has_initrd || uki->initrd.size || uki->ucode.size;
	out->has_cmdline = out->has_cmdline || uki->cmdline.size;
	out->has_dtb = out->has_dtb || uki->dtb.size;
}

static int take_extras(const struct file *f, const struct uki *uki,
		       const struct image_request *request, struct image_extras *out,
		       struct error *err)
{
	struct addons addons;
	int ret = addons_open(f, uki, &addons, &out->notes, err);

	if (ret)
		return ret;
	find_extras(uki, out);
	for (size_t i = 0; i < addons.count; i++)
		find_extras(&addons.items[i].parts, out);
	out->nr_addons = addons.count;
	if (out->has_initrd && request->initrd)
		ret = take_initrd(f, uki, &addons, &out->initrd, err);
	if (!ret && out->has_cmdline && request->cmdline)
		ret = take_cmdlines(f, uki, &addons, &out->cmdline, err);
	addons_close(&addons);
	return ret;
}

static int take_kernel(struct file *f, const struct uki_part *part, struct error *err)
{
	const struct file_part all = { .from = part->offset, .size = part->size };
	struct file kernel;
	int ret = file_compose(f, &all, 1, part->size, &kernel, err);

	if (ret)
		return ret;
	file_close(f);
	*f = kernel;
	return 0;
}

int uki_open(struct file *f, struct bytes start, const struct image_request *request,
	     struct image *out, struct image_extras *extras, struct error *err)
{
	const struct image_format *within;
	_cleanup_free_ uint8_t *buf = malloc(IMAGE_START_MAX);
	struct uki uki;
	int ret;

	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	uki_parse(start, f->stamp.size, &uki,
		  err); /* succeeds, as it did in uki_probe() */
	ret = take_extras(f, &uki, request, extras, err);
	if (!ret)
		ret = take_kernel(f, &uki.linux_image, err);
	if (!ret)
		ret = image_recognise(f, buf, &start, &within, err);
	if (ret)
		return ret;
	if (!within->in_uki)
		return error_set(err, ENOEXEC, "%s: a UKI whose kernel is of type %s",
				 f->path, within->name);
	return within->open(f, start, request, out, extras, err);
}
