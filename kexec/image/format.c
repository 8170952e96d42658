// SPDX-License-Identifier: GPL-2.0-only
#include "image/format.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "image/decompress.h"
#include "image/unsupported.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IMAGE_START_MAX >= UNSUPPORTED_START_MAX, "enough for both");

/* Returns the table's last row; probing goes from there to the first. */
static const struct image_format *last_format(void)
{
	const struct image_format *f = arch_image_formats;

	while (f[1].type)
		f++;
	return f;
}

static bool is_same(const struct image_format *a, const struct image_format *b)
{
	return a->name && b->name && !strcmp(a->name, b->name);
}

static int not_supported(const struct file *f, const char *what, struct error *err)
{
	char formats[IMAGE_LIST_SIZE];

	image_list_formats(formats, sizeof(formats), false);
	return error_set(err, ENOEXEC, "%s: not a kernel that can be loaded%s%s (%s)",
			 f->path, what ? ", but " : "", what ? what : "", formats);
}

/* EFI programs begin like a bzImage: a short file may be either. */
static bool is_efi_program(struct bytes start)
{
	return start.size >= 2 && memcmp(start.data, "MZ", 2) == 0;
}

static int probe(const struct file *f, struct bytes start,
		 const struct image_format **format, struct error *err)
{
	const char *other;

	for (*format = last_format(); *format >= arch_image_formats; (*format)--) {
		int ret = (*format)->probe ? (*format)->probe(start, f->stamp.size, err)
					   : 0;

		if (ret < 0)
			error_prefix(err, "%s", f->path);
		if (ret)
			return ret < 0 ? ret : 0;
	}
	other = unsupported_name(start);
	if (start.size < IMAGE_HEAD_MIN && (!other || is_efi_program(start)))
		return error_set(err, ENOEXEC, "%s: too short to be a kernel (%zu bytes)",
				 f->path, start.size);
	return not_supported(f, other, err);
}

int image_recognise(struct file *f, uint8_t *buf, struct bytes *start,
		    const struct image_format **format, struct error *err)
{
	int ret = file_decompress(f, err);

	if (ret)
		return ret;
	*start = (struct bytes){ buf, f->stamp.size < IMAGE_START_MAX ? f->stamp.size
								      : IMAGE_START_MAX };
	ret = file_read(f, 0, buf, start->size, err);
	return ret ? ret : probe(f, *start, format, err);
}

int image_open(struct file *kernel, const struct image_request *request,
	       struct image *out, struct image_extras *extras, struct error *err)
{
	const struct image_format *format, *wish = request->format;
	_cleanup_free_ uint8_t *buf = malloc(IMAGE_START_MAX);
	struct bytes start;
	int ret;

	*extras = (struct image_extras){ .initrd = FILE_NONE };
	if (!buf)
		return error_set(err, ENOMEM, "out of memory");
	ret = image_recognise(kernel, buf, &start, &format, err);
	if (ret)
		return ret;
	if (wish && !is_same(wish, format))
		return error_set(err, ENOEXEC, "%s: is of type %s, not %s", kernel->path,
				 format->name, wish->name);
	ret = format->open(kernel, start, request, out, extras, err);
	if (!ret)
		out->format = format;
	return ret;
}

void image_extras_free(struct image_extras *extras)
{
	file_close(&extras->initrd);
	notes_free(&extras->notes);
	free(extras->cmdline);
	*extras = (struct image_extras){ .initrd = FILE_NONE };
}

const struct image_format *image_format_of_type(const char *type)
{
	for (const struct image_format *f = arch_image_formats; f->type; f++)
		if (!strcmp(f->type, type))
			return f;
	return NULL;
}

/* Appends @text, preceded by @separator unless @buf is empty. */
static void append(char *buf, size_t size, const char *separator, const char *text)
{
	size_t used = strlen(buf);

	snprintf(buf + used, size - used, "%s%s", used ? separator : "", text);
}

void image_list_types(char *buf, size_t size)
{
	const struct image_format *next;

	*buf = '\0';
	for (const struct image_format *f = arch_image_formats; f->type; f = next) {
		for (next = f + 1; next->type && next->refusal;)
			next++;
		if (!f->refusal)
			append(buf, size, next->type ? ", " : " or ", f->type);
	}
}

/* True if @f is the first row of its name. */
static bool is_first(const struct image_format *f)
{
	for (const struct image_format *g = arch_image_formats; g < f; g++)
		if (is_same(f, g))
			return false;
	return f->name != NULL;
}

static bool can_open(int (*open_library)(struct error *err))
{
	struct error ignored;

	return !open_library || open_library(&ignored) != -ENOTSUP;
}

void image_list_formats(char *buf, size_t size, bool now)
{
	const struct compression *c;
	const char *separator = "; ";

	*buf = '\0';
	for (const struct image_format *f = arch_image_formats; f->type; f++)
		if (is_first(f) && !f->library && (!now || can_open(f->open_library)))
			append(buf, size, ", ", f->name);
	for (size_t i = 0; (c = compression_get(i)); i++)
		if (c->unpack && (!now || can_open(c->open_library))) {
			append(buf, size, separator, c->name);
			separator = ", ";
		}
}

void image_list_missing(char *buf, size_t size)
{
	const struct compression *c;
	char text[64];

	*buf = '\0';
	for (const struct image_format *f = arch_image_formats; f->type; f++)
		if (is_first(f) && f->library) {
			snprintf(text, sizeof(text), "%s (%s)", f->name, f->library);
			append(buf, size, ", ", text);
		}
	for (size_t i = 0; (c = compression_get(i)); i++)
		if (!c->unpack) {
			snprintf(text, sizeof(text), "%s (%s)", c->name, c->library);
			append(buf, size, ", ", text);
		}
}
