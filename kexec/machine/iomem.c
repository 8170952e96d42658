// SPDX-License-Identifier: GPL-2.0-only
#include "machine/iomem.h"

#include "machine/memory_map.h"
#include "base/text.h"

#include <errno.h>

struct line {
	uint64_t start;
	uint64_t last; /* inclusive */
	struct bytes name;
};

static bool parse_line(struct bytes text, struct line *out)
{
	struct bytes start, last;

	while (text_starts(text, "  ", &text))
		; /* nesting does not matter here */
	return text_cut(&text, '-', &start) && text_hex(start, &out->start) &&
	       text_cut(&text, ' ', &last) && text_hex(last, &out->last) &&
	       text_starts(text, ": ", &out->name);
}

/* "System RAM", or "System RAM (DRIVER)" for memory that a driver manages. */
static bool is_ram(struct bytes name, bool *managed)
{
	struct bytes rest = name, type;
	uint32_t number;

	if (!text_cut(&rest, '(', &type))
		return false;
	*managed = type.size < name.size;
	return memory_type_from_name(*managed ? text_trim(type) : type, &number) &&
	       number == MEMORY_RAM;
}

/* Adds the part of @l above the last entry of its type; the file is ascending. */
static int add_to_map(struct memory_map *map, const struct line *l, uint32_t type)
{
	uint64_t start = l->start;

	for (size_t i = map->count; i-- > 0;) {
		const struct memory_entry *e = &map->entries[i];

		if (e->type != type)
			continue;
		if (e->addr + e->size > start)
			start = e->addr + e->size;
		break;
	}
	return start > l->last ? 0 : memory_map_add(map, start, l->last, type);
}

static int add_crash(struct iomem *m, const struct line *l)
{
	if (m->crash_count == IOMEM_MAX_CRASH || l->last == UINT64_MAX)
		return -EINVAL;
	m->crash[m->crash_count++] = (struct range){ l->start, l->last + 1 };
	return 0;
}

static int add_ram(struct iomem *m, const struct line *l, bool managed)
{
	if (l->last == UINT64_MAX)
		return -EINVAL;
	if (!managed) {
		int ret = ranges_add(&m->ram, (struct range){ l->start, l->last + 1 });

		if (ret)
			return ret;
		if (m->ram.count > MEMORY_MAP_MAX)
			return -E2BIG;
	}
	return add_to_map(&m->map, l, MEMORY_RAM);
}

/* Its data and bss; the names are those of all architectures. */
static struct range *kernel_memory(struct iomem *m, struct bytes name)
{
	if (text_equals(name, "Kernel data"))
		return &m->kernel_memory[0];
	return text_equals(name, "Kernel bss") ? &m->kernel_memory[1] : NULL;
}

static int take_line(struct iomem *m, const struct line *l)
{
	struct range *memory = kernel_memory(m, l->name);
	uint32_t type;
	bool managed;

	if (l->last < l->start)
		return -EINVAL;
	if (memory && l->last < INT64_MAX)
		*memory = (struct range){ l->start, l->last + 1 };
	if (is_ram(l->name, &managed))
		return add_ram(m, l, managed);
	if (text_equals(l->name, "Crash kernel"))
		return add_crash(m, l);
	if (memory_type_from_name(l->name, &type))
		return add_to_map(&m->map, l, type);
	return 0;
}

static int parse_lines(struct bytes text, struct iomem *m, struct error *err)
{
	struct bytes piece;
	bool hidden = true;
	size_t number = 0;

	while (text_cut(&text, '\n', &piece)) {
		struct line l;
		int ret;

		number++;
		if (!parse_line(piece, &l))
			return error_set(err, EINVAL, "line %zu is not a memory resource",
					 number);
		if (!l.start && !l.last)
			continue;
		hidden = false;
		ret = take_line(m, &l);
		if (ret)
			return error_set(err, -ret, "line %zu: %s", number,
					 memory_map_strerror(ret));
	}
	m->hidden = number && hidden;
	return 0;
}

int iomem_parse(struct bytes text, struct iomem *out, struct error *err)
{
	int ret;

	*out = (struct iomem){ 0 };
	ret = parse_lines(text, out, err);
	if (ret)
		iomem_free(out);
	return ret;
}

void iomem_free(struct iomem *m)
{
	memory_map_free(&m->map);
	ranges_free(&m->ram);
	*m = (struct iomem){ 0 };
}
