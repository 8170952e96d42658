// SPDX-License-Identifier: GPL-2.0-only
// The same method with constants.
DefinitionBlock ("", "SSDT", 1, "TEST", "HALVES", 1)
{
	Name (IDLO, 0x80001000)
	Name (IDHI, 0x7f)
	Device (\_SB.GENC)
	{
		Name (_CID, "VM_Gen_Counter")
		Name (_HID, "TEST0002")
		Method (ADDR, 0, Serialized)
		{
			Name (BOTH, Package (2) { 0, 0 })
			Store (IDLO, Index (BOTH, 0))
			Store (IDHI, Index (BOTH, 1))
			Return (BOTH)
		}
	}
}
