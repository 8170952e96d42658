/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * setup_data.h - struct boot_params and setup_data, with the types that old uapi headers
 * lack. Shared by loader and purgatory.
 */
#ifndef KS_SETUP_DATA_H
#define KS_SETUP_DATA_H

#include <asm/bootparam.h>

#ifndef SETUP_CC_BLOB /* Linux 5.19 */
#define SETUP_CC_BLOB 7
#endif
#ifndef SETUP_IMA /* Linux 6.0 */
#define SETUP_IMA 8
#endif
#ifndef SETUP_RNG_SEED /* Linux 6.0 */
#define SETUP_RNG_SEED 9
#endif

#endif
