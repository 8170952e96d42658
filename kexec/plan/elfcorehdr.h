/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elfcorehdr.h - the ELF core headers that a crash kernel finds through elfcorehdr= and
 * turns into /proc/vmcore: Documentation/admin-guide/kdump/kdump.rst and
 * crash_prepare_elf64_headers() of the kernel, whose bytes ours are compared with.
 */
#ifndef KS_ELFCOREHDR_H
#define KS_ELFCOREHDR_H

#include "error.h"
#include "machine/dump.h"
#include "machine/facts.h"

/*
 * PT_NOTEs for each processor and for vmcoreinfo, a PT_LOAD for the kernel's text, and
 * one for each stretch of RAM outside the first MiB and the crash regions, those of
 * crashkernel=X,cma too. *@block is the caller's to free; *@size is a multiple of 4 KiB.
 * Needs no privilege and no system call. 0; -ENOMEM; -EOVERFLOW (more headers than an ELF
 * file can have); -ENODATA (the facts hold no RAM: /proc/iomem hides its addresses);
 * -ENOTSUP in a build without libelf.
 */
int elfcorehdr_make(const struct facts *facts, const struct dump_facts *dump,
		    uint8_t **block, size_t *size, struct error *err);

#endif
