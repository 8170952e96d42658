/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * run_dir.h - the private directory in /run for crash.recipe and the daemon's state.
 */
#ifndef KS_RUN_DIR_H
#define KS_RUN_DIR_H

#include "error.h"

#include <stdbool.h>

#define RUN_DIR "/run/kexec-seed"

/*
 * Opens the directory @path. With @make, creates it (mode 0700) if it is missing. Returns
 * a descriptor that the caller closes; -ENOENT if it is missing; -EPERM if it is no
 * directory, not ours or accessible to others; any other negative errno. Failures set
 * @err.
 */
int run_dir_open(const char *path, bool make, struct error *err);

/* Explains in @err why the system refused to create or write @path. Returns -@code. */
int run_dir_refused(const char *path, int code, struct error *err);

#endif
