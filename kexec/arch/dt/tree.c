// SPDX-License-Identifier: GPL-2.0-only
#include "arch/dt/tree.h"

#include "arch/dt/libfdt.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"

#include <errno.h>
#include <string.h>

#define FDT_PATH "/sys/firmware/fdt"

#define CELLS_MAX 2 /* an address or a size has at most 64 bits */

/* Version 17 has a longer header than 16, and blocks may have to be aligned anew. */
#define GROWTH 64u

/* Versions before 16 align properties in another way; no tree of today has one. */
#define VERSION_MIN 16

/* True unless a property is longer than what follows of the structure block. */
static bool has_possible_lengths(struct bytes block)
{
	const fdt32_t *head;
	struct bytes at;
	size_t offset = 0;

	while (bytes_slice(block, offset, sizeof(*head), &at)) {
		head = (const fdt32_t *)(const void *)at.data;
		offset += sizeof(*head);
		switch (fdt32_ld(head)) {
		case FDT_BEGIN_NODE:
			offset += strnlen((const char *)at.data + sizeof(*head),
					  block.size - offset) +
				  1;
			break;
		case FDT_PROP: /* its length and the offset of its name */
			if (!bytes_slice(block, offset, 2 * sizeof(*head), &at))
				return true;
			offset += 2 * sizeof(*head);
			if (fdt32_ld(head + 1) > block.size - offset)
				return false;
			offset += fdt32_ld(head + 1);
			break;
		case FDT_NOP:
		case FDT_END_NODE:
			break;
		default: /* the end, or nonsense */
			return true;
		}
		offset = align_up(offset, sizeof(*head));
	}
	return true;
}

/*
 * As fdt_check_full(), which before libfdt 1.7 walks a property of almost 4 GiB backwards,
 * and never ends.
 */
static int check_tree(struct bytes blob)
{
	struct bytes block;

	if (blob.size < sizeof(struct fdt_header) || fdt_check_header(blob.data))
		return fdt_check_full(blob.data, blob.size);
	if (fdt_version(blob.data) < VERSION_MIN)
		return -FDT_ERR_BADVERSION;
	if (fdt_off_dt_struct(blob.data) > blob.size)
		return -FDT_ERR_TRUNCATED;
	block.data = blob.data + fdt_off_dt_struct(blob.data);
	block.size = blob.size - fdt_off_dt_struct(blob.data);
	if (!has_possible_lengths(block))
		return -FDT_ERR_BADSTRUCTURE;
	return fdt_check_full(blob.data, blob.size);
}

bool dt_is_valid(struct bytes blob)
{
	struct error ignored;

	return blob.size <= DT_SIZE_MAX && !libfdt_open(&ignored) && !check_tree(blob);
}

/* Moves the blocks into their usual order and drops unused space. */
static int copy_packed(const void *blob, struct dt *out, struct error *err)
{
	size_t size = fdt_totalsize(blob) + GROWTH;
	uint8_t *data = malloc(size);
	int ret;

	if (!data)
		return error_set(err, ENOMEM, "out of memory");
	ret = fdt_open_into(blob, data, (int)size);
	if (!ret)
		ret = fdt_pack(data);
	if (ret) {
		free(data);
		return error_set(err, EBADMSG, "damaged device tree: %s",
				 fdt_strerror(ret));
	}
	*out = (struct dt){ data, fdt_totalsize(data) };
	return 0;
}

int dt_open(struct bytes blob, struct dt *out, struct error *err)
{
	int ret;

	*out = (struct dt){ 0 };
	if (blob.size > DT_SIZE_MAX)
		return error_set(err, EFBIG,
				 "the device tree has more than %zu KiB; no kernel takes "
				 "that",
				 DT_SIZE_MAX >> 10);
	ret = libfdt_open(err);
	if (ret)
		return ret;
	ret = check_tree(blob);
	if (ret)
		return error_set(err, EBADMSG, "damaged device tree: %s",
				 fdt_strerror(ret));
	return copy_packed(blob.data, out, err);
}

int dt_read_file(const char *root, const char *path, struct dt *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int ret;

	*out = (struct dt){ 0 };
	/* one byte more than allowed: dt_open() has the message */
	ret = file_slurp_in(root, path, DT_SIZE_MAX + 1, &data, &size);
	if (!ret)
		ret = dt_open((struct bytes){ (uint8_t *)data, size }, out, err);
	else
		error_set(err, -ret, "%s", errno_text(-ret));
	if (ret)
		error_prefix(err, "%s%s", root, path);
	return ret;
}

int dt_read(const char *root, struct dt *out, struct error *err)
{
	return dt_read_file(root, FDT_PATH, out, err);
}

void dt_free(struct dt *tree)
{
	free(tree->data);
	*tree = (struct dt){ 0 };
}

int dt_find_node(const void *fdt, const char *path)
{
	size_t length = strcspn(path, "/");
	int aliases, node, size;
	const char *target;

	if (*path == '/')
		return fdt_path_offset(fdt, path);
	aliases = fdt_path_offset(fdt, "/aliases");
	if (aliases < 0)
		return aliases;
	target = fdt_getprop_namelen(fdt, aliases, path, (int)length, &size);
	if (!target || size < 2 || target[size - 1] || *target != '/')
		return -FDT_ERR_BADPATH;
	node = fdt_path_offset(fdt, target);
	if (node < 0 || !path[length])
		return node;
	/* the rest, one name after the other */
	for (path += length; node >= 0 && *path; path += length) {
		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length)
			node = fdt_subnode_offset_namelen(fdt, node, path, (int)length);
	}
	return node;
}

/* Reads a number of @cells cells, without those that do not fit. */
static uint64_t take_cells(const fdt32_t *at, int cells)
{
	uint64_t value = 0;

	for (int i = 0; i < cells; i++)
		value = value << 32 | fdt32_ld(&at[i]);
	return value;
}

bool dt_number(const void *fdt, int node, const char *name, uint64_t *out)
{
	int size;
	const fdt32_t *value = fdt_getprop(fdt, node, name, &size);

	if (!value || (size != 4 && size != 8))
		return false;
	*out = take_cells(value, size / 4);
	return true;
}

/* How the addresses of a node's children are written. */
struct cells {
	int addr, size;
};

/* False if the CPU cannot use such addresses, as those of PCI's configuration. */
static bool read_cells(const void *fdt, int bus, struct cells *out)
{
	*out = (struct cells){ fdt_address_cells(fdt, bus), fdt_size_cells(fdt, bus) };
	return out->addr >= 1 && out->addr <= CELLS_MAX && out->size >= 0 &&
	       out->size <= CELLS_MAX;
}

bool dt_pair(const void *fdt, int node, const char *name, uint64_t *addr, uint64_t *size)
{
	int length;
	const fdt32_t *value = fdt_getprop(fdt, node, name, &length);
	struct cells cells;

	if (!value || !read_cells(fdt, 0, &cells) ||
	    length != (int)sizeof(*value) * (cells.addr + cells.size))
		return false;
	*addr = take_cells(value, cells.addr);
	*size = take_cells(value + cells.addr, cells.size);
	return true;
}

/* Translates *@addr from the addresses behind @bus to those of its parent. */
static bool translate(const void *fdt, int bus, int parent, uint64_t *addr)
{
	struct cells inner, outer;
	const fdt32_t *at;
	int size, step;

	at = fdt_getprop(fdt, bus, "ranges", &size);
	if (!at || !read_cells(fdt, bus, &inner) || !read_cells(fdt, parent, &outer))
		return false;
	if (!size) /* the same addresses */
		return true;
	step = inner.addr + outer.addr + inner.size;
	for (size /= (int)sizeof(*at); size >= step; size -= step, at += step) {
		uint64_t from = take_cells(at, inner.addr);
		uint64_t to = take_cells(at + inner.addr, outer.addr);
		uint64_t length = take_cells(at + inner.addr + outer.addr, inner.size);

		if (*addr < from || *addr - from >= length)
			continue;
		return !__builtin_add_overflow(to, *addr - from, addr);
	}
	return false;
}

/* Returns the node's first register and the format of its parent's addresses; or NULL. */
static const fdt32_t *find_register(const void *fdt, int node, int bus,
				    struct cells *cells)
{
	int size;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &size);

	if (bus < 0 || !reg || !read_cells(fdt, bus, cells) ||
	    size < (int)sizeof(*reg) * (cells->addr + cells->size))
		return NULL;
	return reg;
}

bool dt_register_size(const void *fdt, int node, uint64_t *size)
{
	struct cells cells;
	const fdt32_t *reg =
		find_register(fdt, node, fdt_parent_offset(fdt, node), &cells);

	if (reg)
		*size = take_cells(reg + cells.addr, cells.size);
	return reg;
}

bool dt_register(const void *fdt, int node, uint64_t *addr)
{
	int bus = fdt_parent_offset(fdt, node);
	struct cells cells;
	const fdt32_t *reg = find_register(fdt, node, bus, &cells);

	if (!reg)
		return false;
	*addr = take_cells(reg, cells.addr);
	while (bus) { /* 0 is the root */
		int parent = fdt_parent_offset(fdt, bus);

		if (parent < 0 || !translate(fdt, bus, parent, addr))
			return false;
		bus = parent;
	}
	return true;
}

/* The next kernel refuses what is not memory: a size of 0, or an end beyond 64 bits. */
static int add_range(struct ranges *out, uint64_t start, uint64_t size)
{
	uint64_t end;

	if (!size || __builtin_add_overflow(start, size, &end))
		return 0;
	return ranges_add(out, (struct range){ start, end });
}

static int add_memreserve(const void *fdt, struct ranges *out)
{
	int count = fdt_num_mem_rsv(fdt), ret = 0;

	for (int i = 0; !ret && i < count; i++) {
		uint64_t start, size;

		if (!fdt_get_mem_rsv(fdt, i, &start, &size))
			ret = add_range(out, start, size);
	}
	return ret;
}

/* Adds the ranges of a child of /reserved-memory. */
static int add_node(const void *fdt, int node, const struct cells *cells,
		    struct ranges *out)
{
	int size, step = cells->addr + cells->size, ret = 0;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &size);

	if (!reg) /* the next kernel chooses the place */
		return 0;
	for (size /= (int)sizeof(*reg); !ret && size >= step; size -= step, reg += step)
		ret = add_range(out, take_cells(reg, cells->addr),
				take_cells(reg + cells->addr, cells->size));
	return ret;
}

static int add_nodes(const void *fdt, int parent, const struct cells *cells,
		     struct ranges *out)
{
	int ret = 0;

	for (int node = fdt_first_subnode(fdt, parent); !ret && node >= 0;
	     node = fdt_next_subnode(fdt, node))
		ret = add_node(fdt, node, cells, out);
	return ret;
}

int dt_add_reserved(const struct dt *tree, struct ranges *out, struct error *err)
{
	int parent = fdt_path_offset(tree->data, "/reserved-memory");
	int ret = add_memreserve(tree->data, out);
	struct cells cells;

	if (!ret && parent >= 0 && !read_cells(tree->data, parent, &cells))
		return error_set(err, EBADMSG,
				 "device tree: /reserved-memory has addresses of more "
				 "than 64 bits");
	if (!ret && parent >= 0)
		ret = add_nodes(tree->data, parent, &cells, out);
	return ret ? error_set(err, -ret, "out of memory") : 0;
}

static bool is_memory(const void *fdt, int node)
{
	int size;
	const char *type = fdt_getprop(fdt, node, "device_type", &size);

	return type && size == sizeof("memory") && !memcmp(type, "memory", (size_t)size);
}

int dt_has_memory(const struct dt *tree)
{
	struct ranges memory = { 0 };
	struct cells cells;
	int ret = 0, found;

	if (!read_cells(tree->data, 0, &cells))
		return 0;
	for (int node = fdt_first_subnode(tree->data, 0); !ret && node >= 0;
	     node = fdt_next_subnode(tree->data, node))
		if (is_memory(tree->data, node))
			ret = add_node(tree->data, node, &cells, &memory);
	found = memory.count > 0;
	ranges_free(&memory);
	return ret ? ret : found;
}
