# SPDX-License-Identifier: GPL-2.0-only
"""Small kernel images that boot nothing, the same bytes on every machine.

    make_images(folder, arch) -> {file name: its format, as `kexec --version` calls it}

Writes the images and a file `initrd`. Without Python's lzma there is no bzImage.xz.

Only headers decide where kexec places an image, so a few KiB are enough. All formats are
written here: no compiler, no binutils, no zstd.
"""

import gzip
import struct
from pathlib import Path

try:
    import lzma
except ImportError:  # Python without liblzma
    lzma = None

# bzImage: Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"
SETUP, FILE_SIZE, INIT_SIZE = 1024, 16384, 8 << 20
HEADER_END, HEADER_END_204 = 0x26C, 0x230
FIELDS = {
    "setup_sects": (0x1F1, "B"), "syssize": (0x1F4, "I"), "boot_flag": (0x1FE, "H"),
    "jump": (0x200, "H"), "header": (0x202, "4s"), "version": (0x206, "H"),
    "loadflags": (0x211, "B"), "code32_start": (0x214, "I"),
    "initrd_addr_max": (0x22C, "I"),
    "kernel_alignment": (0x230, "I"), "relocatable_kernel": (0x234, "B"),
    "xloadflags": (0x236, "H"), "cmdline_size": (0x238, "I"),
    "pref_address": (0x258, "Q"), "init_size": (0x260, "I"),
}
DEFAULTS = {
    "setup_sects": SETUP // 512 - 1, "syssize": (FILE_SIZE - SETUP) // 16,
    "boot_flag": 0xAA55, "header": b"HdrS", "version": 0x20F, "loadflags": 1,
    "code32_start": 0x100000,
    "initrd_addr_max": 0x7FFFFFFF, "kernel_alignment": 2 << 20, "relocatable_kernel": 1,
    "xloadflags": 0b100011,  # 64-bit entry, above 4 GiB, 5-level paging
    "cmdline_size": 2047, "pref_address": 16 << 20, "init_size": INIT_SIZE,
}


def make_bzimage(end: int = HEADER_END, **changes: int) -> bytes:
    """`end` is where the header ends; fields behind it stay zero."""
    image = bytearray(SETUP) + b"\x90" * (FILE_SIZE - SETUP)
    values = DEFAULTS | {"jump": 0xEB | end - 0x202 << 8} | changes
    for name, (offset, code) in FIELDS.items():
        if offset < end:
            struct.pack_into("<" + code, image, offset, values[name])
    return bytes(image)


def make_vmlinux() -> bytes:
    """ELF: text at 16 MiB, data a page behind its end, then bss up to 24 MiB."""
    mapping, base, content = 0xFFFFFFFF80000000, 16 << 20, 4096
    text = b"Linux version 9.9\0ptrs_per_p4d\0".ljust(0x3000, b"t")
    data, data_at = b"d" * 0x1000, base + 0x4000
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, data_at + 8,
                         64, 0, 0, 64, 56, 2, 0, 0, 0)
    for offset, address, size, in_memory in (
            (content, base, len(text), len(text)),
            (content + len(text), data_at, len(data), base + (8 << 20) - data_at)):
        header += struct.pack("<IIQQQQQQ", 1, 7, offset, address + mapping, address, size,
                              in_memory, 4096)
    return header.ljust(content, b"\0") + text + data


def make_linux_image(text_offset: int = 0, flags: int = 0xA, magic: bytes = b"ARM\x64") -> bytes:
    """Documentation/arch/arm64/booting.rst, "Call the kernel image"; 4 KiB pages."""
    header = struct.pack("<IIQQQ24x4sI", 0x91005A4D, 0x14000000, text_offset, INIT_SIZE,
                         flags, magic, 64)
    return header + b"\x1f" * (FILE_SIZE - len(header))


def make_zboot(compression: bytes, payload: bytes) -> bytes:
    """drivers/firmware/efi/libstub/zboot-header.S of the kernel; more code follows."""
    at = 1024
    head = struct.pack("<4s4sII8x32s", b"MZ", b"zimg", at, len(payload), compression)
    return head.ljust(at, b"\0") + payload + b"\x1f" * 512


def make_uki(sections: dict[str, bytes], machine: int = 0x8664) -> bytes:
    """Microsoft, "PE Format": DOS header, PE header, table of sections."""
    align, pe_at, optional = 512, 128, 240
    at = 2048  # behind the headers
    table, contents = b"", b""
    for name, content in sections.items():
        raw = content.ljust(-(-len(content) // align) * align, b"\0")
        table += struct.pack("<8sIIII16x", name.encode(), len(content), 0, len(raw),
                             at + len(contents))
        contents += raw
    pe = struct.pack("<4sHH12xHHH", b"PE", machine, len(sections), optional, 0, 0x20B)
    head = struct.pack("<2s58xI", b"MZ", pe_at).ljust(pe_at, b"\0") + pe
    return (head.ljust(pe_at + 24 + optional, b"\0") + table).ljust(at, b"\0") + contents


def pack_zstd(data: bytes) -> bytes:
    """RFC 8878: one segment, its size in 4 bytes, one block that is not compressed."""
    return struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data)) + \
        struct.pack("<I", len(data) << 3 | 1)[:3] + data


INITRD = {".initrd": b"i" * 10001, ".ucode": b"u" * 4097}
CMDLINE = {".cmdline": b"root=uki quiet\n"}


def list_x86_images() -> dict[str, tuple[str, bytes]]:
    plain = make_bzimage()
    return {
        "bzImage": ("bzImage", plain),
        "bzImage-below-4g": ("bzImage", make_bzimage(xloadflags=0b100001)),
        "bzImage-fixed": ("bzImage", make_bzimage(relocatable_kernel=0)),
        "bzImage-old": ("bzImage", make_bzimage(HEADER_END_204, version=0x204)),
        "bzImage-32bit": ("bzImage", make_bzimage(xloadflags=0)),
        "bzImage.gz": ("gzip", gzip.compress(plain, mtime=0)),
        "bzImage.zst": ("zstd", pack_zstd(plain)),
        "vmlinux": ("ELF vmlinux", make_vmlinux()),
        "uki": ("UKI", make_uki(CMDLINE | {".linux": plain} | INITRD)),
    }


def list_arm64_images() -> dict[str, tuple[str, bytes]]:
    plain = make_linux_image()
    return {
        "Image": ("Image", plain),
        "Image-old": ("Image", make_linux_image(0x80000)),  # Linux 5.7 and older
        "Image-16k": ("Image", make_linux_image(flags=0xC)),
        "Image.gz": ("gzip", gzip.compress(plain, mtime=0)),
        "Image.zst": ("zstd", pack_zstd(plain)),
        "zboot.gz": ("gzip", make_zboot(b"gzip", gzip.compress(plain, mtime=0))),
        "zboot.zst": ("zstd", make_zboot(b"zstd22", pack_zstd(plain))),
        "uki": ("UKI", make_uki(CMDLINE | {".linux": plain} | INITRD, 0xAA64)),
        "uki-x86": ("UKI", make_uki({".linux": make_bzimage()})),
        "bzImage": ("Image", make_bzimage()),
    }


def list_riscv64_images() -> dict[str, tuple[str, bytes]]:
    """Documentation/arch/riscv/boot-image-header.rst: the same with another magic number."""
    plain = make_linux_image(0x200000, 0, b"RSC\x05")
    return {
        "Image": ("Image", plain),
        "Image.gz": ("gzip", gzip.compress(plain, mtime=0)),
        "zboot.zst": ("zstd", make_zboot(b"zstd", pack_zstd(plain))),
        "uki": ("UKI", make_uki(CMDLINE | {".linux": plain} | INITRD, 0x5064)),
    }


LISTS = {"x86": list_x86_images, "arm64": list_arm64_images, "riscv64": list_riscv64_images}


def make_images(folder: Path, arch: str = "x86") -> dict[str, str]:
    images = LISTS[arch]()
    for name, (_, data) in images.items():
        (folder / name).write_bytes(data)
    xz = "bzImage.xz" if arch == "x86" else "Image.xz"
    if lzma:  # with the check that kernels are packed with
        data = lzma.compress(images[xz[:-3]][1], check=lzma.CHECK_CRC32)
        (folder / xz).write_bytes(data)
    (folder / "initrd").write_bytes(b"070701" + b"i" * 69995)
    return {name: needs for name, (needs, _) in images.items()} | {xz: "xz"}
