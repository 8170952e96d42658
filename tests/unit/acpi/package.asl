// SPDX-License-Identifier: GPL-2.0-only
// A package with the address itself, as on Firecracker.
DefinitionBlock ("", "DSDT", 2, "TEST", "PACKAGE", 1)
{
	Device (\_SB.VGEN)
	{
		Name (_HID, "TEST0001")
		Name (_CID, "VM_Gen_Counter")
		Name (_DDN, "VM_Gen_Counter")
		Name (ADDR, Package (2) { 0x000dfff0, 0 })
	}
}
