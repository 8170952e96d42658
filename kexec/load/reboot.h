/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reboot.h - leaving the running kernel.
 */
#ifndef KS_REBOOT_H
#define KS_REBOOT_H

#include "error.h"

/* Takes every network interface but the loopback down; best effort. */
void network_down(void);

/* Jumps into the loaded kernel. Returns only on failure, with a negative errno. */
int reboot_kexec(struct error *err);

/*
 * Replaces this process by `systemctl kexec` where systemd runs, else by `shutdown -r now`,
 * whose scripts jump in their last step. Returns only on failure, with a negative errno.
 */
int run_shutdown(struct error *err);

#endif
