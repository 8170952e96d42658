/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elfcorehdr.h - the ELF core headers, which a crash kernel locates by elfcorehdr= and
 * exports as /proc/vmcore: Documentation/admin-guide/kdump/kdump.rst and
 * crash_prepare_elf64_headers() of the kernel, whose output ours is tested against.
 */
#ifndef KS_ELFCOREHDR_H
#define KS_ELFCOREHDR_H

#include "bytes.h"
#include "error.h"
#include "machine/crash_notes.h"
#include "machine/machine.h"

/*
 * Builds a PT_NOTE for each CPU and for vmcoreinfo, a PT_LOAD for the kernel's text, and
 * one for each range of RAM outside arch_not_dumped and the crash regions. The caller
 * frees *@block; *@size is a multiple of the page size. Needs neither privilege nor
 * system calls. 0; -ENOMEM; -EOVERFLOW (more headers than an ELF file can have); -ENODATA
 * (no RAM: /proc/iomem hides its addresses).
 */
int elfcorehdr_make(const struct machine *m, const struct crash_notes *crash,
		    uint8_t **block, size_t *size, struct error *err);

/*
 * Compares the RAM of the headers in @block with that of @m. 0; -ENOTSUP with the line if
 * they differ; -EBADMSG: not ELF core headers; -ENOMEM. Accepts arbitrary bytes.
 */
int elfcorehdr_check(const struct machine *m, struct bytes block, struct error *err);

#endif
