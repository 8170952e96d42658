// SPDX-License-Identifier: GPL-2.0-only
// The device exists only under a condition that is unknown here.
DefinitionBlock ("", "DSDT", 2, "TEST", "PERHAPS", 1)
{
	External (\HAVE, IntObj)
	If (HAVE)
	{
		Device (\_SB.GENC)
		{
			Name (_CID, "VM_Gen_Counter")
			Name (ADDR, Package (2) { 0xe0000, 0 })
		}
	}
}
