/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kexec_sysfs.h - what the running kernel tells of kexec in sysfs.
 *
 * Since Linux 6.19 these files are in /sys/kernel/kexec: the kernel's
 * Documentation/ABI/testing/sysfs-kernel-kexec-kdump. Their old names in /sys/kernel are
 * links, which are to go: Documentation/ABI/obsolete/sysfs-kernel-kexec-kdump. So the new
 * names are tried first; older kernels have the old ones alone.
 */
#ifndef KS_KEXEC_SYSFS_H
#define KS_KEXEC_SYSFS_H

#include <stddef.h>

enum kexec_sysfs {
	KEXEC_SYSFS_LOADED, /* "1" or "0": the kernel of kexec -l */
	KEXEC_SYSFS_CRASH_LOADED,
	KEXEC_SYSFS_CRASH_SIZE,		   /* bytes; EBUSY while a load is under way */
	KEXEC_SYSFS_CRASH_ELFCOREHDR_SIZE, /* bytes */
	KEXEC_SYSFS_CRASH_CMA_RANGES,	   /* of crashkernel=SIZE,cma; a line for each */
};

/*
 * Reads the file below @root ("" for the machine) as file_slurp() does; the caller frees
 * *@text. *@name becomes the name that the answer, or the error, is from, without @root; it
 * is not to be freed.
 */
int kexec_sysfs_read(const char *root, enum kexec_sysfs file, const char **name,
		     char **text, size_t *size);

#endif
