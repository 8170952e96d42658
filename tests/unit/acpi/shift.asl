// SPDX-License-Identifier: GPL-2.0-only
// A method that calculates.
DefinitionBlock ("", "DSDT", 2, "TEST", "SHIFT", 1)
{
	Name (IDAT, 0xe)
	Device (\_SB.GENC)
	{
		Name (_CID, "VM_Gen_Counter")
		Method (ADDR)
		{
			Store (Package (2) { 0, 0 }, Local0)
			ShiftLeft (IDAT, 16, Index (Local0, 0))
			Return (Local0)
		}
	}
}
