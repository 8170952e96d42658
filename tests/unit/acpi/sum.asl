// SPDX-License-Identifier: GPL-2.0-only
// A constant plus an offset, as on QEMU, above 4 GiB and with a target for the sum.
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
