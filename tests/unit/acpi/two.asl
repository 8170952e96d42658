// SPDX-License-Identifier: GPL-2.0-only
// Two devices.
DefinitionBlock ("", "DSDT", 2, "TEST", "TWO", 1)
{
	Device (\_SB.GEN0)
	{
		Name (_CID, "VM_Gen_Counter")
		Name (ADDR, Package (2) { 0xe0000, 0 })
	}
	Device (\_SB.GEN1)
	{
		Name (_CID, "VM_Gen_Counter")
		Name (ADDR, Package (2) { 0xe0010, 0 })
	}
}
