/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * format.h - kernel image formats: one row of arch_image_formats[] (arch/arch.h) each.
 *
 * Opening a file of any format yields a struct image; later stages are independent of
 * formats. Files may also be compressed with gzip, xz or zstd (decompress.h).
 */
#ifndef KS_FORMAT_H
#define KS_FORMAT_H

#include "base/file.h"
#include "base/notes.h"
#include "image/image.h"

/* Options of the user. */
struct image_request {
	const struct image_format *format; /* required format; NULL: any */
	bool entry_32bit;		   /* enter the kernel in 32-bit mode */
	bool initrd;			   /* use the image's own initrd */
	bool cmdline;			   /* use the image's own command line */
};

/* Contents of a UKI besides its kernel. */
struct image_extras {
	bool has_initrd, has_cmdline, has_dtb;
	size_t nr_addons;   /* how many are used */
	struct notes notes; /* owned: parts that are not used */
	struct file initrd; /* owned; FILE_NONE: absent or not requested */
	char *cmdline;	    /* owned; NULL: absent or not requested */
};

struct image_format {
	const char *type;    /* word for -t; NULL ends the table */
	const char *name;    /* for messages; rows with equal names are aliases */
	const char *library; /* library that this build lacks; NULL: none */
	/* Opens the library that open() needs: 0; -ENOTSUP with the line. NULL: none */
	int (*open_library)(struct error *err);
	const char *refusal; /* why -t refuses this word; NULL: accepted */
	bool in_uki;	     /* allowed as the kernel of a UKI */
	/*
	 * Tests whether a file of @file_size bytes that begins with @start
	 * (IMAGE_START_MAX bytes, or all) has this format. 1; 0; a negative errno with
	 * the line if it has, but is damaged.
	 */
	int (*probe)(struct bytes start, uint64_t file_size, struct error *err);
	/*
	 * Parses @f, whose @start was probed, into @out, which borrows from @f. If the
	 * kernel is only a part of @f, first replaces @f by that part. 0 or a negative
	 * errno with the line, which names the file.
	 */
	int (*open)(struct file *f, struct bytes start,
		    const struct image_request *request, struct image *out,
		    struct image_extras *extras, struct error *err);
};

/*
 * The architecture's table: one row for each word of `kexec -t`, ended by a row without
 * type. Probed from the last row to the first.
 */
extern const struct image_format arch_image_formats[];

/* Bytes at the start of a file that probing examines. */
#define IMAGE_START_MAX ((size_t)64 << 10)

/*
 * Opens @kernel: decompresses it, detects its format by content and parses it. @kernel's
 * content becomes that of the kernel alone; @out borrows from it. The caller frees
 * @extras, even on failure. 0 or a negative errno with the line, which names the file.
 */
int image_open(struct file *kernel, const struct image_request *request,
	       struct image *out, struct image_extras *extras, struct error *err);

void image_extras_free(struct image_extras *extras);

/*
 * Detects the format of @f, which is decompressed in place. *@start: its first bytes, in
 * @buf (of IMAGE_START_MAX), because a mapped file might shrink. 0 or a negative errno with
 * the line; for -ENOEXEC it names the actual file type, if known.
 */
int image_recognise(struct file *f, uint8_t *buf, struct bytes *start,
		    const struct image_format **format, struct error *err);

/* Returns the row whose -t word is @type; NULL: none. */
const struct image_format *image_format_of_type(const char *type);

/*
 * Lists for people, written to @buf: the words for -t, as "a, b or c"; formats of this
 * build, as "bzImage, UKI; gzip, xz", @now: only those whose library can be opened now;
 * those that it lacks, as "xz (liblzma)", or "" if none.
 */
void image_list_types(char *buf, size_t size);
void image_list_formats(char *buf, size_t size, bool now);
void image_list_missing(char *buf, size_t size);

#define IMAGE_LIST_SIZE 256

#endif
