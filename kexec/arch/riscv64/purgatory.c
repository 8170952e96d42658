// SPDX-License-Identifier: GPL-2.0-only
/* The purgatory's parameters on riscv64: seed slots, console, CPU features. */
#include "arch/dt/boot_data.h"
#include "arch/riscv64/riscv64.h"

#include "digest.h"

/* Firmware's console is the only one. */
const char arch_serial_values[] = "no value on riscv64: the console is firmware's";

bool arch_parse_serial(const char *text, uint32_t *port)
{
	(void)text;
	*port = 0;
	return false;
}

bool arch_check_serial(uint32_t port)
{
	return !port;
}

/* The purgatory runs without a map. */
const bool arch_builds_map = false;

int arch_purgatory_pages(const struct plan_builder *b, uint64_t *pages, struct error *err)
{
	(void)b, (void)err;
	*pages = 0;
	return 0;
}

static void fill_console(const struct load_request *r, struct purgatory_params *p)
{
	p->console = PURGATORY_CONSOLE_SERIAL;
	if (r->console_serial || r->console_vga)
		p->console |= PURGATORY_CONSOLE_VERBOSE;
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
	fill_console(b->in->request, p);
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
