// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests: fakes, in a QEMU guest, what its hypervisor does in a fork, `count` times while
 * it is being loaded. It changes the generation ID and has the event's method notify the
 * device; the kernel does the rest.
 *
 * A module load ends with a wait for the timer tick, so forks would always start right after a
 * tick. A real one does not, so the first comes at a random time.
 *
 * QEMU, docs/specs/vmgenid: the ID is 40 bytes after the address in VGIA; the event is
 * GPE 5.
 */
#include <linux/acpi.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/random.h>

#define ID_OFFSET 40
#define TICK_US	  10000 /* of the slowest HZ */

static unsigned int count = 1;
module_param(count, uint, 0);
MODULE_PARM_DESC(count, "number of forks");

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

MODULE_DESCRIPTION("fakes virtual machine forks");
MODULE_LICENSE("GPL");
