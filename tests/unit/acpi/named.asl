// SPDX-License-Identifier: GPL-2.0-only
// The device fills its own package with a constant. Xen's would look like this if its address
// were a constant; see field.asl.
DefinitionBlock ("", "DSDT", 2, "TEST", "NAMED", 1)
{
	Name (\_SB.IDAT, 0xfc00a008)
	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Device (ISA)
			{
				Name (_ADR, 0x00010000)
				Device (GENC)
				{
					Name (_HID, EisaId ("TST0001"))
					Name (_CID, "VM_Gen_Counter")
					Method (_STA)
					{
						If (LEqual (\_SB.IDAT, 0)) {
							Return (0)
						}
						Return (0x0f)
					}
					Name (PKG, Package () { 0, 0 })
					Method (ADDR)
					{
						Store (\_SB.IDAT, Index (PKG, 0))
						Return (PKG)
					}
				}
			}
		}
	}
}
