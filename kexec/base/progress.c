// SPDX-License-Identifier: GPL-2.0-only
#include "base/progress.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS	 1000 /* no line for shorter work */
#define EVERY_MS	 200
#define LINE_MAX_COLUMNS 200u

static uint64_t monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_init(struct progress *p, int fd)
{
	if (!p)
		return;
	memset(p, 0, sizeof(*p));
	p->fd = isatty(fd) ? fd : -1;
	p->now = monotonic_ms;
}

void progress_begin(struct progress *p, const char *doing, const char *what,
		    uint64_t total)
{
	if (!p || p->fd < 0)
		return;
	progress_end(p);
	p->doing = doing;
	p->what = what;
	p->total = total;
	p->done = 0;
	p->next = p->now() + FIRST_MS;
}

/* Usable columns: one is spared, because a full line moves the cursor to the next one. */
static unsigned int line_columns(int fd)
{
	struct winsize size;
	unsigned int columns = 80;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		columns = size.ws_col;
	return (columns < LINE_MAX_COLUMNS ? columns : LINE_MAX_COLUMNS) - 1;
}

/* One write, because other threads print too. A lost line does no harm. */
static void put(int fd, const char *text, size_t size)
{
	if (write(fd, text, size) < 0)
		return;
}

static void print(struct progress *p)
{
	char line[LINE_MAX_COLUMNS + 2], tail[64];
	size_t columns = line_columns(p->fd), room, name, length, shown;
	unsigned long long done = p->done / MIB, total = align_up(p->total, MIB) / MIB;

	if (total)
		snprintf(tail, sizeof(tail), ": %llu of %llu MiB", done, total);
	else
		snprintf(tail, sizeof(tail), ": %llu MiB", done);
	if (strlen(p->doing) + strlen(tail) + 2 > columns)
		return;
	/* the end of a long name says more */
	room = columns - strlen(p->doing) - strlen(tail) - 1;
	name = strlen(p->what);
	length = (size_t)snprintf(line, sizeof(line), "\r%s %s%s", p->doing,
				  p->what + (name > room ? name - room : 0), tail) -
		 1;
	for (size_t i = 1; i <= length; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	shown = atomic_exchange(&p->columns, (unsigned int)length);
	while (length < shown)
		line[1 + length++] = ' ';
	put(p->fd, line, 1 + length);
}

void progress_add(struct progress *p, uint64_t bytes)
{
	uint64_t now, due;

	if (!p || p->fd < 0)
		return;
	p->done += bytes;
	now = p->now();
	due = p->next;
	/* only the first of several threads prints */
	if (now >= due && atomic_compare_exchange_strong(&p->next, &due, now + EVERY_MS))
		print(p);
}

void progress_end(struct progress *p)
{
	char line[LINE_MAX_COLUMNS + 2];
	unsigned int columns;

	if (!p || p->fd < 0)
		return;
	columns = atomic_exchange(&p->columns, 0);
	if (!columns)
		return;
	memset(line, ' ', sizeof(line));
	line[0] = line[columns + 1] = '\r';
	put(p->fd, line, columns + 2);
}
