# SPDX-License-Identifier: GPL-2.0-only
"""Parses the output of the probe (tests/probe); probe.c describes the lines.

    guest.send_and_jump("kexec -e")
    seen = wait_for_probe(guest)        # or parse_probe(text of a console)
    seen.registers["rsi"] == seen.boot_params_addr
    seen.setup_data[0].type, .addr, .data
    seen.e820 -> [(addr, size, type), ...]
"""

import re
from dataclasses import dataclass, field

SETUP_E820_EXT = 1
SETUP_EFI = 4
SETUP_RNG_SEED = 9
MARKS = r"^PROBE BEGIN\n(.*?)^PROBE END$"
DATA_MAX = 0x10000


class ProbeError(Exception):
    """Not valid probe output."""


@dataclass
class SetupData:
    addr: int  # of the node's 16-byte header
    type: int
    len: int
    data: bytes  # the first 64 KiB


@dataclass
class Probe:
    registers: dict[str, int] = field(default_factory=dict)
    load_addr: int = 0
    boot_params_addr: int = 0
    boot_params: bytes = b""
    e820: list[tuple[int, int, int]] = field(default_factory=list)
    cmdline_addr: int = 0
    cmdline: str = ""
    setup_data: list[SetupData] = field(default_factory=list)
    efi_systab: int = 0  # 0 and empty if efi_info is, like all of EFI below
    efi_map_addr: int = 0
    efi_map: bytes = b""
    efi_desc_size: int = 0
    efi_desc_version: int = 0
    bad: list[str] = field(default_factory=list)  # items that the probe could not read

    def seeds(self) -> list[SetupData]:
        return [n for n in self.setup_data if n.type == SETUP_RNG_SEED]


class _Parser:
    def __init__(self) -> None:
        self.probe = Probe()
        self.blocks: list[bytearray] = []
        self.efi_map_size = 0

    def _block(self) -> bytearray:
        self.blocks.append(bytearray())
        return self.blocks[-1]

    def line(self, word: str, rest: str) -> None:
        if word == "hex":
            offset, data = rest.split()
            if not self.blocks or int(offset, 16) != len(self.blocks[-1]):
                raise ProbeError(f"bytes are missing before {offset}")
            self.blocks[-1] += bytes.fromhex(data)
        elif word == "reg":
            name, value = rest.split()
            self.probe.registers[name] = int(value, 16)
        elif word == "cmdline":
            addr, _, text = rest.partition(" ")
            self.probe.cmdline_addr = int(addr, 16)
            self.probe.cmdline = re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), text)
        elif word == "bad":
            self.probe.bad.append(rest)
        else:
            self.numbers(word, [int(x, 16) for x in rest.split()])

    def numbers(self, word: str, values: list[int]) -> None:
        p = self.probe
        if word == "load":
            (p.load_addr,) = values
        elif word == "boot_params":
            (p.boot_params_addr,) = values
            p.boot_params = self._block()
        elif word == "e820":
            addr, size, kind = values
            p.e820.append((addr, size, kind))
        elif word == "setup_data":
            p.setup_data.append(SetupData(*values, data=self._block()))
        elif word == "efi":
            (p.efi_systab, p.efi_map_addr, self.efi_map_size, p.efi_desc_size,
             p.efi_desc_version) = values
            p.efi_map = self._block()
        else:
            raise ProbeError("not a line of the probe")

    def finish(self) -> Probe:
        p = self.probe
        p.boot_params = bytes(p.boot_params)
        if len(p.boot_params) not in (0, 4096):
            raise ProbeError(f"{len(p.boot_params)} bytes of boot_params")
        for node in p.setup_data:
            node.data = bytes(node.data)
            if len(node.data) != min(node.len, DATA_MAX):
                raise ProbeError(f"{len(node.data)} of {node.len} bytes of setup_data")
        p.efi_map = bytes(p.efi_map)
        if len(p.efi_map) != min(self.efi_map_size, DATA_MAX) and not p.bad:
            raise ProbeError(f"{len(p.efi_map)} of {self.efi_map_size} bytes of EFI map")
        return p


def parse_probe(text: str) -> Probe:
    """The last complete output on a console; ProbeError if there is none."""
    found = re.findall(MARKS, text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ProbeError("no PROBE BEGIN ... PROBE END on the console")
    parser = _Parser()
    for line in found[-1].splitlines():
        word, _, rest = line.partition(" ")
        try:
            parser.line(word, rest)
        except (ValueError, TypeError) as error:
            raise ProbeError(f"{line[:80]!r}: {error}") from None
        except ProbeError as error:
            raise ProbeError(f"{line[:80]!r}: {error}") from None
    return parser.finish()


def wait_for_probe(guest, timeout: float = 30) -> Probe:
    """The probe's output, after send_and_jump(). `guest`: a Guest."""
    guest.wait_console(r"^PROBE END$", timeout)
    return parse_probe(guest.console)
