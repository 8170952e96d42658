// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any text as the other small files: cpuinfo, meminfo, EFI's systab, numbers, types.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/efi.h"
#include "base/text.h"
#include "machine/memory_map.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { data, size };
	struct efi efi = { 0 };
	struct cpu cpu;
	uint32_t number, type;
	uint64_t value, hex;

	cpu_parse_cpuinfo(text, &cpu);
	if (cpu.physical_bits && (cpu.physical_bits < 32 || cpu.physical_bits > 52))
		abort();
	cpu_parse_meminfo(text, &cpu);
	efi_parse_systab(text, &efi);
	if (efi.acpi20 == UINT64_MAX || efi.acpi == UINT64_MAX ||
	    efi.smbios == UINT64_MAX)
		abort();
	text_hex(text_trim(text), &value);
	if (text_number(text, &value)) {
		bool is_hex = text_starts(text, "0x", NULL);

		/* the other two parsers agree with it */
		if (is_hex && (!text_hex(text, &hex) || hex != value))
			abort();
		if (!is_hex && value <= UINT32_MAX &&
		    (!text_decimal(text, &number) || number != value))
			abort();
	} else if (text_decimal(text, &number)) {
		abort();
	}
	memory_type_from_name(text, &type);
	return 0;
}
