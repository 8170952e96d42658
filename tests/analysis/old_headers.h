/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * old_headers.h - hides what the headers of Linux 5.10, glibc 2.31 and musl 1.2.3 lack.
 * `quickstart check` puts it before every file of one build.
 */
#ifndef __ASSEMBLER__
#include <asm/bootparam.h>
#include <linux/kexec.h>
#include <sys/syscall.h>

#undef SYS_memfd_secret
#undef SETUP_CC_BLOB
#undef SETUP_IMA
#undef SETUP_RNG_SEED
#undef KEXEC_UPDATE_ELFCOREHDR
#undef KEXEC_CRASH_HOTPLUG_SUPPORT
#undef KEXEC_FILE_DEBUG
#undef KEXEC_FILE_NO_CMA
#endif
