/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reboot.h - leaves the running kernel.
 */
#ifndef KS_REBOOT_H
#define KS_REBOOT_H

#include "error.h"

/* Takes all network interfaces except loopback down; best effort. */
void network_down(void);

/*
 * Jumps into the loaded kernel. Returns only on failure: a negative errno with the line.
 */
int reboot_kexec(struct error *err);

/*
 * Replaces this process by `systemctl kexec` where systemd runs, otherwise by `shutdown
 * -r now`, whose scripts jump in their last step. Returns only on failure: a negative
 * errno with the line.
 */
int run_shutdown(struct error *err);

#endif
