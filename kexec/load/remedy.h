/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remedy.h - the way out, in the words of this machine: who loads the crash kernel here,
 * and with which command.
 *
 * A distribution's service loads it with options, kernel and initrd of its own; `kexec -p`
 * by hand would replace them until the next boot. All results are static.
 */
#ifndef KS_REMEDY_H
#define KS_REMEDY_H

#include "error.h"

/*
 * The command that loads the crash kernel (again): "kdump-config reload", "kdumpctl
 * reload", "systemctl restart kdump.service", or "kexec -p" if no service that loads one
 * is installed below @root ("" for the machine).
 */
const char *remedy_reload(const char *root);

/* Where kexec's options for it are set: "KEXEC_ARGS in /etc/sysconfig/kdump". */
const char *remedy_options(const char *root);

/*
 * The command that starts the daemon: "systemctl enable --now kexec-seed.service", or
 * "kexec-seed daemon" without the unit.
 */
const char *remedy_daemon(const char *root);

/*
 * For @code (negative errno) of creating or writing a file in RUN_DIR: if SELinux confines
 * this process, -EACCES is its refusal, and @err, which has another explanation, becomes
 * "SELinux denies it to TYPE", with the package to install.
 */
void remedy_denied(const char *root, int code, struct error *err);

#endif
