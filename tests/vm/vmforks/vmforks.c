// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests: does in a guest of QEMU what its hypervisor does in a fork, many times,
 * while it is being loaded. The generation ID gets another value, and the event's method
 * notifies the device; from there on everything is the kernel's own.
 *
 * Loading a module ends waits on the tick of the kernel's timer, right after which it would
 * always begin; a hypervisor knows nothing of that, so the first fork comes at any time.
 *
 * QEMU, docs/specs/vmgenid: the ID lies 40 bytes behind the address in VGIA; the event is
 * the fifth general-purpose one.
 */
#include <linux/acpi.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/random.h>

#define ID_OFFSET 40
#define TICK_US	  10000 /* the longest that there is */

static unsigned int count = 1;
module_param(count, uint, 0);
MODULE_PARM_DESC(count, "how many forks");

static int __init vmforks_init(void)
{
	unsigned long long base;
	unsigned long us = get_random_u32() % TICK_US;
	u64 *id;

	if (ACPI_FAILURE(acpi_evaluate_integer(NULL, "\\VGIA", NULL, &base)))
		return -ENODEV;
	id = memremap(base + ID_OFFSET, 2 * sizeof(*id), MEMREMAP_WB);
	if (!id)
		return -ENOMEM;
	usleep_range(us, us + 1);
	for (unsigned int i = 0; i < count; i++) {
		id[0]++;
		acpi_evaluate_object(NULL, "\\_GPE._E05", NULL, NULL);
		acpi_os_wait_events_complete();
	}
	memunmap(id);
	return 0;
}
module_init(vmforks_init);

static void __exit vmforks_exit(void)
{
}
module_exit(vmforks_exit);

MODULE_DESCRIPTION("forks of a virtual machine, without a fork");
MODULE_LICENSE("GPL");
