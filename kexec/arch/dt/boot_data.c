// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device tree as boot data: made, checked and printed. The base seed is in a page of
 * its own. The purgatory writes what it makes of it into the tree, after verifying that.
 */
#include "arch/dt/boot_data.h"

#include "arch/arch.h"
#include "arch/dt/chosen.h"
#include "arch/dt/libfdt.h"
#include "base/cleanup.h"
#include "base/report.h"
#include "plan/builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char arch_boot_data_name[] = "device tree";

/* The base seed begins its page. */
const uint64_t arch_seed_offset = 0;

static struct bytes plan_tree(const struct plan *plan)
{
	return (struct bytes){ plan->boot_data, plan->boot_data_size };
}

/*
 * The main region comes first: the crash kernel limits its memory to that and adds the
 * others (early_init_dt_check_for_usable_mem_range()).
 */
static struct range *list_usable(const struct machine *m, size_t *count)
{
	struct range *all = calloc(2 + m->crash_cma.count, sizeof(*all));

	*count = 0;
	if (!all)
		return NULL;
	all[(*count)++] = m->crash;
	if (range_size(m->crash_low))
		all[(*count)++] = m->crash_low;
	for (size_t i = 0; i < m->crash_cma.count; i++)
		all[(*count)++] = m->crash_cma.items[i];
	return all;
}

/* @initrd: its address, or anything while only the size counts. */
static int make_tree(const struct plan_builder *b, uint64_t initrd, struct dt *out,
		     struct error *err)
{
	const struct segment *headers = plan_find(b->plan, SEGMENT_ELFCOREHDR);
	_cleanup_free_ struct range *usable = NULL;
	struct dt_next next = {
		.cmdline = b->cmdline,
		.initrd = { initrd, initrd + b->in->initrd.size },
		.seed = b->in->seed,
		.kaslr_seed = b->in->seed && dt_passes_kaslr_seed,
	};

	*out = (struct dt){ 0 };
	if (headers) {
		next.elfcorehdr = segment_range(headers);
		next.usable = usable = list_usable(b->in->machine, &next.nr_usable);
		if (!usable)
			return error_set(err, ENOMEM, "out of memory");
	}
	return dt_make_next(&dt_of_machine(b->in->machine)->tree, &next, out, err);
}

int arch_boot_data_measure(struct plan_builder *b, struct error *err)
{
	size_t length = b->cmdline ? strlen(b->cmdline) : 0;
	uint64_t max = b->in->image->cmdline_max;
	struct dt tree;
	int ret;

	if (length > max)
		return error_set(err, EINVAL,
				 "the command line has %zu bytes; this kernel takes %llu",
				 length, (unsigned long long)max);
	ret = make_tree(b, 0, &tree, err);
	b->plan->boot_data_size = tree.size;
	dt_free(&tree);
	return ret;
}

int arch_boot_data_fill(struct plan_builder *b)
{
	const struct segment *initrd = plan_find(b->plan, SEGMENT_INITRD);
	struct plan *plan = b->plan;
	struct error ignored;
	struct dt tree;
	int ret = make_tree(b, initrd ? initrd->addr : 0, &tree, &ignored);

	if (ret)
		return ret;
	/* the same size as before placement */
	memcpy(plan->boot_data, tree.data, plan->boot_data_size);
	dt_free(&tree);
	plan->cmdline_offset = dt_chosen_cmdline(plan_tree(plan));
	if (b->in->seed)
		plan->seed_slot = arch_seed_slot(plan);
	return 0;
}

bool dt_seed_offsets(const struct plan *plan, uint64_t *rng, uint64_t *kaslr)
{
	*rng = dt_chosen_value(plan_tree(plan), "rng-seed", SEED_SIZE);
	*kaslr = dt_chosen_value(plan_tree(plan), "kaslr-seed", DT_KASLR_SEED_SIZE);
	return *rng && !!*kaslr == dt_passes_kaslr_seed;
}

void dt_fill_seed(const struct plan_builder *b, struct purgatory_params *p)
{
	const struct segment *seed = plan_find(b->plan, SEGMENT_SEED);
	uint64_t rng, kaslr;

	if (!seed || !dt_seed_offsets(b->plan, &rng, &kaslr))
		return;
	p->arch.base_seed = seed->addr;
	p->arch.rng_seed = b->plan->boot_data_addr + rng;
	p->arch.kaslr_seed = kaslr ? b->plan->boot_data_addr + kaslr : 0;
	if (builder_mixes(b))
		p->mix_target = seed->addr;
}

/* NULL, or which of the addresses that dt_fill_seed() sets is another one. */
static const char *check_seeds(const struct plan *plan)
{
	const struct purgatory_params *p = plan_purgatory(plan);
	const struct segment *seed = plan_find(plan, SEGMENT_SEED);
	uint64_t rng, kaslr, at = plan->boot_data_addr;

	if (!p)
		return NULL;
	if (p->arch.base_seed != (seed ? seed->addr : 0))
		return "the purgatory's base seed";
	if (seed &&
	    (!dt_seed_offsets(plan, &rng, &kaslr) || p->arch.rng_seed != at + rng ||
	     p->arch.kaslr_seed != (kaslr ? at + kaslr : 0)))
		return "the places of the seed";
	return NULL;
}

struct seed_slot arch_seed_slot(const struct plan *plan)
{
	uint64_t rng, kaslr;

	if (!dt_seed_offsets(plan, &rng, &kaslr))
		return (struct seed_slot){ SEGMENT_KINDS, 0 };
	return (struct seed_slot){ SEGMENT_BOOT_DATA, rng };
}

const char *arch_check_plan(const struct plan *plan)
{
	static const uint8_t none[SEED_PREFIX_MAX];
	uint64_t rng, kaslr;
	const char *wrong;

	if (!dt_is_valid(plan_tree(plan)))
		return "the device tree";
	if (plan->cmdline_offset != dt_chosen_cmdline(plan_tree(plan)))
		return "the command line";
	if (memcmp(plan->seed_prefix, none, sizeof(none)))
		return "the seed's page";
	if (dt_seed_offsets(plan, &rng, &kaslr) != plan->has_seed)
		return "the seeds in the device tree";
	wrong = check_seeds(plan);
	return wrong ? wrong : dt_check_purgatory(plan);
}

/* The next kernel takes its memory from the tree, or from UEFI. */
int arch_plan_memory(struct plan_builder *b, struct range elfcorehdr, struct error *err)
{
	(void)b, (void)elfcorehdr, (void)err;
	return 0;
}

bool arch_boot_field(const struct plan *plan, size_t index, struct boot_field *out)
{
	const void *fdt = plan->boot_data;
	int chosen = fdt_path_offset(fdt, "/chosen"), property;

	fdt_for_each_property_offset(property, fdt, chosen)
	{
		int size;

		*out = (struct boot_field){ .opaque = true };
		out->data = fdt_getprop_by_offset(fdt, property, &out->name, &size);
		if (!out->data || index--)
			continue;
		out->size = (size_t)size;
		out->offset = (size_t)(out->data - plan->boot_data);
		return true;
	}
	return false;
}

void arch_plan_print(FILE *to, const struct plan *plan)
{
	const void *fdt = plan->boot_data;
	int count = fdt_num_mem_rsv(fdt);
	struct boot_field f;
	uint64_t start, size;

	fprintf(to, "/chosen      of a tree of %zu bytes\n", plan->boot_data_size);
	for (size_t i = 0; arch_boot_field(plan, i, &f); i++)
		fprintf(to, "  %-28s %zu bytes\n", f.name, f.size);
	fprintf(to, "reserved by the tree%s\n", count > 0 ? "" : " (none)");
	for (int i = 0; i < count; i++)
		if (!fdt_get_mem_rsv(fdt, i, &start, &size))
			fprintf(to, "  0x%012llx-0x%012llx\n", (unsigned long long)start,
				(unsigned long long)(start + size - 1));
}

static void report_chosen(struct report *o, const struct plan *plan)
{
	struct boot_field f;

	report_list(o, "chosen");
	for (size_t i = 0; plan && arch_boot_field(plan, i, &f); i++) {
		report_object(o, NULL);
		report_text(o, "name", f.name);
		report_number(o, "len", f.size);
		report_end(o);
	}
	report_end(o);
}

void arch_plan_report(struct report *o, const struct plan *plan)
{
	const void *fdt = plan ? plan->boot_data : NULL;
	int count = plan ? fdt_num_mem_rsv(fdt) : 0;
	uint64_t start, size;

	if (plan)
		report_number(o, "device_tree", plan->boot_data_addr);
	else
		report_text(o, "device_tree", NULL);
	report_chosen(o, plan);
	report_list(o, "memreserve");
	for (int i = 0; i < count; i++) {
		if (fdt_get_mem_rsv(fdt, i, &start, &size))
			continue;
		report_object(o, NULL);
		report_number(o, "addr", start);
		report_number(o, "size", size);
		report_end(o);
	}
	report_end(o);
}
