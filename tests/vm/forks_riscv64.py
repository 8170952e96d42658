# SPDX-License-Identifier: GPL-2.0-only
"""Forks of riscv64 guests, as forks_arm64.py makes them. The node's interrupt is a source of the
PLIC that no device has, and QEMU's test interface (`-qtest`) raises it.
"""

from pathlib import Path

import forks_arm64
from forks import CMDLINE
from forks_arm64 import MEMORY, Device, add_device, initrd_of
from probe_arm64 import Probe, read_tree
from riscv64 import KERNEL, PLAIN
from tree_arm64 import Tree, cells, dump

PAGE = (1 << 31) + (160 << 20)  # below the initrd, which QEMU puts in the middle
PLIC = "/soc/plic@c000000"
SOURCE = 90  # of 95
VMGENID = forks_arm64.VMGENID._replace(addr=PAGE + 0x40)


def write_tree(path: Path, device: Device) -> None:
    """A tree with the device, for `-dtb`."""
    blob, seen = dump(path.parent, MEMORY, PLAIN, arch_name="riscv64"), Probe()
    read_tree(blob, seen)
    tree = Tree(blob)
    add_device(tree, device, interrupt_parent=seen.tree[PLIC]["phandle"],
               interrupts=cells(SOURCE))
    path.write_bytes(tree.blob())


class ForkGuest(forks_arm64.ForkGuest):
    name = "riscv64"

    def connect(self) -> None:
        """Nothing stands between."""

    def interrupt(self) -> None:
        parts = self.qmp.command("qom-list", path="/machine/unattached")
        [plic] = [p["name"] for p in parts if p["type"] == "child<riscv.sifive.plic>"]
        self.qtest(f"set_irq_in /machine/unattached/{plic} unnamed-gpio-in {SOURCE} 1")


def machine(build: Path, folder: Path, device: Device = VMGENID, files=None) -> dict:
    """Arguments for ForkGuest()."""
    write_tree(folder / "guest.dtb", device)
    return {"device": device, "kernel": KERNEL, "memory": MEMORY, "cpu": PLAIN,
            "initrd": initrd_of(build, "riscv64", files), "cmdline": CMDLINE,
            "extra": ["-S", "-dtb", str(folder / "guest.dtb")]}
