// SPDX-License-Identifier: GPL-2.0-only
#include "acpi/vmgenid.h"

#include "acpi/aml.h"
#include "acpi/vmgenid_addr.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define TABLES_DIR	 "/sys/firmware/acpi/tables"
#define TABLES_TOTAL_MAX ((size_t)16 << 20) /* bytes */

#define DEPTH_MAX 64 /* nested scopes; real tables have about ten */

/* The purgatory's map ends here. */
#define ADDR_BITS  47
#define ADDR_LIMIT ((uint64_t)1 << ADDR_BITS)

static const char *const id_names[] = { "VM_Gen_Counter", "VMGENCTR" };

#define ID_NAMES (sizeof(id_names) / sizeof(id_names[0]))

static void __attribute__((format(printf, 3, 4)))
set(struct vmgenid *v, enum vmgenid_state state, const char *fmt, ...)
{
	va_list args;

	v->state = state;
	v->addr = 0;
	va_start(args, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, args);
	va_end(args);
}

/* An open scope, with the device seen in it so far. */
struct frame {
	const uint8_t *end;
	struct vmgenid_device device;
};

struct walk {
	struct frame open[DEPTH_MAX];
	size_t depth;
	size_t found;
	struct vmgenid_device device; /* the last one found */
};

static bool is_id_name(struct bytes text)
{
	for (size_t i = 0; i < ID_NAMES; i++)
		if (text.size == strlen(id_names[i]) &&
		    !strncasecmp((const char *)text.data, id_names[i], text.size))
			return true;
	return false;
}

/*
 * True if @value, of _HID or _CID, is an ID's name or a package that holds one. Packages
 * may hold numbers too.
 */
static bool has_id_name(struct bytes value)
{
	struct bytes elements, text;
	uint64_t number;
	uint8_t count;

	if (aml_string(&value, &text))
		return is_id_name(text);
	if (!aml_package(&value, &count, &elements))
		return false;
	while (elements.size) {
		if (aml_string(&elements, &text)) {
			if (is_id_name(text))
				return true;
		} else if (!aml_integer(&elements, &number)) {
			return false;
		}
	}
	return false;
}

static void take_term(struct vmgenid_device *d, const struct aml_term *t)
{
	if (t->kind == AML_OBJECT &&
	    (text_equals(t->name, "_CID") || text_equals(t->name, "_HID"))) {
		d->named |= has_id_name(t->body);
	} else if ((t->kind == AML_OBJECT || t->kind == AML_METHOD) &&
		   text_equals(t->name, "ADDR")) {
		d->kind = t->kind;
		d->addr = t->body;
		d->objects++;
	}
}

/* Opens a scope; false if too many are open already. */
static bool enter(struct walk *w, struct bytes body, bool conditional)
{
	if (w->depth == DEPTH_MAX)
		return false;
	w->open[w->depth++] = (struct frame){
		.end = body.data + body.size,
		.device = { .body = body, .conditional = conditional },
	};
	return true;
}

static void leave(struct walk *w)
{
	struct vmgenid_device *d = &w->open[--w->depth].device;

	if (!d->named)
		return;
	w->device = *d;
	w->found++;
}

static void walk_table(struct walk *w, struct bytes code)
{
	const uint8_t *at = code.data;

	w->depth = 0;
	enter(w, code, false);
	while (w->depth) {
		struct frame *f = &w->open[w->depth - 1];
		struct bytes rest = { at, (size_t)(f->end - at) };
		struct aml_term t;

		if (!rest.size) {
			leave(w);
			continue;
		}
		if (!aml_next(&rest, &t)) {
			f->device.broken = true;
			at = f->end;
			continue;
		}
		at = rest.data;
		if (w->depth > 1) /* the top level of a table is no device */
			take_term(&f->device, &t);
		if ((t.kind == AML_SCOPE || t.kind == AML_CONDITION) &&
		    !enter(w, t.body, f->device.conditional || t.kind == AML_CONDITION))
			at = t.body.data + t.body.size;
	}
}

/* Counts the IDs anywhere in @in, in any case. */
static size_t mentions(struct bytes in)
{
	size_t count = 0;

	for (size_t i = 0; i < in.size; i++) {
		if ((in.data[i] | 0x20) != 'v')
			continue;
		for (size_t k = 0; k < ID_NAMES; k++) {
			size_t n = strlen(id_names[k]);

			count += n <= in.size - i &&
				 !strncasecmp((const char *)in.data + i, id_names[k], n);
		}
	}
	return count;
}

/* Returns why the only device found cannot be understood; NULL if it can. */
static const char *objection(const struct vmgenid_device *d)
{
	if (d->conditional)
		return "it is declared under a condition";
	if (d->broken)
		return "its declaration makes no sense";
	if (d->objects != 1)
		return d->objects ? "it has more than one ADDR" : "it has no ADDR";
	return NULL;
}

static void judge(const struct walk *w, const struct bytes *codes, size_t count,
		  size_t named, const char *damage, struct vmgenid *out)
{
	const char *problem;

	if (!w->found && !named && damage)
		return set(out, VMGENID_UNKNOWN_SHAPE, "a table is %s", damage);
	if (!w->found && !named)
		return set(out, VMGENID_ABSENT, "no such device in %zu tables", count);
	if (!w->found)
		return set(out, VMGENID_UNKNOWN_SHAPE,
			   "it is named, but not as a device's ID");
	/* a second device, or a mention that might be one */
	if (w->found > 1 || named > mentions(w->device.body))
		return set(out, VMGENID_UNKNOWN_SHAPE, "it is named more than once");
	problem = objection(&w->device);
	if (problem)
		return set(out, VMGENID_UNKNOWN_SHAPE, "%s", problem);
	vmgenid_addr(&w->device, codes, count, out);
}

void vmgenid_find(const struct bytes *files, size_t count, struct vmgenid *out)
{
	struct bytes codes[VMGENID_TABLES_MAX];
	struct walk w = { .depth = 0 };
	const char *damage = NULL;
	size_t used = 0, named = 0;

	if (count > VMGENID_TABLES_MAX)
		return set(out, VMGENID_UNKNOWN_SHAPE, "there are more than %d tables",
			   VMGENID_TABLES_MAX);
	for (size_t i = 0; i < count; i++) {
		const char *problem = aml_table(files[i], &codes[used]);

		if (problem) {
			damage = problem;
			named += mentions(files[i]);
			continue;
		}
		named += mentions(codes[used]);
		walk_table(&w, codes[used++]);
	}
	judge(&w, codes, used, named, damage, out);
}

/*
 * True unless @map has memory in [@start, @end) that firmware or kernel may use
 * otherwise.
 */
static bool is_set_aside(const struct memory_map *map, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_entry *e = &map->entries[i];

		if (e->addr >= end || e->addr + e->size <= start)
			continue;
		if (e->type != MEMORY_RESERVED && e->type != MEMORY_ACPI &&
		    e->type != MEMORY_NVS)
			return false;
	}
	return true;
}

void vmgenid_check(const struct memory_map *firmware, const struct memory_map *iomem,
		   unsigned int physical_bits, struct vmgenid *v)
{
	uint64_t limit = ADDR_LIMIT, start = v->addr, end;
	const char *problem = NULL;

	if (v->state != VMGENID_FOUND)
		return;
	if (physical_bits && physical_bits < ADDR_BITS)
		limit = (uint64_t)1 << physical_bits;
	if (!start)
		problem = "has not been filled in";
	else if (start % 8)
		problem = "is not aligned to 8 bytes";
	else if (__builtin_add_overflow(start, VMGENID_SIZE, &end) || end > limit)
		problem = "is beyond the CPU's address space";
	else if (!is_set_aside(firmware, start, end) || !is_set_aside(iomem, start, end))
		problem = "is in memory that the kernel uses";
	if (problem)
		set(v, VMGENID_BAD_ADDRESS, "address %#llx %s", (unsigned long long)start,
		    problem);
}

/* Contents of all table files. */
struct tables {
	struct bytes files[VMGENID_TABLES_MAX]; /* owned */
	size_t count;
	size_t total;
};

static void free_tables(struct tables *t)
{
	for (size_t i = 0; i < t->count; i++)
		free((void *)t->files[i].data);
}

/* True for a table with code. The kernel numbers tables of the same signature. */
static bool is_table(const char *name)
{
	static const char *const signatures[] = { "DSDT", "SSDT", "PSDT", "OSDT" };
	struct bytes rest;
	uint32_t number;

	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (text_starts(text_from(name), signatures[i], &rest))
			return !rest.size || text_decimal(rest, &number);
	return false;
}

static int read_table(const char *dir, const char *name, struct tables *t)
{
	_cleanup_free_ char *path = NULL;
	char *data;
	size_t size;
	int ret;

	if (t->count == VMGENID_TABLES_MAX)
		return -E2BIG;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	ret = file_slurp(path, VMGENID_TABLE_MAX, &data, &size);
	if (ret)
		return ret;
	t->files[t->count++] = (struct bytes){ (uint8_t *)data, size };
	t->total += size;
	return t->total > TABLES_TOTAL_MAX ? -E2BIG : 0;
}

static int read_tables(const char *root, const char *name, struct tables *t)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_free_ char *path = NULL;
	const struct dirent *d;
	int ret;

	if (asprintf(&path, "%s%s", root, name) < 0)
		return -ENOMEM;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((ret = file_next(dir, &d)) > 0) {
		ret = is_table(d->d_name) ? read_table(path, d->d_name, t) : 0;
		if (ret)
			return ret;
	}
	return ret;
}

void vmgenid_read(const char *root, struct vmgenid *out)
{
	_cleanup_(free_tables) struct tables t = { .count = 0 };
	int ret = read_tables(root, TABLES_DIR, &t);

	if (ret == -ENOENT)
		return set(out, VMGENID_ABSENT, "no ACPI tables");
	if (!ret) {
		ret = read_tables(root, TABLES_DIR "/dynamic", &t);
		if (ret == -ENOENT)
			ret = 0;
	}
	if (ret == -EACCES || ret == -EPERM)
		return set(out, VMGENID_HIDDEN, "only root can read the ACPI tables");
	if (ret)
		return set(out, VMGENID_UNKNOWN_SHAPE, "ACPI tables: %s", strerror(-ret));
	vmgenid_find(t.files, t.count, out);
}
