# SPDX-License-Identifier: GPL-2.0-only
"""Forks of arm64 guests. No QEMU up to 11.1 has a VM generation ID or a VMClock there, so the test
plays the hypervisor's part: a node of the guest's tree has the device in a page of RAM that no
kernel uses, the host writes it through the guest's memory, and raises the node's interrupt.

    setup = machine(build_arm64, "7.3", tmp_path, VMGENID)
    with ForkGuest(**setup) as guest:
        guest.check("...")
        guest.connect()
        guest.save(saved)
    with ForkGuest(**setup, incoming=saved) as guest:
        guest.fork()                 # resumes the guest as a hypervisor would
        guest.wait_console(RESEEDED)

The interrupt is that of the GPIO block, which QEMU raises for the power button, and which Linux
is told not to use.
"""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from crash import PROBE, CrashGuest
from forks import CMDLINE
from initrd import build_initrd
from loaded import CPIO, RAMDISK
from places import kexec
from tree_arm64 import Tree, cells, dump

MEMORY = "384M"
RAM = 1 << 30
PAGE = RAM + (200 << 20)  # in the middle: early kernel code puts nothing there
PAGE_SIZE = 0x10000  # of any kernel
# Arm's "PrimeCell General Purpose Input/Output (PL061)": both edges, enable, clear.
GPIO = 0x9030000
GPIO_IBE, GPIO_IE, GPIO_IC = GPIO + 0x408, GPIO + 0x410, GPIO + 0x41c
BUTTON = 1 << 3
# Of busybox' devmem.
CONNECT = "; ".join(f"devmem 0x{at:x} 8 {value}" for at, value in (
    (GPIO_IC, 0xff), (GPIO_IBE, BUTTON), (GPIO_IE, BUTTON)))
INTERRUPT = (0, 7, 1)  # the GPIO block's SPI, rising


class Device(NamedTuple):
    """What a node describes."""

    compatible: bytes
    addr: int
    size: int
    state: Callable[[int], bytes]  # what its memory holds after so many forks


def _clock(forks: int) -> bytes:
    """<linux/vmclock-abi.h>, version 1: the counter of forks counts, and changes, which a second
    counter counts twice, raise the interrupt."""
    page = bytearray(4096)
    struct.pack_into("<IIHxxI", page, 0, 0x4b4c4356, len(page), 1, 2 * forks)
    struct.pack_into("<Q", page, 24, 1 << 8 | 1 << 9)
    struct.pack_into("<Q", page, 104, forks)
    return bytes(page)


# Not at the start of its page, unlike the clock.
VMGENID = Device(b"microsoft,vmgenid", PAGE + 0x40, 16, lambda _: os.urandom(16))
VMCLOCK = Device(b"amazon,vmclock", PAGE, 4096, _clock)


def add_device(tree: Tree, device: Device, **interrupt: bytes) -> None:
    """The device's node, with these properties, and that of its page."""
    start = device.addr & -PAGE_SIZE
    page = tree.node(f"page@{start:x}", reg=cells(0, start, 0, PAGE_SIZE), no_map=b"")
    tree.add(tree.node("reserved-memory", page, __address_cells=cells(2),
                       __size_cells=cells(2), ranges=b""))
    name = device.compatible.decode().partition(",")[2]
    tree.add(tree.node(f"{name}@{device.addr:x}", compatible=device.compatible + b"\0",
                       reg=cells(0, device.addr, 0, device.size), **interrupt))


def write_tree(path: Path, device: Device) -> None:
    """A tree with the device, for `-dtb`."""
    tree = Tree(dump(path.parent, MEMORY))
    for name in ("gpio-keys", "pl061@9030000"):
        tree.set(name, status=b"disabled\0")
    add_device(tree, device, interrupts=cells(*INTERRUPT))
    path.write_bytes(tree.blob())


class ForkGuest(CrashGuest):
    """A guest with a device. A clone of it waits for fork()."""

    name = "arm64"

    def __init__(self, device: Device, incoming: Path | None = None, **more):
        super().__init__(**{"arch": self.name, "incoming": incoming, **more})
        self.device = device
        if incoming is None:  # the device is there when the kernel starts
            self.ram.write(device.addr, device.state(0))
            self.qmp.command("cont")

    def connect(self) -> None:
        """From now on the power button raises the device's interrupt, once."""
        self.check(CONNECT)

    def fork(self) -> None:
        """Changes the device once the saved memory has arrived, and resumes."""
        self.arrived()
        self.ram.write(self.device.addr, self.device.state(1))
        self.cont()
        self.interrupt()

    def interrupt(self) -> None:
        self.qmp.command("system_powerdown")


def initrd_of(build: Path, arch: str, files=None) -> Path:
    """kexec, kexec-seed, the probe."""
    return build_initrd(
        arch=arch, name="fork", programs=[kexec(build), build / "kexec_seed/kexec-seed"],
        files={PROBE: build / "tests/probe/probe.Image",
               RAMDISK: CPIO + bytes(range(256)) * 256, **(files or {})})


def machine(build: Path, kernel: str, folder: Path, device: Device, files=None,
            cmdline: str = CMDLINE) -> dict:
    """Arguments for ForkGuest()."""
    write_tree(folder / "guest.dtb", device)
    return {"device": device, "kernel": kernel, "memory": MEMORY,
            "initrd": initrd_of(build, "arm64", files),
            "cmdline": cmdline, "extra": ["-S", "-dtb", str(folder / "guest.dtb")]}
