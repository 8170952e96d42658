// SPDX-License-Identifier: GPL-2.0-only
// The ID is in a package of IDs, the device after many lookalikes.
DefinitionBlock ("", "DSDT", 2, "TEST", "CROWD", 1)
{
	External (\ELSW, MethodObj)

	// bytes that look like a Device() with a _CID but are not
	Name (FAKE, Buffer () {
		0x5b, 0x82, 0x1f, 0x46, 0x41, 0x4b, 0x45, 0x08, 0x5f, 0x43, 0x49, 0x44 })
	Name (TEXT, "[Device (FAKE)")
	Name (NUMS, Package () { 0x5b82, 0x825b1f, "ADDR", Package () { 0x10, 0x14 } })
	Mutex (MTX0, 3)
	Event (EVNT)
	Alias (NUMS, ALSO)
	OperationRegion (PORT, SystemIO, Add (0x400, 2), 0x10)
	Field (PORT, ByteAcc, Lock, Preserve)
	{
		DIGT, 4,
		, 4,
		Offset (4),
		LONG, 32
	}
	IndexField (DIGT, DIGT, ByteAcc, NoLock, Preserve) { INDX, 8 }
	CreateDWordField (FAKE, 4, FLD0)

	If (CondRefOf (\ELSW))
	{
		Device (\_SB.OPTN) { Name (_HID, EisaId ("PNP0501")) }
		Store (ELSW (), DIGT)
	}
	Else
	{
		Scope (\_SB) { Device (NONE) { Name (_HID, "TEST0009") } }
	}
	Scope (\)
	{
		PowerResource (PWR0, 0, 1) { Method (_STA) { Return (One) } }
	}
	Scope (\_SB)
	{
		Processor (CPU0, 0, 0x410, 6) { Name (_HID, "ACPI0007") }
		ThermalZone (TZ00) { Method (_TMP) { Return (3000) } }
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Method (_CRS, 0, Serialized)
			{
				Name (CRES, ResourceTemplate () {
					WordBusNumber (ResourceProducer, MinFixed,
						MaxFixed, PosDecode, 0, 0, 0xff, 0, 0x100)
				})
				Return (CRES)
			}
			Device (SLT0)
			{
				Name (_ADR, 0x00020000)
				Method (ADDR) { Return (Package (2) { 0x1000, 0 }) }
			}
			Device (IDEN)
			{
				Name (_HID, "TEST0003")
				Name (_UID, 0x123456789a)
				Name (_CID, Package () {
					EisaId ("PNP0C02"), "VMGENCTR", "OTHER" })
				Device (BELO) { Name (ADDR, 0x5000) }
				Method (ADDR) { Return (Package (2) { 0xfeed1230, 1 }) }
			}
			Device (SLT1) { Name (_ADR, 0x00030000) }
		}
	}
}
