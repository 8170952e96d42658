# SPDX-License-Identifier: GPL-2.0-only
"""Runs arm64's purgatory without kernels: between an old and a next kernel of a few
instructions (tests/unit/arm64/stubs.S), in QEMU's RAM as the loader leaves it (image.c).

    bare = Bare(build_arm64, tmp_path)
    run = bare.run("mode=2", "conduit=2", cpu="cortex-a72", el2=True)
    run.console, run.before, run.after, run.places["rng_slot"], run.entered["sctlr"]
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from cache import qemu_arm64_command

TOP = Path(__file__).resolve().parents[2]
CROSS = "aarch64-linux-gnu-"
# What the loader compiles, for the program that makes the guest's RAM.
IMAGE_SOURCES = ["tests/unit/arm64/image.c", "kexec/arch/arm64/pgtable.c", "purgatory/digest.c",
                 "purgatory/sha256.c", "purgatory/arch/x86/sha256_ni.c"]
IMAGE_FOLDERS = [".", "include", "include/arch/arm64", "kexec", "purgatory",
                 "purgatory/arch/x86"]
CPUS = {"max": "max,pauth-impdef=on", "cortex-a72": "cortex-a72"}


# A 16550A on PCI, and where stubs.S is to put it: QEMU's "virt" has configuration space and I/O
# ports in memory.
PCI_ECAM, PCI_PORTS, PORT = 0x4010000000, 0x3EFF0000, 0x1000
PCI_UART = [f"pci={PCI_ECAM + (1 << 15)}", f"port={PORT}", f"uart={PCI_PORTS + PORT}"]


class Run(NamedTuple):
    console: str
    ended: bool  # the machine was switched off or reset; False: it hung, or was halted
    places: dict[str, int]
    before: bytes  # RAM
    after: bytes
    uart: str  # said on PCI_UART

    @property
    def entered(self) -> dict[str, int]:
        """Registers at the next kernel's entry; empty if it was not entered."""
        line = re.search(r"next kernel: (.*) bye", self.console)
        words = line[1].split() if line else []
        return {name: int(value, 16) for name, value in zip(words[::2], words[1::2])}

    def at(self, place: str, size: int) -> bytes:
        start = self.places[place] - self.places["ram"]
        return self.after[start:start + size]


def call(*argv: str | Path) -> str:
    done = subprocess.run([str(x) for x in argv], cwd=TOP, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


class Bare:
    def __init__(self, build: Path, folder: Path):
        self.blob, self.folder = build / "purgatory/purgatory.bin", folder
        self.image, self.stubs = folder / "image", folder / "stubs.bin"
        call("gcc", "-std=gnu17", "-O1", "-D_GNU_SOURCE", *(f"-I{x}" for x in IMAGE_FOLDERS),
             "-o", self.image, *IMAGE_SOURCES)
        call(f"{CROSS}gcc", "-c", "-o", folder / "stubs.o", "tests/unit/arm64/stubs.S")
        call(f"{CROSS}objcopy", "-O", "binary", "-j", ".text", folder / "stubs.o", self.stubs)

    def run(self, *settings: str, cpu: str = "max", el2: bool = False,
            seconds: float = 60) -> Run:
        ram = self.folder / "ram"
        words = call(self.image, ram, self.stubs, self.blob, *settings).split()
        places = {k: int(v) for k, v in (x.split("=") for x in words)}
        before, ended = ram.read_bytes(), True
        argv = [*qemu_arm64_command(), "-M",
                f"virt,virtualization={'on' if el2 else 'off'},memory-backend=ram",
                "-cpu", CPUS[cpu], "-m", f"{len(before) >> 20}M", "-object",
                f"memory-backend-file,id=ram,size={len(before)},mem-path={ram},share=on",
                "-device", f"loader,addr={places['start']},cpu-num=0", "-display", "none",
                "-audio", "none", "-nic", "none", "-monitor", "none", "-serial",
                f"file:{self.folder / 'console'}", "-no-reboot", "-chardev",
                f"file,id=uart,path={self.folder / 'uart'}",
                "-device", "pci-serial,chardev=uart,addr=1"]
        try:
            subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=seconds, check=True)
        except subprocess.TimeoutExpired:
            ended = False
        console, uart = ((self.folder / x).read_bytes().decode(errors="replace")
                         for x in ("console", "uart"))
        return Run(console.replace("\r", ""), ended, places, before, ram.read_bytes(), uart)
