# SPDX-License-Identifier: GPL-2.0-only
"""Guests that really crash, and the view from their crash kernels.

    with running(build, Setup("6.12", cpus=2)) as guest:
        guest.check(load_command("-s"))
        before = Before(guest)                  # RAM and headers to compare with
        crash(guest, "nmi")
        guest.wait_ready()                      # the crash kernel's agent
        Vmcore(guest).segments ...

    seen = crash_into_probe(guest)              # loads the probe, crashes -> Probe
    guest.ram.find(seed)                        # physical addresses, also of 8 GiB

The crash kernel has the usual guest initrd plus makedumpfile, so run(), check() and the
console work as in any guest. Guest memory is a memfd that tests read while the guest runs,
to compare the crashed kernel's memory with /proc/vmcore.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import cache
import elfcore
from arches import ARCHES
from guest import Guest, GuestError
from initrd import build_initrd
from places import kexec, probe
from probe import Probe, parse_probe

KERNEL = "/boot/vmlinuz"
RAMDISK = "/boot/initrd"
PROBE = "/probe"
THEIRS = "kexec-tools"
MIB = 1 << 20
PAGE = 4096
CHUNK = 16 * MIB
# How to bring a kernel down, and the panic message it prints.
PANICS = {
    "sysrq": "Kernel panic - not syncing: sysrq triggered crash",
    "nmi": "Kernel panic - not syncing: NMI: Not continuing",
}
Ranges = list[tuple[int, int]]  # (start, exclusive end), sorted


def capture_cmdline(arch: str) -> str:
    return f"{ARCHES[arch].cmdline} nr_cpus=1 reset_devices"


CMDLINE = capture_cmdline("x86_64")


@dataclass(frozen=True)
class Setup:
    kernel: str
    cpus: int = 1
    memory: str = "1G"
    crashkernel: str = "256M"
    firmware: str = "bios"
    cpu: str = "max"
    arch: str = "x86_64"
    el2: bool = False

    def __str__(self) -> str:
        return (f"{self.kernel}-{self.cpus}cpu-{self.memory}-{self.crashkernel}"
                f"-{self.firmware}")


class Ram:
    """Guest memory by physical address, bypassing QEMU. Read with pread(2), because reading
    a hole through a mapping allocates it."""

    def __init__(self, guest: Guest, pid: int):
        self.parts = []  # physical address, size, offset in the file
        for start, size in guest.arch.ram(guest.memory):
            self.parts.append((start, size, sum(p[1] for p in self.parts)))
        for link in Path(f"/proc/{pid}/fd").iterdir():
            if "memfd:memory-backend-memfd" in os.readlink(link):
                self.file = open(link, "r+b", buffering=0)
                return
        raise GuestError("QEMU holds no memfd with the guest's memory")

    def close(self) -> None:
        self.file.close()

    def read(self, addr: int, size: int) -> bytes:
        for start, length, offset in self.parts:
            if start <= addr and addr + size <= start + length:
                return os.pread(self.file.fileno(), size, addr - start + offset)
        raise GuestError(f"no RAM at 0x{addr:x}, {size} bytes")

    def write(self, addr: int, data: bytes) -> None:
        """Only where nothing can be disturbed, such as after a crash."""
        self.read(addr, len(data))  # fails if not RAM
        part = max(p for p in self.parts if p[0] <= addr)
        os.pwrite(self.file.fileno(), data, addr - part[0] + part[2])

    def used(self) -> Ranges:
        """Ranges that were ever written; the rest are holes, which read as zeroes."""
        found, fd = [], self.file.fileno()
        for start, length, offset in self.parts:
            at, end = offset, offset + length
            while at < end:
                try:
                    at = os.lseek(fd, at, os.SEEK_DATA)
                except OSError:  # ENXIO: a hole up to the end
                    break
                hole = min(os.lseek(fd, at, os.SEEK_HOLE), end)
                if at < end:
                    found.append((at - offset + start, hole - offset + start))
                at = hole
        return found

    def find(self, needle: bytes) -> list[int]:
        """Every physical address at which RAM holds these bytes (not all zero)."""
        found, overlap = set(), len(needle) - 1
        for start, end in self.used():
            part = max(p for p in self.parts if p[0] <= start)
            # The next range may be a hole with the zeroes that a needle ends in.
            end = min(end + overlap, part[0] + part[1])
            for at in range(start, end, CHUNK):
                data = self.read(at, min(CHUNK + overlap, end - at))
                hit = data.find(needle)
                while hit >= 0:
                    found.add(at + hit)
                    hit = data.find(needle, hit + 1)
        return sorted(found)


class CrashGuest(Guest):
    """A guest with .ram. Do not save() it: that would allocate all of its holes."""

    def __init__(self, memory: str = "1G", extra=(), **more):
        backend = ["-object", f"memory-backend-memfd,id=ram,size={memory},share=on",
                   "-machine", "memory-backend=ram"]
        super().__init__(memory=memory, extra=[*backend, *extra], **more)
        # setpriv and env have exec'd QEMU: its monitor has answered
        self.ram = Ram(self, self._process.pid)

    def close(self) -> None:
        if hasattr(self, "ram"):
            self.ram.close()
        super().close()


def crash_guest(build: Path, setup: Setup, files: dict | None = None, program=None,
                capture_files: dict | None = None, kind: type[Guest] = CrashGuest,
                programs=(), **more) -> Guest:
    """A guest with a crashkernel region, its own kernel as KERNEL, PROBE, and RAMDISK for the
    crash kernel. `program`: the kexec to use, default: the build's. `kind`: Guest for one
    that will be saved; it has no .ram."""
    arch = ARCHES[setup.arch].name
    readers = [cache.makedumpfile(arch)]
    readers += [cache.vmcore_dmesg(arch)] if arch == "arm64" else []
    capture = build_initrd(programs=readers, files=capture_files,
                           name="capture", arch=setup.arch)
    initrd = build_initrd(
        files={KERNEL: cache.kernel_image(setup.kernel, arch), RAMDISK: capture,
               PROBE: probe(build, setup.arch), **(files or {})},
        programs=[program or kexec(build), *programs], name="crash", arch=setup.arch)
    cmdline = f"crashkernel={setup.crashkernel} {more.pop('cmdline', '')}".strip()
    return kind(kernel=setup.kernel, memory=setup.memory, cpus=setup.cpus, cpu=setup.cpu,
                firmware=setup.firmware, initrd=initrd, cmdline=cmdline, arch=setup.arch,
                el2=setup.el2, **more)


@contextlib.contextmanager
def running(build: Path, setup: Setup, **more):
    """crash_guest(), started; retried once, because four emulated CPUs on fewer real ones
    sometimes hang while the kernel brings them up."""
    guest = crash_guest(build, setup, **more)
    try:
        guest.wait_ready()
    except GuestError:
        guest.close()
        guest = crash_guest(build, setup, **more)
    with guest:
        guest.wait_ready()
        yield guest


def load_command(how: str, image: str = KERNEL, ramdisk: str = RAMDISK,
                 cmdline: str = CMDLINE) -> str:
    """`how`: kexec options, "" or "-c" for kexec_load, "-s" for kexec_file_load."""
    return f"kexec {how} -p {image} --initrd={ramdisk} --command-line='{cmdline}'"


def crash(guest: Guest, how: str = "sysrq") -> int:
    """Bring the kernel down; wait_ready() then waits for the crash kernel. Returns the length of
    the console before the crash."""
    start = len(guest.console)
    if how == "nmi":
        guest.check("echo 1 >/proc/sys/kernel/unknown_nmi_panic")
        guest.ready = False
        guest.qmp.command("inject-nmi")
    else:
        guest.send_and_jump("echo c >/proc/sysrq-trigger")
    return start


def crash_into_probe(guest: Guest, how: str = "sysrq", timeout: float = 60) -> Probe:
    """Crash a guest whose crash kernel is the probe; return what it was handed."""
    start = crash(guest, how)
    guest.wait_console(r"^PROBE END$", timeout, start)
    return parse_probe(guest.console[start:])


def read_memory(guest: Guest, addr: int, size: int) -> bytes:
    """A little physical memory of any guest, through the monitor."""
    path = guest.workdir / "piece"
    guest.qmp.command("pmemsave", val=addr, size=size, filename=str(path.absolute()))
    data = path.read_bytes()
    path.unlink()
    return data


# What the crashed machine is known to contain

def merge(ranges: Ranges) -> Ranges:
    merged: Ranges = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def without(ranges: Ranges, holes: Ranges) -> Ranges:
    for low, high in holes:
        ranges = [part for start, end in ranges
                  for part in ((start, min(end, low)), (max(start, high), end))
                  if part[0] < part[1]]
    return ranges


def resources(iomem: str, name: str) -> Ranges:
    """Ranges with that name in the text of /proc/iomem, at any depth."""
    found = re.findall(rf"^ *(\w+)-(\w+) : {re.escape(name)}$", iomem, re.MULTILINE)
    return sorted((int(a, 16), int(b, 16) + 1) for a, b in found)


class Before:
    """The running machine's memory layout, read before it crashes."""

    def __init__(self, guest: Guest):
        iomem = guest.check("cat /proc/iomem")
        self.release = guest.release
        self.crash_regions = resources(iomem, "Crash kernel")
        self.ram = merge(without(resources(iomem, "System RAM"),
                                 [(0, MIB), *self.crash_regions]))
        # arm64 has no "Kernel bss", and its "Kernel code" begins after the header of Image
        [self.text_start] = [a for a, _ in resources(iomem, "Kernel code")]
        [self.bss_end] = [b for _, b in resources(iomem, "Kernel bss")
                          or resources(iomem, "Kernel data")]
        kcore = elfcore.segments(guest.run("head -c 16384 /proc/kcore").data)
        # /proc/kcore gives RAM its physical address; -1 means none
        known = [s for s in elfcore.ram(kcore) if s.paddr < 1 << 52]
        self.direct_map = {s.vaddr - s.paddr for s in known}
        [text] = [s for s in elfcore.text(kcore) if s.paddr < 1 << 52]
        assert text.paddr <= self.text_start
        if guest.arch.name:
            self.text_start = text.paddr
        self.text_map = {text.vaddr - text.paddr}


class Vmcore:
    """/proc/vmcore of a guest in its crash kernel."""

    def __init__(self, guest: Guest):
        self.guest = guest
        start = self.read(0, 2 * PAGE)
        if (size := elfcore.headers_size(start)) > len(start):
            start = self.read(0, size)
        self.segments = elfcore.segments(start)
        self.notes = [note for s in self.segments if s.type == elfcore.PT_NOTE
                      for note in elfcore.notes(self.read(s.offset, s.filesz))]

    def read(self, offset: int, size: int) -> bytes:
        command = f"tail -c +{offset + 1} /proc/vmcore 2>/dev/null | head -c {size}"
        data = self.guest.run(command).data
        if len(data) != size:
            raise GuestError(f"/proc/vmcore has {len(data)} of {size} bytes at {offset}")
        return data

    def info(self) -> dict[str, str]:
        """VMCOREINFO, required exactly once."""
        [note] = [n for n in self.notes if n.name == "VMCOREINFO"]
        lines = note.data.decode().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def offsets(self, addr: int) -> list[int]:
        """File offsets of this physical address, among the PT_LOADs of RAM."""
        return [s.offset + addr - s.paddr for s in elfcore.ram(self.segments)
                if s.paddr <= addr < s.paddr + s.filesz]

    def digests(self, addrs: list[int]) -> list[str]:
        """SHA-256 of the pages at these physical addresses."""
        pages = []
        for addr in addrs:
            [offset] = self.offsets(addr)
            assert offset % PAGE == 0, hex(offset)
            pages.append(offset // PAGE)
        done = self.guest.check(
            f"for n in {' '.join(map(str, pages))}; do dd if=/proc/vmcore bs={PAGE}"
            " count=1 skip=$n 2>/dev/null | sha256sum; done", 120)
        return [line.split()[0] for line in done.splitlines()]
