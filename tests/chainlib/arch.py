# SPDX-License-Identifier: GPL-2.0-only
"""What differs between chains of one architecture and another: kernels and command lines, how
a jump is watched, and where a kernel finds its seed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cache
from guest import NO_TIMER_CHECK

from . import gdb, nodes
from .image import (Image, is_arm64_kernel, is_kernel, is_riscv64_kernel, starts,
                    x86_entries)
from .nodes import Node, Read


@dataclass(frozen=True)
class ChainArch:
    name: str  # as Guest() has it
    cpu: str  # without random words
    memory: str
    cmdline: str  # of each kernel
    kernels: list[str]  # in turn, unless others are named
    slots: list[str]
    is_kernel: Callable[[bytes], bool]  # by the start of a file
    formats: str
    probe: str  # in a build; "": no crash kernels
    methods: tuple[str, ...]
    devices: tuple[str, ...]
    registers: gdb.Registers
    # Kernel function whose first argument is the image that is jumped to. "": the image is
    # known after the load, from a pointer in the kernel.
    jump: str
    entries: Callable[[Image, int], list[int]]
    boot_data: Callable[[dict[str, int], Read], list[Node] | None]  # at a kernel's entry

    @property
    def slot_folder(self) -> str:
        return "" if self.name == "x86_64" else self.name


NO_IMAGE = "neither an Image, nor a zboot image, nor either in gzip"
ARCHES = {
    "x86_64": ChainArch(
        "x86_64", "qemu64", "512M",
        f"console=ttyS0,115200 panic=-1 {NO_TIMER_CHECK} earlyprintk=ttyS0,115200",
        cache.KERNELS, sorted({*cache.KERNELS, *cache.VMGENID_KERNELS}), is_kernel,
        "neither a bzImage, nor a vmlinux, nor a UKI", "tests/probe/probe.bzImage",
        ("load", "file"), ("-device", "vmgenid,guid=auto"), gdb.X86, "", x86_entries,
        nodes.from_boot_params),
    # Debian's 6.1 has no addresses of variables in /proc/kallsyms.
    "arm64": ChainArch(
        "arm64", "cortex-a72", "1G", "console=ttyAMA0 panic=-1 earlycon", cache.KERNELS,
        [*cache.KERNELS, "7.3-16k"], is_arm64_kernel,
        NO_IMAGE, "", ("load",), (), gdb.ARM64, "machine_kexec", starts, nodes.from_tree),
    "riscv64": ChainArch(
        "riscv64", "rv64", "1G", "console=ttyS0 panic=-1 earlycon", ["6.12"], ["6.12"],
        is_riscv64_kernel, NO_IMAGE, "", ("load",), (), gdb.RISCV64, "machine_kexec", starts,
        partial(nodes.from_tree, register="a1")),
}
