// SPDX-License-Identifier: GPL-2.0-only
/* The purgatory's parameters on arm64: page tables, seed slots, console, CPU features. */
#include "arch/arm64/arm64.h"
#include "arch/arm64/pgtable.h"
#include "arch/dt/boot_data.h"

#include "base/units.h"
#include "digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- The map --- */

const bool arch_builds_map = true;

#define MAX_MAPS (PURGATORY_MAX_MEMORY + 2 + PLAN_MAX_SEGMENTS)

/* A segment of less than 1 GiB touches at most this many tables, wherever it lies. */
#define TABLES_ANYWHERE (2 * 3)

static const enum pgt_type segment_types[SEGMENT_KINDS] = {
	[SEGMENT_PURGATORY] = PGT_CODE,
	[SEGMENT_BOOT_DATA] = PGT_DATA,
	[SEGMENT_SEED] = PGT_DATA,
	[SEGMENT_KERNEL] = PGT_READ_ONLY,
	[SEGMENT_INITRD] = PGT_READ_ONLY,
	[SEGMENT_ELFCOREHDR] = PGT_READ_ONLY,
	[SEGMENT_IMAGE_ID] = PGT_READ_ONLY,
	[SEGMENT_IMAGE_ID_SECOND] = PGT_READ_ONLY,
	[SEGMENT_IMAGE_ID_STATIC] = PGT_READ_ONLY,
};

/* Lists what is mapped besides segments: later maps win. Returns the number. */
static size_t list_memory(const struct plan_builder *b, struct pgt_map *maps)
{
	struct dt_uart uart = dt_choose_uart(b);
	uint64_t id = b->in->generation_id;
	size_t nr = 0;

	for (size_t i = 0; builder_mixes(b) && i < PURGATORY_MAX_MEMORY; i++)
		if (range_size(b->in->machine->kernel_memory[i]))
			maps[nr++] = (struct pgt_map){ b->in->machine->kernel_memory[i],
						       PGT_READ_ONLY };
	if (builder_mixes(b) && id)
		maps[nr++] = (struct pgt_map){ { id, id + VMGENID_SIZE }, PGT_READ_ONLY };
	if (uart.type)
		maps[nr++] = (struct pgt_map){ { uart.addr, uart.addr + DT_UART_SIZE },
					       PGT_DEVICE };
	return nr;
}

static size_t list_segments(const struct plan *plan, struct pgt_map *maps)
{
	for (size_t i = 0; i < plan->nr_segments; i++)
		maps[i] = (struct pgt_map){ segment_range(&plan->segments[i]),
					    segment_types[plan->segments[i].kind] };
	return plan->nr_segments;
}

/*
 * Segments of a crash image are placed later, within the region: their edges count, and
 * the region's tables once.
 */
int arch_purgatory_pages(const struct plan_builder *b, uint64_t *pages, struct error *err)
{
	struct pgt_map maps[MAX_MAPS];
	size_t nr = list_memory(b, maps);
	uint64_t tables = 1 + TABLES_ANYWHERE;

	if (builder_is_crash(b)) {
		maps[nr++] = (struct pgt_map){ b->in->machine->crash, PGT_DATA };
		tables += 2 * SEGMENT_KINDS;
	} else {
		nr += list_segments(b->plan, maps + nr);
	}
	for (size_t i = 0; i < nr; i++) {
		size_t most = pgt_most_tables(maps[i].range);

		if (!most)
			return error_set(err, ENOSPC,
					 "memory above 256 TiB cannot be used");
		tables += most;
	}
	*pages = align_up(tables * PGT_PAGE, b->where.page) / b->where.page;
	return 0;
}

/* Without tables the purgatory works too, with the MMU and caches off. */
static void build_map(const struct plan_builder *b, struct purgatory_params *p)
{
	const struct segment *self = plan_find(b->plan, SEGMENT_PURGATORY);
	uint8_t *block = b->plan->purgatory_block;
	struct pgt_map maps[MAX_MAPS];
	struct pgt_pool pool = {
		.addr = p->map_pool,
		.tables = (uint64_t *)(void *)(block + (p->map_pool - self->addr)),
		.count = p->map_pages * b->where.page / PGT_PAGE,
	};
	size_t nr = list_memory(b, maps);

	nr += list_segments(b->plan, maps + nr);
	p->arch.va_bits = pgt_va_bits(maps, nr);
	if (b->in->request->caches_off || !p->arch.va_bits)
		return;
	if (pgt_build(pool, p->arch.va_bits, maps, nr))
		memset(pool.tables, 0, pool.count * PGT_PAGE);
	else
		p->arch.page_table = pool.addr;
}

/* --- Seed and CPU --- */

const bool dt_passes_kaslr_seed = true;

/* For people: the purgatory asks the CPU that it runs on. */
static void fill_cpu(const struct arm64_cpu *cpu, struct purgatory_params *p)
{
	p->digest_impl = cpu->sha2 ? DIGEST_CPU_SHA : DIGEST_PORTABLE;
	if (!p->mix_target)
		return;
	p->mix_inputs = SEED_INPUT_CNT;
	if (cpu->rndr)
		p->mix_inputs |= SEED_INPUT_RNDR;
	else if (p->arch.conduit)
		p->mix_inputs |= SEED_INPUT_TRNG;
}

void arch_purgatory_fill(const struct plan_builder *b, struct purgatory_params *p)
{
	p->arch.conduit = b->in->machine->arch->conduit;
	dt_fill_console(b, p);
	dt_fill_seed(b, p);
	fill_cpu(&b->in->machine->arch->cpu, p);
	build_map(b, p);
}

int arch_purgatory_update(const char *root, struct purgatory_params *p, struct error *err)
{
	struct arm64_cpu cpu;
	int ret = arm64_cpu_read(root, &cpu, err);

	if (!ret)
		fill_cpu(&cpu, p);
	return ret;
}

const char *dt_check_purgatory(const struct plan *plan)
{
	const struct purgatory_params *p = plan_purgatory(plan);

	return p && p->arch.page_table && p->arch.page_table != p->map_pool
		       ? "the purgatory's page tables"
		       : NULL;
}
