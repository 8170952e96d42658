/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * purgatory_params.h - the parameter block that the loader passes to the purgatory.
 *
 * It is at the start of the purgatory's blob, so the loader finds it without symbols or
 * relocations. The build fills in the first group of fields, the loader the rest. All
 * fields are little endian with fixed sizes; addresses are physical, sizes in bytes. Any
 * change of meaning needs a new PURGATORY_VERSION.
 *
 *     offset 0            struct purgatory_params        (params_size)
 *     entry_offset        first instruction
 *     file_size           end of the bytes in the blob; zeroes above: stack, state
 *     mem_size            end of the code's own memory, page aligned
 *     map_pool            pages for the purgatory's map, placed by the loader
 *
 * arch_params.h has the fields that only one architecture needs.
 *
 * The blob is loaded at a page boundary and runs at any address. Its memory from
 * file_size to mem_size must be zeroed. The purgatory writes nothing below file_size, so
 * those bytes can be a checked range.
 */
#ifndef KS_PURGATORY_PARAMS_H
#define KS_PURGATORY_PARAMS_H

#include "arch_params.h"

#define PURGATORY_MAGIC	  0x3159524f54475250ULL /* "PRGTORY1" */
#define PURGATORY_VERSION 5

/* Size of struct purgatory_params and offsets of fields, for assembler code. */
#define PURGATORY_PARAMS_SIZE	    (1592 + PURGATORY_ARCH_PARAMS_SIZE)
#define PURGATORY_PARAMS_ENTRY_MODE 96
#define PURGATORY_PARAMS_ARCH	    104

#define PURGATORY_MAX_CHECKS 16
#define PURGATORY_MAX_MAPS   32
#define PURGATORY_MAX_MEMORY 2

/*
 * on_corruption: the reaction to a wrong digest. Unknown values mean PURGATORY_RESET. So
 * does PURGATORY_BOOT if this block itself is damaged: neither the setting nor the
 * kernel's address can be trusted then.
 */
#define PURGATORY_RESET 0 /* report the range, reset the machine */
#define PURGATORY_HALT	1 /* report the range, stop the CPU */
#define PURGATORY_BOOT	2 /* report the range, start the kernel anyway */

/* console: where messages go */
#define PURGATORY_CONSOLE_SERIAL  0x1 /* a UART at serial_port */
#define PURGATORY_CONSOLE_VGA	  0x2 /* the VGA text screen */
#define PURGATORY_CONSOLE_VERBOSE 0x4 /* report progress too, not only faults */

/* entry_mode: how the kernel is entered */
#define PURGATORY_ENTRY_64 0
#define PURGATORY_ENTRY_32 1 /* in 32-bit mode: all addresses below 4 GiB */

#ifndef __ASSEMBLER__
#include "sha256.h"

#include <stddef.h>
#include <stdint.h>

/* Content of a checked range; selects its name in messages. */
enum purgatory_kind {
	PURGATORY_KIND_PURGATORY = 0,
	PURGATORY_KIND_BOOT_DATA = 1, /* includes the command line */
	PURGATORY_KIND_SEED = 2,
	PURGATORY_KIND_KERNEL = 3,
	PURGATORY_KIND_INITRD = 4,
	PURGATORY_KIND_ELFCOREHDR = 5,
	PURGATORY_KIND_IMAGE_ID = 6, /* image_id.h */
	/* in recipes only */
	PURGATORY_KIND_IMAGE_ID_SECOND = 7,
	PURGATORY_KIND_IMAGE_ID_STATIC = 8,
};

struct purgatory_check {
	uint64_t addr;
	uint64_t size;
	uint32_t kind; /* enum purgatory_kind */
	uint32_t reserved;
	uint8_t digest[SHA256_SIZE]; /* of the range: digest.h */
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
	uint64_t boot_data;    /* passed to the kernel in a register */
	uint64_t map_pool;     /* zeroed pages for the purgatory's map */
	uint64_t map_pages;
	uint32_t nr_maps; /* ranges to map besides the low 4 GiB */
	uint32_t nr_checks;
	uint32_t on_corruption;
	uint32_t console;
	uint32_t serial_port; /* I/O port or address of the UART */
	uint32_t serial_baud; /* 0: keep the UART's settings */
	/*
	 * CPU features. The loader detects them, not the purgatory: in an encrypted guest
	 * that may raise an exception which only a kernel can handle.
	 */
	uint32_t digest_impl; /* enum digest_impl; any other value is DIGEST_PORTABLE */
	uint32_t mix_inputs;  /* SEED_INPUT_ flags of the instructions to use */
	uint32_t entry_mode;  /* PURGATORY_ENTRY_64 or _32 */
	uint32_t reserved;
	struct purgatory_arch_params arch;
	/*
	 * Address of the structure that holds the base seed; the purgatory's
	 * arch_seed_bytes() finds the bytes in it. Mixing replaces them in place. 0: the
	 * base seed is passed on unmixed.
	 */
	uint64_t mix_target;
	uint64_t generation_id; /* address of the VM generation ID, 16 bytes; 0: none */
	/*
	 * Memory of the old kernel that holds its RNG, and much else that no clone has:
	 * mixed into the seed. Empty ranges: none.
	 */
	struct purgatory_map kernel_memory[PURGATORY_MAX_MEMORY];
	struct purgatory_map maps[PURGATORY_MAX_MAPS];
	struct purgatory_check checks[PURGATORY_MAX_CHECKS];

	/* purgatory_self_digest(); all zeroes: not checked */
	uint8_t self_sha256[SHA256_SIZE];
};

_Static_assert(sizeof(struct purgatory_params) == PURGATORY_PARAMS_SIZE &&
		       sizeof(struct purgatory_arch_params) ==
			       PURGATORY_ARCH_PARAMS_SIZE &&
		       offsetof(struct purgatory_params, entry_mode) ==
			       PURGATORY_PARAMS_ENTRY_MODE &&
		       offsetof(struct purgatory_params, arch) == PURGATORY_PARAMS_ARCH,
	       "the purgatory's assembler part knows these as numbers");

/* Writes the block's own digest to @out: SHA-256 of every field before self_sha256. */
static inline void purgatory_self_digest(const struct purgatory_params *p,
					 uint8_t out[SHA256_SIZE])
{
	sha256(p, offsetof(struct purgatory_params, self_sha256), out);
}
#endif

#endif
