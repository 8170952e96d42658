// SPDX-License-Identifier: GPL-2.0-only
#include "kexec_seed/loop/notify.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL "/run/systemd/journal/socket"

/* To a path, or to an abstract name that is written with '@'. */
static bool send_to(const char *name, const char *text, size_t size)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t length = strlen(name);

	if (fd < 0 || length >= sizeof(to.sun_path) || (*name != '/' && *name != '@'))
		return false;
	memcpy(to.sun_path, name, length);
	if (*name == '@')
		to.sun_path[0] = '\0';
	return sendto(fd, text, size, MSG_NOSIGNAL, (struct sockaddr *)&to,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) ==
	       (ssize_t)size;
}

void notify_manager(const char *fmt, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	char text[2048];
	va_list args;
	int length;

	if (!name)
		return;
	va_start(args, fmt);
	length = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (length > 0 && (size_t)length < sizeof(text))
		send_to(name, text, (size_t)length);
}

uint64_t notify_watchdog(void)
{
	const char *time = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!time || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(time, NULL, 10) / 2;
}

bool notify_journal(const char *entry, size_t size)
{
	return send_to(JOURNAL, entry, size);
}
