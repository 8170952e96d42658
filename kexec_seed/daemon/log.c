// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/daemon/log.h"

#include "kexec_seed/loop/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_SIZE 640

bool log_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* A line per field. Values have no line breaks of their own: in the journal's protocol they
 * would begin another field. */
struct entry {
	char text[2048];
	size_t size;
};

static void __attribute__((format(printf, 2, 3)))
add(struct entry *e, const char *fmt, ...)
{
	char *field = e->text + e->size;
	const size_t room = sizeof(e->text) - e->size;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(field, room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		return;
	for (int i = 0; i < n; i++)
		if (field[i] == '\n')
			field[i] = ' ';
	field[n] = '\n';
	e->size += (size_t)n + 1;
}

static void add_fields(struct entry *e, const struct log_fields *f)
{
	if (f->source && *f->source)
		add(e, "KEXEC_SEED_SOURCE=%s", f->source);
	if (f->generation && *f->generation)
		add(e, "KEXEC_SEED_GENERATION=%s", f->generation);
	if (f->method)
		add(e, "KEXEC_SEED_METHOD=%s", f->method);
	if (f->duration_us)
		add(e, "KEXEC_SEED_DURATION_USEC=%" PRIu64, f->duration_us);
}

void log_line(bool journal, int priority, const struct log_fields *fields,
	      const char *fmt, ...)
{
	struct entry e = { .size = 0 };
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (journal) {
		add(&e, "MESSAGE=%s", message);
		add(&e, "PRIORITY=%d", priority);
		add(&e, "SYSLOG_IDENTIFIER=kexec-seed");
		if (fields)
			add_fields(&e, fields);
		if (notify_journal(e.text, e.size))
			return;
	}
	fprintf(stderr, "kexec-seed: %s\n", message);
}
