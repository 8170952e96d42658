/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doubts.h - notes about requests that can be met and are probably mistakes.
 */
#ifndef KS_DOUBTS_H
#define KS_DOUBTS_H

#include "load/request.h"

/*
 * Adds notes if the command line is empty, or an initrd is none. Call it for a
 * new load that is possible: what was loaded so is loaded again without a word.
 */
void load_note_doubts(struct load *l);

#endif
