/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * model.h - tells analysers what one file does not show: error_set() never returns 0.
 *
 * Included before each source (-include), by tests/analyse only.
 */
#ifndef KS_MODEL_H
#define KS_MODEL_H

#include "error.h"

#define error_set(err, code, ...)                                                        \
	(error_set(err, code, __VA_ARGS__), (code) > 0 ? -(code) : -1)

#endif
