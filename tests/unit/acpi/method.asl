// SPDX-License-Identifier: GPL-2.0-only
// A method returns the ID.
DefinitionBlock ("", "DSDT", 2, "TEST", "METHOD", 1)
{
	Device (\_SB.GENC)
	{
		Method (_CID) { Return ("VM_Gen_Counter") }
		Name (ADDR, Package (2) { 0xe0000, 0 })
	}
}
