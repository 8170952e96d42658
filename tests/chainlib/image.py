# SPDX-License-Identifier: GPL-2.0-only
"""The image loaded for the next jump, read from the kernel's struct kimage: the same for both
system calls and every tool.

The layout (include/linux/kexec.h) has not changed since long before 6.1: eight words (the
fourth is the entry, the last the number of segments), then segments of four words.
"""

import struct
import zlib
from dataclasses import dataclass

HEAD = struct.Struct("<8Q")
SEGMENT = struct.Struct("<4Q")
SEGMENTS_MAX = 16
SIZE = HEAD.size + SEGMENTS_MAX * SEGMENT.size
PAGE = 4096
HIGHEST = 1 << 52
# A bzImage (Documentation/arch/x86/boot.rst) is entered at its start in 32-bit mode, at
# this offset in 64-bit mode.
ENTRY_64 = 0x200
GZIP = b"\x1f\x8b"
POINTER = struct.Struct("<Q")
ELF_64 = b"\x7fELF\x02"
E_ENTRY, E_PHOFF, E_PHENTSIZE, PT_LOAD = 24, 32, 54, 1
UPPER_HALF = 1 << 63
HDRS_AT = 0x202
PHDR = struct.Struct("<2I3Q")  # up to p_paddr


class ImageError(Exception):
    """Not a struct kimage of the known layout."""


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


def starts(image: Image, elf_entry: int = 0, offsets: tuple[int, ...] = (0,)) -> list[int]:
    """Possible entry addresses of the kernel: these offsets in each segment. Its segment is not
    known, so the address that is reached is the right one."""
    return sorted({s.addr + offset for s in image.segments if not s.has(image.start)
                   for offset in (*offsets, elf_entry) if offset < s.size})


def x86_entries(image: Image, elf_entry: int = 0) -> list[int]:
    return starts(image, elf_entry, (0, ENTRY_64))


def elf_entry(data: bytes) -> int:
    """Offset of a vmlinux's entry from its lowest segment; 0 for other files. Headers:
    Elf64_Ehdr, Elf64_Phdr in <elf.h>."""
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


def is_vmlinux(data: bytes) -> bool:
    """An ELF kernel is linked to run in the upper half of the address space."""
    if not data.startswith(ELF_64):
        return False
    try:
        [table] = struct.unpack_from("<Q", data, E_PHOFF)
        size, count = struct.unpack_from("<2H", data, E_PHENTSIZE)
        headers = [PHDR.unpack_from(data, table + n * size) for n in range(count)]
    except struct.error:
        return False
    return any(kind == PT_LOAD and vaddr >= UPPER_HALF for kind, _, _, vaddr, _ in headers)


def is_kernel(data: bytes) -> bool:
    """Of a file that begins so: a bzImage, a vmlinux or a UKI (boot.rst, systemd-stub(7))."""
    bzimage = data[HDRS_AT:HDRS_AT + 4] == b"HdrS"
    uki = data.startswith(b"MZ") and b".linux\0\0" in data[:4096]
    return bzimage or uki or is_vmlinux(data)


def is_linux_image(magic: bytes, data: bytes) -> bool:
    """Of a file that begins so: an Image (Documentation/arch/arm64/booting.rst and
    arch/riscv/boot-image-header.rst) or a zboot image
    (drivers/firmware/efi/libstub/zboot-header.S), plain or in gzip."""
    if data.startswith(GZIP):
        try:
            data = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, 4096)
        except zlib.error:
            return False
    return data[56:60] == magic or (data[:2] == b"MZ" and data[4:8] == b"zimg")


def is_arm64_kernel(data: bytes) -> bool:
    return is_linux_image(b"ARM\x64", data)


def is_riscv64_kernel(data: bytes) -> bool:
    return is_linux_image(b"RSC\x05", data)


def parse_image(data: bytes) -> Image:
    if len(data) < SIZE:
        raise ImageError(f"struct kimage truncated: {len(data)} bytes")
    head = HEAD.unpack_from(data)
    start, count = head[3], head[7]
    if not 1 <= count <= SEGMENTS_MAX:
        raise ImageError(f"struct kimage has {count} segments")
    segments = []
    for number in range(count):
        _, content, addr, size = SEGMENT.unpack_from(
            data, HEAD.size + number * SEGMENT.size)
        if addr % PAGE or size % PAGE or not size or content > size or \
                addr + size > HIGHEST:
            raise ImageError(f"bad segment at {addr:#x}: {content} of {size} bytes")
        segments.append(Segment(addr, size, content))
    if not any(s.has(start) for s in segments):
        raise ImageError(f"entry {start:#x} is in no segment")
    return Image(start, tuple(segments))
