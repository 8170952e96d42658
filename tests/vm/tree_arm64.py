# SPDX-License-Identifier: GPL-2.0-only
"""Device trees of arm64 and riscv64 guests with nodes that QEMU does not make (Devicetree
Specification 0.4, chapter 5), without dtc: QEMU dumps its own tree, nodes and properties are added to it.

    tree = Tree(dump(folder, memory="256M"))
    tree.set("pl061@9030000", status=b"disabled\\0")
    tree.add(tree.node("vmgenid@7ffff000", compatible=b"microsoft,vmgenid\\0",
                       reg=cells(0, 0x7ffff000, 0, 16)))
    (folder / "dtb").write_bytes(tree.blob())          # for `-dtb`
"""

import struct
import subprocess
from pathlib import Path

from arches import ARCHES

BEGIN, END, PROPERTY, NOP, LAST = b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3", b"\0\0\0\4", b"\0\0\0\t"
HEADER = struct.Struct(">10I")


def cells(*values: int) -> bytes:
    return b"".join(struct.pack(">I", value) for value in values)


def dump(folder: Path, memory: str, cpu: str = "max", cpus: int = 1,
         arch_name: str = "arm64") -> bytes:
    """The tree of the guest that Guest(arch=arch_name) starts with the same arguments."""
    arch, path = ARCHES[arch_name], folder / "qemu.dtb"
    subprocess.run([*arch.qemu(""), "-machine", f"{arch.machine(False)},dumpdtb={path}",
                    "-cpu", arch.cpu(cpu), "-smp", str(cpus), "-m", memory, "-nodefaults",
                    "-display", "none", "-serial", "null", "-serial", "null"],
                   capture_output=True, timeout=60, check=True)
    blob = path.read_bytes()
    path.unlink()
    return blob


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


class Tree:
    def __init__(self, blob: bytes):
        (_, _, structure, strings, reserved, self.version, self.compatible, self.cpu,
         strings_size, size) = HEADER.unpack_from(blob)
        self.reserved = blob[reserved:min(x for x in (structure, strings) if x > reserved)]
        self.structure = blob[structure:structure + size]
        self.strings = blob[strings:strings + strings_size]

    def _property(self, name: str, value: bytes) -> bytes:
        at = len(self.strings)
        self.strings += name.encode() + b"\0"
        return PROPERTY + cells(len(value), at) + _padded(value)

    def _properties(self, values: dict[str, bytes]) -> bytes:
        return b"".join(self._property(name.replace("__", "#").replace("_", "-"), value)
                        for name, value in values.items())

    def node(self, name: str, inner: bytes = b"", /, **values: bytes) -> bytes:
        """A node with nodes `inner`; of a property's name __ is #, and _ is -."""
        return (BEGIN + _padded(name.encode() + b"\0") + self._properties(values) + inner + END)

    def add(self, node: bytes) -> None:
        """Adds a node at the root's end, which is the last but one token."""
        assert self.structure.endswith(END + LAST)
        self.structure = self.structure[:-8] + node + END + LAST

    def set(self, name: str, **values: bytes) -> None:
        """Adds properties to the node of this name."""
        head = BEGIN + _padded(name.encode() + b"\0")
        assert self.structure.count(head) == 1, name
        self.structure = self.structure.replace(head, head + self._properties(values))

    def blob(self) -> bytes:
        start = HEADER.size
        structure = start + len(self.reserved)
        strings = structure + len(self.structure)
        size = strings + len(self.strings)
        return HEADER.pack(0xd00dfeed, size, structure, strings, start, self.version,
                           self.compatible, self.cpu, len(self.strings),
                           len(self.structure)) + self.reserved + self.structure + self.strings
