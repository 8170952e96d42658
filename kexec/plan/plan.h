/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.h - a plan says what is loaded where: image + machine + load request -> plan.
 *
 * The plan is a value. Making it needs no privilege, no system call and no kernel with
 * kexec support; it can be printed, compared and tested. It holds no secret: load/ draws
 * the base seed into a locked page that never enters the plan's memory.
 */
#ifndef KS_PLAN_H
#define KS_PLAN_H

#include "bytes.h"
#include "error.h"
#include "image/image.h"
#include "image_id.h"
#include "load_request.h"
#include "machine/crash_notes.h"
#include "machine/machine.h"
#include "purgatory_params.h"
#include "range.h"
#include "seed_mix.h"

#include <stdio.h>

struct report;

#define PLAN_MAX_SEGMENTS 16 /* KEXEC_SEGMENT_MAX of <linux/kexec.h> */

enum segment_kind {
	SEGMENT_PURGATORY,
	SEGMENT_BOOT_DATA, /* includes the command line */
	SEGMENT_SEED,
	SEGMENT_KERNEL,
	SEGMENT_INITRD,
	SEGMENT_ELFCOREHDR,
	SEGMENT_IMAGE_ID,
	/* The same bytes, where the architecture needs more of them: image_id.h. */
	SEGMENT_IMAGE_ID_SECOND,
	SEGMENT_IMAGE_ID_STATIC,
	SEGMENT_KINDS
};

/* A range of the next kernel's memory. Address and size are whole pages. */
struct segment {
	enum segment_kind kind;
	uint64_t addr;
	uint64_t mem_size;
	/*
	 * Borrowed from the image, the initrd or the plan's own blocks. Empty for the
	 * seed segment: load/ attaches the locked page for the duration of the system
	 * call.
	 */
	struct bytes content;
};

/* Location of the next kernel's seed: @offset bytes into the segment. */
struct seed_slot {
	enum segment_kind segment;
	uint64_t offset;
};

/* All inputs of a plan. Borrowed; @image and @initrd must outlive the plan. */
struct plan_input {
	const struct load_request *request;
	const struct machine *machine;
	const struct image *image;
	struct bytes initrd;	/* size 0: none */
	const char *cmdline;	/* NULL: empty */
	uint64_t mem_total;	/* memory of the running kernel, bytes; 0: unknown */
	bool seed;		/* reserve a segment for the seed */
	uint64_t generation_id; /* physical, of the VM generation ID; 0: do not mix */
	/* Crash notes of the running kernel; NULL: not a crash image. */
	const struct crash_notes *crash;
	uint8_t image_id[IMAGE_ID_SIZE]; /* crash image only */
};

#define SEED_PREFIX_MAX 16

struct plan {
	/* Listed to the kernel in this order. */
	struct segment segments[PLAN_MAX_SEGMENTS];
	size_t nr_segments;
	uint64_t page_size;
	uint64_t entry; /* physical address where kexec_load() jumps: in the purgatory */
	uint64_t kernel_entry;
	uint64_t boot_data_addr;
	struct memory_map memory; /* owned: the map passed to the next kernel */

	bool has_seed;
	struct seed_slot seed_slot;
	uint8_t seed_prefix[SEED_PREFIX_MAX]; /* precedes the base seed in its page */
	size_t seed_prefix_size;

	uint8_t *boot_data; /* owned */
	size_t boot_data_size;
	size_t cmdline_offset;	  /* in boot_data, NUL-terminated */
	uint8_t *purgatory_block; /* owned: the blob, parameters included */

	/* Crash image only: */
	struct image_id *image_id; /* owned */
	uint8_t *elfcorehdr_block; /* owned */
	size_t elfcorehdr_size;
	struct range control_reserve; /* left free for the kernel's control pages */
	bool hotplug; /* the kernel may update the ELF core headers: not verified */
};

/*
 * Makes the plan; release it with plan_free(). 0; -ENOSPC with the line, which says what
 * does not fit where; -EINVAL for options that the kernel cannot take; -ENODATA if the
 * machine hides what kexec_load() needs to know; -ENOMEM. On failure nothing is left to
 * free.
 */
int plan_make(const struct plan_input *in, struct plan *out, struct error *err);

void plan_free(struct plan *plan);

/* Bytes of all segments. */
uint64_t plan_total(const struct plan *plan);

/* The segment of @kind; NULL: the plan has none. */
struct segment *plan_segment(struct plan *plan, enum segment_kind kind);
const struct segment *plan_find(const struct plan *plan, enum segment_kind kind);

/* Physical address of the seed's bytes; 0: no seed. */
uint64_t plan_seed_addr(const struct plan *plan);

static inline const char *plan_command_line(const struct plan *plan)
{
	return (const char *)plan->boot_data + plan->cmdline_offset;
}

/*
 * True if a refresh replaces the segment: all but the large kernel and initrd, which stay
 * in place, as does a copy of the image ID. A crash image has its refreshed segments
 * adjacent to each other, below the others.
 */
static inline bool segment_is_refreshed(enum segment_kind kind)
{
	return kind != SEGMENT_KERNEL && kind != SEGMENT_INITRD &&
	       kind != SEGMENT_IMAGE_ID_STATIC;
}

static inline bool segment_is_image_id(enum segment_kind kind)
{
	return kind == SEGMENT_IMAGE_ID || kind == SEGMENT_IMAGE_ID_SECOND ||
	       kind == SEGMENT_IMAGE_ID_STATIC;
}

/*
 * A plan of the refreshed segments alone. It owns nothing: do not free it, and it must not
 * outlive @all.
 */
struct plan plan_refreshed(const struct plan *all);

/* Physical memory of the segment. */
static inline struct range segment_range(const struct segment *s)
{
	return (struct range){ s->addr, s->addr + s->mem_size };
}

/* The purgatory's parameters. */
static inline const struct purgatory_params *plan_purgatory(const struct plan *plan)
{
	return (const struct purgatory_params *)plan->purgatory_block;
}

/* Name of a segment kind, such as "kernel". Never NULL. */
const char *segment_name(enum segment_kind kind);

/*
 * Convert a kind to the purgatory's code (enum purgatory_kind) and back; false: unknown.
 */
uint32_t segment_code(enum segment_kind kind);
bool segment_from_code(uint32_t code, enum segment_kind *kind);

/*
 * On the command line of a crash kernel without a seed whose boot data may lead to an EFI
 * seed table: the EFI stub has zeroed that after use, and nothing refills it before a crash. The
 * crash kernel would credit its zeroes and call its RNG initialised.
 */
#define PLAN_TRUST    "random.trust_bootloader"
#define PLAN_DISTRUST PLAN_TRUST "=off"

/* Bytes of the old kernel's memory that the purgatory mixes into the seed; 0: none. */
uint64_t plan_kernel_memory(const struct purgatory_params *p);

/* Prints the plan as text. */
void plan_print(FILE *to, const struct plan *plan);

/* The boot data, field by field: a heading, then offset, size, name and value. */
void plan_print_boot_data(FILE *to, const struct plan *plan);

/*
 * Add the plan's values to a report: kexec-seed-json(5). @plan NULL: kexec_file_load(), of
 * which only the command line @cmdline is known; lists are empty, all else is null.
 */
void plan_report(struct report *o, const struct plan *plan, const char *cmdline);
void plan_report_boot_data(struct report *o, const struct plan *plan);

#endif
