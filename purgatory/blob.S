/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The purgatory as data. The file is a product of the build: its name is relative to the
 * build folder, which is where the assembler runs.
 */
#ifdef __CET__
#include <cet.h> /* without its note, all of the program would lose the protection */
#endif

	.section .rodata, "a", @progbits
	.balign 8
	.globl purgatory_blob_start, purgatory_blob_end
	.hidden purgatory_blob_start, purgatory_blob_end
	.type purgatory_blob_start, @object
purgatory_blob_start:
	.incbin "purgatory/purgatory.bin"
purgatory_blob_end:
	.size purgatory_blob_start, . - purgatory_blob_start

	.section .note.GNU-stack, "", @progbits
