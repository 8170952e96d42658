# SPDX-License-Identifier: GPL-2.0-only
"""Reads the headers of an ELF core file (elf(5)): /proc/vmcore, and the ELF core headers that
a crash kernel makes it from. Strict: any deviation is an ElfCoreError.
"""

import struct
from dataclasses import dataclass, replace

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
NHDR = struct.Struct("<III")
IDENT = b"\x7fELF\x02\x01\x01"  # 64 bits, little endian, version 1
ET_CORE = 4
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS = 1
EM_X86_64, EM_AARCH64, EM_RISCV = 62, 183, 243
# Where a kernel's text is mapped; RAM is below: Documentation/arch/x86/x86_64/mm, and
# Documentation/arch/riscv/vm-layout.
TEXT_MAPS = {EM_X86_64: 0xffffffff80000000, EM_RISCV: 0xffffffff00000000}
NO_ADDRESS = (1 << 64) - 1


class ElfCoreError(Exception):
    """Not the headers of an ELF core file."""


@dataclass(frozen=True)
class Segment:
    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int
    is_text: bool = False  # the kernel's text, which maps RAM a second time


@dataclass(frozen=True)
class Note:
    name: str
    type: int
    data: bytes


def headers_size(start: bytes) -> int:
    """Size of ELF header plus program headers, from the first 64 bytes."""
    if len(start) < EHDR.size:
        raise ElfCoreError(f"{len(start)} bytes: too short for an ELF header")
    ident, kind, machine, _, _, phoff, *_, phentsize, phnum, _, _, _ = \
        EHDR.unpack_from(start)
    if not ident.startswith(IDENT) or kind != ET_CORE or machine not in (*TEXT_MAPS, EM_AARCH64):
        raise ElfCoreError(f"not a core file of a known machine: {start[:20].hex()}")
    if phoff != EHDR.size or phentsize != PHDR.size or not phnum:
        raise ElfCoreError(f"{phnum} program headers of {phentsize} bytes at {phoff}")
    return phoff + phnum * phentsize


def text_map(machine: int, found: list[Segment]) -> int:
    """Where virtual addresses are those of the kernel's text. arm64: the upper half of its
    addresses, of which RAM, in the lower half, tells the size (Documentation/arch/arm64/memory)."""
    if machine in TEXT_MAPS:
        return TEXT_MAPS[machine]
    lowest = min(s.vaddr for s in found if s.type == PT_LOAD and s.paddr != NO_ADDRESS)
    bits = min((NO_ADDRESS - lowest).bit_length(), 48)
    return (1 << 64) - (1 << bits - 1)


def segments(data: bytes) -> list[Segment]:
    end = headers_size(data)
    if len(data) < end:
        raise ElfCoreError(f"{len(data)} of {end} bytes of headers")
    found = [Segment(*PHDR.unpack_from(data, at)) for at in range(EHDR.size, end, PHDR.size)]
    start = text_map(EHDR.unpack_from(data)[2], found)
    return [replace(s, is_text=s.type == PT_LOAD and s.vaddr >= start) for s in found]


def ram(all_segments: list[Segment]) -> list[Segment]:
    """The PT_LOADs of RAM, without the kernel text."""
    return [s for s in all_segments if s.type == PT_LOAD and not s.is_text]


def text(all_segments: list[Segment]) -> list[Segment]:
    return [s for s in all_segments if s.type == PT_LOAD and s.is_text]


def notes(data: bytes) -> list[Note]:
    """Notes of a PT_NOTE; an empty one (all zeroes) ends it."""
    found, at = [], 0
    while at + NHDR.size <= len(data):
        namesz, descsz, kind = NHDR.unpack_from(data, at)
        if not namesz and not descsz:
            break
        name = at + NHDR.size
        desc = name + (namesz + 3 & ~3)
        at = desc + (descsz + 3 & ~3)
        if at > len(data):
            raise ElfCoreError(f"a note of {namesz} + {descsz} bytes does not fit")
        found.append(Note(data[name:name + namesz].rstrip(b"\0").decode(errors="replace"),
                          kind, data[desc:desc + descsz]))
    return found
