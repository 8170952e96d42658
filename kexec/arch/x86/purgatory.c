// SPDX-License-Identifier: GPL-2.0-only
/* The purgatory's parameters on x86: page tables, console, CPU features. */
#include "arch/x86/cpu.h"
#include "arch/x86/x86.h"

#include "base/units.h"
#include "digest.h"
#include "plan/cmdline.h"
#include "purgatory/arch/x86/pgtable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char arch_serial_values[] = "ttyS0 to ttyS3 or 0xPORT";

bool arch_parse_serial(const char *text, uint32_t *port)
{
	/* the PC's I/O ports of COM1 to COM4 */
	static const uint32_t ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	unsigned long value;
	char *end;

	if (!strncmp(text, "ttyS", 4)) {
		if (text[4] < '0' || text[4] > '3' || text[5])
			return false;
		*port = ports[text[4] - '0'];
		return true;
	}
	if (strncmp(text, "0x", 2) != 0)
		return false;
	value = strtoul(text + 2, &end, 16);
	*port = (uint32_t)value;
	return !*end && value && value <= 0xffff;
}

/* Adds @r to @map if it extends above 4 GiB. Returns the number added. */
static uint32_t add_map(struct purgatory_map *map, struct range r)
{
	if (r.end <= LOW_END)
		return 0;
	*map = (struct purgatory_map){ r.start, r.end };
	return 1;
}

#define MAX_HIGH_MAPS (PLAN_MAX_SEGMENTS + 1 + PURGATORY_MAX_MEMORY)
_Static_assert(MAX_HIGH_MAPS <= PURGATORY_MAX_MAPS, "room for all maps");

/*
 * Collects the ranges that the purgatory maps beyond the low 4 GiB: segments other than
 * itself, and the generation ID. For a crash image the whole region counts, since its
 * segments are not placed at the first call. Returns the number of ranges.
 */
static uint32_t high_maps(const struct plan_builder *b,
			  struct purgatory_map maps[MAX_HIGH_MAPS])
{
	const struct range id = { b->in->generation_id,
				  b->in->generation_id + VMGENID_SIZE };
	uint32_t nr = 0;

	for (size_t i = 0; !builder_is_crash(b) && i < b->plan->nr_segments; i++)
		if (b->plan->segments[i].kind != SEGMENT_PURGATORY)
			nr += add_map(&maps[nr], segment_range(&b->plan->segments[i]));
	if (builder_is_crash(b))
		nr += add_map(&maps[nr], b->in->machine->crash);
	return nr + add_map(&maps[nr], id);
}

uint64_t arch_purgatory_pages(const struct plan_builder *b, struct error *err)
{
	struct purgatory_map maps[MAX_HIGH_MAPS];
	uint32_t nr = high_maps(b, maps);
	uint64_t pages;

	/* mapped too, in its own way */
	for (size_t i = 0; builder_mixes(b) && i < PURGATORY_MAX_MEMORY; i++)
		nr += add_map(&maps[nr], b->in->machine->kernel_memory[i]);
	pages = purgatory_pgt_pages(maps, nr);
	if (!pages)
		error_set(err, ENOSPC, "memory above 128 TiB cannot be used");
	return pages;
}

/*
 * Configures the purgatory's console. By default it is silent unless it finds damage,
 * which it reports on the next kernel's serial console.
 */
static void fill_console(const struct plan_builder *b, struct purgatory_params *p)
{
	const struct load_request *r = b->in->request;
	const char *at = b->in->cmdline ? b->in->cmdline : "";
	char name[CONSOLE_NAME_SIZE];
	uint32_t next = 0; /* last serial console of the next kernel */

	while (cmdline_next_console(&at, name))
		if (!strncmp(name, "ttyS", 4))
			arch_parse_serial(name, &next);
	if (r->console_serial || r->console_vga)
		p->console |= PURGATORY_CONSOLE_VERBOSE;
	if (r->console_vga)
		p->console |= PURGATORY_CONSOLE_VGA;
	if (r->console_serial || r->serial_port || next)
		p->console |= PURGATORY_CONSOLE_SERIAL;
	p->serial_port = r->serial_port ? r->serial_port : next;
	if (!p->serial_port)
		arch_parse_serial("ttyS0", &p->serial_port);
	p->serial_baud = r->serial_baud;
}

static void fill_cpu(const struct cpu *cpu, struct purgatory_params *p)
{
	p->digest_impl = cpu->sha_ni ? DIGEST_CPU_SHA : DIGEST_PORTABLE;
	if (!p->mix_target)
		return;
	p->mix_inputs = (cpu->rdseed ? SEED_INPUT_RDSEED : 0) |
			(cpu->rdrand ? SEED_INPUT_RDRAND : 0) |
			(cpu->tsc ? SEED_INPUT_TSC : 0);
}

void arch_purgatory_fill(const struct plan_builder *b, struct purgatory_params *p)
{
	p->nr_maps = high_maps(b, p->maps);
	fill_console(b, p);
	if (builder_mixes(b))
		p->mix_target = plan_find(b->plan, SEGMENT_SEED)->addr;
	fill_cpu(&b->in->machine->arch->cpu, p);
}

int arch_purgatory_update(const char *root, struct purgatory_params *p, struct error *err)
{
	struct cpu cpu;
	int ret = cpu_read(root, &cpu, err);

	if (!ret)
		fill_cpu(&cpu, p);
	return ret;
}
