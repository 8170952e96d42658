/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tree.h - the device tree of the running kernel (Devicetree Specification 0.4), through
 * libfdt.
 *
 * Trees come from firmware, from captures and from recipes: any bytes. dt_open() checks
 * the whole structure, so that libfdt can walk a struct dt without further checks.
 */
#ifndef KS_DT_TREE_H
#define KS_DT_TREE_H

#include "bytes.h"
#include "error.h"
#include "range.h"

#include <stdbool.h>
#include <stdint.h>

/* Linux maps at most this many bytes of it: Documentation/arch/arm64/booting.rst. */
#define DT_SIZE_MAX ((size_t)2 << 20)

/* A checked tree without unused space. */
struct dt {
	uint8_t *data; /* owned, aligned to 8; NULL: none */
	size_t size;   /* bytes: the tree's own totalsize */
};

/*
 * Checks and copies the tree in @blob. 0; -EBADMSG with the line: damaged; -EFBIG: more
 * than DT_SIZE_MAX bytes; -ENOMEM; -ENOTSUP: no libfdt. On failure @out is empty.
 */
int dt_open(struct bytes blob, struct dt *out, struct error *err);

/*
 * Opens /sys/firmware/fdt below @root. Errors as dt_open(); also -ENOENT, -EACCES and
 * others as file_slurp(), all with the line.
 */
int dt_read(const char *root, struct dt *out, struct error *err);

/* The same for the file @path below @root. */
int dt_read_file(const char *root, const char *path, struct dt *out, struct error *err);

void dt_free(struct dt *tree);

/* True if @blob is a tree that dt_open() accepts. */
bool dt_is_valid(struct bytes blob);

/*
 * Offset of the node @path, which is absolute, or begins with the name of an alias. A
 * negative number: there is none. Aliases of aliases do not count: they may be cyclic.
 */
int dt_find_node(const void *fdt, const char *path);

/* Reads a number of 4 or 8 bytes, big endian. False: no such property. */
bool dt_number(const void *fdt, int node, const char *name, uint64_t *out);

/*
 * Reads a value that is one address and one size, in cells of the root node, as Linux does
 * in /chosen. False: no such property, or of another length.
 */
bool dt_pair(const void *fdt, int node, const char *name, uint64_t *addr, uint64_t *size);

/*
 * Sets *@addr to the physical address of the node's first register, through the ranges of
 * all its parents. False: it has none that the CPU can address.
 */
bool dt_register(const void *fdt, int node, uint64_t *addr);

/* Sets *@size to the bytes of the node's first register; 0: not given. False: it has none. */
bool dt_register_size(const void *fdt, int node, uint64_t *size);

/*
 * Adds memory that the tree reserves to @out: /memreserve/ entries, and children of
 * /reserved-memory with a fixed place. 0; -ENOMEM or -EBADMSG with the line.
 */
int dt_add_reserved(const struct dt *tree, struct ranges *out, struct error *err);

/*
 * 1 if the tree has memory, as Linux finds it without UEFI; 0: none, or of no size, which
 * firmware would fill in; -ENOMEM.
 */
int dt_has_memory(const struct dt *tree);

#endif
