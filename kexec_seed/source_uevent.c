// SPDX-License-Identifier: GPL-2.0-only
/*
 * The uevent NEW_VMGENID=1, from the kernel's own netlink socket.
 *
 * The socket and no library: what libudev would add is two checks, which are here, and a
 * copy of each device's properties, which nobody needs. What proves that the kernel has
 * sent a message is that its port is 0 and its process is 0. No process has port 0, but
 * who may (CAP_SYS_ADMIN) can have the kernel pass a message of his on, which then has it
 * (uevent_net_broadcast() in lib/kobject_uevent.c); that message still bears his process,
 * and 0 is the one that not even root can claim (__scm_send() in net/core/scm.c).
 *
 * The kernel sends to every network namespace that belongs to the first user namespace
 * (lib/kobject_uevent.c), so the daemon can live in one of its own, where nobody else is.
 */
#include "kexec_seed/source.h"
#include "kexec_seed/uevent_message.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#define GROUP_KERNEL 1 /* the other one is udev's */

#define BATCH 64 /* messages before the others have their turn */

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

/* 0: there is none; 1: one of @message's size from the kernel; -EBADMSG: from others. */
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

static int on_message(sd_event_source *io, int fd, uint32_t events, void *context)
{
	struct source *s = context;
	uint8_t buf[UEVENT_MESSAGE_MAX];
	struct bytes message;

	(void)io;
	(void)events;
	for (int i = 0; i < BATCH; i++) {
		int ret = receive(fd, buf, sizeof(buf), &message);
		enum uevent_meaning meaning;

		if (ret == 0)
			break;
		if (ret == -EBADMSG)
			continue;
		if (ret == -ENOBUFS) {
			/*
			 * Some were lost, a fork may be among them, or a driver that came
			 * or went. So is all that the kernel sends until the queue is
			 * empty, of which it says no more (NETLINK_S_CONGESTED in
			 * net/netlink/af_netlink.c): that needs another socket, and the
			 * refresh that comes with it.
			 */
			s->host->missed(s->host->context, s->kind->name);
			s->host->changed(s->host->context, SOURCE_SOON);
			continue;
		}
		if (ret < 0) {
			source_fail(s, strerror(-ret));
			break;
		}
		meaning = uevent_meaning(message);
		if (meaning == UEVENT_FORK)
			s->host->fork(s->host->context, s->kind->name, "");
		else if (meaning == UEVENT_DRIVER)
			s->host->changed(s->host->context, SOURCE_SOON);
	}
	return 0;
}

static int open_socket(struct source *s)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
	const int yes = 1;
	int ret;

	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_KOBJECT_UEVENT);
	if (s->fd < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(s->fd, (struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	ret = sd_event_add_io(s->host->loop, &s->io, s->fd, EPOLLIN, on_message, s);
	return ret < 0 ? ret : 0;
}

/* Will this kernel say so when it is forked? */
static bool is_told(const char *root)
{
	struct utsname u;
	char path[256];

	snprintf(path, sizeof(path), "%s/sys/module/vmgenid_uevent", root);
	if (!source_has_driver(root))
		return false;
	return access(path, F_OK) == 0 ||
	       (uname(&u) == 0 && !strncmp(u.release, "6.8.", 4));
}

static void open_uevent(struct source *s, bool heard)
{
	int ret = open_socket(s);

	(void)heard;
	if (ret)
		source_set(s, SOURCE_INACTIVE, "%s", strerror(-ret));
	else if (is_told(s->host->options->root))
		s->level = SOURCE_ACTIVE;
	else if (!source_has_driver(s->host->options->root))
		source_set(s, SOURCE_WAITING, "no device with a VM generation ID driver");
	else
		source_set(s, SOURCE_WAITING,
			   "the module vmgenid_uevent is not loaded, and few kernels "
			   "send it themselves");
}

const struct source_kind source_uevent = {
	.name = "uevent",
	.flag = SOURCE_UEVENT,
	.open = open_uevent,
};
