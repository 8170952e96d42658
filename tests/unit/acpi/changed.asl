// SPDX-License-Identifier: GPL-2.0-only
// Not a constant: another method changes it.
DefinitionBlock ("", "DSDT", 2, "TEST", "CHANGED", 1)
{
	Name (IDAT, 0xe0000)
	Scope (\_SB)
	{
		Method (_INI) { Store (0xe1000, IDAT) }
		Device (GENC)
		{
			Name (_CID, "VM_Gen_Counter")
			Method (ADDR)
			{
				Store (Package (2) { 0, 0 }, Local0)
				Store (IDAT, Index (Local0, 0))
				Return (Local0)
			}
		}
	}
}
