# SPDX-License-Identifier: GPL-2.0-only
"""The kernels and tools that `fetch` put into the cache; see there for the layout."""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FETCH = Path(__file__).resolve().parent / "fetch"
FETCH_LIMIT = 580  # seconds
KERNELS = ["6.1", "6.12", "7.3"]
# With the vmgenid driver, which Debian's cloud 6.1 lacks, and with headers.
VMGENID_KERNELS = ["6.1-generic", "6.12", "7.3"]
# With its part for device trees: since v6.10.
VMGENID_KERNELS_ARM64 = ["arm64/6.12", "arm64/7.3"]
VMGENID_KERNELS_RISCV64 = ["riscv64/6.12"]
QEMU = "qemu-system-x86_64"
QEMU_ARM64 = "qemu-system-aarch64"
QEMU_RISCV64 = "qemu-system-riscv64"
# First version that emulates the SHA extensions (QEMU's change log).
SHA_NI_QEMU = (8, 2)
# First version whose machine "virt" has a second serial port, and that refuses unaligned
# access to memory of a device.
ARM64_QEMU = (10, 0)


class MissingError(Exception):
    """A missing piece of the cache."""


def cache_dir() -> Path:
    own = os.environ.get("KEXEC_SEED_CACHE")
    if own:
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "kexec-seed"


def ensure(*groups: str) -> None:
    """Fetch missing pieces; MissingError names those that cannot be fetched."""
    try:
        done = subprocess.run([sys.executable, FETCH, *groups], capture_output=True,
                              text=True, timeout=FETCH_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise MissingError(f"{FETCH} has not ended in {FETCH_LIMIT} s; by hand it may take"
                           " longer") from None
    if done.returncode:
        raise MissingError(done.stderr.strip() or f"{FETCH} failed")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise MissingError(f"{path} not found; run tests/vm/fetch")
    return path


def kernel_image(slot: str, arch: str = "") -> Path:
    return _existing(cache_dir() / "kernels" / arch / slot / "vmlinuz")


def kernel_release(slot: str, arch: str = "") -> str:
    """As `uname -r` prints it."""
    version = _existing(cache_dir() / "kernels" / arch / slot / "version")
    return version.read_text().split()[0]


def kernel_headers(slot: str) -> Path:
    """Build folder of one of VMGENID_KERNELS... for `make -C`."""
    release = _existing(cache_dir() / "headers" / slot / "version").read_text().split()[0]
    return cache_dir() / "headers" / slot / "usr/src" / f"linux-headers-{release}"


def kexec_tools(arch: str = "") -> Path:
    """Debian's kexec, for comparison; build_initrd() finds its libraries."""
    return _existing(cache_dir() / arch / "kexec-tools" / "sbin" / "kexec")


def makedumpfile(arch: str = "") -> Path:
    """Debian's makedumpfile, to read /proc/vmcore in guests."""
    return _existing(cache_dir() / arch / "makedumpfile" / "sbin" / "makedumpfile")


def vmcore_dmesg(arch: str) -> Path:
    """The reader of a crashed kernel's log in Debian's kexec-tools."""
    return _existing(cache_dir() / arch / "vmcore-dmesg" / "sbin" / "vmcore-dmesg")


def guest_tool(name: str, arch: str = "") -> Path:
    """One of fetch's GUEST_TOOLS: this machine's own for x86_64."""
    if arch:
        return _existing(cache_dir() / arch / name / "sbin" / name)
    found = shutil.which(name)
    if not found:
        raise MissingError(f"{name} not found (Debian: strace, util-linux)")
    return Path(found)


def i386_kernel() -> Path:
    """Debian's 32-bit kernel, from the installer."""
    return _existing(cache_dir() / "netboot-i386" / "linux")


@functools.cache
def own_qemu_version(program: str = QEMU) -> tuple[int, int]:
    """Version of the installed QEMU; (0, 0) if there is none."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True,
                              timeout=60, check=False)
    except FileNotFoundError:
        return 0, 0
    found = re.search(r"version (\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def qemu_command(sha_ni: bool) -> list[str]:
    """The installed QEMU, or the cached one if SHA-NI is needed and the installed one is
    too old to emulate it."""
    own = shutil.which(QEMU)
    if own and (not sha_ni or own_qemu_version() >= SHA_NI_QEMU):
        return [own]
    if not sha_ni:
        raise MissingError(f"{QEMU} not found (Debian: qemu-system-x86)")
    folder = cache_dir() / "qemu-10"
    program = _existing(folder / "bin" / QEMU)
    return ["env", f"LD_LIBRARY_PATH={folder / 'lib'}", str(program),
            "-L", str(folder / "share/qemu"), "-L", str(folder / "share/seabios")]


def qemu_arm64_command() -> list[str]:
    """The installed QEMU for arm64 guests, or the cached one if that is too old."""
    own = shutil.which(QEMU_ARM64)
    if own and own_qemu_version(QEMU_ARM64) >= ARM64_QEMU:
        return [own]
    folder = cache_dir() / "arm64/qemu-10"
    return ["env", f"LD_LIBRARY_PATH={folder / 'lib'}",
            str(_existing(folder / "bin" / QEMU_ARM64))]


def qemu_riscv64_command() -> list[str]:
    """The cached QEMU for riscv64 guests, with its firmware (OpenSBI)."""
    folder = cache_dir() / "riscv64/qemu-10"
    return ["env", f"LD_LIBRARY_PATH={folder / 'lib'}", str(_existing(folder / "bin" / QEMU_RISCV64)),
            "-bios", str(_existing(folder / "share/opensbi/fw_dynamic.bin"))]
