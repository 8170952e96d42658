// SPDX-License-Identifier: GPL-2.0-only
// The firmware left the constant at zero.
DefinitionBlock ("", "SSDT", 1, "TEST", "UNFILLED", 1)
{
	Name (IDAT, 0)
	Device (\_SB.GENC)
	{
		Name (_CID, "VM_Gen_Counter")
		Method (ADDR)
		{
			Store (Package (2) {}, Local0)
			Store (Add (IDAT, 0x28), Index (Local0, 0))
			Store (0, Index (Local0, 1))
			Return (Local0)
		}
	}
}
