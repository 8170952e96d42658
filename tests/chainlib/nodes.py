# SPDX-License-Identifier: GPL-2.0-only
"""Boot data as a kernel receives it: boot_params and its setup_data list
(Documentation/arch/x86/boot.rst, <asm/bootparam.h>)."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

BOOT_PARAMS_SIZE = 4096
MAGIC, MAGIC_AT = b"HdrS", 0x202
CHAIN_AT = 0x250
NODE = struct.Struct("<QII")  # next, type, length
RNG_SEED = 9
# Far beyond any loader's list.
NODES_MAX = 64
LENGTH_MAX = 1 << 20

# Reads physical memory: address, size. Raises an exception where memory is missing.
Read = Callable[[int, int], bytes]


class ChainError(Exception):
    """Not boot_params, or a broken setup_data list."""


@dataclass(frozen=True)
class Node:
    addr: int  # physical, of the header
    type: int
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
        nodes.append(Node(addr, kind, read(addr + NODE.size, length)))
        addr = following
    return nodes


def seeds(nodes: list[Node]) -> list[Node]:
    return [n for n in nodes if n.type == RNG_SEED]
