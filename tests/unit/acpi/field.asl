// SPDX-License-Identifier: GPL-2.0-only
// As on Xen: the address is read from memory outside the tables.
DefinitionBlock ("", "DSDT", 2, "TEST", "FIELD", 1)
{
	Scope (\_SB)
	{
		OperationRegion (INFO, SystemMemory, 0xfc000000, 16)
		Field (INFO, ByteAcc, NoLock, Preserve)
		{
			Offset (8),
			IDAT, 32
		}
		Device (GENC)
		{
			Name (_CID, "VM_Gen_Counter")
			Name (PKG, Package () { 0, 0 })
			Method (ADDR)
			{
				Store (\_SB.IDAT, Index (PKG, 0))
				Return (PKG)
			}
		}
	}
}
