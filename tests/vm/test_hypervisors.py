# SPDX-License-Identifier: GPL-2.0-only
"""The generation ID on hypervisors whose firmware keeps its address in memory: tables of these
shapes are added to QEMU's, and the words that firmware writes are put into reserved memory before
the guest starts.
"""

import hashlib
import json
import struct
import subprocess
from pathlib import Path

import pytest

import cache
from crash import CrashGuest
from forks import machine, seed_at, start_daemon, until
from guest import Guest
from loaded import SAY, crash_status, load_probe, seed_after_crash
from places import KERNELS, spread
from test_kernel_memory import NO_HARDWARE, NO_MEMORY

# Reserved in QEMU's map: the end of low memory, and the unused part of its ACPI tables' 128 KiB.
WORDS = 0x9fe00
ID = 0x1fff8040
LABEL = b"kexec-seed 1".ljust(16, b"\0")
GENERATION_ID = b"\x08"  # seed_mix.h

TABLE = 'DefinitionBlock ("", "SSDT", 2, "TEST", "GENID", 1) { Scope (\\_SB) { %s } }'
# Hypervisor -> ASL, and the 32-bit words at offsets from WORDS.
SHAPES = {
    "Xen": ("""
        OperationRegion (INFO, SystemMemory, 0x9fe80, 40)
        Field (INFO, ByteAcc, NoLock, Preserve) { FLAG, 8, Offset (20), GIDA, 32 }
        Device (VGID) {
            Name (_HID, "XEN0000")
            Name (_CID, "VM_Gen_Counter")
            Method (_STA) { If (LEqual (GIDA, 0)) { Return (0) } Else { Return (0xf) } }
            Name (PKG, Package () { 0, 0 })
            Method (ADDR, 0, Serialized) { Store (GIDA, Index (PKG, 0)) Return (PKG) }
        }""", {0x80 + 20: ID}),
    "Hyper-V": ("""
        OperationRegion (INFO, SystemMemory, 0x9fe00, 0xff)
        Field (INFO, ByteAcc, NoLock, Preserve) { Offset (16), IDLO, 32, IDHI, 32 }
        Device (GENC) {
            Name (_HID, "MSFT1002")
            Name (_CID, Package () { "VM_Gen_Counter", "VMGENCTR", "Hyper_V_Gen_Counter_V1" })
            Method (ADDR, 0, Serialized) {
                Name (LPKG, Package () { 0, 0 })
                Store (IDLO, Index (LPKG, 0))
                Store (IDHI, Index (LPKG, 1))
                Return (LPKG)
            }
        }""", {16: ID, 20: 0}),
    "VMware": ("""
        OperationRegion (OEMD, SystemMemory, 0x9fe05, 0x78)
        Field (OEMD, AnyAcc, NoLock, Preserve) { Offset (0x24), CCAP, 32, ECFG, 32 }
        OperationRegion (EREG, SystemMemory, ECFG, 0x100)
        Field (EREG, DWordAcc, NoLock, Preserve) { Offset (0x48), GENL, 32, GENH, 32 }
        Device (VMGC) {
            Name (_HID, "VMW0001")
            Name (_CID, Package () { "VM_Gen_Counter", EisaId ("PNP0C02") })
            Method (_STA) {
                Store (GENL, Local0)
                If (And (Local0, 1)) { Return (0xb) }
                Return (0)
            }
            Method (ADDR, 0, Serialized) {
                Store (Package (2) {}, Local0)
                And (GENL, 0xfffffff0, Index (Local0, 0))
                Store (GENH, Index (Local0, 1))
                Return (Local0)
            }
        }""", {0x05 + 0x28: WORDS + 0xc0, 0xc0 + 0x48: ID | 1, 0xc0 + 0x4c: 0}),
}


def hypervisor(build: Path, folder: Path, name: str, kernel: str) -> dict:
    """Arguments for CrashGuest()."""
    code, words = SHAPES[name]
    (folder / "genid.asl").write_text(TABLE % code)
    subprocess.run(["iasl", "-p", folder / "genid", folder / "genid.asl"], check=True,
                   capture_output=True, timeout=60)
    extra = ["-acpitable", f"file={folder / 'genid.aml'}"]
    for offset, value in words.items():
        extra += ["-device", f"loader,addr={WORDS + offset:#x},data={value:#x},data-len=4"]
    return machine(build, kernel, extra, memory="512M")


def told_id(guest: Guest) -> dict:
    return json.loads(guest.check("kexec-seed status --json"))["generation_id"]


def has_driver(guest: Guest) -> bool:
    return guest.run("ls -d /sys/bus/*/drivers/vmgenid/*:*").status == 0


@pytest.mark.parametrize("kernel, name", spread(KERNELS, SHAPES, 3))
def test_mixed(build, tmp_path, kernel, name):
    """With every other input hidden, the seed is the hash of the base and these 16 bytes."""
    with CrashGuest(**hypervisor(build, tmp_path, name, kernel)) as guest:
        guest.check(NO_HARDWARE)
        guest.check(NO_MEMORY)
        guest.ram.write(ID, bytes(range(16)))
        guest.check(load_probe(options=SAY))
        [slot] = [s["addr"] for s in crash_status(guest)["seed_slots"]]
        base = seed_at(guest, slot)
        assert seed_after_crash(guest)[0] == hashlib.sha256(
            LABEL + GENERATION_ID + base + bytes(range(16))).digest()


@pytest.mark.parametrize("kernel, name", [("6.12", "Hyper-V"), ("7.3", "Xen")])
def test_other_page(build, tmp_path, kernel, name):
    """The kernel's driver has asked ADDR too, at boot. If the address differs now, kexec says so."""
    note = "the kernel's driver does not have the VM generation ID"
    with CrashGuest(**hypervisor(build, tmp_path, name, kernel)) as guest:
        assert has_driver(guest)
        assert note not in guest.check("kexec --dry-run /probe 2>&1")
        [offset] = [x for x, value in SHAPES[name][1].items() if value == ID]
        guest.ram.write(WORDS + offset, struct.pack("<I", ID + 0x1000))
        assert note in guest.check("kexec --dry-run /probe 2>&1")


@pytest.mark.parametrize("kernel, name", [("6.12", "VMware"), ("7.3", "Hyper-V"), ("6.1", "Xen")])
def test_fork(build, tmp_path, kernel, name):
    """The ID changes, and nobody says so: the daemon finds out. On VMware it has to: the kernel's
    driver takes no device that is a PNP0C02, too."""
    with CrashGuest(**hypervisor(build, tmp_path, name, kernel)) as guest:
        guest.check(load_probe())
        driver = kernel in cache.VMGENID_KERNELS and name != "VMware"
        assert has_driver(guest) == driver
        told = told_id(guest)
        assert told.pop("from").startswith("field of \\_SB.")
        assert told == {"found": True, "addr": ID, "hypervisor": name, "why": None}
        start_daemon(guest, "--poll-ms=50 " + ("--sources=genid" if driver else ""))
        [slot] = [s["addr"] for s in crash_status(guest)["seed_slots"]]
        before = seed_at(guest, slot)
        guest.ram.write(ID, bytes(range(16, 32)))
        guest.check(until("dmesg | grep -q 'a fresh seed (event: genid'", 5))
        assert seed_at(guest, slot) != before
        assert crash_status(guest)["proven"]
