/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libfdt.h - libfdt, opened with the first device tree (base/library.h).
 *
 * Files include this in place of <libfdt.h>. A function that is not in the list below would
 * be undefined at link time: add it twice, here and in the block after it.
 */
#ifndef KS_DT_LIBFDT_H
#define KS_DT_LIBFDT_H

#include "base/library.h"

#include <libfdt.h>

#ifndef LIBRARIES_LINKED

#define FDT(X)                                                                           \
	X(fdt_add_mem_rsv)                                                               \
	X(fdt_add_subnode)                                                               \
	X(fdt_address_cells)                                                             \
	X(fdt_appendprop_addrrange)                                                      \
	X(fdt_check_full)                                                                \
	X(fdt_check_header)                                                              \
	X(fdt_del_mem_rsv)                                                               \
	X(fdt_delprop)                                                                   \
	X(fdt_first_property_offset)                                                     \
	X(fdt_first_subnode)                                                             \
	X(fdt_get_mem_rsv)                                                               \
	X(fdt_get_path)                                                                  \
	X(fdt_getprop)                                                                   \
	X(fdt_getprop_by_offset)                                                         \
	X(fdt_getprop_namelen)                                                           \
	X(fdt_next_node)                                                                 \
	X(fdt_next_property_offset)                                                      \
	X(fdt_next_subnode)                                                              \
	X(fdt_node_check_compatible)                                                     \
	X(fdt_num_mem_rsv)                                                               \
	X(fdt_open_into)                                                                 \
	X(fdt_pack)                                                                      \
	X(fdt_parent_offset)                                                             \
	X(fdt_path_offset)                                                               \
	X(fdt_setprop)                                                                   \
	X(fdt_size_cells)                                                                \
	X(fdt_strerror)                                                                  \
	X(fdt_stringlist_count)                                                          \
	X(fdt_stringlist_get)                                                            \
	X(fdt_subnode_offset_namelen)

/* Also for static analysis with the config.h of an architecture without device trees. */
extern const struct library library_fdt;

/* Filled in by libfdt_open(). */
extern struct libfdt {
	FDT(LIBRARY_POINTER)
} libfdt;

#define fdt_add_mem_rsv		   libfdt.fdt_add_mem_rsv
#define fdt_add_subnode		   libfdt.fdt_add_subnode
#define fdt_address_cells	   libfdt.fdt_address_cells
#define fdt_appendprop_addrrange   libfdt.fdt_appendprop_addrrange
#define fdt_check_full		   libfdt.fdt_check_full
#define fdt_check_header	   libfdt.fdt_check_header
#define fdt_del_mem_rsv		   libfdt.fdt_del_mem_rsv
#define fdt_delprop		   libfdt.fdt_delprop
#define fdt_first_property_offset  libfdt.fdt_first_property_offset
#define fdt_first_subnode	   libfdt.fdt_first_subnode
#define fdt_get_mem_rsv		   libfdt.fdt_get_mem_rsv
#define fdt_get_path		   libfdt.fdt_get_path
#define fdt_getprop		   libfdt.fdt_getprop
#define fdt_getprop_by_offset	   libfdt.fdt_getprop_by_offset
#define fdt_getprop_namelen	   libfdt.fdt_getprop_namelen
#define fdt_next_node		   libfdt.fdt_next_node
#define fdt_next_property_offset   libfdt.fdt_next_property_offset
#define fdt_next_subnode	   libfdt.fdt_next_subnode
#define fdt_node_check_compatible  libfdt.fdt_node_check_compatible
#define fdt_num_mem_rsv		   libfdt.fdt_num_mem_rsv
#define fdt_open_into		   libfdt.fdt_open_into
#define fdt_pack		   libfdt.fdt_pack
#define fdt_parent_offset	   libfdt.fdt_parent_offset
#define fdt_path_offset		   libfdt.fdt_path_offset
#define fdt_setprop		   libfdt.fdt_setprop
#define fdt_size_cells		   libfdt.fdt_size_cells
#define fdt_strerror		   libfdt.fdt_strerror
#define fdt_stringlist_count	   libfdt.fdt_stringlist_count
#define fdt_stringlist_get	   libfdt.fdt_stringlist_get
#define fdt_subnode_offset_namelen libfdt.fdt_subnode_offset_namelen

#endif

/* Opens the library: 0; -ENOTSUP with the line. May be repeated. */
int libfdt_open(struct error *err);

#endif
