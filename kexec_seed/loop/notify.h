/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notify.h - datagrams to a service manager and to its journal.
 *
 * Protocols: sd_notify(3), and "Native Journal Protocol" of systemd.io. Nobody there, or a
 * datagram that is lost, is no error: a daemon works without either.
 */
#ifndef KS_NOTIFY_H
#define KS_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tells the service manager of $NOTIFY_SOCKET; nothing without it. */
void notify_manager(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Half of the time within which the manager wants WATCHDOG=1 from this process,
 * microseconds; 0: it does not.
 */
uint64_t notify_watchdog(void);

/* Sends an entry, of lines "FIELD=value\n"; false: the journal does not take it. */
bool notify_journal(const char *entry, size_t size);

#endif
