# SPDX-License-Identifier: GPL-2.0-only
"""Boot data as a kernel receives it: boot_params and its setup_data list
(Documentation/arch/x86/boot.rst, <asm/bootparam.h>), or /chosen of a device tree."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from guest import GuestError
from probe_arm64 import MAGIC as TREE_MAGIC
from probe_arm64 import Probe, ProbeError, read_tree

BOOT_PARAMS_SIZE = 4096
MAGIC, MAGIC_AT = b"HdrS", 0x202
CHAIN_AT = 0x250
NODE = struct.Struct("<QII")  # next, type, length
RNG_SEED = 9
RNG_SEED_NAME = "rng-seed"
TREE_MAX = 2 << 20  # Documentation/arch/arm64/booting.rst
# Far beyond any loader's list.
NODES_MAX = 64
LENGTH_MAX = 1 << 20

# Reads physical memory: address, size. Raises an exception where memory is missing.
Read = Callable[[int, int], bytes]


class ChainError(Exception):
    """Not boot_params, a broken setup_data list, or a broken tree."""


@dataclass(frozen=True)
class Node:
    addr: int  # physical, of the data
    type: int | str  # of setup_data; name of a property
    data: bytes


def is_boot_params(data: bytes) -> bool:
    return data[MAGIC_AT:MAGIC_AT + len(MAGIC)] == MAGIC


def walk(boot_params: bytes, read: Read) -> list[Node]:
    if len(boot_params) < BOOT_PARAMS_SIZE or not is_boot_params(boot_params):
        raise ChainError("no boot_params")
    (addr,) = struct.unpack_from("<Q", boot_params, CHAIN_AT)
    nodes: list[Node] = []
    while addr:
        if len(nodes) == NODES_MAX:
            raise ChainError(f"more than {NODES_MAX} setup_data nodes")
        following, kind, length = NODE.unpack(read(addr, NODE.size))
        if length > LENGTH_MAX:
            raise ChainError(f"setup_data at {addr:#x}: bad length {length}")
        nodes.append(Node(addr + NODE.size, kind, read(addr + NODE.size, length)))
        addr = following
    return nodes


def seeds(nodes: list[Node]) -> list[Node]:
    return [n for n in nodes if n.type in (RNG_SEED, RNG_SEED_NAME)]


def from_boot_params(registers: dict[str, int], read: Read) -> list[Node] | None:
    """The setup_data of a kernel at its first instruction; None if it is not there."""
    try:
        params = read(registers["rsi"], BOOT_PARAMS_SIZE)
    except GuestError:
        return None
    return walk(params, read) if is_boot_params(params) else None


def from_tree(registers: dict[str, int], read: Read, register: str = "x0") -> list[Node] | None:
    """/chosen of the tree of a kernel at its first instruction, which has the address in
    `register`; None if it is not there."""
    at = registers[register]
    try:
        magic, size = struct.unpack(">2I", read(at, 8))
    except GuestError:
        return None
    if magic != TREE_MAGIC:
        return None
    if size > TREE_MAX:
        raise ChainError(f"a device tree of {size} bytes")
    tree = Probe({"x0": at})
    try:
        read_tree(read(at, size), tree)
    except (ProbeError, struct.error, ValueError, LookupError) as error:
        raise ChainError(f"the device tree: {error}") from None
    return [Node(tree.place[f"/chosen/{name}"], name, data)
            for name, data in tree.tree.get("/chosen", {}).items()]
