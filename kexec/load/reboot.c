// SPDX-License-Identifier: GPL-2.0-only
#include "load/reboot.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static void interface_down(int fd, const char *name)
{
	struct ifreq req = { 0 };

	strncpy(req.ifr_name, name, sizeof(req.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return;
	if (!(req.ifr_flags & IFF_UP) || (req.ifr_flags & IFF_LOOPBACK))
		return;
	req.ifr_flags = (short)(req.ifr_flags & ~IFF_UP);
	ioctl(fd, SIOCSIFFLAGS, &req);
}

void network_down(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all;

	if (fd < 0) /* a kernel without IPv4 has other address families */
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	all = fd < 0 ? NULL : if_nameindex();
	if (!all)
		return;
	for (struct if_nameindex *i = all; i->if_index; i++)
		interface_down(fd, i->if_name);
	if_freenameindex(all);
}

int reboot_kexec(struct error *err)
{
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	if (errno == EPERM)
		return error_set(err, EPERM,
				 "not permitted: this needs root (CAP_SYS_BOOT)");
	if (errno == EINVAL)
		return error_set(err, EINVAL, "no kernel is loaded: use kexec -l first");
	return error_set(err, errno, "the kernel did not jump: %s", strerror(errno));
}

int run_shutdown(struct error *err)
{
	static const char *const paths[] = { "/sbin/shutdown", "/etc/shutdown",
					     "/bin/shutdown" };
	char *argv[] = { (char[]){ "shutdown" }, (char[]){ "-r" }, (char[]){ "now" },
			 NULL };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		execv(paths[i], argv);
	return error_set(err, errno,
			 "cannot run shutdown: %s (the kernel stays loaded; "
			 "kexec -e jumps)",
			 strerror(errno));
}
