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

/* --- The UART --- */

const char arch_serial_values[] =
	"pl011,0xADDR, uart8250,mmio,0xADDR or uart8250,mmio32,0xADDR, below 4 GiB";

/* Bytes of registers that the purgatory uses, of any type. */
#define UART_SIZE 0x20

/* The type is in the low bits of load_request.serial_port: registers have 32 bits. */
#define SERIAL_TYPE_MASK 3u

/* earlycon= of Documentation/admin-guide/kernel-parameters.rst; longest words first. */
static const struct {
	const char *prefix;
	uint32_t type;
} uart_words[] = {
	{ "pl011,mmio32,", PURGATORY_UART_PL011 },
	{ "pl011,", PURGATORY_UART_PL011 },
	{ "uart8250,mmio32,", PURGATORY_UART_8250_32 },
	{ "uart8250,mmio,", PURGATORY_UART_8250 },
	{ "uart8250,", PURGATORY_UART_8250 },
	{ "uart,mmio32,", PURGATORY_UART_8250_32 },
	{ "uart,mmio,", PURGATORY_UART_8250 },
};

/* Parses the UART that @text begins with. Returns the end of its address; NULL: none. */
static const char *parse_uart(const char *text, struct arm64_uart *out)
{
	for (size_t i = 0; i < sizeof(uart_words) / sizeof(uart_words[0]); i++) {
		size_t length = strlen(uart_words[i].prefix);
		struct arm64_uart uart = { .type = uart_words[i].type };
		char *end;

		if (strncmp(text, uart_words[i].prefix, length) != 0)
			continue;
		if (strncmp(text + length, "0x", 2) != 0)
			return NULL;
		errno = 0;
		uart.addr = strtoull(text + length, &end, 16);
		if (errno || !uart.addr || uart.addr % sizeof(uint32_t) ||
		    uart.addr > PGT_LIMIT - UART_SIZE)
			return NULL;
		*out = uart;
		return end;
	}
	return NULL;
}

bool arch_parse_serial(const char *text, uint32_t *port)
{
	struct arm64_uart uart;
	const char *end = parse_uart(text, &uart);

	if (!end || *end || uart.addr > UINT32_MAX)
		return false;
	*port = (uint32_t)uart.addr | uart.type;
	return true;
}

bool arch_check_serial(uint32_t port)
{
	return !port || ((port & SERIAL_TYPE_MASK) && (port & ~SERIAL_TYPE_MASK));
}

/* The last one with an address that @cmdline names with earlycon= or console=. */
static void find_uart(const char *cmdline, struct arm64_uart *out)
{
	for (const char *word = cmdline; *word; word += strcspn(word, " \t\n")) {
		word += strspn(word, " \t\n");
		if (!strncmp(word, "earlycon=", 9))
			parse_uart(word + 9, out);
		else if (!strncmp(word, "console=", 8))
			parse_uart(word + 8, out);
	}
}

/*
 * The purgatory is silent unless it finds damage. Where it reports: --serial, the next
 * kernel's command line, firmware's console.
 */
static struct arm64_uart choose_uart(const struct plan_builder *b)
{
	struct arm64_uart uart = b->in->machine->arch->uart;
	uint32_t given = b->in->request->serial_port;

	if (b->in->cmdline)
		find_uart(b->in->cmdline, &uart);
	if (given)
		uart = (struct arm64_uart){ .addr = given & ~SERIAL_TYPE_MASK,
					    .type = given & SERIAL_TYPE_MASK };
	return uart;
}

static void fill_console(const struct plan_builder *b, struct purgatory_params *p)
{
	const struct load_request *r = b->in->request;
	struct arm64_uart uart = choose_uart(b);

	if (r->console_serial || r->console_vga)
		p->console |= PURGATORY_CONSOLE_VERBOSE;
	if (uart.type)
		p->console |= PURGATORY_CONSOLE_SERIAL;
	p->arch.uart = uart.addr;
	p->arch.uart_type = uart.type;
}

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
	struct arm64_uart uart = choose_uart(b);
	uint64_t id = b->in->generation_id;
	size_t nr = 0;

	for (size_t i = 0; builder_mixes(b) && i < PURGATORY_MAX_MEMORY; i++)
		if (range_size(b->in->machine->kernel_memory[i]))
			maps[nr++] = (struct pgt_map){ b->in->machine->kernel_memory[i],
						       PGT_READ_ONLY };
	if (builder_mixes(b) && id)
		maps[nr++] = (struct pgt_map){ { id, id + VMGENID_SIZE }, PGT_READ_ONLY };
	if (uart.type)
		maps[nr++] = (struct pgt_map){ { uart.addr, uart.addr + UART_SIZE },
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
	fill_console(b, p);
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
