# SPDX-License-Identifier: GPL-2.0-only
"""Kernel files other than a bzImage, made from the cached bzImages.

    vmlinux("6.12", folder / "vmlinux")         the ELF file inside the bzImage
    make_uki(folder / "uki", {".linux": kernel, ".initrd": initrd, ".cmdline": text})
    wrap(path, "xz")                            -> path with .xz, same for gzip, zstd
    memtest("x64")                              Debian's memtest86+, or "ia32"
"""

import gzip
import lzma
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cache import MissingError, cache_dir, kernel_image
from initrd import Content, Cpio

SETUP_SECTS, PAYLOAD_OFFSET = 0x1F1, 0x248  # boot.rst
SECTOR = 512
WRAPPINGS = {"gzip": ["gzip", "-1c"], "xz": ["xz", "-0c", "--check=crc32"],
             "zstd": ["zstd", "-1qc"]}
# PE format: header sizes, and section alignment in file and memory.
DOS_SIZE, PE_SIZE, OPTIONAL_SIZE, SECTION_SIZE = 64, 24, 240, 40
FILE_ALIGN, MEMORY_ALIGN = 0x200, 0x1000
TEXT_AT = 0x1000
ROOM_FOR_SECTIONS = 16


class FormatError(Exception):
    """Such a file cannot be made here."""


def tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise FormatError(f"{name} not found (Debian: binutils, gzip, xz-utils, zstd)")
    return found


def unpack_payload(data: bytes) -> bytes:
    """A bzImage's payload; its unpacked size follows the packed data."""
    size = struct.unpack("<I", data[-4:])[0]
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        plain = subprocess.run([tool("zstd"), "-dc"], input=data[:-4], timeout=120,
                               stdout=subprocess.PIPE, check=True).stdout
    elif data.startswith(b"\xfd7zXZ\0"):
        plain = lzma.LZMADecompressor().decompress(data)
    elif data.startswith(b"\x1f\x8b"):
        plain = gzip.decompress(data[:-4])
    else:
        raise FormatError(f"unknown payload format {data[:4].hex()}")
    if len(plain) != size:
        raise FormatError(f"{len(plain)} bytes of payload, not {size}")
    return plain


def vmlinux(slot: str, path: Path) -> Path:
    """Not for 6.1, whose payload is LZ4."""
    image = kernel_image(slot).read_bytes()
    offset, size = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = (image[SETUP_SECTS] + 1) * SECTOR + offset
    path.write_bytes(unpack_payload(image[start:start + size]))
    return path


def wrap(path: Path, how: str) -> Path:
    packed = path.with_name(f"{path.name}.{how}")
    program, *options = WRAPPINGS[how]
    with open(packed, "wb") as out:
        subprocess.run([tool(program), *options, str(path)], stdout=out, timeout=300,
                       check=True)
    return packed


def memtest(variant: str) -> Path:
    path = cache_dir() / "memtest86+" / f"memtest86+{variant}.bin"
    if not path.is_file():
        raise MissingError(f"{path} not found; run tests/vm/fetch")
    return path


def stub() -> bytes:
    """An x86-64 EFI program that does nothing, with room for more sections."""
    headers = DOS_SIZE + PE_SIZE + OPTIONAL_SIZE + ROOM_FOR_SECTIONS * SECTION_SIZE
    headers = -(-headers // FILE_ALIGN) * FILE_ALIGN
    dos = struct.pack("<2s58xI", b"MZ", DOS_SIZE)
    pe = struct.pack("<4sHHIIIHH", b"PE", 0x8664, 1, 0, 0, 0, OPTIONAL_SIZE, 0x22E)
    optional = struct.pack(
        "<HBBIIIIIQII6HIIIIHH4QII128x", 0x20B, 0, 0, FILE_ALIGN, 0, 0, TEXT_AT, TEXT_AT,
        0, MEMORY_ALIGN, FILE_ALIGN, 0, 0, 0, 0, 0, 0, 0, TEXT_AT + MEMORY_ALIGN, headers,
        0, 10, 0, 0, 0, 0, 0, 0, 16)
    text = struct.pack("<8sIIII12xI", b".text", 1, TEXT_AT, FILE_ALIGN, headers,
                       0x60000020)
    table = dos + pe + optional + text
    return table.ljust(headers, b"\0") + b"\xc3".ljust(FILE_ALIGN, b"\0")


def make_uki(path: Path, sections: Mapping[str, Content], base: Path | None = None,
             first: int = TEXT_AT + MEMORY_ALIGN) -> Path:
    """Add sections to an EFI program with objcopy. `base`: a real stub, which ends below the
    address `first`."""
    if base is None:
        base = path.with_name(f"{path.name}.stub")
        base.write_bytes(stub())
    argv, at = [tool("objcopy")], first
    for number, (name, content) in enumerate(sections.items()):
        if isinstance(content, bytes):
            part = path.with_name(f"{path.name}.{number}")
            part.write_bytes(content)
        else:
            part = content
        argv += ["--add-section", f"{name}={part}",
                 "--set-section-flags", f"{name}=data,readonly",
                 "--change-section-vma", f"{name}={at:#x}"]
        at += -(-part.stat().st_size // MEMORY_ALIGN) * MEMORY_ALIGN
    subprocess.run([*argv, str(base), str(path)], timeout=300, check=True)
    return path


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """A small cpio archive, uncompressed."""
    with open(path, "wb") as out:
        cpio = Cpio(out)
        for name, content in files.items():
            cpio.file(name, content)
        cpio.end()
    return path
