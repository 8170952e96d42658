// SPDX-License-Identifier: GPL-2.0-only
/* The fork sources: forged and dropped messages, busy and failing devices. */
#include "daemon_scene.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/*
 * Netlink messages of another process, multicast or to us alone. If we may not send them
 * there is nothing to test.
 */
static void test_forged(void **state)
{
	static const char message[] =
		"change@/devices/x\0ACTION=change\0DEVPATH=/devices/x\0"
		"SUBSYSTEM=acpi\0NEW_VMGENID=1\0SEQNUM=1";
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct sockaddr_nl us = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof(us);
	struct setup s;
	int fd;

	(void)state;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	assert_true(fd >= 0);
	begin(&s);
	s.options.source.enabled = 1u << SOURCE_uevent;
	start(&s);
	assert_int_equal(s.d.sources.all[SOURCE_uevent].level, SOURCE_WAITING);
	assert_int_equal(getsockname(s.d.sources.all[SOURCE_uevent].fd,
				     (struct sockaddr *)&us, &size),
			 0);
	sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&all, sizeof(all));
	us.nl_groups = 0;
	sendto(fd, message, sizeof(message), 0, (struct sockaddr *)&us, sizeof(us));
	run(&s, 300000);
	assert_int_equal(fake.count, 1);
	close(fd);
	end(&s);
}

/* Ubuntu's kernels of this name lack the uevent that v6.8 had. */
int uname(struct utsname *u)
{
	*u = (struct utsname){ .sysname = "Linux", .release = "6.8.0-45-generic" };
	return 0;
}

/* A version is no proof that this kernel sends uevents; the module is. */
static void test_proof(void **state)
{
	const char device[] = "sys/bus/platform/drivers/vmgenid/device";
	struct setup s;
	char path[256];

	(void)state;
	for (int with_module = 0; with_module < 2; with_module++) {
		begin(&s);
		tree_put(&s.tree, "sys/bus/platform/drivers/vmgenid/bind", "");
		snprintf(path, sizeof(path), "%s/%s", s.tree.root, device);
		assert_int_equal(symlink("..", path), 0);
		if (with_module)
			tree_put(&s.tree, "sys/module/vmgenid_uevent/version", "");
		s.options.source.enabled = 1u << SOURCE_uevent;
		start(&s);
		assert_int_equal(s.d.sources.all[SOURCE_uevent].level,
				 with_module ? SOURCE_ACTIVE : SOURCE_WAITING);
		end(&s);
	}
}

#define TEXT                                                                             \
	"change@/devices/x\0ACTION=change\0DEVPATH=/devices/x\0"                         \
	"SUBSYSTEM=acpi\0NEW_VMGENID=1"

static struct {
	bool changed;
	uint32_t port, groups;
	pid_t process;
} sender;

/* The kernel's, but for the sender of a message. */
ssize_t recvmsg(int fd, struct msghdr *header, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, header, flags);
	struct sockaddr_nl *from = header->msg_name;
	struct cmsghdr *control = n < 0 ? NULL : CMSG_FIRSTHDR(header);

	if (!sender.changed || !control || !from || from->nl_family != AF_NETLINK)
		return n;
	from->nl_pid = sender.port;
	from->nl_groups = sender.groups;
	((struct ucred *)(void *)CMSG_DATA(control))->pid = sender.process;
	return n;
}

/* Only messages of the kernel, to its own group and of no process, are believed. */
static void test_sender(void **state)
{
	static const struct {
		uint32_t port, groups;
		pid_t process;
		unsigned int refreshes;
	} rows[] = { { 1, 1, 0, 1 }, { 0, 2, 0, 1 }, { 0, 1, 1, 1 }, { 0, 1, 0, 2 } };
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct setup s;
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("SKIPPED: no right to a network namespace\n");
		skip();
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	begin(&s);
	s.options.source.enabled = 1u << SOURCE_uevent;
	start(&s);
	run(&s, 300000);
	sender.changed = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sender.port = rows[i].port;
		sender.groups = rows[i].groups;
		sender.process = rows[i].process;
		assert_int_equal(sendto(fd, TEXT, sizeof(TEXT), 0,
					(struct sockaddr *)&all, sizeof(all)),
				 sizeof(TEXT));
		run(&s, 300000);
		assert_int_equal(fake.count, rows[i].refreshes);
	}
	sender.changed = false;
	close(fd);
	end(&s);
}

/* Messages that the kernel forwards for privileged processes come from its own port. */
static void test_passed_on(void **state)
{
	struct {
		struct nlmsghdr header;
		char text[sizeof(TEXT)];
	} message = { { sizeof(message), NLMSG_MIN_TYPE, NLM_F_REQUEST, 0, 0 }, TEXT };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	socklen_t size = sizeof(kernel);
	struct setup s;
	char got[256];
	int fd, other;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("SKIPPED: no right to a network namespace\n");
		skip();
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	assert_int_equal(bind(other, (struct sockaddr *)&all, sizeof(all)), 0);
	begin(&s);
	s.options.source.enabled = 1u << SOURCE_uevent;
	start(&s);
	assert_int_equal(sendto(fd, &message, sizeof(message), 0,
				(struct sockaddr *)&kernel, sizeof(kernel)),
			 sizeof(message));
	assert_in_range(recvfrom(other, got, sizeof(got), MSG_DONTWAIT,
				 (struct sockaddr *)&kernel, &size),
			sizeof(TEXT), sizeof(got));
	assert_int_equal(kernel.nl_pid, 0);
	run(&s, 300000);
	assert_int_equal(fake.count, 1);
	close(fd);
	close(other);
	end(&s);
}

/*
 * More messages than the socket holds: the kernel reports that once, and drops more in
 * silence until the queue is empty. In a namespace where nobody else listens.
 */
static void test_overrun(void **state)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	char message[1024] = "a meaningless message";
	struct setup s;
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("SKIPPED: no right to a network namespace\n");
		skip();
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	begin(&s);
	s.options.source.enabled = 1u << SOURCE_uevent;
	start(&s);
	run(&s, 150000);
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(sendto(fd, message, sizeof(message), 0,
					(struct sockaddr *)&all, sizeof(all)),
				 sizeof(message));
	run(&s, 300000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "uevent");
	/* Reopened, with a socket that has missed nothing. */
	run(&s, 1500000);
	assert_int_equal(fake.count, 3);
	assert_string_equal(fake.source, "sources");
	close(fd);
	end(&s);
}

/* A FIFO replaces /dev/kmsg; its writing end stays open. */
static void test_kmsg(void **state)
{
	static const char line[] =
		"5,1,2,-;random: crng reseeded due to virtual machine fork\n";
	char path[160];
	struct setup s;
	int fd;

	(void)state;
	begin(&s);
	tree_put(&s.tree, "dev/x", "");
	snprintf(path, sizeof(path), "%s/dev/kmsg", s.tree.root);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	s.options.source.enabled = 1u << SOURCE_kmsg;
	start(&s);
	assert_int_equal(s.d.sources.all[SOURCE_kmsg].level, SOURCE_WAITING);
	run(&s, 150000);
	assert_int_equal(write(fd, "6,1,2,-;hello\n", 14), 14);
	run(&s, 50000);
	assert_int_equal(fake.count, 1);
	assert_int_equal(write(fd, line, sizeof(line) - 1), sizeof(line) - 1);
	run(&s, 50000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.source, "kmsg");
	close(fd);
	end(&s);
}

static struct {
	int fd, code;
} broken = { -1, 0 };

/* The kernel's, but for one call. */
ssize_t read(int fd, void *to, size_t size)
{
	if (fd != broken.fd || !broken.code)
		return syscall(SYS_read, fd, to, size);
	errno = broken.code;
	broken.code = 0;
	return -1;
}

/* A record that is too long is skipped, one that was overwritten may have been ours. */
static void test_kmsg_errors(void **state)
{
	static const char line[] = "6,1,2,-;hello\n";
	static const struct {
		int code;
		unsigned int refreshes;
		bool active;
	} rows[] = { { EINVAL, 1, true },
		     { EINTR, 1, true },
		     { EPIPE, 2, true },
		     { EIO, 0, false } };
	struct source *kmsg;
	char path[128];
	struct setup s;
	int fd;

	(void)state;
	begin(&s);
	tree_put(&s.tree, "dev/x", "");
	tree_put(&s.tree, "sys/bus/acpi/drivers/vmgenid/QEMUVGID:00/x", "");
	snprintf(path, sizeof(path), "%s/dev/kmsg", s.tree.root);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	s.options.source.enabled = 1u << SOURCE_kmsg;
	start(&s);
	kmsg = &s.d.sources.all[SOURCE_kmsg];
	run(&s, 300000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		broken.fd = kmsg->fd;
		broken.code = rows[i].code;
		assert_int_equal(write(fd, line, sizeof(line) - 1), sizeof(line) - 1);
		run(&s, 300000);
		assert_int_equal(broken.code, 0);
		if (rows[i].active)
			assert_int_equal(fake.count, rows[i].refreshes);
		assert_int_equal(kmsg->failed, !rows[i].active);
	}
	assert_non_null(strstr(kmsg->why, "Input/output error"));
	broken.fd = -1;
	close(fd);
	end(&s);
}

/* Files replace /dev/mem and /dev/vmclock0. */
static void test_polled(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1", memory[64] = { 0 };
	struct setup s;

	(void)state;
	begin(&s);
	clock[25] = 1; /* flags: generation counter valid */
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	tree_put_bytes(&s.tree, "dev/mem", memory, sizeof(memory));
	s.options.source.enabled = 1u << SOURCE_vmclock | 1u << SOURCE_genid;
	s.options.source.vmgenid_addr = 0x20;
	start(&s);
	assert_int_equal(s.d.sources.all[SOURCE_vmclock].level, SOURCE_ACTIVE);
	assert_int_equal(s.d.sources.all[SOURCE_genid].level, SOURCE_INACTIVE);
	run(&s, 400000);
	assert_int_equal(fake.count, 1);
	clock[104] = 7;
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	run(&s, 400000);
	assert_int_equal(fake.count, 2);
	assert_string_equal(s.d.state.event_generation, "0000000000000007");
	/* Without VMClock the next best source is used. */
	s.options.source.enabled = 1u << SOURCE_genid;
	raise(SIGHUP);
	run(&s, 400000);
	assert_int_equal(fake.count, 3);
	assert_int_equal(s.d.sources.all[SOURCE_genid].level, SOURCE_ACTIVE);
	memory[0x2f] = 0xab;
	tree_put_bytes(&s.tree, "dev/mem", memory, sizeof(memory));
	run(&s, 400000);
	assert_int_equal(fake.count, 4);
	assert_string_equal(s.d.state.event_generation,
			    "000000000000000000000000000000ab");
	end(&s);
}

/* The hypervisor is updating the page while we open it. */
static void test_busy_clock(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1";
	struct setup s;

	(void)state;
	begin(&s);
	clock[12] = 1; /* seq_count */
	clock[25] = 1;
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	s.options.source.enabled = 1u << SOURCE_vmclock;
	start(&s);
	assert_int_equal(s.d.sources.all[SOURCE_vmclock].level, SOURCE_INACTIVE);
	clock[12] = 2;
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	run(&s, 1500000);
	assert_int_equal(s.d.sources.all[SOURCE_vmclock].level, SOURCE_ACTIVE);
	assert_string_equal(fake.source, "sources");
	end(&s);
}

/* A failed source shows in the state at once, not only when it is reopened. */
static void test_failed_source(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1";
	struct daemon_state told;
	struct error err;
	struct setup s;

	(void)state;
	begin(&s);
	clock[25] = 1; /* flags: generation counter valid */
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	s.options.source.enabled = 1u << SOURCE_vmclock;
	start(&s);
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.sources[SOURCE_vmclock].state, "active");
	tree_put(&s.tree, "dev/vmclock0", "");
	run(&s, 500000);
	assert_int_equal(fake.count, 2);
	assert_int_equal(daemon_state_read(s.run, &told, &err), 0);
	assert_string_equal(told.sources[SOURCE_vmclock].state, "inactive: too short");
	end(&s);
}

/* Does at once what the daemon would do in a minute. */
static void reopen(struct setup *s)
{
	assert_in_range(s->d.reopen.at - daemon_now(), 55000000, 60000000);
	assert_int_equal(loop_timer_set_in(&s->d.reopen, 0), 0);
	run(s, 300000);
}

/* A failed source is tried again until it opens; only then a fork may have been missed. */
static void test_tried_again(void **state)
{
	uint8_t clock[4096] = "VCLK\0\020\0\0\1";
	uint64_t every;
	struct setup s;

	(void)state;
	begin(&s);
	clock[25] = 1; /* flags: generation counter valid */
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	s.options.source.enabled = 1u << SOURCE_vmclock;
	s.options.every = 3600;
	start(&s);
	every = s.d.every.at;
	assert_int_not_equal(every, 0);
	tree_put(&s.tree, "dev/vmclock0", "");
	run(&s, 500000);
	assert_int_equal(fake.count, 2);
	tree_remove(&s.tree, "dev/vmclock0");
	for (int i = 0; i < 3; i++) {
		reopen(&s);
		assert_int_equal(s.d.sources.all[SOURCE_vmclock].level, SOURCE_INACTIVE);
		assert_int_equal(fake.count, 3);
	}
	tree_put_bytes(&s.tree, "dev/vmclock0", clock, sizeof(clock));
	reopen(&s);
	assert_int_equal(s.d.sources.all[SOURCE_vmclock].level, SOURCE_ACTIVE);
	assert_int_equal(fake.count, 4);
	assert_string_equal(fake.source, "sources");
	assert_int_equal(s.d.reopen.at, 0);
	/* --every= is not put off */
	assert_int_equal(s.d.every.at, every);
	end(&s);
}

/* An address that no file offset can have. */
static void test_address_too_high(void **state)
{
	struct setup s;

	(void)state;
	begin(&s);
	tree_put(&s.tree, "dev/mem", "");
	s.options.source.enabled = 1u << SOURCE_genid;
	for (uint64_t below = 0; below <= 8; below += 8) {
		s.options.source.vmgenid_addr = INT64_MAX - 16 - 4096 + 8 - below;
		start(&s);
		assert_int_equal(s.d.sources.all[SOURCE_genid].level, SOURCE_INACTIVE);
		assert_string_equal(s.d.sources.all[SOURCE_genid].why,
				    below ? "/dev/mem: No data available"
					  : "its address cannot be right");
		daemon_close(&s.d);
	}
	tree_remove(&s.tree, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_sender),
		cmocka_unit_test(test_kmsg_errors),
		cmocka_unit_test(test_passed_on),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_kmsg),
		cmocka_unit_test(test_polled),
		cmocka_unit_test(test_busy_clock),
		cmocka_unit_test(test_failed_source),
		cmocka_unit_test(test_tried_again),
		cmocka_unit_test(test_address_too_high),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
