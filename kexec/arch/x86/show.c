// SPDX-License-Identifier: GPL-2.0-only
/* Prints the x86 parts of a plan, as text and JSON. */
#include "arch/x86/x86.h"
#include "base/report.h"

#include <stddef.h>

static const char *name_of(const char *const *names, size_t count, uint32_t n)
{
	return n < count && names[n] ? names[n] : "unknown";
}

const char *x86_memory_type_name(uint32_t type)
{
	static const char *const names[] = {
		[MEMORY_RAM] = "RAM",		[MEMORY_RESERVED] = "reserved",
		[MEMORY_ACPI] = "ACPI",		[MEMORY_NVS] = "NVS",
		[MEMORY_UNUSABLE] = "unusable", [MEMORY_PMEM] = "persistent memory",
		[MEMORY_PRAM] = "PRAM",
	};

	if (type == MEMORY_SOFT_RESERVED)
		return "soft reserved";
	return name_of(names, sizeof(names) / sizeof(names[0]), type);
}

const char *x86_setup_type_name(uint32_t type)
{
	static const char *const names[] = {
		[SETUP_NONE] = "NONE",
		[SETUP_E820_EXT] = "E820_EXT",
		[SETUP_DTB] = "DTB",
		[SETUP_PCI] = "PCI",
		[SETUP_EFI] = "EFI",
		[SETUP_APPLE_PROPERTIES] = "APPLE",
		[SETUP_JAILHOUSE] = "JAILHOUSE",
		[SETUP_CC_BLOB] = "CC_BLOB",
		[SETUP_IMA] = "IMA",
		[SETUP_RNG_SEED] = "RNG_SEED",
	};

	return name_of(names, sizeof(names) / sizeof(names[0]), type);
}

static void print_memory(FILE *to, const struct memory_map *map)
{
	fprintf(to, "memory map (e820), %zu entries\n", map->count);
	for (size_t i = 0; i < map->count; i++)
		fprintf(to, "  0x%012llx-0x%012llx  %s\n",
			(unsigned long long)map->entries[i].addr,
			(unsigned long long)(map->entries[i].addr + map->entries[i].size -
					     1),
			x86_memory_type_name(map->entries[i].type));
}

void arch_plan_print(FILE *to, const struct plan *plan)
{
	struct setup_node nodes[X86_MAX_NODES];
	size_t count = x86_setup_nodes(plan, nodes);

	print_memory(to, &plan->memory);
	fprintf(to, "setup_data%s\n", count ? "" : " (none)");
	for (size_t i = 0; i < count; i++)
		fprintf(to, "  0x%012llx  %-9s %u bytes\n",
			(unsigned long long)nodes[i].addr,
			x86_setup_type_name(nodes[i].type), nodes[i].len);
}

static void report_nodes(struct report *o, const struct plan *plan)
{
	struct setup_node nodes[X86_MAX_NODES];
	size_t count = plan ? x86_setup_nodes(plan, nodes) : 0;

	report_list(o, "setup_data");
	for (size_t i = 0; i < count; i++) {
		report_object(o, NULL);
		report_number(o, "type", nodes[i].type);
		report_text(o, "name", x86_setup_type_name(nodes[i].type));
		report_number(o, "addr", nodes[i].addr);
		report_number(o, "len", nodes[i].len);
		report_end(o);
	}
	report_end(o);
}

void arch_plan_report(struct report *o, const struct plan *plan)
{
	if (plan) {
		report_number(
			o, "entry_bits",
			plan_purgatory(plan)->entry_mode == PURGATORY_ENTRY_32 ? 32 : 64);
		report_number(o, "boot_params", plan->boot_data_addr);
	} else {
		report_text(o, "entry_bits", NULL);
		report_text(o, "boot_params", NULL);
	}
	report_nodes(o, plan);
	report_list(o, "e820");
	for (size_t i = 0; plan && i < plan->memory.count; i++) {
		const struct memory_entry *e = &plan->memory.entries[i];

		report_object(o, NULL);
		report_number(o, "addr", e->addr);
		report_number(o, "size", e->size);
		report_number(o, "type", e->type);
		report_text(o, "name", x86_memory_type_name(e->type));
		report_end(o);
	}
	report_end(o);
}
