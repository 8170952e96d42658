// SPDX-License-Identifier: GPL-2.0-only
#include "load/recipe.h"

#include "load/recipe_check.h"
#include "load/recipe_records.h"
#include "load/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The format: kexec-seed-recipe(5), which has to be changed together with this file. */
#define MAGIC	    "KSRECIPE"
#define VERSION	    1u
#define HEADER_SIZE 24u
#define ALIGN	    8u

enum record_type {
	RECORD_IMAGE = 1,
	RECORD_OPTIONS = 2,
	RECORD_KERNEL = 3,
	RECORD_INITRD = 4,
	RECORD_APPEND = 5,
	RECORD_PLAN = 6, /* before the blocks, whose sizes it has */
	RECORD_PARAMS = 7,
	RECORD_PURGATORY = 8,
	RECORD_ELFCOREHDR = 9,
	RECORD_NEIGHBOUR = 10,
	RECORD_FILE_LOAD = 11,
	RECORD_END,
};

static bool always(const struct recipe *r)
{
	(void)r;
	return true;
}

static bool has_initrd(const struct recipe *r)
{
	return r->options.initrd || r->options.reuse_initrd;
}

static bool has_append(const struct recipe *r)
{
	return r->options.append;
}

static bool has_plan(const struct recipe *r)
{
	return r->method == RECIPE_KEXEC_LOAD;
}

static bool has_file_load(const struct recipe *r)
{
	return r->method == RECIPE_KEXEC_FILE_LOAD;
}

/* The records, in the order in which they follow each other. */
static const struct record {
	const char *name;
	bool (*is_needed)(const struct recipe *r);
	void (*put)(struct wire_writer *w, const struct recipe *r);
	int (*get)(struct wire_reader *in, struct recipe *r, struct error *err);
} records[RECORD_END] = {
	[RECORD_IMAGE] = { "image", always, recipe_put_image, recipe_get_image },
	[RECORD_OPTIONS] = { "options", always, recipe_put_options, recipe_get_options },
	[RECORD_KERNEL] = { "kernel", always, recipe_put_kernel, recipe_get_kernel },
	[RECORD_INITRD] = { "initrd", has_initrd, recipe_put_initrd, recipe_get_initrd },
	[RECORD_APPEND] = { "append", has_append, recipe_put_append, recipe_get_append },
	[RECORD_PLAN] = { "plan", has_plan, recipe_put_plan, recipe_get_plan },
	[RECORD_PARAMS] = { "boot_params", has_plan, recipe_put_params,
			    recipe_get_params },
	[RECORD_PURGATORY] = { "purgatory", has_plan, recipe_put_purgatory,
			       recipe_get_purgatory },
	[RECORD_ELFCOREHDR] = { "elfcorehdr", has_plan, recipe_put_elfcorehdr,
				recipe_get_elfcorehdr },
	[RECORD_NEIGHBOUR] = { "neighbour", always, recipe_put_neighbour,
			       recipe_get_neighbour },
	[RECORD_FILE_LOAD] = { "file_load", has_file_load, recipe_put_file_load,
			       recipe_get_file_load },
};

static void put_record(struct wire_writer *w, uint32_t type, const struct recipe *r)
{
	static const uint8_t zero[ALIGN];
	struct wire_writer length = { 0 };

	records[type].put(&length, r);
	wire_put_u32(w, type);
	wire_put_u32(w, (uint32_t)length.used); /* the whole is limited */
	records[type].put(w, r);
	wire_put(w, zero, -w->used % ALIGN);
}

static void put_all(struct wire_writer *w, const struct recipe *r, uint64_t total)
{
	wire_put(w, MAGIC, 8);
	wire_put_u32(w, VERSION);
	wire_put_u32(w, 0);
	wire_put_u64(w, total);
	for (uint32_t type = RECORD_IMAGE; type < RECORD_END; type++)
		if (records[type].is_needed(r))
			put_record(w, type, r);
}

int recipe_encode(const struct recipe *r, uint8_t **data, size_t *size, struct error *err)
{
	struct wire_writer count = { 0 }, w = { 0 };
	size_t total;
	int ret = recipe_check(r, err);

	if (ret) {
		error_prefix(err, "no recipe can be written");
		return ret == -EBADMSG ? -EINVAL : ret;
	}
	put_all(&count, r, 0);
	total = count.used + SHA256_SIZE;
	if (total > RECIPE_SIZE_MAX)
		return error_set(err, EFBIG,
				 "the recipe has %zu KiB, more than the %u KiB that are "
				 "read again",
				 total >> 10, RECIPE_SIZE_MAX >> 10);
	w.data = malloc(total);
	if (!w.data)
		return error_set(err, ENOMEM, "out of memory");
	put_all(&w, r, total);
	sha256(w.data, w.used, w.data + w.used);
	*data = w.data;
	*size = total;
	return 0;
}

/* Is it a recipe of this version, and undamaged? */
static int check_envelope(struct bytes data, struct error *err)
{
	struct wire_reader in = { .rest = data };
	uint8_t magic[8], digest[SHA256_SIZE];
	uint32_t version;
	uint64_t total;

	wire_get(&in, magic, sizeof(magic));
	version = wire_get_u32(&in);
	if (in.bad)
		return error_set(err, EBADMSG, "truncated: %zu bytes", data.size);
	if (memcmp(magic, MAGIC, sizeof(magic)) != 0)
		return error_set(err, EBADMSG, "no recipe at all");
	if (version != VERSION)
		return error_set(err, EPROTO, "of version %u, this program knows %u",
				 version, VERSION);
	wire_get_zero(&in);
	total = wire_get_u64(&in);
	if (data.size < HEADER_SIZE + SHA256_SIZE || total > data.size)
		return error_set(err, EBADMSG, "truncated: %zu bytes", data.size);
	if (total != data.size || total > RECIPE_SIZE_MAX)
		return error_set(err, EBADMSG, "too long: %zu bytes", data.size);
	sha256(data.data, data.size - SHA256_SIZE, digest);
	if (memcmp(digest, data.data + data.size - SHA256_SIZE, SHA256_SIZE) != 0)
		return error_set(err, EBADMSG, "damaged: its checksum does not match");
	return in.bad ? error_set(err, EBADMSG, "damaged: its header") : 0;
}

static int get_record(struct wire_reader *in, uint32_t *last, struct recipe *r,
		      struct error *err)
{
	static const uint8_t zero[ALIGN];
	uint32_t type = wire_get_u32(in), length = wire_get_u32(in);
	struct wire_reader payload = { 0 };
	uint8_t padding[ALIGN];
	int ret;

	if (in->bad || !bytes_slice(in->rest, 0, length, &payload.rest))
		return error_set(err, EBADMSG, "the last record is cut off");
	if (type < RECORD_IMAGE || type >= RECORD_END)
		return error_set(err, EBADMSG, "a record of unknown type %u", type);
	if (type <= *last)
		return error_set(err, EBADMSG, "record %s: twice, or out of order",
				 records[type].name);
	*last = type;
	in->rest.data += length;
	in->rest.size -= length;
	wire_get(in, padding, -length % ALIGN);
	if (in->bad || memcmp(padding, zero, -length % ALIGN) != 0)
		return error_set(err, EBADMSG, "record %s: bad padding",
				 records[type].name);
	ret = records[type].get(&payload, r, err);
	if (!ret && (payload.bad || payload.rest.size))
		ret = error_set(err, EBADMSG, "bad length, or a reserved field is used");
	if (ret)
		error_prefix(err, "record %s", records[type].name);
	return ret;
}

static int get_all(struct wire_reader *in, struct recipe *r, struct error *err)
{
	uint32_t last = 0, seen = 0;
	int ret;

	while (in->rest.size) {
		ret = get_record(in, &last, r, err);
		if (ret)
			return ret;
		seen |= 1u << last;
	}
	for (uint32_t type = RECORD_IMAGE; type < RECORD_END; type++)
		if (records[type].is_needed(r) != ((seen >> type) & 1))
			return error_set(
				err, EBADMSG, "record %s: %s", records[type].name,
				(seen >> type) & 1 ? "does not belong here" : "missing");
	return 0;
}

/* The tag is its magic and the image's identity, so it has no record. */
static int make_tag(struct recipe *r, struct error *err)
{
	struct segment *s = plan_segment(&r->plan, PURGATORY_KIND_IMAGE_ID);
	struct image_id *tag;

	if (!s || s->content.size != sizeof(*tag))
		return error_set(err, EBADMSG, "the plan has no tag");
	tag = calloc(1, sizeof(*tag));
	if (!tag)
		return error_set(err, ENOMEM, "out of memory");
	memcpy(tag->magic, IMAGE_ID_MAGIC, sizeof(tag->magic));
	memcpy(tag->id, r->image_id, sizeof(tag->id));
	r->plan.tag = tag;
	s->content.data = (const uint8_t *)tag;
	return 0;
}

int recipe_decode(struct bytes data, struct recipe *out, struct error *err)
{
	struct wire_reader in = { 0 };
	int ret;

	*out = (struct recipe){ 0 };
	ret = check_envelope(data, err);
	if (ret)
		return ret;
	bytes_slice(data, HEADER_SIZE, data.size - HEADER_SIZE - SHA256_SIZE, &in.rest);
	ret = get_all(&in, out, err);
	if (!ret && has_plan(out))
		ret = make_tag(out, err);
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
