// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells user space when the virtual machine was forked, restored or cloned: a "change"
 * uevent with NEW_VMGENID=1 on the VM generation ID device.
 *
 * The kernel's own vmgenid driver notices the fork and reseeds the kernel's generator,
 * then calls whoever has registered for it (5.18 and newer). This module is one of those;
 * it never touches the device itself and keeps working whatever the driver does with it.
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

/* For the aliases too: udev loads the module where there is such a device. */
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

/* Set before the notifier is registered, put after it is gone; a reference is held. */
static struct device *vmgenid;

static void send_uevent(struct work_struct *work)
{
	char *env[] = { "NEW_VMGENID=1", NULL };
	int ret = kobject_uevent_env(&vmgenid->kobj, KOBJ_CHANGE, env);

	if (ret)
		dev_err(vmgenid, "the uevent of a VM fork was not sent: %d\n", ret);
}

static DECLARE_WORK(uevent_work, send_uevent);

/*
 * On device tree machines the driver calls this from its interrupt handler, where no
 * uevent can be sent. Forks that come before the work runs share its uevent: by then all
 * of them are in the past, and that is what it says.
 */
static int on_vmfork(struct notifier_block *nb, unsigned long action, void *data)
{
	schedule_work(&uevent_work);
	return NOTIFY_DONE;
}

static struct notifier_block vmfork_notifier = { .notifier_call = on_vmfork };

/* A device without its driver never learns of a fork. */
static bool has_driver(struct device *dev)
{
	bool bound;

	device_lock(dev);
	bound = dev->driver;
	device_unlock(dev);
	return bound;
}

/* The device if it is of use, with its reference; else drops that. */
static struct device *if_bound(struct device *dev)
{
	if (!dev || has_driver(dev))
		return dev;
	put_device(dev);
	return NULL;
}

#ifdef CONFIG_ACPI
/*
 * The driver binds to the platform device in newer kernels and to the ACPI device in
 * older ones; both devices exist in either.
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

/* The device that the kernel's driver listens to, with a reference; NULL if none. */
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
	/* Waits for a notifier that is running; afterwards nothing queues the work. */
	unregister_random_vmfork_notifier(&vmfork_notifier);
	/* Not cancelled: a fork that was noticed is told. */
	flush_work(&uevent_work);
	put_device(vmgenid);
}
module_exit(vmgenid_uevent_exit);

/* Where the driver is a module, it has to have found the device first. */
MODULE_SOFTDEP("pre: vmgenid");
MODULE_DESCRIPTION("Uevent NEW_VMGENID=1 when the virtual machine was forked");
MODULE_LICENSE("GPL");
