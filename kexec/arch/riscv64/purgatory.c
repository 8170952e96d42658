// SPDX-License-Identifier: GPL-2.0-only
/* The purgatory's parameters on riscv64: seed slots, console, CPU features. */
#include "arch/dt/boot_data.h"
#include "arch/riscv64/riscv64.h"

#include "digest.h"

/* The purgatory runs without a map. */
const bool arch_builds_map = false;

int arch_purgatory_pages(const struct plan_builder *b, uint64_t *pages, struct error *err)
{
	(void)b, (void)err;
	*pages = 0;
	return 0;
}

/*
 * Kernels without RELOCATABLE, like Debian's, neither use the value nor remove it, and
 * everybody can read it.
 */
const bool dt_passes_kaslr_seed = false;

static void fill_cpu(const struct riscv64_cpu *cpu, struct purgatory_params *p)
{
	p->digest_impl = cpu->zknh ? DIGEST_CPU_SHA : DIGEST_PORTABLE;
	if (p->mix_target)
		p->mix_inputs = SEED_INPUT_TIME | (cpu->zkr ? SEED_INPUT_ZKR : 0);
}

void arch_purgatory_fill(const struct plan_builder *b, struct purgatory_params *p)
{
	dt_fill_console(b, p);
	p->serial_port = b->in->request->serial_port; /* then SBI's console is not used */
	dt_fill_seed(b, p);
	fill_cpu(&b->in->machine->arch->cpu, p);
}

int arch_purgatory_update(const char *root, struct purgatory_params *p, struct error *err)
{
	struct riscv64_cpu cpu;
	int ret = riscv64_cpu_read(root, &cpu, err);

	if (!ret)
		fill_cpu(&cpu, p);
	return ret;
}

const char *dt_check_purgatory(const struct plan *plan)
{
	(void)plan;
	return NULL;
}
