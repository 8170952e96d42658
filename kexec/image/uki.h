/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uki.h - unified kernel images: PE files with kernel, initrd and command line in
 * sections (UAPI.5, Unified Kernel Image; Microsoft's PE format).
 *
 * A bzImage with an EFI stub is a PE file too: only a .linux section makes it a UKI.
 */
#ifndef KS_UKI_H
#define KS_UKI_H

#include "image/format.h"

/* Bytes at the start of a file that are examined for headers. */
#define UKI_START_MAX IMAGE_START_MAX

/* Location of content in the file, excluding padding; size 0: absent. */
struct uki_part {
	uint64_t offset;
	uint64_t size;
};

struct uki {
	struct uki_part linux_image;
	struct uki_part initrd;
	struct uki_part ucode; /* microcode: an initrd placed before the other one */
	struct uki_part cmdline;
	struct uki_part dtb;
	struct uki_part uname; /* the kernel's release */
};

/*
 * Parses @start, a copy of the first UKI_START_MAX bytes of a file of @file_size bytes,
 * or of all. If the UKI has several profiles, takes the first one, @0, the default of a
 * UKI's stub, plus sections of the base profile that it lacks.
 *
 * 1: a UKI, with all parts inside the file; 0: not a UKI; -ENOEXEC with the line: a UKI
 * for another architecture, damaged or truncated.
 */
int uki_parse(struct bytes start, uint64_t file_size, struct uki *out, struct error *err);

/*
 * The same for an addon, which is a UKI without a kernel. 0; -ENOEXEC with the line: not
 * an addon for this architecture, damaged or truncated.
 */
int uki_parse_addon(struct bytes start, uint64_t file_size, struct uki *out,
		    struct error *err);

/*
 * Converts the text of .cmdline for a kernel, in place: control characters become blanks,
 * and leading and trailing blanks are removed.
 */
void uki_clean_cmdline(char *text);

/* For the format table: see image_format. The kernel's format must have in_uki set. */
int uki_probe(struct bytes start, uint64_t file_size, struct error *err);
int uki_open(struct file *f, struct bytes start, const struct image_request *request,
	     struct image *out, struct image_extras *extras, struct error *err);

#endif
