/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elf.h - an uncompressed vmlinux: an ELF file whose segments say where the kernel's parts
 * lie in physical memory.
 *
 * It becomes what a bzImage is: a setup header in front of code that is loaded in one
 * piece. Only segments are looked at: what else is in the file, such as hundreds of
 * megabytes of debugging information, is not read.
 */
#ifndef KS_ELF_H
#define KS_ELF_H

#include "base/file.h"
#include "bytes.h"
#include "error.h"

/* An ELF file by its first bytes, whatever is in it. */
bool elf_is(struct bytes head);

/* What no setup header says. */
struct elf_kernel {
	uint64_t entry_offset; /* of the entry point of the 64-bit boot protocol */
	bool five_level;       /* may be entered while 5-level paging is on */
};

/*
 * Puts the kernel of the ELF file @f, laid out as in memory behind a setup header, in its
 * place; f->fd then is a memfd. 0; -ENOEXEC for what is not a kernel of 64-bit x86 Linux,
 * or is damaged or truncated; -EFBIG for one beyond DECOMPRESS_MAX; -ENOTSUP when this
 * build lacks libelf. The message has the path in it. On failure @f is as before.
 */
int elf_unpack(struct file *f, struct elf_kernel *out, struct error *err);

#endif
