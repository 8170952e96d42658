// SPDX-License-Identifier: GPL-2.0-only
/*
 * The uevent NEW_VMGENID=1, from the kernel's own netlink socket.
 *
 * Without libudev, which would add two checks, done here, and a copy of each device's
 * properties, not needed. Port 0 and process ID 0 prove that the kernel sent a message.
 * With CAP_SYS_ADMIN a process can have the kernel forward a message from port 0
 * (uevent_net_broadcast() in lib/kobject_uevent.c), but the message keeps the sender's
 * process ID, and not even root can claim 0 (__scm_send() in net/core/scm.c).
 *
 * The kernel sends to every network namespace of the initial user namespace
 * (lib/kobject_uevent.c), so the daemon can run in an empty one of its own.
 */
#include "kexec_seed/sources/source.h"
#include "kexec_seed/sources/parse.h"

#include "machine/machine.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP_KERNEL 1 /* the other group is udev's */

#define BATCH 64 /* messages per loop iteration */

static bool has_no_process(struct msghdr *header)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(header);
	struct ucred sender;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len < CMSG_LEN(sizeof(sender)))
		return false;
	memcpy(&sender, CMSG_DATA(c), sizeof(sender));
	return !sender.pid;
}

/* 1: @message is from the kernel; 0: queue empty; -EBADMSG: from another sender. */
static int receive(int fd, uint8_t *buf, size_t size, struct bytes *message)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct ucred))];
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { buf, size };
	struct msghdr header = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (header.msg_namelen != sizeof(from) || from.nl_family != AF_NETLINK ||
	    from.nl_pid != 0 || from.nl_groups != GROUP_KERNEL ||
	    (header.msg_flags & MSG_TRUNC) || !has_no_process(&header))
		return -EBADMSG;
	*message = (struct bytes){ buf, (size_t)n };
	return 1;
}

static void on_message(void *context, uint32_t events)
{
	struct source *s = context;
	uint8_t buf[UEVENT_MESSAGE_MAX];
	struct bytes message = { NULL, 0 };

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		int ret = receive(s->fd, buf, sizeof(buf), &message);
		enum uevent_meaning meaning;

		if (ret == 0)
			break;
		if (ret == -EBADMSG)
			continue;
		if (ret == -ENOBUFS) {
			/*
			 * Messages were lost, perhaps of a fork or a driver. The kernel
			 * silently drops further ones until the queue is empty
			 * (NETLINK_S_CONGESTED in net/netlink/af_netlink.c): open a new
			 * socket, which also refreshes.
			 */
			s->host->missed(s->host->context, s->kind);
			s->host->changed(s->host->context, SOURCE_SOON);
			continue;
		}
		if (ret < 0) {
			source_fail(s, errno_text(-ret));
			break;
		}
		meaning = uevent_meaning(message);
		if (meaning == UEVENT_FORK)
			s->host->fork(s->host->context, s->kind, "");
		else if (meaning == UEVENT_DRIVER)
			s->host->changed(s->host->context, SOURCE_SOON);
	}
}

static int open_socket(struct source *s)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
	const int yes = 1;

	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_KOBJECT_UEVENT);
	if (s->fd < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(s->fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	return loop_watch_open(&s->io, s->host->loop, s->fd, on_message, s);
}

/*
 * The module sends a uevent after each fork. So do some kernels, from v6.8 to the revert in
 * its stable series, and those of vendors: their version does not tell, their first uevent
 * does.
 */
static bool has_module(const char *root)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/sys/module/vmgenid_uevent", root);
	return access(path, F_OK) == 0;
}

static void open_uevent(struct source *s, bool heard)
{
	const char *root = s->host->options->root;
	int ret = open_socket(s);

	(void)heard;
	if (ret)
		source_set(s, SOURCE_INACTIVE, "%s", errno_text(-ret));
	else if (!machine_has_genid_driver(root))
		source_set(s, SOURCE_WAITING, "no device with a VM generation ID driver");
	else if (has_module(root))
		s->level = SOURCE_ACTIVE;
	else
		source_set(s, SOURCE_WAITING,
			   "the module vmgenid_uevent is not loaded, and few kernels "
			   "send it themselves");
}

const struct source_kind source_uevent = {
	.id = SOURCE_uevent,
	.after_reseed = true,
	.open = open_uevent,
};
