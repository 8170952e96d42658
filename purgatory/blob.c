// SPDX-License-Identifier: GPL-2.0-only
/*
 * The purgatory as data. The build makes the file; its path is relative to the build
 * directory, where the assembler runs.
 */
#include "purgatory/blob.h"

__asm__(".section .rodata, \"a\", %progbits\n"
	".balign 8\n"
	".globl purgatory_blob_start, purgatory_blob_end\n"
	".hidden purgatory_blob_start, purgatory_blob_end\n"
	".type purgatory_blob_start, %object\n"
	"purgatory_blob_start:\n"
	".incbin \"purgatory/purgatory.bin\"\n"
	"purgatory_blob_end:\n"
	".size purgatory_blob_start, . - purgatory_blob_start\n"
	".previous\n");
