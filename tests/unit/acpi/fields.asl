// SPDX-License-Identifier: GPL-2.0-only
// As on Hyper-V: both halves are read from memory, into a package of the method.
DefinitionBlock ("", "DSDT", 2, "TEST", "FIELDS", 1)
{
	OperationRegion (INFO, SystemMemory, 0xffffff00, 0xff)
	Field (INFO, ByteAcc, NoLock, Preserve)
	{
		IDLO, 32,
		IDHI, 32
	}
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
