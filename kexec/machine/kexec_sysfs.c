// SPDX-License-Identifier: GPL-2.0-only
#include "machine/kexec_sysfs.h"

#include "base/file.h"

#include <errno.h>

#define ATTR_SIZE_MAX 4096 /* a sysfs file has a page at most */

#define DIR_NOW	   "/sys/kernel/kexec/"
#define DIR_BEFORE "/sys/kernel/"

/* The current name, and the one before Linux 6.19. */
static const char *const names[][2] = {
	[KEXEC_SYSFS_LOADED] = { DIR_NOW "loaded", DIR_BEFORE "kexec_loaded" },
	[KEXEC_SYSFS_CRASH_LOADED] = { DIR_NOW "crash_loaded",
				       DIR_BEFORE "kexec_crash_loaded" },
	[KEXEC_SYSFS_CRASH_SIZE] = { DIR_NOW "crash_size",
				     DIR_BEFORE "kexec_crash_size" },
	[KEXEC_SYSFS_CRASH_ELFCOREHDR_SIZE] = { DIR_NOW "crash_elfcorehdr_size",
						DIR_BEFORE "crash_elfcorehdr_size" },
	[KEXEC_SYSFS_CRASH_CMA_RANGES] = { DIR_NOW "crash_cma_ranges",
					   DIR_BEFORE "kexec_crash_cma_ranges" },
};

int kexec_sysfs_read(const char *root, enum kexec_sysfs file, const char **name,
		     char **text, size_t *size)
{
	int ret = -ENOENT;

	for (int i = 0; i < 2 && ret == -ENOENT; i++) {
		*name = names[file][i];
		ret = file_slurp_in(root, *name, ATTR_SIZE_MAX, text, size);
	}
	return ret;
}
