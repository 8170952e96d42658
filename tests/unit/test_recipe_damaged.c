// SPDX-License-Identifier: GPL-2.0-only
/* Inconsistent recipes with a correct checksum are neither decoded nor written. */
#include "check.h"
#include "recipe_scene.h"

#include <endian.h>
#include <errno.h>

#define HEADER 24

enum {
	IMAGE = 1,
	REQUEST,
	KERNEL,
	INITRD,
	CMDLINE,
	PLAN,
	BOOT_DATA,
	PURGATORY,
	ELFCOREHDR,
	GUARD,
	FILE_LOAD,
	GENERATION
};

/* Offset of a record in the valid recipe; its payload has *@length bytes. */
static size_t find_record(const struct scene *s, uint32_t type, uint32_t *length)
{
	*length = 0;
	for (size_t at = HEADER; at < s->size - SHA256_SIZE;) {
		uint32_t head[2];

		memcpy(head, s->data + at, sizeof(head));
		*length = le32toh(head[1]);
		if (le32toh(head[0]) == type)
			return at;
		at += 8 + ((*length + 7) & ~7u);
	}
	fail_msg("no record %u", type);
	return 0;
}

struct field_case {
	uint32_t record;
	size_t offset; /* in the payload */
	size_t size;
	uint64_t value;
	const char *what;
};

#define SEGMENT(i, field) (72 + 32 * (i) + (field))
#define PARAM(field)	  offsetof(struct purgatory_params, field)
#define CHECK(i, field)                                                                  \
	(PARAM(checks) + sizeof(struct purgatory_check) * (i) +                          \
	 offsetof(struct purgatory_check, field))

/* Segments: 0 image ID, 1 purgatory, 2 elfcorehdr, 3 boot data, 4 seed, 5 kernel, 6 initrd */
static const struct field_case fields[] = {
	{ IMAGE, 0, 4, 3, "does not belong" },
	{ IMAGE, 0, 4, RECIPE_KEXEC_FILE_LOAD, "does not belong" },
	{ IMAGE, 4, 4, 1, "reserved" },
	{ IMAGE, 40, 8, UINT64_MAX, "time" },
	{ IMAGE, 48, 8, 1000000000, "time" },
	{ IMAGE, 64, 8, UINT64_MAX, "time" },
	{ IMAGE, 80, 8, SCENE_REGION + GIB, "region is empty" },
	{ IMAGE, 80, 8, SCENE_REGION + 4096, "crash region" },
	{ IMAGE, 88, 8, SCENE_REGION + 0x40000, "crash region" },
	{ IMAGE, 96, 1, ' ', "not a word" },
	{ IMAGE, 119, 1, 'x', "source" },
	{ REQUEST, 0, 4, 1u << 11, "unknown flags" },
	{ REQUEST, 0, 4, 1u << 0, "two initrds" },
	{ REQUEST, 0, 4, 0, "VM generation" },
	{ REQUEST, 4, 4, 3, "method" },
	{ REQUEST, 4, 4, UINT32_MAX, "method" },
	{ REQUEST, 4, 4, METHOD_FILE, "does not match the request" },
	{ REQUEST, 8, 4, 3, "seed" },
	{ REQUEST, 12, 4, 3601, "seed" },
	{ REQUEST, 16, 4, 3, "corruption" },
	{ REQUEST, 20, 4, 0x10000, "serial" },
	{ REQUEST, 24, 4, 9601, "serial" },
	{ REQUEST, 24, 4, 4800, "serial" },
	{ REQUEST, 28, 4, 1, "reserved" },
	{ KERNEL, 32, 1, 'b', "not absolute" },
	{ KERNEL, 34, 1, 0, "NUL" },
	{ INITRD, 32, 1, 'b', "not absolute" },
	{ CMDLINE, 3, 1, 0, "NUL" },
	{ PLAN, 0, 4, 4, "unknown flags" },
	{ PLAN, 0, 4, 2, "seed" },
	{ PLAN, 4, 4, 17, "17 segments" },
	{ PLAN, 4, 4, UINT32_MAX, "segments" },
	{ PLAN, 4, 4, 6, "length" },
	{ PLAN, 4, 4, 8, "length" },
	{ PLAN, 8, 8, 0, "entry" },
	{ PLAN, 16, 8, SCENE_REGION, "entry is not in the kernel" },
	{ PLAN, 16, 8, UINT64_MAX, "entry is not in the kernel" },
	{ PLAN, 24, 8, SCENE_REGION, "the boot data" },
	{ PLAN, 32, 8, SCENE_PARAMS, "command line" },
	{ PLAN, 32, 8, UINT64_MAX, "command line" },
	{ PLAN, 32, 8, 100, "command line" },
	{ PLAN, 40, 8, SCENE_REGION, "control-page reserve" },
	{ PLAN, 40, 8, SCENE_REGION + 0x20001, "control-page reserve" },
	{ PLAN, 48, 8, SCENE_REGION + 0x20001, "control-page reserve" },
	{ PLAN, 48, 8, UINT64_MAX, "control-page reserve" },
	{ PLAN, 72 + 4 * 32 + 24, 8, 1 << 23, "a seed that has content" },
	{ PLAN, 56, 8, 1, "out of its block" },
	{ PLAN, 56, 8, UINT64_MAX, "out of its block" },
	{ PLAN, 64, 4, 1, "header" },
	{ PLAN, 68, 4, 33, "header" },
	{ PLAN, SEGMENT(0, 0), 4, PURGATORY_KIND_INITRD, "image ID" },
	{ PLAN, SEGMENT(0, 8), 8, SCENE_REGION + 4096, "control-page reserve" },
	{ PLAN, SEGMENT(0, 24), 8, 33, "image ID" },
	{ PLAN, SEGMENT(1, 24), 8, 100, "fit" },
	{ PLAN, SEGMENT(2, 24), 8, SCENE_HEADERS + 1, "fit" },
	{ PLAN, SEGMENT(3, 24), 8, UINT64_MAX, "fit" },
	{ PLAN, SEGMENT(6, 0), 4, PURGATORY_KIND_KERNEL, "two of one" },
	{ PLAN, SEGMENT(4, 0), 4, 9, "unknown kind" },
	{ PLAN, SEGMENT(4, 0), 4, UINT32_MAX, "unknown kind" },
	{ PLAN, SEGMENT(4, 4), 4, 1, "reserved" },
	{ PLAN, SEGMENT(4, 16), 8, 8192, "seed" },
	{ PLAN, SEGMENT(5, 8), 8, SCENE_REGION + GIB, "outside" },
	{ PLAN, SEGMENT(5, 8), 8, SCENE_REGION + 1, "pages" },
	{ PLAN, SEGMENT(5, 8), 8, -(uint64_t)4096, "outside" },
	{ PLAN, SEGMENT(5, 16), 8, -(uint64_t)4096, "outside" },
	{ PLAN, SEGMENT(5, 16), 8, 0, "pages" },
	{ PLAN, SEGMENT(5, 16), 8, 4097, "pages" },
	{ PLAN, SEGMENT(5, 16), 8, 4096, "smaller" },
	{ PLAN, SEGMENT(5, 16), 8, 17 * MIB, "overlap" },
	{ PLAN, SEGMENT(5, 24), 8, 0, "empty" },
	{ PLAN, SEGMENT(5, 24), 8, UINT64_MAX, "smaller" },
	{ PLAN, SEGMENT(3, 8), 8, SCENE_REGION + 512 * MIB, "order" },
	{ BOOT_DATA, 8192, 8, 0x4141414141414141, NULL }, /* another command line */
	{ PURGATORY, PARAM(magic), 8, 1, "version" },
	{ PURGATORY, PARAM(version), 4, PURGATORY_VERSION + 1, "newer version" },
	{ PURGATORY, PARAM(version), 4, 0, "another version" },
	{ PURGATORY, PARAM(params_size), 4, 1, "version" },
	{ PURGATORY, PARAM(entry_offset), 4, 8, "entry" },
	{ PURGATORY, PARAM(entry_offset), 4, UINT32_MAX, "entry" },
	{ PURGATORY, PARAM(file_size), 4, 4096, "size" },
	{ PURGATORY, PARAM(mem_size), 8, 0, "size" },
	{ PURGATORY, PARAM(mem_size), 8, UINT64_MAX, "size" },
	{ PURGATORY, PARAM(kernel_entry), 8, 0, "addresses" },
	{ PURGATORY, PARAM(boot_data), 8, 0, "addresses" },
	{ PURGATORY, PARAM(mix_target), 8, 1, "addresses" },
	{ PURGATORY, PARAM(map_pool), 8, 0, "the purgatory's map" },
	{ PURGATORY, PARAM(map_pages), 8, 9, "the purgatory's map" },
	{ PURGATORY, PARAM(map_pages), 8, UINT64_MAX / 2, "the purgatory's map" },
	{ PURGATORY, PARAM(nr_maps), 4, PURGATORY_MAX_MAPS + 1, "too many maps" },
	{ PURGATORY, PARAM(nr_checks), 4, PURGATORY_MAX_CHECKS + 1, "too many digests" },
	{ PURGATORY, PARAM(nr_checks), 4, UINT32_MAX, "too many digests" },
	{ PURGATORY, PARAM(self_sha256), 1, 1, "digest of a seed" },
	{ PURGATORY, CHECK(4, digest) + 31, 1, 1, "digest of a seed" },
	{ PURGATORY, CHECK(0, kind), 4, UINT32_MAX, "without a" },
	{ PURGATORY, CHECK(0, kind), 4, PURGATORY_KIND_PURGATORY, "not loaded" },
	{ PURGATORY, CHECK(2, addr), 8, SCENE_REGION, "not loaded" },
	{ PURGATORY, CHECK(2, addr), 8, UINT64_MAX, "not loaded" },
	{ PURGATORY, CHECK(2, size), 8, SCENE_HEADERS + 1, "not loaded" },
	{ PURGATORY, CHECK(4, size), 8, 4097, "not loaded" },
	{ GUARD, 0, 8, 0, "outside" },
	{ GUARD, 8, 8, UINT64_MAX, "outside" },
	{ GENERATION, 0, 8, 0x7ff0029, "the generation" },
	{ GENERATION, 0, 8, UINT64_MAX - 7, "the generation" },
	{ GENERATION, 0, 8, 0, "the generation" },
	{ GENERATION, 8, 4, 4, "unknown flags" },
	{ GENERATION, 8, 4, 1, "the generation" },
	{ GENERATION, 8, 4, 2, "the generation" },
	{ GENERATION, 12, 4, 1, "reserved" },
};

/* A checksum is no protection: anybody can compute it. */
static void test_inconsistent(void **state)
{
	static const struct recipe none;
	struct scene *s = *state;

	for (size_t i = 0; i < COUNT(fields); i++) {
		const struct field_case *c = &fields[i];
		uint64_t value = htole64(c->value);
		uint8_t *data = malloc(s->size);
		uint32_t length;
		size_t at = find_record(s, c->record, &length) + 8 + c->offset;
		int ret;

		assert_non_null(data);
		assert_true(c->offset + c->size <= length);
		memcpy(data, s->data, s->size);
		memcpy(data + at, &value, c->size);
		scene_seal(data, s->size);
		ret = decode(s, data, s->size);
		if (ret != (c->what ? -EBADMSG : 0) ||
		    (c->what && !strstr(s->err.text, c->what)))
			fail_msg("case %zu (%s): %d, %s", i, c->what, ret, s->err.text);
		if (ret)
			assert_memory_equal(&s->out, &none, sizeof(none));
		free(data);
	}
}

/* A file with the records @types of the valid one, in that order; @types ends with 0. */
static uint8_t *build(const struct scene *s, const uint32_t *types, size_t *size)
{
	uint8_t *data = calloc(2, s->size);

	assert_non_null(data);
	memcpy(data, s->data, HEADER);
	*size = HEADER;
	for (; *types; types++) {
		uint32_t length;
		size_t at = find_record(s, *types, &length);
		size_t all = 8 + ((length + 7) & ~7u);

		memcpy(data + *size, s->data + at, all);
		*size += all;
	}
	*size += SHA256_SIZE;
	scene_seal(data, *size);
	return data;
}

static void refused(struct scene *s, const uint32_t *types, const char *what)
{
	size_t size = 0;
	uint8_t *data = build(s, types, &size);

	assert_int_equal(decode(s, data, size), -EBADMSG);
	if (!strstr(s->err.text, what))
		fail_msg("%s instead of %s", s->err.text, what);
	free(data);
}

static void test_records(void **state)
{
	struct scene *s = *state;

	for (uint32_t without = IMAGE; without <= GENERATION; without++) {
		uint32_t types[GENERATION] = { 0 }, n = 0;

		for (uint32_t t = IMAGE; t <= GENERATION; t++)
			if (t != without && t != FILE_LOAD)
				types[n++] = t;
		if (without == CMDLINE || without == FILE_LOAD)
			continue;
		refused(s, types,
			without == INITRD ? "initrd segment and initrd file disagree"
			: without == PLAN ? "fit its segment"
					  : "missing");
	}
	refused(s, (uint32_t[]){ 0 }, "missing");
	refused(s, (uint32_t[]){ IMAGE, IMAGE, 0 }, "twice");
	refused(s, (uint32_t[]){ REQUEST, IMAGE, 0 }, "out of order");
}

static void test_record_heads(void **state)
{
	struct scene *s = *state;
	uint32_t length, types[] = { 0, GENERATION + 1, UINT32_MAX };
	uint32_t lengths[] = { 119, 121, 128, 0, UINT32_MAX, UINT32_MAX - 7, 0x7fffffff };
	size_t at = find_record(s, IMAGE, &length);

	assert_int_equal(length, 120);
	for (size_t i = 0; i < COUNT(types); i++) {
		memcpy(s->data + at, &types[i], 4);
		scene_seal(s->data, s->size);
		assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
		assert_non_null(strstr(s->err.text, "unknown type"));
	}
	s->data[at] = IMAGE;
	memset(s->data + at + 1, 0, 3);
	s->data[12] = 1; /* reserved */
	scene_seal(s->data, s->size);
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_string_equal(s->err.text, "damaged: its header");
	s->data[12] = 0;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		memcpy(s->data + at + 4, &lengths[i], 4);
		scene_seal(s->data, s->size);
		assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
		if (lengths[i] == 119)
			assert_string_equal(s->err.text,
					    "record image: bad length, or a reserved "
					    "field is not zero");
		if (lengths[i] > s->size)
			assert_string_equal(s->err.text, "the last record is cut off");
	}
	memcpy(s->data + at + 4, &length, 4);
	at = find_record(s, KERNEL, &length);
	assert_int_not_equal(length % 8, 0);
	s->data[at + 8 + length] = 1;
	scene_seal(s->data, s->size);
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_non_null(strstr(s->err.text, "padding"));
}

/* A purgatory that ends within its parameters, and a plan that agrees. */
static void test_short_purgatory(void **state)
{
	const uint32_t all[] = { IMAGE,	     REQUEST, KERNEL,	  INITRD,
				 CMDLINE,    PLAN,    BOOT_DATA,  PURGATORY,
				 ELFCOREHDR, GUARD,   GENERATION, 0 };
	const uint64_t wanted = htole64(96);
	struct scene *s = *state;
	uint32_t length, plan_length;
	size_t at = find_record(s, PURGATORY, &length), size = 0, cut;
	size_t plan = find_record(s, PLAN, &plan_length) + 8;
	uint8_t *data = build(s, all, &size);

	assert_int_equal(size, s->size);
	cut = ((length + 7) & ~7u) - 96;
	memcpy(data + plan + SEGMENT(1, 24), &wanted, 8);
	memcpy(data + at + 4, &wanted, 4);
	memmove(data + at + 8 + 96, data + at + 8 + 96 + cut, size - at - 8 - 96 - cut);
	scene_seal(data, size - cut);
	assert_int_equal(decode(s, data, size - cut), -EBADMSG);
	assert_string_equal(s->err.text,
			    "record purgatory: it is shorter than its parameters");
	free(data);
}

/* On failure nothing is left to free, even if @out was not initialised. */
static void test_not_initialised(void **state)
{
	static const struct recipe none;
	struct scene *s = *state;
	struct recipe out;

	memset(&out, 0x5a, sizeof(out));
	assert_int_equal(recipe_decode((struct bytes){ s->data, 5 }, &out, &s->err),
			 -EBADMSG);
	assert_memory_equal(&out, &none, sizeof(none));
}

/* A command line without an end in the boot data. */
static void test_endless_cmdline(void **state)
{
	struct scene *s = *state;
	uint32_t length;
	size_t at = find_record(s, BOOT_DATA, &length) + 8;

	memset(s->data + at + 8192, 'a', length - 8192);
	scene_seal(s->data, s->size);
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_non_null(strstr(s->err.text, "command line"));
}

/* Two digests of one segment. */
static void test_two_digests(void **state)
{
	struct scene *s = *state;
	uint32_t length;
	uint8_t *block = s->data + find_record(s, PURGATORY, &length) + 8;

	memcpy(block + CHECK(2, addr), block + CHECK(0, addr),
	       sizeof(struct purgatory_check));
	scene_seal(s->data, s->size);
	assert_int_equal(decode(s, s->data, s->size), -EBADMSG);
	assert_non_null(strstr(s->err.text, "or two"));
}

static void not_written(struct scene *s, const struct recipe *r, int ret)
{
	uint8_t *data = NULL;
	size_t size = 0;

	assert_int_equal(recipe_encode(r, &data, &size, &s->err), ret);
	assert_null(data);
}

/* A recipe that could not be decoded is not written. */
static void test_not_written(void **state)
{
	struct scene *s = *state;
	struct load_request *o = &s->file.request;

	o->kernel = "vmlinuz";
	not_written(s, &s->file, -EINVAL);
	assert_memory_equal(s->err.text, "no recipe can be written: ", 26);
	o->kernel = s->file.strings[0];
	o->target = KEXEC_TARGET_NORMAL;
	not_written(s, &s->file, -EINVAL);
	o->target = KEXEC_TARGET_CRASH;
	s->file.image_id[15] = 1;
	not_written(s, &s->file, -EINVAL);
	assert_non_null(strstr(s->err.text, "an image ID with"));
	s->file.image_id[15] = 0;
	s->file.method = 3;
	not_written(s, &s->file, -EINVAL);
	s->file.method = RECIPE_KEXEC_FILE_LOAD;
	memset(s->file.source, 'x', sizeof(s->file.source));
	not_written(s, &s->file, -EINVAL);
	s->file.source[3] = '\0';
	free(s->file.strings[2]);
	s->file.strings[2] = calloc(1, 65537);
	assert_non_null(s->file.strings[2]);
	memset(s->file.strings[2], 'x', 65536);
	o->cmdline = s->file.strings[2];
	not_written(s, &s->file, -EINVAL);
	s->load.image_id[0] ^= 1;
	not_written(s, &s->load, -EINVAL);
	assert_non_null(strstr(s->err.text, "two image IDs"));
}

/* A recipe that is too large, and a block that is too large by itself. */
static void test_too_large(void **state)
{
	struct scene *s = *state;
	struct plan *p = &s->load.plan;
	struct purgatory_params *params = (void *)p->purgatory_block;
	struct segment *hdr = plan_segment(p, SEGMENT_ELFCOREHDR);

	params->nr_checks = 0;
	hdr->addr = SCENE_REGION + 128 * MIB;
	plan_segment(p, SEGMENT_KERNEL)->addr = SCENE_REGION + 256 * MIB;
	plan_segment(p, SEGMENT_INITRD)->addr = SCENE_REGION + 512 * MIB;
	p->kernel_entry = params->kernel_entry = SCENE_REGION + 256 * MIB;
	free(p->elfcorehdr_block);
	p->elfcorehdr_block = calloc(1, 4 * MIB);
	assert_non_null(p->elfcorehdr_block);
	p->elfcorehdr_size = hdr->content.size = hdr->mem_size = 4 * MIB;
	not_written(s, &s->load, -EFBIG);
	assert_non_null(strstr(s->err.text, "KiB, more than the limit of 4096 KiB"));
	assert_memory_equal(s->err.text, "the recipe has 41", 17);
	hdr->mem_size += PAGE;
	p->elfcorehdr_size = ++hdr->content.size;
	not_written(s, &s->load, -EINVAL);
	assert_non_null(strstr(s->err.text, "too large"));
}

int main(void)
{
#define RECIPE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		RECIPE_TEST(test_inconsistent),	   RECIPE_TEST(test_records),
		RECIPE_TEST(test_record_heads),	   RECIPE_TEST(test_endless_cmdline),
		RECIPE_TEST(test_two_digests),	   RECIPE_TEST(test_not_written),
		RECIPE_TEST(test_too_large),	   RECIPE_TEST(test_not_initialised),
		RECIPE_TEST(test_short_purgatory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
