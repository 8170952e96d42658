/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * model.h - what analysers cannot see from one file: error_set() never returns 0.
 *
 * Included in front of each source (-include) by tests/analyse, and by nothing else.
 */
#ifndef KS_MODEL_H
#define KS_MODEL_H

#include "error.h"

#define error_set(err, code, ...)                                                        \
	(error_set(err, code, __VA_ARGS__), (code) > 0 ? -(code) : -1)

#endif
