// SPDX-License-Identifier: GPL-2.0-only
// A constant and an offset, as QEMU has it, above 4 GiB and with the sum as a target.
DefinitionBlock ("", "SSDT", 2, "TEST", "SUM", 1)
{
	Name (LOW, 0xfffff000)
	Name (HIGH, 0x12)
	Scope (\_SB)
	{
		Device (GENC)
		{
			Name (_CID, "vm_gen_counter")
			Method (ADDR, 0, NotSerialized)
			{
				Store (Package (2) {}, Local3)
				Add (0x28, LOW, Index (Local3, 0))
				Store (HIGH, Index (Local3, 1))
				Return (Local3)
			}
		}
	}
}
