# SPDX-License-Identifier: GPL-2.0-only
"""What differs between guests of one architecture and another: QEMU's machine, consoles, where
RAM is, and how to find a program's libraries."""

import functools
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cache import (MissingError, cache_dir, qemu_arm64_command, qemu_command,
                   qemu_riscv64_command)

FOUR_GIB = 1 << 32
# Where QEMU's "pc" machine splits RAM below 4 GiB (its docs: max-ram-below-4g).
LOW_LIMIT = 0xE0000000
LOW_SPLIT = 0xC0000000


class LibraryError(Exception):
    """A library that a program needs is missing."""


@dataclass(frozen=True)
class Arch:
    """Fields that are functions take what a Guest was asked for."""

    name: str  # of folders in the cache; "" for x86_64, whose pieces are not in one
    machine: Callable[[bool], str]  # with a hypervisor's CPU mode, which x86_64 has not
    cpu: Callable[[str], str]
    cmdline: str
    console: str
    firmware: tuple[str, tuple[str, ...]]  # folder, names of the code in it; VARS beside it
    firmware_package: str
    qemu: Callable[[str], list[str]]
    ram: Callable[[int], list[tuple[int, int]]]  # bytes -> start and size of each part
    libraries: Callable[[Path], dict[str, Path]]  # guest path -> host path
    agent: tuple[str, ...] = ("-serial", "chardev:agent")  # the second serial line
    resumes: str = ""  # the CPU that a saved guest must have, if not any
    timer: int = 0  # the first CPU's compare register, if QEMU forgets to arm it after a restore


def _no_el2(machine: str) -> Callable[[bool], str]:
    def named(el2: bool) -> str:
        if el2:
            raise MissingError("el2 is for arm64")
        return machine
    return named


def _pc_ram(size: int) -> list[tuple[int, int]]:
    low = size if size < LOW_LIMIT else LOW_SPLIT
    return [(0, low)] + ([(FOUR_GIB, size - low)] if size > low else [])


def _pc_qemu(version: str) -> list[str]:
    return qemu_command(sha_ni=version == "10")


def _opened(program: Path) -> list[str]:
    """Sonames in a program's dlopen notes: libraries that it opens when it needs them."""
    return [x.decode() for x in re.findall(rb'"soname":\["([^"]+)"\]', program.read_bytes())]


def _own_libraries(program: Path) -> dict[str, Path]:
    """For this machine's own programs: those that they are linked with, and those that they
    open, each with its own."""
    found = _linked_libraries(program)
    for name in _opened(program):
        target = f"/lib/x86_64-linux-gnu/{name}"
        path = next((p for p in (Path(target), Path(f"/usr{target}")) if p.exists()), None)
        if path is None:
            raise LibraryError(f"{program} opens {name}, which was not found")
        found |= {target: path, **_linked_libraries(path)}
    return found


def _linked_libraries(program: Path) -> dict[str, Path]:
    """By ldd."""
    env = dict(os.environ, LC_ALL="C")
    own = program.parent.parent / "lib"  # put beside kexec-tools by `fetch`
    if own.is_relative_to(cache_dir()):
        env["LD_LIBRARY_PATH"] = str(own)
    done = subprocess.run(["ldd", str(program)], env=env, capture_output=True, text=True,
                          timeout=60, check=False)
    text = done.stdout + done.stderr
    if "not a dynamic executable" in text or "statically linked" in text:
        return {}
    if done.returncode:
        raise LibraryError(f"ldd {program}: {text.strip()}")
    found: dict[str, Path] = {}
    for line in text.splitlines():
        if "not found" in line:
            raise LibraryError(f"{program} needs {line.split()[0]}, which was not found")
        if hit := re.match(r"\s*(\S+) => (/\S+) \(", line):
            found[f"/lib/x86_64-linux-gnu/{hit[1]}"] = Path(hit[2])
        elif hit := re.match(r"\s*(/\S*ld-linux\S*) \(", line):
            found[hit[1]] = Path(hit[1])
    return found


def _sysroot_libraries(arch: str, triplet: str, program: Path) -> dict[str, Path]:
    """By the names in the programs' headers: from the architecture's sysroot, or, on a machine of
    it that has none, from its own folder."""
    folder = Path("usr/lib") / triplet
    places = [program.parent.parent / "lib", cache_dir() / arch / "sysroot" / folder,
              Path("/") / folder]
    found: dict[str, Path] = {}
    files = [program]
    for file in files:  # grows
        done = subprocess.run(["readelf", "-W", "-l", "-d", str(file)], text=True, timeout=60,
                              capture_output=True, check=False,
                              env=dict(os.environ, LC_ALL="C"))
        if done.returncode:
            raise LibraryError(f"readelf {file}: {done.stderr.strip()}")
        names = re.findall(r"\(NEEDED\).*\[(\S+)\]", done.stdout) + _opened(file)
        loader = re.search(r"program interpreter: (/\S+)\]", done.stdout)
        wanted = {f"/lib/{triplet}/{name}": name for name in names}
        if loader:
            wanted[loader[1]] = Path(loader[1]).name
        for target, name in wanted.items():
            path = next((p / name for p in places if (p / name).exists()), None)
            if path is None:
                raise LibraryError(f"{file} needs {name}, which is not in {places[-1]}")
            if target not in found:
                found[target] = path
                files.append(path)
    return found


def _virt_cpu(cpu: str) -> str:
    """Without its slow way to sign pointers, and without 52-bit addresses: with them,
    kexec_load(2) of any kernel makes Linux 6.12 oops."""
    return "max,pauth-impdef=on,lpa2=off" if cpu == "max" else cpu


ARCHES = {
    # A busy host may keep QEMU from delivering timer ticks for as long as Linux waits for them
    # at boot, which then panics: "IO-APIC + timer doesn't work!".
    # Linux 6.12 allocates memory with an unlocked CMPXCHG16B, after which QEMU 7.2 (TCG) leaves
    # garbage in the flags: about one boot in seven ends in an oops. Without the instruction,
    # kernels take a lock.
    "x86_64": Arch("", _no_el2("pc"), lambda cpu: f"{cpu},cx16=off",
                   "console=ttyS0,115200 panic=-1 no_timer_check", "ttyS0",
                   ("/usr/share/OVMF", ("OVMF_CODE_4M.fd", "OVMF_CODE.fd")), "ovmf",
                   _pc_qemu, _pc_ram, _own_libraries),
    "arm64": Arch("arm64", lambda el2: f"virt,virtualization={'on' if el2 else 'off'}",
                  _virt_cpu, "console=ttyAMA0 panic=-1", "ttyAMA0",
                  ("/usr/share/AAVMF", ("AAVMF_CODE.fd",)), "qemu-efi-aarch64",
                  lambda version: qemu_arm64_command(), lambda size: [(1 << 30, size)],
                  functools.partial(_sysroot_libraries, "arm64", "aarch64-linux-gnu")),
    # The machine has one serial port of its own. After a restore QEMU keeps what the timers'
    # registers hold but lets none expire until one is written: a guest that sleeps never wakes.
    # Those of the ACLINT can be written from outside (RISC-V ACLINT 1.0, "MTIMER"), Sstc's not.
    # It forgets mseccfg altogether: with Zkr the kernel dies when it next reseeds. "max" hangs.
    "riscv64": Arch("riscv64", _no_el2("virt"), lambda cpu: f"{cpu},sstc=off",
                    "console=ttyS0 panic=-1",
                    "ttyS0", (str(cache_dir() / "riscv64/edk2"), ("RISCV_VIRT_CODE.fd",)),
                    "qemu-efi-riscv64", lambda version: qemu_riscv64_command(),
                    lambda size: [(1 << 31, size)],
                    functools.partial(_sysroot_libraries, "riscv64", "riscv64-linux-gnu"),
                    ("-device", "pci-serial,chardev=agent"), "rv64", 0x2004000),
}
