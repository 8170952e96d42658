/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pgtable.h - the identity map under which the purgatory runs and the next kernel starts.
 *
 * The loader asks how many pages the tables take, the purgatory builds them: the same
 * source on both sides. Addresses are physical, sizes in bytes; nothing is allocated.
 * The layout of the entries is that of the Intel SDM, volume 3, section "Paging", and of
 * the AMD64 APM, volume 2, "Page Translation and Protection".
 */
#ifndef KS_PGTABLE_H
#define KS_PGTABLE_H

#include "purgatory_params.h"

#include <stdbool.h>
#include <stdint.h>

#define PGT_PAGE_SIZE  4096ULL
#define PGT_LARGE_SIZE (2ULL << 20) /* what one leaf maps */
#define PGT_LOW_END    (4ULL << 30) /* mapped in any case */

/*
 * The map ends at 128 TiB: with four levels there is nothing above that could be mapped
 * to itself, and the bits of an entry from here on are then free to tell whether a page
 * is encrypted (SEV: bit 47 or 51; TDX: 47 or 51 for a shared page).
 */
#define PGT_ADDRESS_BITS 47
#define PGT_LIMIT	 (1ULL << PGT_ADDRESS_BITS)

enum pgt_result {
	PGT_OK = 0,
	PGT_UNALIGNED,	/* the pool does not start at a page, or lies out of reach */
	PGT_TOO_SMALL,	/* the pool ran out of pages */
	PGT_NOT_ZEROED, /* a page of the pool is in use by somebody */
	PGT_BAD_MAP,	/* a map is reversed or reaches above PGT_LIMIT */
};

/*
 * How physical memory is reached: the byte at physical address A is at pointer A + offset.
 * 0 in the purgatory; in a test, where the memory pretends to be somewhere else.
 */
struct pgt_memory {
	uint64_t offset;
};

struct pgt_request {
	struct pgt_memory memory;
	uint64_t pool; /* first page for tables, zeroed */
	uint64_t pages;
	const struct purgatory_map *maps; /* rounded outwards to PGT_LARGE_SIZE */
	uint32_t nr_maps;
	struct purgatory_map self; /* the code that runs under the tables */
	uint64_t attributes;	   /* goes into every entry: see pgt_attributes() */
	bool la57;		   /* five levels */
};

/*
 * How many pages pgt_build() can need, with four or five levels, for @nr maps, the low
 * 4 GiB, the purgatory and the pool itself, wherever the latter two lie. 0 when a map is
 * reversed or reaches above PGT_LIMIT.
 */
uint64_t purgatory_pgt_pages(const struct purgatory_map *maps, uint32_t nr);

/* True when tables built for @nr @maps map @size bytes from @addr: low 4 GiB or a map. */
bool pgt_covers(const struct purgatory_map *maps, uint32_t nr, uint64_t addr,
		uint64_t size);

/*
 * Builds the tables in the pool. On PGT_OK the value for CR3 is in *@cr3, else *@cr3 is
 * untouched and the pool's content is no longer of use.
 */
enum pgt_result pgt_build(const struct pgt_request *req, uint64_t *cr3);

/*
 * The bits above PGT_ADDRESS_BITS that the tables at @cr3 have in the leaf that maps
 * @addr to itself: what every entry for private memory must carry in an encrypted guest,
 * 0 on any other machine. Also 0 when @addr is not mapped to itself there.
 */
uint64_t pgt_attributes(struct pgt_memory memory, uint64_t cr3, bool la57, uint64_t addr);

#endif
