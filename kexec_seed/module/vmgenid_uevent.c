// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notifies user space of a fork, restore or clone of the virtual machine: a "change" uevent
 * with NEW_VMGENID=1 on the VM generation ID device.
 *
 * The kernel's own vmgenid driver detects the fork, reseeds the kernel's generator, and calls
 * its notifier chain (5.18 and newer). This module registers there; it never touches the
 * device itself and works with any version of the driver.
 *
 * Identifiers: Microsoft, "Virtual Machine Generation ID" (_CID VM_Gen_Counter, which the
 * kernel sees in capitals; VMGENCTR is Hyper-V's), and the device tree binding
 * rng/microsoft,vmgenid.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/acpi.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/random.h>
#include <linux/workqueue.h>

/* Also for the aliases, by which udev loads the module. */
static const struct acpi_device_id acpi_ids[] = {
	{ "VMGENCTR" },
	{ "VM_GEN_COUNTER" },
	{},
};
MODULE_DEVICE_TABLE(acpi, acpi_ids);

static const struct of_device_id of_ids[] = {
	{ .compatible = "microsoft,vmgenid" },
	{},
};
MODULE_DEVICE_TABLE(of, of_ids);

/* Holds a reference; set before the notifier is registered, put after it is unregistered. */
static struct device *vmgenid;

static void send_uevent(struct work_struct *work)
{
	char *env[] = { "NEW_VMGENID=1", NULL };
	int ret = kobject_uevent_env(&vmgenid->kobj, KOBJ_CHANGE, env);

	if (ret)
		dev_err(vmgenid, "cannot send the uevent of a VM fork: %d\n", ret);
}

static DECLARE_WORK(uevent_work, send_uevent);

/*
 * On device tree machines the driver calls this from its interrupt handler, where no uevent
 * can be sent. Forks before the work runs share one uevent, which is correct: all of them
 * are then in the past.
 */
static int on_vmfork(struct notifier_block *nb, unsigned long action, void *data)
{
	schedule_work(&uevent_work);
	return NOTIFY_DONE;
}

static struct notifier_block vmfork_notifier = { .notifier_call = on_vmfork };

/* A device without a driver is never notified of a fork. */
static bool has_driver(struct device *dev)
{
	bool bound;

	device_lock(dev);
	bound = dev->driver;
	device_unlock(dev);
	return bound;
}

/* The device, with its reference, if it has a driver; else drops the reference. */
static struct device *if_bound(struct device *dev)
{
	if (!dev || has_driver(dev))
		return dev;
	put_device(dev);
	return NULL;
}

#ifdef CONFIG_ACPI
/*
 * Newer kernels bind the driver to the platform device, older ones to the ACPI device; both
 * devices exist in either.
 */
static struct device *find_acpi(const char *id)
{
	struct acpi_device *adev = acpi_dev_get_first_match_dev(id, NULL, -1);
	struct device *dev;

	if (!adev)
		return NULL;
	dev = if_bound(bus_find_device_by_acpi_dev(&platform_bus_type, adev));
	if (!dev)
		dev = if_bound(get_device(&adev->dev));
	acpi_dev_put(adev);
	return dev;
}
#else
static struct device *find_acpi(const char *id)
{
	return NULL;
}
#endif

static struct device *find_of(const char *compatible)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, compatible);
	struct device *dev;

	if (!node)
		return NULL;
	dev = if_bound(bus_find_device_by_of_node(&platform_bus_type, node));
	of_node_put(node);
	return dev;
}

/* The device bound to the kernel's driver, with a reference; NULL if none. */
static struct device *find_vmgenid(void)
{
	struct device *dev = NULL;
	int i;

	for (i = 0; !dev && acpi_ids[i].id[0]; i++)
		dev = find_acpi((const char *)acpi_ids[i].id);
	for (i = 0; !dev && of_ids[i].compatible[0]; i++)
		dev = find_of(of_ids[i].compatible);
	return dev;
}

static int __init vmgenid_uevent_init(void)
{
	int ret;

	vmgenid = find_vmgenid();
	if (!vmgenid) {
		pr_err("no VM generation ID device that the kernel's vmgenid driver uses\n");
		return -ENODEV;
	}
	ret = register_random_vmfork_notifier(&vmfork_notifier);
	if (ret)
		put_device(vmgenid);
	return ret;
}
module_init(vmgenid_uevent_init);

static void __exit vmgenid_uevent_exit(void)
{
	/* Waits for a running notifier; afterwards nothing queues the work. */
	unregister_random_vmfork_notifier(&vmfork_notifier);
	/* Not cancelled: a detected fork must be reported. */
	flush_work(&uevent_work);
	put_device(vmgenid);
}
module_exit(vmgenid_uevent_exit);

/* A modular driver must have bound the device first. */
MODULE_SOFTDEP("pre: vmgenid");
MODULE_DESCRIPTION("Sends uevent NEW_VMGENID=1 after a virtual machine fork");
MODULE_LICENSE("GPL");
