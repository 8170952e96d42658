// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define FIELDS_MAX 6
#define FIELD_SIZE 640

bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

struct record {
	char text[FIELDS_MAX][FIELD_SIZE];
	struct iovec fields[FIELDS_MAX];
	int count;
};

static void __attribute__((format(printf, 2, 3)))
add(struct record *r, const char *fmt, ...)
{
	char *text = r->text[r->count];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, FIELD_SIZE, fmt, args);
	va_end(args);
	if (n >= 0)
		r->fields[r->count++] =
			(struct iovec){ text,
					n < FIELD_SIZE ? (size_t)n : FIELD_SIZE - 1 };
}

static void add_fields(struct record *r, const struct log_fields *f)
{
	if (f->source && *f->source)
		add(r, "KEXEC_SEED_SOURCE=%s", f->source);
	if (f->generation && *f->generation)
		add(r, "KEXEC_SEED_GENERATION=%s", f->generation);
	if (f->method)
		add(r, "KEXEC_SEED_METHOD=%s", f->method);
	if (f->duration_us)
		add(r, "KEXEC_SEED_DURATION_USEC=%" PRIu64, f->duration_us);
}

void log_line(bool journal, int priority, const struct log_fields *fields,
	      const char *fmt, ...)
{
	struct record r = { .count = 0 };
	char message[FIELD_SIZE - 16];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (journal) {
		add(&r, "MESSAGE=%s", message);
		add(&r, "PRIORITY=%d", priority);
		if (fields)
			add_fields(&r, fields);
		if (sd_journal_sendv(r.fields, r.count) == 0)
			return;
	}
	fprintf(stderr, "kexec-seed: %s\n", message);
}
