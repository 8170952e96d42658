// SPDX-License-Identifier: GPL-2.0-only
#include "load/reboot.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/reboot.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

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

	if (fd < 0) /* without IPv4, any other address family will do */
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
	return error_set(err, errno, "the kernel did not jump: %s", errno_text(errno));
}

/* Replaces this process by the first of @paths that can be executed. */
static void run_first(const char *const paths[], char *const argv[])
{
	for (size_t i = 0; paths[i]; i++)
		execv(paths[i], argv);
}

int run_shutdown(struct error *err)
{
	static const char *const systemctl[] = { "/usr/bin/systemctl", "/bin/systemctl",
						 NULL };
	static const char *const shutdown[] = { "/sbin/shutdown", "/etc/shutdown",
						"/bin/shutdown", NULL };
	char *const kexec[] = { (char[]){ "systemctl" }, (char[]){ "kexec" }, NULL };
	char *const reboot[] = { (char[]){ "shutdown" }, (char[]){ "-r" },
				 (char[]){ "now" }, NULL };

	signal(SIGXFSZ, SIG_DFL); /* ignored signals survive execv() */
	/* systemd's shutdown -r ends in the firmware; this is sd_booted(3)'s test */
	if (access("/run/systemd/system", F_OK) == 0)
		run_first(systemctl, kexec);
	run_first(shutdown, reboot);
	return error_set(err, errno,
			 "cannot run shutdown: %s (the kernel stays loaded; "
			 "kexec -e jumps)",
			 errno_text(errno));
}
