// SPDX-License-Identifier: GPL-2.0-only
/* Placement of segments on x86, and the memory map of a crash kernel. */
#include "arch/x86/bzimage.h"
#include "arch/x86/x86.h"

#include "base/cleanup.h"
#include "base/units.h"
#include "plan/cmdline.h"
#include "purgatory/arch/x86/pgtable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Real-mode memory holds firmware data and the trampolines of both kernels. */
#define LOWEST_ADDR MIB

_Static_assert(FOUR_LEVEL_END <= PGT_LIMIT, "the purgatory maps all of it");

struct range arch_placement(const struct image *image)
{
	return (struct range){ LOWEST_ADDR,
			       image->max_addr ? image->max_addr : FOUR_LEVEL_END };
}

static bool is_enterable(const struct machine *m, const struct image *image)
{
	return !m->arch->cpu.la57 || (image->arch_flags & X86_FIVE_LEVEL);
}

const char *arch_choose_entry(const struct machine *m, struct image *image)
{
	if (is_enterable(m, image))
		return NULL;
	if (!image->no_file_load)
		image->no_file_load =
			"cannot be entered with 5-level paging, which the running kernel uses";
	if (image->arch_flags & X86_NO_32BIT_ENTRY)
		return NULL;
	bzimage_enter_32bit(image);
	return "it is entered in 32-bit mode, as with --entry-32bit: it cannot be with "
	       "5-level paging, which the running kernel uses";
}

int arch_check_image(const struct machine *m, const struct image *image,
		     struct error *err)
{
	if (is_enterable(m, image))
		return 0;
	return error_set(err, ENOEXEC,
			 "this kernel cannot be entered with 5-level paging, which the "
			 "running one uses; boot that one with no5lvl");
}

/*
 * Control pages that do not depend on RAM (kimage_alloc_crash_control_pages(),
 * machine_kexec_prepare()): two pages of control code, aligned to two; the copy of
 * vmcoreinfo; the two top levels of the page tables; three tables each for EFI, ACPI and
 * a serial port in device memory.
 */
#define FIXED_PAGES (3 + 1 + 2 + 3 * 3)

#define PUD_TABLE (512 * GIB) /* memory covered by one table of that level */
#define PMD_TABLE GIB

/* The kernel's own mapping covers every kind of memory that it can use. */
static bool is_mapped(uint32_t type)
{
	return type == MEMORY_RAM || type == MEMORY_PMEM || type == MEMORY_PRAM ||
	       type == MEMORY_SOFT_RESERVED;
}

/*
 * Counts the page tables needed for RAM, each covering @coverage bytes; with @partial,
 * only tables not fully covered by RAM. Entries that share a table count once.
 */
static uint64_t count_tables(const struct memory_map *map, uint64_t coverage,
			     bool partial)
{
	uint64_t count = 0, next = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct memory_entry *e = &map->entries[i];
		uint64_t first = e->addr / coverage;
		uint64_t last = (e->addr + e->size - 1) / coverage;

		if (!is_mapped(e->type) || last < next)
			continue;
		if (first < next)
			first = next;
		count += partial && last - first >= 2 ? 2 : last - first + 1;
		next = last + 1;
	}
	return count;
}

uint64_t arch_control_pages(const struct memory_map *ram, bool large_pages)
{
	return FIXED_PAGES + count_tables(ram, PUD_TABLE, false) +
	       count_tables(ram, PMD_TABLE, large_pages);
}

uint64_t arch_control_reserve(const struct memory_map *ram, bool large_pages)
{
	uint64_t pages = arch_control_pages(ram, large_pages);

	return pages + FIXED_PAGES + pages / 8;
}

const bool arch_spares_first_page = false;
const bool arch_may_hide_load = false;

static int add_range(struct memory_map *map, struct range r, uint32_t type)
{
	/* the kernel omits ranges below a page */
	return range_size(r) < X86_PAGE ? 0
					: memory_map_add(map, r.start, r.end - 1, type);
}

static int add_type(struct memory_map *out, const struct memory_map *from, uint32_t type,
		    uint64_t end)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct memory_entry *e = &from->entries[i];
		uint64_t last = e->addr + e->size - 1;
		int ret;

		if (e->type != type || e->addr >= end)
			continue;
		ret = memory_map_add(out, e->addr, last < end ? last : end - 1, type);
		if (ret)
			return ret;
	}
	return 0;
}

static int add_crash(struct memory_map *out, const struct machine *m,
		     struct range elfcorehdr)
{
	struct range below = { m->crash.start, elfcorehdr.start };
	struct range above = { elfcorehdr.end, m->crash.end };
	int ret = add_range(out, m->crash_low, MEMORY_RAM);

	if (!ret)
		ret = add_range(out, below, MEMORY_RAM);
	if (!ret)
		ret = add_range(out, above, MEMORY_RAM);
	for (size_t i = 0; !ret && i < m->crash_cma.count; i++)
		ret = add_range(out, m->crash_cma.items[i], MEMORY_RAM);
	return ret;
}

int x86_crash_map(const struct machine *m, struct range elfcorehdr,
		  struct memory_map *out, struct error *err)
{
	static const uint32_t types[] = { MEMORY_ACPI, MEMORY_NVS, MEMORY_RESERVED,
					  MEMORY_PMEM, MEMORY_PRAM };
	const struct memory_map *now = &m->iomem;
	int ret = add_type(out, now, MEMORY_RAM, MIB);

	for (size_t i = 0; !ret && i < sizeof(types) / sizeof(types[0]); i++)
		ret = add_type(out, now, types[i], UINT64_MAX);
	if (!ret)
		ret = add_crash(out, m, elfcorehdr);
	return ret ? error_set(err, -ret, "memory map: %s", memory_map_strerror(ret)) : 0;
}

int arch_plan_memory(struct plan_builder *b, struct range elfcorehdr, struct error *err)
{
	if (builder_is_crash(b))
		return x86_crash_map(b->in->machine, elfcorehdr, &b->plan->memory, err);
	if (memory_map_copy(&b->plan->memory, &b->in->machine->firmware))
		return error_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Documentation/admin-guide/kernel-parameters.txt, memmap= */
static char memmap_sign(uint32_t type)
{
	switch (type) {
	case MEMORY_RAM:
		return '@';
	case MEMORY_ACPI:
	case MEMORY_NVS:
		return '#';
	case MEMORY_PMEM: /* any type: its number follows */
		return '%';
	case MEMORY_PRAM:
		return '!';
	default:
		return '$';
	}
}

static char *memmap_words(const struct memory_map *map)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fprintf(to, "memmap=exactmap");
	for (size_t i = 0; i < map->count; i++) {
		const struct memory_entry *e = &map->entries[i];

		fprintf(to, " memmap=0x%llx%c0x%llx", (unsigned long long)e->size,
			memmap_sign(e->type), (unsigned long long)e->addr);
		if (e->type == MEMORY_PMEM)
			fprintf(to, "+%u", e->type);
	}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

char *x86_crash_cmdline(uint64_t elfcorehdr, const char *cmdline,
			const struct memory_map *memmap)
{
	_cleanup_free_ char *words = memmap ? memmap_words(memmap) : NULL;
	_cleanup_free_ char *all = NULL;
	char *text;

	if (memmap && !words)
		return NULL;
	all = cmdline_append(cmdline, words);
	if (!all || asprintf(&text, "elfcorehdr=0x%llx %s",
			     (unsigned long long)elfcorehdr, all) < 0)
		return NULL;
	return text;
}

/*
 * elfcorehdr= comes first, as after kexec_file_load(). If the user decides about the
 * bootloader, nothing is added.
 */
char *arch_crash_cmdline(const struct plan_builder *b, uint64_t elfcorehdr)
{
	const struct memory_map *memmap =
		b->in->request->memmap_cmdline ? &b->plan->memory : NULL;
	const char *own = b->in->cmdline ? b->in->cmdline : "";
	_cleanup_free_ char *more = NULL;

	if (b->in->seed || !x86_passes_efi(b) || cmdline_sets(own, PLAN_TRUST))
		return x86_crash_cmdline(elfcorehdr, own, memmap);
	more = cmdline_append(PLAN_DISTRUST, own);
	return more ? x86_crash_cmdline(elfcorehdr, more, memmap) : NULL;
}
