/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * purgatory_params.h - the block that the loader fills in and the purgatory obeys.
 *
 * It is the first thing in the purgatory's blob, so the loader finds it without symbols
 * or relocations. The build fills in the first group of fields, the loader the rest.
 * Everything is little endian with fixed sizes; all addresses are physical, all sizes in
 * bytes. A change of meaning is a new PURGATORY_VERSION.
 *
 *     offset 0            struct purgatory_params        (params_size)
 *     entry_offset        first instruction, 64-bit mode, identity mapped
 *     file_size           end of the bytes in the blob; above it only zeroes: stack, state
 *     mem_size            end of what the code itself needs in memory, page aligned
 *     pgt_pool            page table pages, wherever the loader puts them
 *
 * The blob is loaded at a page boundary and runs wherever it was put, with its memory up
 * to mem_size zeroed above file_size. Nothing below file_size changes when it runs, so
 * those bytes can be a checked range themselves.
 */
#ifndef KS_PURGATORY_PARAMS_H
#define KS_PURGATORY_PARAMS_H

#define PURGATORY_MAGIC	  0x3159524f54475250ULL /* "PRGTORY1" */
#define PURGATORY_VERSION 4

/* Of struct purgatory_params, for assembler: */
#define PURGATORY_PARAMS_SIZE	    1560
#define PURGATORY_PARAMS_ENTRY_MODE 96

#define PURGATORY_MAX_CHECKS 16
#define PURGATORY_MAX_MAPS   32

/* on_corruption: what to do when a digest does not match */
#define PURGATORY_RESET 0 /* say which range, reset the machine */
#define PURGATORY_HALT	1 /* say which range, stop the processor */
#define PURGATORY_BOOT	2 /* say which range, start the kernel all the same */
/*
 * Any other value is PURGATORY_RESET. So is PURGATORY_BOOT when this block itself is
 * damaged: then neither the wish nor the kernel's address can be relied on.
 */

/* console: where messages go */
#define PURGATORY_CONSOLE_SERIAL  0x1 /* an 8250 at serial_port */
#define PURGATORY_CONSOLE_VGA	  0x2 /* the text screen at 0xb8000 */
#define PURGATORY_CONSOLE_VERBOSE 0x4 /* progress too, not only faults */

/* entry_mode: how the kernel is entered, Documentation/arch/x86/boot.rst of Linux */
#define PURGATORY_ENTRY_64 0 /* "64-bit Boot Protocol" */
#define PURGATORY_ENTRY_32 1 /* "32-bit Boot Protocol": all addresses below 4 GiB */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* What a checked range holds: the word in the message. */
enum purgatory_kind {
	PURGATORY_KIND_PURGATORY = 0,
	PURGATORY_KIND_BOOT_PARAMS = 1, /* with the command line and setup_data */
	PURGATORY_KIND_SEED = 2,
	PURGATORY_KIND_KERNEL = 3,
	PURGATORY_KIND_INITRD = 4,
	PURGATORY_KIND_ELFCOREHDR = 5,
	PURGATORY_KIND_TAG = 6, /* tells which crash image is loaded: image_tag.h */
};

struct purgatory_check {
	uint64_t addr;
	uint64_t size;
	uint32_t kind; /* enum purgatory_kind */
	uint32_t reserved;
	uint8_t digest[32]; /* of the range: digest.h */
};

struct purgatory_map {
	uint64_t start; /* half open; the purgatory rounds outwards to 2 MiB */
	uint64_t end;
};

struct purgatory_params {
	/* from the build */
	uint64_t magic;
	uint32_t version;
	uint32_t params_size; /* sizeof(struct purgatory_params) */
	uint32_t entry_offset;
	uint32_t file_size;
	uint64_t mem_size;

	/* from the loader */
	uint64_t kernel_entry; /* of the next kernel: see entry_mode */
	uint64_t boot_params;  /* goes into rsi */
	uint64_t pgt_pool;     /* zeroed pages for the identity map; see purgatory_pgt_pages() */
	uint64_t pgt_pages;
	uint32_t nr_maps; /* what the map covers besides the low 4 GiB */
	uint32_t nr_checks;
	uint32_t on_corruption;
	uint32_t console;
	uint32_t serial_port; /* I/O port, e.g. 0x3f8 */
	uint32_t serial_baud; /* 0: leave the line as it is */
	/*
	 * What the processor can do. The loader asks (CPUID, or better what the kernel
	 * made of it in /proc/cpuinfo), not the purgatory: in an encrypted guest (SEV-ES,
	 * TDX) CPUID raises an exception that only a kernel has an answer to.
	 */
	uint32_t digest_way; /* enum digest_way; any other value is DIGEST_PORTABLE */
	uint32_t mix_inputs; /* SEED_INPUT_RDSEED, _RDRAND, _TSC: instructions to use */
	uint32_t entry_mode; /* PURGATORY_ENTRY_64 or _32 */
	uint32_t reserved;
	/*
	 * The SETUP_RNG_SEED node whose 32 bytes are replaced by what they are mixed into
	 * (seed_mix.h); 0: they stay as they are.
	 */
	uint64_t mix_node;
	uint64_t generation_id; /* the VM generation ID's 16 bytes; 0: the machine has none */
	struct purgatory_map maps[PURGATORY_MAX_MAPS];
	struct purgatory_check checks[PURGATORY_MAX_CHECKS];

	/* SHA-256 of everything above in this block; all zeroes: not checked */
	uint8_t self_sha256[32];
};

_Static_assert(sizeof(struct purgatory_params) == PURGATORY_PARAMS_SIZE &&
		       offsetof(struct purgatory_params, entry_mode) ==
			       PURGATORY_PARAMS_ENTRY_MODE,
	       "the purgatory's assembler part knows these as numbers");
#endif

#endif
