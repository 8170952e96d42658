/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.h - what will be loaded where: image + facts + options -> plan.
 *
 * The plan is a value. Making it needs no privilege, no system call and no kernel that
 * can kexec; it can be printed, compared and tested. It holds no secret: the seed's slot
 * is a place with a length, and the bytes are drawn by load/ and never enter the plan's
 * memory.
 */
#ifndef KS_PLAN_H
#define KS_PLAN_H

#include "bytes.h"
#include "error.h"
#include "image/image.h"
#include "image_id.h"
#include "machine/dump.h"
#include "machine/facts.h"
#include "purgatory_params.h"
#include "range.h"
#include "seed_mix.h"

#include <stdbool.h>
#include <stdio.h>

#define PLAN_MAX_SEGMENTS 16 /* KEXEC_SEGMENT_MAX of <linux/kexec.h> */
#define PLAN_MAX_NODES	  8

/* The seed as the kernel hands it over for kexec_file_load(): setup_data with 32 bytes.
 */
#define SEED_NODE_SIZE (sizeof(struct seed_header) + SEED_SIZE)

/* What stands in front of the seed's bytes: struct setup_data without its payload. */
struct seed_header {
	uint64_t next;
	uint32_t type;
	uint32_t len;
};
_Static_assert(sizeof(struct seed_header) == sizeof(struct setup_data),
	       "<asm/bootparam.h>");

/* How messages of the purgatory reach somebody; see purgatory_params.h. */
struct plan_console {
	uint32_t flags;
	uint32_t serial_port;
	uint32_t serial_baud;
};

struct plan_options {
	const char *command_line; /* NULL: empty */
	struct bytes initrd;	  /* size 0: none */
	uint64_t mem_min;	  /* no segment below */
	uint64_t mem_max;	  /* no segment ends above (exclusive); 0: no limit */
	bool noefi;
	bool seed;		/* with a SETUP_RNG_SEED node */
	bool mix;		/* the purgatory makes the seed unique at the jump */
	uint64_t generation_id; /* the VM generation ID's address; 0: none to mix in */
	bool verify;		/* the purgatory checks digests */
	uint32_t on_corruption; /* PURGATORY_RESET ... */
	struct plan_console console;
	/*
	 * What a crash kernel must know of this one; NULL: not a crash image. Borrowed.
	 * Everything then goes into the region reserved for it, the parts that a refresh
	 * replaces below the others: see plan_is_dynamic().
	 */
	const struct dump_facts *dump;
	bool hotplug;	     /* the kernel shall keep the ELF core headers up to date */
	bool memmap_cmdline; /* memmap= words for the memory map, besides E820 */
	uint8_t image_id[IMAGE_ID_SIZE]; /* of a crash image: image_id.h */
};

/* One stretch of memory of the next kernel. Addresses and sizes are whole pages. */
struct segment {
	enum purgatory_kind kind;
	uint64_t addr;
	uint64_t mem_size;
	/*
	 * Borrowed from the image or the initrd, or from the plan's own blocks. The seed
	 * segment's is empty in a plan: load/ lends it the locked page for as long as the
	 * system call takes.
	 */
	struct bytes content;
};

/* A setup_data node of the chain, in the order in which the kernel walks it. */
struct setup_node {
	uint32_t type;
	uint32_t len;
	uint64_t addr;
};

struct plan {
	struct segment segments[PLAN_MAX_SEGMENTS];
	size_t nr_segments;
	uint64_t entry; /* where kexec_load() jumps: into the purgatory */
	uint64_t kernel_entry;
	uint64_t boot_params_addr;
	struct e820_map e820; /* owned: the memory that the next kernel is told of */
	struct setup_node nodes[PLAN_MAX_NODES];
	size_t nr_nodes;
	struct seed_header seed_header; /* at the start of the seed segment */
	bool has_seed;

	uint8_t *params_block; /* owned: boot_params, command line, setup_data without
				  seed */
	size_t params_size;
	uint8_t *purgatory_block; /* owned: the blob with its parameters */
	size_t cmdline_offset;	  /* in params_block, NUL-terminated */

	/* Of a crash image only: */
	struct image_id *tag;	   /* owned */
	uint8_t *elfcorehdr_block; /* owned */
	size_t elfcorehdr_size;
	struct range hole; /* left free for the kernel's control pages */
	bool hotplug;	   /* the kernel may change the ELF core headers: not checked */
};

/*
 * Makes the plan. @image and @opts->initrd are borrowed and must outlive it. 0; -ENOSPC
 * when something does not fit (the line says what and into what); -EINVAL for options
 * that the kernel cannot take; -ENOMEM. On failure nothing is left to free.
 */
int plan_make(const struct facts *facts, const struct image *image,
	      const struct plan_options *opts, struct plan *out, struct error *err);

void plan_free(struct plan *plan);

/* The segment of that kind; NULL when the plan has none. */
struct segment *plan_segment(struct plan *plan, enum purgatory_kind kind);
const struct segment *plan_find(const struct plan *plan, enum purgatory_kind kind);

static inline const char *plan_command_line(const struct plan *plan)
{
	return (const char *)plan->params_block + plan->cmdline_offset;
}

/*
 * Does a refresh replace it? Everything but the kernel and the initrd, which are large and
 * stay where they are. In a crash image these segments are neighbours, the lowest ones.
 */
static inline bool plan_is_dynamic(enum purgatory_kind kind)
{
	return kind != PURGATORY_KIND_KERNEL && kind != PURGATORY_KIND_INITRD;
}

/* What the purgatory is told. */
static inline const struct purgatory_params *plan_purgatory(const struct plan *plan)
{
	return (const struct purgatory_params *)plan->purgatory_block;
}

/* boot_params as the next kernel gets them. */
static inline const struct boot_params *plan_boot_params(const struct plan *plan)
{
	return (const struct boot_params *)plan->params_block;
}

/* The word for a kind of segment: "kernel". */
const char *segment_name(enum purgatory_kind kind);

/* The plan for people. */
void plan_print(FILE *to, const struct plan *plan);

/* The plan for programs, one JSON object. -ENOTSUP in a build without json-c. */
int plan_print_json(FILE *to, const struct plan *plan, struct error *err);

#endif
