/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - log messages of the daemon.
 *
 * If stderr is connected to the journal (JOURNAL_STREAM, systemd.exec(5)), messages carry
 * fields; otherwise they are plain lines on stderr.
 */
#ifndef KS_LOG_H
#define KS_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* Journal fields. NULL or 0: omitted. Strings are borrowed for the call. */
struct log_fields {
	const char *source;	/* KEXEC_SEED_SOURCE: source of the event */
	const char *generation; /* KEXEC_SEED_GENERATION */
	const char *method;	/* KEXEC_SEED_METHOD: dynamic, full, command ... */
	uint64_t duration_us;	/* KEXEC_SEED_DURATION_USEC */
};

/* True when stderr is connected to the journal. */
bool log_is_journal(void);

/* Logs one line with @priority (LOG_ERR ...); @fields may be NULL. */
void log_line(bool journal, int priority, const struct log_fields *fields,
	      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
