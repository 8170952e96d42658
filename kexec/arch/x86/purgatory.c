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

bool arch_check_serial(uint32_t port)
{
	return port <= 0xffff;
}

const bool arch_builds_map = false;

/* Adds @r to @map if it extends above 4 GiB. Returns the number added. */
static uint32_t add_map(struct purgatory_map *map, struct range r)
{
	if (r.end <= LOW_END)
		return 0;
	*map = (struct purgatory_map){ r.start, r.end };
	return 1;
}

#define MAX_TABLE_MAPS 12 /* more than any machine has there */
#define MAX_HIGH_MAPS  (PLAN_MAX_SEGMENTS + 1 + PURGATORY_MAX_MEMORY + MAX_TABLE_MAPS)
_Static_assert(MAX_HIGH_MAPS <= PURGATORY_MAX_MAPS, "room for all maps");

#define RSDP_SIZE 36 /* ACPI specification 6.5, section 5.2.5.3 */

/* The firmware's tables of EFI, and the root of ACPI's. Returns their number. */
static size_t list_roots(const struct plan_builder *b, struct range roots[3])
{
	const struct arch_machine *x86 = b->in->machine->arch;
	const struct efi_info info = x86->boot_params.efi_info;
	uint64_t systab = info.efi_systab | (uint64_t)info.efi_systab_hi << 32;
	size_t count = 0;

	roots[count++] = (struct range){ x86->rsdp, x86->rsdp + RSDP_SIZE };
	if (!x86_passes_efi(b))
		return count;
	roots[count++] = (struct range){ systab, systab + X86_PAGE };
	roots[count++] =
		(struct range){ x86->efi.config_table, x86->efi.config_table + X86_PAGE };
	return count;
}

static uint32_t add_table(struct purgatory_map *maps, uint32_t nr, struct range r)
{
	return nr < MAX_TABLE_MAPS && r.start < r.end && r.end <= PGT_LIMIT
		       ? add_map(&maps[nr], r)
		       : 0;
}

/*
 * Linux 5.1 to 5.9 parse the firmware's tables while they decompress, where they cannot
 * handle page faults. The running kernel's own page tables for kexec map the same:
 * init_pgtable() in arch/x86/kernel/machine_kexec_64.c. Returns the number of ranges.
 */
static uint32_t table_maps(const struct plan_builder *b, struct purgatory_map *maps)
{
	const struct machine *m = b->in->machine;
	const struct memory_map *now = m->iomem.count ? &m->iomem : &m->firmware;
	struct range roots[3];
	size_t nr_roots = list_roots(b, roots);
	uint32_t nr = 0;

	for (size_t i = 0; i < nr_roots; i++)
		nr += add_table(maps, nr, roots[i]);
	for (size_t i = 0; i < now->count; i++) {
		const struct memory_entry *e = &now->entries[i];

		if (e->type == MEMORY_ACPI || e->type == MEMORY_NVS)
			nr += add_table(maps, nr,
					(struct range){ e->addr, e->addr + e->size });
	}
	return nr;
}

/*
 * Collects the ranges that the purgatory maps beyond the low 4 GiB: segments other than
 * itself, the generation ID, and tables that the next kernel may read early. For a crash
 * image the whole region counts, since its segments are not placed at the first call.
 * Returns the number of ranges.
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
	nr += add_map(&maps[nr], id);
	return nr + table_maps(b, &maps[nr]);
}

int arch_purgatory_pages(const struct plan_builder *b, uint64_t *pages, struct error *err)
{
	struct purgatory_map maps[MAX_HIGH_MAPS];
	uint32_t nr = high_maps(b, maps);

	/* mapped too, in its own way */
	for (size_t i = 0; builder_mixes(b) && i < PURGATORY_MAX_MEMORY; i++)
		nr += add_map(&maps[nr], b->in->machine->kernel_memory[i]);
	*pages = purgatory_pgt_pages(maps, nr);
	return *pages ? 0 : error_set(err, ENOSPC, "memory above 128 TiB cannot be used");
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
