// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe.h"

#include "image_id.h"
#include "load/recipe_check.h"
#include "load/recipe_fields.h"
#include "load/le_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Format: kexec-seed-recipe(5). Change both together. */
#define MAGIC	    "KSRECIPE"
#define VERSION	    2u
#define HEADER_SIZE 24u
#define ALIGN	    8u

enum field_type {
	FIELD_IMAGE = 1,
	FIELD_REQUEST = 2,
	FIELD_KERNEL = 3,
	FIELD_INITRD = 4,
	FIELD_CMDLINE = 5,
	FIELD_PLAN = 6, /* must precede the blocks: it has their sizes */
	FIELD_BOOT_DATA = 7,
	FIELD_PURGATORY = 8,
	FIELD_ELFCOREHDR = 9,
	FIELD_GUARD = 10,
	FIELD_FILE_LOAD = 11,
	FIELD_GENERATION = 12,
	FIELD_END,
};

static bool always(const struct recipe *r)
{
	(void)r;
	return true;
}

static bool has_initrd(const struct recipe *r)
{
	return r->request.initrd || r->request.reuse_initrd;
}

static bool has_cmdline(const struct recipe *r)
{
	return r->request.cmdline;
}

static bool has_plan(const struct recipe *r)
{
	return r->method == RECIPE_KEXEC_LOAD;
}

static bool has_file_load(const struct recipe *r)
{
	return r->method == RECIPE_KEXEC_FILE_LOAD;
}

/* The fields, in the order of the file, and the version since which they are in it. */
static const struct field {
	const char *name;
	uint32_t since;
	bool (*is_needed)(const struct recipe *r);
	recipe_field *code;
} fields[FIELD_END] = {
	[FIELD_IMAGE] = { "image", 1, always, recipe_image },
	[FIELD_REQUEST] = { "options", 1, always, recipe_request },
	[FIELD_KERNEL] = { "kernel", 1, always, recipe_kernel },
	[FIELD_INITRD] = { "initrd", 1, has_initrd, recipe_initrd },
	[FIELD_CMDLINE] = { "append", 1, has_cmdline, recipe_cmdline },
	[FIELD_PLAN] = { "plan", 1, has_plan, recipe_plan },
	[FIELD_BOOT_DATA] = { "boot data", 1, has_plan, recipe_boot_data },
	[FIELD_PURGATORY] = { "purgatory", 1, has_plan, recipe_purgatory },
	[FIELD_ELFCOREHDR] = { "elfcorehdr", 1, has_plan, recipe_elfcorehdr },
	[FIELD_GUARD] = { "guard", 1, always, recipe_guard },
	[FIELD_FILE_LOAD] = { "file_load", 1, has_file_load, recipe_file_load },
	[FIELD_GENERATION] = { "generation", 2, always, recipe_generation },
};

static bool is_needed(const struct recipe *r, uint32_t type, uint32_t version)
{
	return fields[type].since <= version && fields[type].is_needed(r);
}

/* Magic, version, total size. */
static void code_header(struct le_codec *c, char magic[8], uint32_t *version,
			uint64_t *total)
{
	le_bytes(c, magic, 8);
	le_u32(c, version);
	le_zero(c);
	le_u64(c, total);
}

static void put_record(struct le_codec *c, uint32_t type, struct recipe *r)
{
	uint8_t zero[ALIGN] = { 0 };
	struct le_codec count = { 0 };
	uint32_t length;

	fields[type].code(&count, r, NULL);
	length = (uint32_t)count.used; /* cannot overflow: the total is limited */
	le_u32(c, &type);
	le_u32(c, &length);
	fields[type].code(c, r, NULL);
	le_bytes(c, zero, -c->used % ALIGN);
}

static void put_all(struct le_codec *c, const struct recipe *r, uint64_t total)
{
	char magic[] = MAGIC;
	uint32_t version = VERSION;

	code_header(c, magic, &version, &total);
	for (uint32_t type = FIELD_IMAGE; type < FIELD_END; type++)
		if (is_needed(r, type, VERSION))
			put_record(c, type, (struct recipe *)r);
}

int recipe_encode(const struct recipe *r, uint8_t **data, size_t *size, struct error *err)
{
	struct le_codec count = { 0 }, c = { 0 };
	size_t total;
	int ret = r->outdated && has_plan(r)
			  ? error_set(err, EBADMSG, "it is of an older version")
			  : recipe_check(r, err);

	if (ret) {
		error_prefix(err, "no recipe can be written");
		return ret == -EBADMSG ? -EINVAL : ret;
	}
	put_all(&count, r, 0);
	total = count.used + SHA256_SIZE;
	if (total > RECIPE_SIZE_MAX)
		return error_set(err, EFBIG,
				 "the recipe has %zu KiB, more than the limit of %u KiB",
				 total >> 10, RECIPE_SIZE_MAX >> 10);
	c.out = malloc(total);
	if (!c.out)
		return error_set(err, ENOMEM, "out of memory");
	put_all(&c, r, total);
	sha256(c.out, c.used, c.out + c.used);
	*data = c.out;
	*size = total;
	return 0;
}

/* Checks magic, version, length and checksum; sets *@version. */
static int check_envelope(struct bytes data, uint32_t *version, struct error *err)
{
	struct le_codec in = { .decode = true, .in = data };
	uint8_t digest[SHA256_SIZE];
	char magic[8];
	uint64_t total = 0;

	code_header(&in, magic, version, &total);
	if (data.size < 12)
		return error_set(err, EBADMSG, "truncated: %zu bytes", data.size);
	if (memcmp(magic, MAGIC, sizeof(magic)) != 0)
		return error_set(err, EBADMSG, "not a recipe");
	if (!*version || *version > VERSION)
		return error_set(err, EPROTO,
				 "version %u; this program knows version %u%s", *version,
				 VERSION,
				 *version ? ": a newer kexec has written it" : "");
	if (data.size < HEADER_SIZE + SHA256_SIZE || total > data.size)
		return error_set(err, EBADMSG, "truncated: %zu bytes", data.size);
	if (total != data.size || total > RECIPE_SIZE_MAX)
		return error_set(err, EBADMSG, "too long: %zu bytes", data.size);
	sha256(data.data, data.size - SHA256_SIZE, digest);
	if (memcmp(digest, data.data + data.size - SHA256_SIZE, SHA256_SIZE) != 0)
		return error_set(err, EBADMSG, "damaged: its checksum does not match");
	return in.bad ? error_set(err, EBADMSG, "damaged: its header") : 0;
}

static int get_record(struct le_codec *in, uint32_t *last, struct recipe *r,
		      struct error *err)
{
	static const uint8_t zero[ALIGN];
	struct le_codec payload = { .decode = true };
	uint32_t type = 0, length = 0;
	uint8_t padding[ALIGN];
	int ret;

	le_u32(in, &type);
	le_u32(in, &length);
	if (in->bad || !bytes_slice(in->in, 0, length, &payload.in))
		return error_set(err, EBADMSG, "the last record is cut off");
	if (type < FIELD_IMAGE || type >= FIELD_END)
		return error_set(err, EBADMSG, "a record of unknown type %u", type);
	if (type <= *last)
		return error_set(err, EBADMSG, "record %s: twice, or out of order",
				 fields[type].name);
	*last = type;
	in->in.data += length;
	in->in.size -= length;
	le_bytes(in, padding, -length % ALIGN);
	if (in->bad || memcmp(padding, zero, -length % ALIGN) != 0)
		return error_set(err, EBADMSG, "record %s: bad padding",
				 fields[type].name);
	ret = fields[type].code(&payload, r, err);
	if (!ret && (payload.bad || payload.in.size))
		ret = error_set(err, EBADMSG,
				"bad length, or a reserved field is not zero");
	if (ret)
		error_prefix(err, "record %s", fields[type].name);
	return ret;
}

static int get_all(struct le_codec *in, uint32_t version, struct recipe *r,
		   struct error *err)
{
	uint32_t last = 0, seen = 0;
	int ret;

	while (in->in.size) {
		ret = get_record(in, &last, r, err);
		if (ret)
			return ret;
		seen |= 1u << last;
	}
	for (uint32_t type = FIELD_IMAGE; type < FIELD_END; type++)
		if (is_needed(r, type, version) != ((seen >> type) & 1))
			return error_set(err, EBADMSG, "record %s: %s", fields[type].name,
					 (seen >> type) & 1 ? "does not belong here"
							    : "missing");
	return 0;
}

/* The pages of the image ID are derived from the ID alone, so they are not stored. */
static int make_image_id(struct recipe *r, struct error *err)
{
	struct segment *s = plan_segment(&r->plan, SEGMENT_IMAGE_ID);
	struct image_id *id;

	if (!s || s->content.size != sizeof(*id))
		return error_set(err, EBADMSG, "the plan has no image ID");
	id = calloc(1, sizeof(*id));
	if (!id)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(id->magic, IMAGE_ID_MAGIC, sizeof(id->magic));
	memcpy(id->id, r->image_id, sizeof(id->id));
	r->plan.image_id = id;
	for (size_t i = 0; i < r->plan.nr_segments; i++) {
		s = &r->plan.segments[i];
		if (segment_is_image_id(s->kind) && s->content.size == sizeof(*id))
			s->content.data = (const uint8_t *)id;
	}
	return 0;
}

int recipe_decode(struct bytes data, struct recipe *out, struct error *err)
{
	struct le_codec in = { .decode = true };
	uint32_t version = 0;
	int ret;

	*out = (struct recipe){ 0 };
	ret = check_envelope(data, &version, err);
	if (ret)
		return ret;
	out->outdated = version < VERSION;
	bytes_slice(data, HEADER_SIZE, data.size - HEADER_SIZE - SHA256_SIZE, &in.in);
	ret = get_all(&in, version, out, err);
	if (!ret && has_plan(out))
		ret = make_image_id(out, err);
	if (!ret)
		ret = recipe_check(out, err);
	if (ret)
		recipe_free(out);
	return ret;
}

void recipe_free(struct recipe *r)
{
	plan_free(&r->plan);
	for (size_t i = 0; i < sizeof(r->strings) / sizeof(r->strings[0]); i++)
		free(r->strings[i]);
	*r = (struct recipe){ 0 };
}
