/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h - results: as text for people, or as one JSON object for programs.
 *
 * Callers report each value once; this file alone formats it. Objects can hold objects
 * and lists. Without json-c, report_open() refuses JSON.
 */
#ifndef KS_REPORT_H
#define KS_REPORT_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct report;

/* NULL with the line in @err; otherwise close it with report_close(). */
struct report *report_open(bool json, struct error *err);

/*
 * Begins an object named @key, or a list of objects; report_end() ends either. Objects and
 * values in a list have no key (NULL).
 */
void report_object(struct report *o, const char *key);
void report_list(struct report *o, const char *key);
void report_end(struct report *o);

/* Add a value to the current object. @text NULL is JSON's null; text output omits it. */
void report_text(struct report *o, const char *key, const char *text);
void report_bool(struct report *o, const char *key, bool value);
void report_number(struct report *o, const char *key, uint64_t value);
/* As a number; hexadecimal in text output. */
void report_address(struct report *o, const char *key, uint64_t value);
void report_seconds(struct report *o, const char *key, double value);
/* RFC 3339, UTC; zero is reported as null. */
void report_time(struct report *o, const char *key, struct timespec t);

/* Prints the report and frees @o. 0 or a negative errno with the line. */
int report_close(struct report *o, struct error *err);

#endif
