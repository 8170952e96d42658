# SPDX-License-Identifier: GPL-2.0-only
"""Parses the output of the arm64 probe (tests/probe/arm64/probe.S), and device trees.

    seen = wait_for_probe(guest)
    seen.registers["x0"]                     address of the tree
    seen.tree["/chosen"]["rng-seed"]         a property's bytes
    seen.reserved -> [(addr, size), ...]     /memreserve/
    seen.place["/chosen/rng-seed"]           physical address of a property's value
"""

import re
import struct
from dataclasses import dataclass, field

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
MARKS = r"^PROBE BEGIN\n(.*?)^PROBE END$"


class ProbeError(Exception):
    """Not valid probe output, or no device tree."""


@dataclass
class Probe:
    registers: dict[str, int] = field(default_factory=dict)
    tree: dict[str, dict[str, bytes]] = field(default_factory=dict)
    reserved: list[tuple[int, int]] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    data: bytes = b""  # the tree


def _text(data: bytes, at: int) -> str:
    return data[at:data.index(b"\0", at)].decode("ascii")


def read_tree(data: bytes, probe: Probe) -> None:
    """The tree's format: the Devicetree Specification, chapter 5."""
    magic, size, structs, strings, reserved = struct.unpack_from(">5I", data)
    if magic != MAGIC or size > len(data):
        raise ProbeError(f"no tree, or {len(data)} of {size} bytes of it")
    at = reserved
    while (entry := struct.unpack_from(">QQ", data, at)) != (0, 0):
        probe.reserved.append(entry)
        at += 16
    path: list[str] = []
    at = structs
    while (token := struct.unpack_from(">I", data, at)[0]) != END:
        at += 4
        if token == BEGIN_NODE:
            name = _text(data, at)
            path.append(name)
            probe.tree["/".join(path) or "/"] = {}
            at += (len(name) + 4) & ~3
        elif token == END_NODE:
            path.pop()
        elif token == PROPERTY:
            length, name_at = struct.unpack_from(">II", data, at)
            node, name = "/".join(path) or "/", _text(data, strings + name_at)
            probe.tree[node][name] = data[at + 8:at + 8 + length]
            probe.place[f"{node}/{name}"] = probe.registers.get("x0", 0) + at + 8
            at += 8 + ((length + 3) & ~3)
        elif token != NOP:
            raise ProbeError(f"token {token} at {at}")


def parse_probe(text: str) -> Probe:
    """The last complete output on a console; ProbeError if there is none."""
    found = re.findall(MARKS, text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ProbeError("no PROBE BEGIN ... PROBE END on the console")
    probe, data = Probe(), bytearray()
    for line in found[-1].splitlines():
        try:
            word, name, value = line.split()
            if word == "reg":
                probe.registers[name] = int(value, 16)
            elif word == "hex" and int(name, 16) == len(data):
                data += bytes.fromhex(value)
            else:
                raise ProbeError(f"not a line of the probe, or bytes are missing: {line[:80]!r}")
        except ValueError as error:
            raise ProbeError(f"{line[:80]!r}: {error}") from None
    probe.data = bytes(data)
    try:
        read_tree(probe.data, probe)
    except (struct.error, ValueError, IndexError) as error:
        raise ProbeError(f"the tree: {error}") from None
    return probe


def wait_for_probe(guest, timeout: float = 30) -> Probe:
    """The probe's output, after send_and_jump(). `guest`: a Guest."""
    guest.wait_console(r"^PROBE END$", timeout)
    return parse_probe(guest.console)
