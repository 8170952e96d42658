// SPDX-License-Identifier: GPL-2.0-only
/* How firmware is called. */
#include "arch/arm64/arm64.h"

#include "arch/dt/libfdt.h"
#include "base/cleanup.h"

#include <string.h>

/* ACPI specification 6.5, section 5.2.9, "Fixed ACPI Description Table" */
#define FADT_ARM_BOOT_FLAGS 129u
#define FADT_PSCI_COMPLIANT 0x1u
#define FADT_PSCI_USE_HVC   0x2u

static uint32_t find_conduit(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/psci"), size;
	const char *method = node < 0 ? NULL : fdt_getprop(fdt, node, "method", &size);

	if (!method || size != 4 || method[3])
		return PURGATORY_CONDUIT_NONE;
	return !strcmp(method, "hvc")	? PURGATORY_CONDUIT_HVC
	       : !strcmp(method, "smc") ? PURGATORY_CONDUIT_SMC
					: PURGATORY_CONDUIT_NONE;
}

static int take_fadt(const char *root, uint32_t *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct bytes table, at;
	uint16_t flags;
	int ret = dt_read_table(root, "FACP", &data, &table, err);

	if (ret || !bytes_slice(table, FADT_ARM_BOOT_FLAGS, sizeof(flags), &at))
		return ret;
	memcpy(&flags, at.data, sizeof(flags));
	if (flags & FADT_PSCI_COMPLIANT)
		*out = flags & FADT_PSCI_USE_HVC ? PURGATORY_CONDUIT_HVC
						 : PURGATORY_CONDUIT_SMC;
	return 0;
}

int arm64_firmware_read(const char *root, struct arch_machine *m, struct error *err)
{
	if (m->dt.tree.data)
		m->conduit = find_conduit(m->dt.tree.data);
	return m->conduit == PURGATORY_CONDUIT_NONE ? take_fadt(root, &m->conduit, err)
						    : 0;
}
