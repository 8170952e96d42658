// SPDX-License-Identifier: GPL-2.0-only
#include "arch/dt/vmgenid.h"

#include "arch/arch.h"
#include "arch/dt/boot_data.h"
#include "arch/dt/libfdt.h"
#include "machine/machine.h"

#include <stdarg.h>
#include <string.h>

#define COMPATIBLE "microsoft,vmgenid"

__attribute__((format(printf, 3, 4))) static void
refuse(struct vmgenid *out, enum vmgenid_state state, const char *fmt, ...)
{
	va_list args;

	*out = (struct vmgenid){ .state = state };
	va_start(args, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, args);
	va_end(args);
}

/* The kernel ignores case, unlike libfdt. */
static bool is_vmgenid(const void *fdt, int node)
{
	int count = fdt_stringlist_count(fdt, node, "compatible");

	for (int i = 0; i < count; i++) {
		const char *name = fdt_stringlist_get(fdt, node, "compatible", i, NULL);

		if (name && !strcasecmp(name, COMPATIBLE))
			return true;
	}
	return false;
}

/* Devicetree Specification 0.4, section 2.3.4 */
static bool is_enabled(const void *fdt, int node)
{
	int size;
	const char *status = fdt_getprop(fdt, node, "status", &size);

	if (!status)
		return true;
	return (size == 5 && !memcmp(status, "okay", 5)) ||
	       (size == 3 && !memcmp(status, "ok", 3));
}

/* Returns the number of usable nodes, *@out is the first of them. */
static size_t find_nodes(const void *fdt, int *out)
{
	int depth = 0, disabled = -1; /* depth of the node that disables those below it */
	size_t found = 0;

	for (int node = 0; node >= 0 && depth >= 0;
	     node = fdt_next_node(fdt, node, &depth)) {
		if (disabled >= 0 && depth > disabled)
			continue;
		disabled = is_enabled(fdt, node) ? -1 : depth;
		if (disabled < 0 && is_vmgenid(fdt, node) && found++ == 0)
			*out = node;
	}
	return found;
}

/* NULL, or what is wrong with the node's memory. */
static const char *read_address(const void *fdt, int node, uint64_t *addr)
{
	int size, bus = fdt_parent_offset(fdt, node);
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &size);
	uint64_t length;

	if (!reg || bus < 0)
		return "it has no reg";
	if (!dt_register_size(fdt, node, &length))
		return "its reg has no address and size of at most 64 bits each";
	if (length < VMGENID_SIZE)
		return "its memory is smaller than 16 bytes";
	return dt_register(fdt, node, addr) ? NULL : "its bus does not map its address";
}

void dt_find_vmgenid(const struct dt *tree, struct vmgenid *out)
{
	const char *problem;
	int node = -1;
	size_t found = find_nodes(tree->data, &node);
	char path[sizeof(out->from) - 16];
	uint64_t addr;

	if (!found)
		return refuse(out, VMGENID_ABSENT,
			      "no such device in the device tree or the ACPI tables");
	if (found > 1)
		return refuse(out, VMGENID_UNKNOWN_SHAPE,
			      "the device tree has %zu nodes " COMPATIBLE, found);
	if (fdt_get_path(tree->data, node, path, sizeof(path)))
		strcpy(path, COMPATIBLE);
	problem = read_address(tree->data, node, &addr);
	if (problem)
		return refuse(out, VMGENID_UNKNOWN_SHAPE, "device tree, %s: %s", path,
			      problem);
	*out = (struct vmgenid){ .state = VMGENID_FOUND, .addr = addr };
	snprintf(out->from, sizeof(out->from), "device tree, %s", path);
}

void arch_find_vmgenid(const struct machine *m, struct vmgenid *out)
{
	const struct dt *tree = &dt_of_machine(m)->tree;

	if (tree->data)
		dt_find_vmgenid(tree, out);
}
