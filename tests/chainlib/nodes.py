# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel is handed: boot_params and the chain of setup_data that starts there
(Documentation/arch/x86/boot.rst, <asm/bootparam.h>)."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

BOOT_PARAMS_SIZE = 4096
MAGIC, MAGIC_AT = b"HdrS", 0x202
CHAIN_AT = 0x250
NODE = struct.Struct("<QII")  # next, type, length
RNG_SEED = 9
# No loader makes as many, and no node is as long.
NODES_MAX = 64
LENGTH_MAX = 1 << 20

# Of physical memory: address and size; anything that is not there is an exception.
Read = Callable[[int, int], bytes]


class ChainError(Exception):
    """This is not boot_params, or its chain leads nowhere."""


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
            raise ChainError("the chain of setup_data has no end")
        following, kind, length = NODE.unpack(read(addr, NODE.size))
        if length > LENGTH_MAX:
            raise ChainError(f"setup_data at {addr:#x} with {length} bytes")
        nodes.append(Node(addr, kind, read(addr + NODE.size, length)))
        addr = following
    return nodes


def seeds(nodes: list[Node]) -> list[Node]:
    return [n for n in nodes if n.type == RNG_SEED]
