// SPDX-License-Identifier: GPL-2.0-only
/*
 * image RAM STUBS BLOB [NAME=VALUE...] - makes the RAM of QEMU's "virt" machine as
 * kexec_load() leaves it: the purgatory with its parameters and page tables, and what it
 * verifies. test_purgatory_arm64.py runs it. Values are numbers; a range of addresses to
 * damage or to leave out is given by its name.
 */
#include "arch/arm64/pgtable.h"
#include "digest.h"
#include "purgatory_params.h"
#include "seed_mix.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM	       0x40000000ull
#define RAM_SIZE       (64ull << 20)
#define UART	       0x09000000ull
#define UART_REGISTERS 0x20
#define NOWHERE	       0x200000000ull /* no memory there */

#define OLD_KERNEL   (RAM + 0x3000000) /* QEMU puts its device tree at the start */
#define PURGATORY    (RAM + 0x200000)
#define BOOT_DATA    (RAM + 0x301000) /* shares 2 MiB with others */
#define SEED_PAGE    (RAM + 0x303000)
#define KERNEL	     (RAM + 0x400000)
#define INITRD	     (RAM + 0x600000)
#define KERNEL_DATA  (RAM + 0x1010000)
#define GENERATION   (RAM + 0x2000018)
#define DATA_SIZE    0x180000
#define INITRD_SIZE  0x123456
#define BOOT_SIZE    0x1800
#define RNG_SLOT     (BOOT_DATA + 0xff6) /* over the border of a page, unaligned */
#define KASLR_SLOT   (BOOT_DATA + 0x123)
#define POOL_PAGES   24
#define NEXT_KERNEL  0x2000 /* stubs.S */
#define NEXT_SIZE    0x1000
#define NEXT_CONDUIT 0x400
#define OLD_CONFIG   0x800

static uint8_t *ram;

static struct {
	const char *name;
	uint64_t value;
} settings[] = {
	/* stubs.S */
	{ "mode", 0 },
	{ "hcr", 0 },
	{ "cptr", 0x33ff },
	{ "cnthctl", 3 },
	{ "isar0", 0 },
	{ "trng", 0 },
	/* the parameters */
	{ "conduit", PURGATORY_CONDUIT_HVC },
	{ "console", PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_VERBOSE },
	{ "uart", UART },
	{ "uart_type", PURGATORY_UART_PL011 },
	{ "caches", 1 },
	{ "va_bits", 39 },
	{ "on_corruption", PURGATORY_RESET },
	{ "mix", 1 },
	{ "seed", 1 },
	{ "checks", 1 },
	{ "kernel_memory", KERNEL_DATA },
	{ "generation_id", GENERATION },
	/* a bit to flip, by its address */
	{ "flip", 0 },
	{ "smc_off", 0 },
	/* what the purgatory's own memory holds instead of zeroes */
	{ "state", 0 },
	/* a UART on PCI: the address of its configuration, its port, see stubs.S */
	{ "pci", 0 },
	{ "port", 0 },
	/* a UART in RAM: its line status, as a register of 32 bits */
	{ "lsr", 0 },
};

static uint64_t get(const char *name)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!strcmp(settings[i].name, name))
			return settings[i].value;
	fprintf(stderr, "image: no setting %s\n", name);
	exit(2);
}

static void set(const char *text)
{
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strlen(settings[i].name) == (size_t)(equals - text) &&
		    !strncmp(settings[i].name, text, (size_t)(equals - text))) {
			settings[i].value = strtoull(equals + 1, NULL, 0);
			return;
		}
	fprintf(stderr, "image: no setting %s\n", text);
	exit(2);
}

static void *at(uint64_t addr)
{
	return ram + (addr - RAM);
}

static size_t read_file(const char *name, void *to, size_t room)
{
	FILE *f = fopen(name, "rb");
	size_t size;

	if (!f) {
		perror(name);
		exit(2);
	}
	size = fread(to, 1, room, f);
	fclose(f);
	return size;
}

static void fill(uint64_t addr, uint64_t size, uint32_t state)
{
	uint8_t *to = at(addr);

	for (uint64_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		to[i] = (uint8_t)(state >> 24);
	}
}

static void check(struct purgatory_params *p, uint64_t addr, uint64_t size,
		  enum purgatory_kind kind)
{
	struct purgatory_check *c = &p->checks[p->nr_checks++];

	*c = (struct purgatory_check){ .addr = addr, .size = size, .kind = kind };
	digest_range(DIGEST_PORTABLE, at(addr), size, c->digest);
}

static void build_tables(struct purgatory_params *p)
{
	uint64_t data = get("kernel_memory"), id = get("generation_id");
	struct pgt_map maps[] = {
		{ { data, data + (data ? DATA_SIZE : 0) }, PGT_READ_ONLY },
		{ { id, id + (id ? VMGENID_SIZE : 0) }, PGT_READ_ONLY },
		{ { get("uart"), get("uart") + UART_REGISTERS }, PGT_DEVICE },
		{ { KERNEL, KERNEL + NEXT_SIZE }, PGT_READ_ONLY },
		{ { INITRD, INITRD + INITRD_SIZE }, PGT_READ_ONLY },
		{ { BOOT_DATA, BOOT_DATA + BOOT_SIZE }, PGT_DATA },
		{ { SEED_PAGE, SEED_PAGE + SEED_SIZE }, PGT_DATA },
		{ { PURGATORY, p->map_pool + POOL_PAGES * PGT_PAGE }, PGT_CODE },
	};
	struct pgt_pool pool = { p->map_pool, at(p->map_pool), POOL_PAGES };

	p->arch.va_bits = (uint32_t)get("va_bits");
	p->arch.page_table = p->map_pool;
	if (pgt_build(pool, p->arch.va_bits, maps, sizeof(maps) / sizeof(maps[0]))) {
		fprintf(stderr, "image: pgt_build failed\n");
		exit(2);
	}
}

static void fill_params(struct purgatory_params *p)
{
	uint64_t data = get("kernel_memory");

	p->kernel_entry = KERNEL;
	p->boot_data = BOOT_DATA;
	p->map_pool = PURGATORY + p->mem_size;
	p->map_pages = POOL_PAGES;
	p->on_corruption = (uint32_t)get("on_corruption");
	p->console = (uint32_t)get("console");
	p->arch.uart = get("uart");
	p->arch.uart_type = (uint32_t)get("uart_type");
	p->arch.conduit = (uint32_t)get("conduit");
	p->generation_id = get("generation_id");
	if (data)
		p->kernel_memory[0] = (struct purgatory_map){ data, data + DATA_SIZE };
	if (get("seed")) {
		p->arch.base_seed = SEED_PAGE;
		p->arch.rng_seed = RNG_SLOT;
		p->arch.kaslr_seed = KASLR_SLOT;
		p->mix_target = get("mix") ? SEED_PAGE : 0;
		for (unsigned int i = 0; i < SEED_SIZE; i++)
			((uint8_t *)at(SEED_PAGE))[i] = (uint8_t)(0x40 + i);
	}
	if (get("caches"))
		build_tables(p);
	if (!get("checks"))
		return;
	check(p, PURGATORY + sizeof(*p), p->file_size - sizeof(*p),
	      PURGATORY_KIND_PURGATORY);
	check(p, p->map_pool, POOL_PAGES * PGT_PAGE, PURGATORY_KIND_PURGATORY);
	check(p, BOOT_DATA, BOOT_SIZE, PURGATORY_KIND_BOOT_DATA);
	check(p, SEED_PAGE, PGT_PAGE, PURGATORY_KIND_SEED);
	check(p, KERNEL, NEXT_SIZE, PURGATORY_KIND_KERNEL);
	check(p, INITRD, INITRD_SIZE, PURGATORY_KIND_INITRD);
	purgatory_self_digest(p, p->self_sha256);
}

static void put_config(unsigned int word, uint64_t value)
{
	memcpy((uint8_t *)at(OLD_KERNEL) + OLD_CONFIG + 8 * word, &value, sizeof(value));
}

static void make(const char *stubs, const char *blob)
{
	struct purgatory_params *p = at(PURGATORY);
	const uint64_t smc = get("smc_off");

	read_file(stubs, at(OLD_KERNEL), RAM_SIZE / 8);
	memcpy(at(KERNEL), (uint8_t *)at(OLD_KERNEL) + NEXT_KERNEL, NEXT_SIZE);
	memcpy((uint8_t *)at(KERNEL) + NEXT_CONDUIT, &smc, sizeof(smc));
	fill(INITRD, INITRD_SIZE, 1);
	fill(KERNEL_DATA, DATA_SIZE, 2);
	fill(BOOT_DATA, BOOT_SIZE, 3);
	memset(at(RNG_SLOT), 0, SEED_SIZE);
	memset(at(KASLR_SLOT), 0, KASLR_SEED_SIZE);
	fill(GENERATION, VMGENID_SIZE, 4);
	if (!read_file(blob, p, BOOT_DATA - PURGATORY) || p->magic != PURGATORY_MAGIC ||
	    p->params_size != sizeof(*p)) {
		fprintf(stderr, "image: %s is no purgatory\n", blob);
		exit(2);
	}
	memset((uint8_t *)p + p->file_size, (int)get("state"),
	       p->mem_size - p->file_size);
	fill_params(p);
	put_config(0, get("mode"));
	put_config(1, PURGATORY + p->entry_offset);
	put_config(2, get("hcr"));
	put_config(3, get("cptr"));
	put_config(4, get("cnthctl"));
	put_config(5, get("isar0"));
	put_config(6, get("trng"));
	put_config(8, get("pci"));
	put_config(9, get("port"));
	if (get("lsr"))
		*(uint32_t *)at(get("uart") + 5 * sizeof(uint32_t)) =
			(uint32_t)get("lsr");
	if (get("flip"))
		*(uint8_t *)at(get("flip")) ^= 0x10;
}

/* What the test looks at. */
static void print_places(void)
{
	const struct purgatory_params *p = at(PURGATORY);

	printf("purgatory=%llu file_size=%u mem_size=%llu pool=%llu pool_size=%llu "
	       "params_size=%zu boot_data=%llu boot_size=%d seed=%llu kernel=%llu initrd=%llu "
	       "initrd_size=%d data=%llu data_size=%d generation=%llu rng_slot=%llu "
	       "kaslr_slot=%llu nowhere=%llu ram=%llu start=%llu\n",
	       PURGATORY, p->file_size, (unsigned long long)p->mem_size,
	       (unsigned long long)p->map_pool, POOL_PAGES * PGT_PAGE, sizeof(*p),
	       BOOT_DATA, BOOT_SIZE, SEED_PAGE, KERNEL, INITRD, INITRD_SIZE, KERNEL_DATA,
	       DATA_SIZE, GENERATION, RNG_SLOT, KASLR_SLOT, NOWHERE, RAM, OLD_KERNEL);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc < 4)
		return 2;
	for (int i = 4; i < argc; i++)
		set(argv[i]);
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)RAM_SIZE)) {
		perror(argv[1]);
		return 2;
	}
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ram == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	make(argv[2], argv[3]);
	print_places();
	return 0;
}
