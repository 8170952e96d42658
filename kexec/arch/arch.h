/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arch.h - the architecture boundary: the functions an architecture provides.
 *
 * Bound at link time: each kexec/arch/NAME/ implements everything below, and configure
 * selects one. Boot data formats, firmware tables, CPU features and page tables are known
 * only inside arch/. Implementations may use everything up to plan/; this header needs
 * only forward declarations, so that every layer can include it.
 */
#ifndef KS_ARCH_H
#define KS_ARCH_H

#include "error.h"
#include "range.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct image;
struct image_format;
struct iomem;
struct kcore;
struct load_request;
struct machine;
struct memory_map;
struct plan;
struct plan_builder;
struct purgatory_params;
struct report;
struct seed_slot;
struct vmgenid;

/* --- Constants --- */

extern const char arch_name[];		 /* as in `uname -m` */
extern const bool arch_is_own;		 /* false: this program runs on another one */
extern const char arch_boot_data_name[]; /* name of the boot data segment, for people */
extern const uint16_t arch_elf_machine;	 /* e_machine of the kernel's ELF files */
extern const unsigned long arch_kexec;	 /* KEXEC_ARCH_* for kexec_load(2) */
extern const uint16_t arch_pe_machine;	 /* Machine field of EFI programs */
extern const char arch_unknown_memory[]; /* the kernel's name for MEMORY_UNKNOWN */

/* Physical memory excluded from dumps although /proc/iomem lists it as RAM. */
extern const struct range arch_not_dumped;

/*
 * Bytes before the base seed in its page and, in a kexec_file_load() image, before the
 * seed's bytes at file_load_image.seed.
 */
extern const uint64_t arch_seed_offset;

/* First Linux whose kexec_file_load() passes a seed, as in KERNEL_VERSION(). */
extern const unsigned int arch_file_seed_since;

/* --- image/ --- */

/* arch_image_formats[]: the table of formats, declared in image/format.h. */

/* --- machine/ --- */

/*
 * Reads the architecture's part of @out: page_size, firmware, ram, physical_bits,
 * large_pages and arch. Also converts the entries of iomem->map to known types. 0 or a
 * negative errno with the line; the caller calls machine_free() in either case.
 */
int arch_machine_read(const char *root, struct iomem *iomem, struct machine *out,
		      struct error *err);
void arch_machine_free(struct machine *m);

/*
 * Finds a VM generation ID that ACPI does not describe: @out is VMGENID_ABSENT. Sets it as
 * vmgenid_find() does, or leaves it as it is if there is no other description.
 */
void arch_find_vmgenid(const struct machine *m, struct vmgenid *out);

/*
 * Replaces the running kernel's device tree by the file @path, for the next kernel, and
 * removes what it reserves from machine.ram. 0 or a negative errno with the line;
 * -ENOTSUP unless arch_takes_dtb.
 */
extern const bool arch_takes_dtb;
int arch_use_dtb(struct machine *m, const char *path, struct error *err);

/* Reads only machine.large_pages. 0 or a negative errno with the line. */
int arch_read_large_pages(const char *root, bool *out, struct error *err);

/*
 * True if this virtual address is in the kernel's mapping of its own text and modules.
 * @lowest: the lowest one at which it maps RAM.
 */
bool arch_is_kernel_text(uint64_t vaddr, uint64_t lowest);

/* --- options --- */

/*
 * Parses the UART named by --serial=@text into purgatory_params.serial_port. False:
 * invalid.
 */
bool arch_parse_serial(const char *text, uint32_t *port);

/* True if arch_parse_serial() may have set @port, which was read from a file; or 0. */
bool arch_check_serial(uint32_t port);

/* Values accepted by arch_parse_serial(), for the message. */
extern const char arch_serial_values[];

/* --- plan/ --- */

/* Physical range allowed for segments: lowest address and exclusive end. */
struct range arch_placement(const struct image *image);

/*
 * Chooses another entry point of @image if the running kernel cannot use the preferred
 * one. Returns a note that says so, for people; NULL: nothing was changed. Also sets
 * no_file_load where kexec_file_load() would not know what to do.
 */
const char *arch_choose_entry(const struct machine *m, struct image *image);

/* 0; -ENOEXEC with the reason if the running kernel cannot start @image. */
int arch_check_image(const struct machine *m, const struct image *image,
		     struct error *err);

/*
 * 0; -ENODATA with the reason if @m hides something without which the next kernel of @r
 * would not find its hardware.
 */
int arch_check_machine(const struct machine *m, const struct load_request *r,
		       struct error *err);

/*
 * True if a load may leave the first page that it takes for itself as it was. The image ID
 * is then in the second one, too (image_id.h).
 */
extern const bool arch_spares_first_page;

/*
 * True if a kernel may hide the segments of the last load from /proc/kcore, as zeroes. A
 * crash image then has another copy of its image ID, which no refresh loads.
 */
extern const bool arch_may_hide_load;

/*
 * Pages of the crash region that the running kernel allocates for itself, bottom-up:
 * control code, vmcoreinfo, page tables for all of @ram. Segments must not overlap them.
 * arch_control_reserve() adds a margin for hot-plugged memory; plans leave that many
 * pages free.
 */
uint64_t arch_control_pages(const struct memory_map *ram, bool large_pages);
uint64_t arch_control_reserve(const struct memory_map *ram, bool large_pages);

/*
 * Sets plan->memory, the map passed to the next kernel. A crash kernel's map excludes
 * @elfcorehdr; otherwise that is empty. 0 or a negative errno with the line.
 */
int arch_plan_memory(struct plan_builder *b, struct range elfcorehdr, struct error *err);

/*
 * Command line of a crash kernel whose ELF core headers are at @elfcorehdr. The caller
 * frees it; NULL: out of memory.
 */
char *arch_crash_cmdline(const struct plan_builder *b, uint64_t elfcorehdr);

/* Sets plan->boot_data_size, in bytes. 0, -EINVAL or -EOVERFLOW, with the line. */
int arch_boot_data_measure(struct plan_builder *b, struct error *err);

/*
 * Fills in plan->boot_data (allocated, zeroed) once all segments are placed. Also sets
 * cmdline_offset and, if the plan has a seed segment, seed_prefix and seed_slot. 0 or
 * -ENOMEM.
 */
int arch_boot_data_fill(struct plan_builder *b);

/*
 * Returns the place where the next kernel of @plan looks for its seed. The boot data,
 * which may be arbitrary bytes, decides; a slot without a segment of that kind: nowhere.
 */
struct seed_slot arch_seed_slot(const struct plan *plan);

/*
 * Sets *@pages to the number of pages for the purgatory's page tables, located after its
 * code. 0, or -ENOSPC with the line: impossible.
 */
int arch_purgatory_pages(const struct plan_builder *b, uint64_t *pages,
			 struct error *err);

/*
 * True if arch_purgatory_fill() builds the purgatory's map. Otherwise the purgatory does,
 * in zeroed pages.
 */
extern const bool arch_builds_map;

/* Fills in maps, console, CPU features, entry mode and mix_target. */
void arch_purgatory_fill(const struct plan_builder *b, struct purgatory_params *p);

/*
 * Takes the CPU features anew: a virtual machine may have been moved to another CPU. 0 or
 * a negative errno with the line.
 */
int arch_purgatory_update(const char *root, struct purgatory_params *p,
			  struct error *err);

/*
 * Checks boot data and seed slot of a plan read from a file. NULL, or the invalid part.
 */
const char *arch_check_plan(const struct plan *plan);

/*
 * Print the memory map and the structure of the boot data, as text and as JSON members;
 * without a plan (NULL) the members are null or empty.
 */
void arch_plan_print(FILE *to, const struct plan *plan);
void arch_plan_report(struct report *to, const struct plan *plan);

/* A field of the boot data; in a device tree a property of /chosen. Borrowed from the plan. */
struct boot_field {
	const char *name;
	bool opaque; /* bytes, text, or numbers in another order: no number */
	size_t offset;
	size_t size;
	const uint8_t *data;
};

/* Sets @out to field @index of the plan's boot data, in order; false after the last. */
bool arch_boot_field(const struct plan *plan, size_t index, struct boot_field *out);

/* True if the field is a number of 1, 2, 4 or 8 bytes, in the CPU's order: *@value. */
static inline bool boot_field_number(const struct boot_field *f, uint64_t *value)
{
	*value = 0;
	if (f->opaque || (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8))
		return false;
	memcpy(value, f->data, f->size); /* little endian */
	return true;
}

/* --- load/ --- */

/* Locations chosen by kexec_file_load(). All addresses are physical. */
struct file_load_image {
	struct range boot_data; /* part of it that identifies the image */
	uint64_t elfcorehdr;
	uint64_t seed; /* the seed's bytes are at this plus arch_seed_offset; 0: none */
};

/*
 * Finds the image that kexec_file_load() has just put into @region, by its @cmdline. 0;
 * -ENOENT; or another negative errno if memory cannot be read. Wipes its buffer.
 */
int arch_find_file_load(const struct kcore *k, struct range region, const char *cmdline,
			struct file_load_image *out, struct error *err);

#endif
