/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec_sysfs.h - the running kernel's kexec files in sysfs.
 *
 * Since Linux 6.19 they are in /sys/kernel/kexec: the kernel's
 * Documentation/ABI/testing/sysfs-kernel-kexec-kdump. The old names in /sys/kernel are
 * links, to be removed: Documentation/ABI/obsolete/sysfs-kernel-kexec-kdump. So the new
 * names are tried first; older kernels have only the old ones.
 */
#ifndef KS_KEXEC_SYSFS_H
#define KS_KEXEC_SYSFS_H

#include <stddef.h>

enum kexec_sysfs {
	KEXEC_SYSFS_LOADED, /* "1" or "0": the kernel of kexec -l */
	KEXEC_SYSFS_CRASH_LOADED,
	KEXEC_SYSFS_CRASH_SIZE,		   /* bytes; EBUSY while a load is under way */
	KEXEC_SYSFS_CRASH_ELFCOREHDR_SIZE, /* bytes */
	KEXEC_SYSFS_CRASH_CMA_RANGES,	   /* of crashkernel=SIZE,cma; one per line */
};

/*
 * Reads @file below @root ("" for the machine) as file_slurp() does, with its errors; the
 * caller frees *@text. Sets *@name to the name that the result or the error is about,
 * without @root; it is static.
 */
int kexec_sysfs_read(const char *root, enum kexec_sysfs file, const char **name,
		     char **text, size_t *size);

#endif
