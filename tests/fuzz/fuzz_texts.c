// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as the other small files: cpuinfo, meminfo, EFI's systab, numbers, types.
 */
#include "machine/cpu.h"
#include "machine/e820.h"
#include "machine/efi.h"
#include "machine/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { data, size };
	struct efi_facts efi = { 0 };
	struct cpu_facts cpu;
	uint32_t number, type;
	uint64_t value;

	cpu_parse_cpuinfo(text, &cpu);
	if (cpu.physical_bits && (cpu.physical_bits < 32 || cpu.physical_bits > 52))
		abort();
	cpu_parse_meminfo(text, &cpu);
	efi_parse_systab(text, &efi);
	if (efi.acpi20 == UINT64_MAX || efi.acpi == UINT64_MAX ||
	    efi.smbios == UINT64_MAX)
		abort();
	text_hex(text_trim(text), &value);
	text_decimal(text, &number);
	e820_type_from_name(text, &type);
	return 0;
}
