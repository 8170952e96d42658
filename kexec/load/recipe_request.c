// SPDX-License-Identifier: GPL-2.0-only
/* Records about the image as a whole, and about how to load it again. */
#include "load/recipe_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bits of the options' flags. */
enum {
	FLAG_REUSE_INITRD = 1 << 0,
	FLAG_NOEFI = 1 << 1,
	FLAG_HOTPLUG = 1 << 2,
	FLAG_MEMMAP_CMDLINE = 1 << 3,
	FLAG_NO_CHECKS = 1 << 4,
	FLAG_MIX_OFF = 1 << 5,
	FLAG_VMGENID_GIVEN = 1 << 6,
	FLAG_CONSOLE_VGA = 1 << 7,
	FLAG_CONSOLE_SERIAL = 1 << 8,
	FLAG_ENTRY_32BIT = 1 << 9,
	FLAGS_KNOWN = (1 << 10) - 1,
};

static void put_time(struct wire_writer *w, struct timespec t)
{
	wire_put_u64(w, (uint64_t)t.tv_sec);
	wire_put_u64(w, (uint64_t)t.tv_nsec);
}

static struct timespec get_time(struct wire_reader *in)
{
	struct timespec t = { .tv_sec = (time_t)wire_get_u64(in) };

	t.tv_nsec = (long)wire_get_u64(in);
	return t;
}

void recipe_put_image(struct wire_writer *w, const struct recipe *r)
{
	char source[RECIPE_SOURCE_SIZE] = "";

	strcpy(source, r->source); /* recipe_check() has seen its end */
	wire_put_u32(w, r->method);
	wire_put_u32(w, 0);
	wire_put(w, r->boot_id, sizeof(r->boot_id));
	wire_put(w, r->image_id, sizeof(r->image_id));
	put_time(w, r->loaded);
	put_time(w, r->refreshed);
	wire_put_u64(w, r->refreshes);
	wire_put_u64(w, r->region.start);
	wire_put_u64(w, r->region.end);
	wire_put(w, source, sizeof(source));
}

int recipe_get_image(struct wire_reader *in, struct recipe *r, struct error *err)
{
	char zero[RECIPE_SOURCE_SIZE] = "";
	size_t length;

	r->method = wire_get_u32(in);
	wire_get_zero(in);
	wire_get(in, r->boot_id, sizeof(r->boot_id));
	wire_get(in, r->image_id, sizeof(r->image_id));
	r->loaded = get_time(in);
	r->refreshed = get_time(in);
	r->refreshes = wire_get_u64(in);
	r->region.start = wire_get_u64(in);
	r->region.end = wire_get_u64(in);
	wire_get(in, r->source, sizeof(r->source));
	length = strnlen(r->source, sizeof(r->source));
	if (memcmp(r->source + length, zero, sizeof(zero) - length) != 0)
		return error_set(err, EBADMSG, "something follows the source's name");
	return 0;
}

void recipe_put_options(struct wire_writer *w, const struct recipe *r)
{
	const struct options *o = &r->options;

	wire_put_u32(w, (o->reuse_initrd ? FLAG_REUSE_INITRD : 0) |
				(o->noefi ? FLAG_NOEFI : 0) |
				(o->hotplug ? FLAG_HOTPLUG : 0) |
				(o->memmap_cmdline ? FLAG_MEMMAP_CMDLINE : 0) |
				(o->no_checks ? FLAG_NO_CHECKS : 0) |
				(o->mix_off ? FLAG_MIX_OFF : 0) |
				(o->vmgenid_given ? FLAG_VMGENID_GIVEN : 0) |
				(o->console_vga ? FLAG_CONSOLE_VGA : 0) |
				(o->console_serial ? FLAG_CONSOLE_SERIAL : 0) |
				(o->entry_32bit ? FLAG_ENTRY_32BIT : 0));
	wire_put_u32(w, o->method);
	wire_put_u32(w, o->seed);
	wire_put_u32(w, o->seed_timeout);
	wire_put_u32(w, o->on_corruption);
	wire_put_u32(w, o->serial_port);
	wire_put_u32(w, o->serial_baud);
	wire_put_u32(w, 0);
	wire_put_u64(w, o->mem_min);
	wire_put_u64(w, o->mem_max);
	wire_put_u64(w, o->vmgenid_addr);
}

int recipe_get_options(struct wire_reader *in, struct recipe *r, struct error *err)
{
	struct options *o = &r->options;
	uint32_t flags = wire_get_u32(in);

	if (flags & ~(uint32_t)FLAGS_KNOWN)
		return error_set(err, EBADMSG, "unknown flags 0x%x of the options",
				 flags);
	o->load = true;
	o->target = KEXEC_TARGET_CRASH;
	o->reuse_initrd = flags & FLAG_REUSE_INITRD;
	o->noefi = flags & FLAG_NOEFI;
	o->hotplug = flags & FLAG_HOTPLUG;
	o->memmap_cmdline = flags & FLAG_MEMMAP_CMDLINE;
	o->no_checks = flags & FLAG_NO_CHECKS;
	o->mix_off = flags & FLAG_MIX_OFF;
	o->vmgenid_given = flags & FLAG_VMGENID_GIVEN;
	o->console_vga = flags & FLAG_CONSOLE_VGA;
	o->console_serial = flags & FLAG_CONSOLE_SERIAL;
	o->entry_32bit = flags & FLAG_ENTRY_32BIT;
	o->method = wire_get_u32(in);
	o->seed = wire_get_u32(in);
	o->seed_timeout = wire_get_u32(in);
	o->on_corruption = wire_get_u32(in);
	o->serial_port = wire_get_u32(in);
	o->serial_baud = wire_get_u32(in);
	wire_get_zero(in);
	o->mem_min = wire_get_u64(in);
	o->mem_max = wire_get_u64(in);
	o->vmgenid_addr = wire_get_u64(in);
	return 0;
}

static void put_text(struct wire_writer *w, const char *text)
{
	wire_put(w, text, text ? strlen(text) : 0);
}

/* What is left of the record is the text. */
static int get_text(struct wire_reader *in, char **text, struct error *err)
{
	struct bytes b = in->rest;

	if (b.size && memchr(b.data, '\0', b.size))
		return error_set(err, EBADMSG, "a text with a NUL in it");
	*text = calloc(1, b.size + 1);
	if (!*text)
		return error_set(err, ENOMEM, "out of memory");
	wire_get(in, *text, b.size);
	return 0;
}

void recipe_put_kernel(struct wire_writer *w, const struct recipe *r)
{
	wire_put(w, r->kernel_digest, sizeof(r->kernel_digest));
	put_text(w, r->options.kernel);
}

int recipe_get_kernel(struct wire_reader *in, struct recipe *r, struct error *err)
{
	int ret;

	wire_get(in, r->kernel_digest, sizeof(r->kernel_digest));
	ret = get_text(in, &r->strings[0], err);
	r->options.kernel = r->strings[0];
	return ret;
}

void recipe_put_initrd(struct wire_writer *w, const struct recipe *r)
{
	wire_put(w, r->initrd_digest, sizeof(r->initrd_digest));
	put_text(w, r->options.initrd);
}

/* No path: that of the running kernel, --reuseinitrd. */
int recipe_get_initrd(struct wire_reader *in, struct recipe *r, struct error *err)
{
	int ret;

	wire_get(in, r->initrd_digest, sizeof(r->initrd_digest));
	if (!in->rest.size)
		return 0;
	ret = get_text(in, &r->strings[1], err);
	r->options.initrd = r->strings[1];
	return ret;
}

void recipe_put_append(struct wire_writer *w, const struct recipe *r)
{
	put_text(w, r->options.append);
}

int recipe_get_append(struct wire_reader *in, struct recipe *r, struct error *err)
{
	int ret = get_text(in, &r->strings[2], err);

	r->options.append = r->strings[2];
	return ret;
}
