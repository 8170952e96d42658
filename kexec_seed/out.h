/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * out.h - results, once: as lines for people, or as one JSON object for programs.
 *
 * Who has something to say says it in one way; what it looks like is decided here. Objects
 * can hold objects and lists. In a build without json-c out_open() refuses JSON.
 */
#ifndef KS_OUT_H
#define KS_OUT_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct out;

/* NULL with the line in @err; else to be closed with out_close(). */
struct out *out_open(bool json, struct error *err);

/*
 * Begins an object (@key names it), or a list of objects; out_end() ends either. In a list
 * each object has no key (NULL).
 */
void out_object(struct out *o, const char *key);
void out_list(struct out *o, const char *key);
void out_end(struct out *o);

/* Values of the current object. @text NULL is JSON's null, and is not shown to people. */
void out_text(struct out *o, const char *key, const char *text);
void out_bool(struct out *o, const char *key, bool value);
void out_number(struct out *o, const char *key, uint64_t value);
void out_address(struct out *o, const char *key,
		 uint64_t value); /* hexadecimal for people */
void out_seconds(struct out *o, const char *key, double value);
/* RFC 3339, UTC; a time of zero is null. */
void out_time(struct out *o, const char *key, struct timespec t);

/* Prints what has been gathered and frees @o. 0, or a negative errno with the line. */
int out_close(struct out *o, struct error *err);

#endif
