# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel has loaded for its next jump, as its own struct kimage says. The same for
kexec_load and kexec_file_load, and for every tool: nobody needs to tell.

Its layout (include/linux/kexec.h) has been the same since long before 6.1: eight words,
of which the fourth is where the jump goes and the last the number of segments, then the
segments of four words.
"""

import struct
from dataclasses import dataclass

HEAD = struct.Struct("<8Q")
SEGMENT = struct.Struct("<4Q")
SEGMENTS_MAX = 16
SIZE = HEAD.size + SEGMENTS_MAX * SEGMENT.size
PAGE = 4096
HIGHEST = 1 << 52
# The ways into a bzImage (Documentation/arch/x86/boot.rst): at its start in 32-bit mode, and
# at this offset in 64-bit mode.
ENTRY_64 = 0x200
POINTER = struct.Struct("<Q")
ELF_64 = b"\x7fELF\x02"
E_ENTRY, E_PHENTSIZE, PT_LOAD = 24, 54, 1
PHDR = struct.Struct("<2I3Q")  # up to p_paddr


class ImageError(Exception):
    """These bytes are no struct kimage that is known here."""


@dataclass(frozen=True)
class Segment:
    addr: int  # physical
    size: int
    content: int

    def has(self, addr: int) -> bool:
        return self.addr <= addr < self.addr + self.size


@dataclass(frozen=True)
class Image:
    start: int  # physical: the purgatory's first instruction
    segments: tuple[Segment, ...]

    def entries(self, elf_entry: int = 0) -> list[int]:
        """Where the kernel among the segments may be entered. One of these is right;
        which one, shows when it is reached."""
        return sorted({s.addr + offset for s in self.segments if not s.has(self.start)
                       for offset in (0, ENTRY_64, elf_entry) if offset < s.size})


def elf_entry(data: bytes) -> int:
    """How far behind its lowest segment a vmlinux is entered; 0 for what is none. Elf64_Ehdr
    and Elf64_Phdr: <elf.h>."""
    if not data.startswith(ELF_64):
        return 0
    try:
        entry, table = struct.unpack_from("<2Q", data, E_ENTRY)
        size, count = struct.unpack_from("<2H", data, E_PHENTSIZE)
        headers = [PHDR.unpack_from(data, table + n * size) for n in range(count)]
    except struct.error:
        return 0
    starts = [paddr for kind, _, _, _, paddr in headers if kind == PT_LOAD]
    return entry - min(starts) if starts and min(starts) < entry else 0


def parse_image(data: bytes) -> Image:
    if len(data) < SIZE:
        raise ImageError(f"{len(data)} bytes of a struct kimage")
    head = HEAD.unpack_from(data)
    start, count = head[3], head[7]
    if not 1 <= count <= SEGMENTS_MAX:
        raise ImageError(f"a struct kimage with {count} segments")
    segments = []
    for number in range(count):
        _, content, addr, size = SEGMENT.unpack_from(
            data, HEAD.size + number * SEGMENT.size)
        if addr % PAGE or size % PAGE or not size or content > size or \
                addr + size > HIGHEST:
            raise ImageError(f"a segment at {addr:#x} with {content} of {size} bytes")
        segments.append(Segment(addr, size, content))
    if not any(s.has(start) for s in segments):
        raise ImageError(f"no segment has the start, {start:#x}")
    return Image(start, tuple(segments))
