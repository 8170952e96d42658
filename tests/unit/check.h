/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check.h - cmocka, after the headers that it needs. Every unit test includes this.
 */
#ifndef KS_CHECK_H
#define KS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
