# SPDX-License-Identifier: GPL-2.0-only
"""The hops: each kernel loads the next one and jumps to it, observed from outside.

Each kernel packs the next initial RAM disk from its own root file system and drops files
that no later hop needs, so a chain may have any length.
"""

import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from crash import PROBE
from guest import SLOW, GuestError
from initrd import InitrdError, build_initrd, libraries
from qmp import QmpError

from .arch import ChainArch
from .gdb import GdbError
from .image import ImageError
from .nodes import seeds
from .records import LATER, Hop, Run, Seed, Times, fingerprint, mark_fresh
from .search import copies
from .watch import ChainGuest, Seen, Watch

CRASHKERNEL = "crashkernel=128M"
RAMDISK = "/tmp/initrd"
BARE = "/tmp/bare"
CRNG = re.compile(r"^\[ *(\d+\.\d+)\] random: crng init done", re.M)
# Printed after the boot data is read and before any other source can feed the generator.
AFTER = re.compile(r"^\[ *\d+\.\d+\] Kernel command line:", re.M)
PROPER = "] Linux version "
OPTION = {"load": "-c", "file": "-s"}
ROOT = "/run/root"
# Prefixes of lines in a GuestError: guest console, QEMU's own output.
CONSOLE_SAYS, QEMU_SAYS = "  | ", "  qemu: "
PANIC = re.compile(r"Kernel panic - not syncing: .*")
# These end a hop or a clone early.
FAILURES = (GuestError, GdbError, ImageError, InitrdError, QmpError, OSError,
            KeyboardInterrupt)


@dataclass(frozen=True)
class Kernel:
    name: str  # in reports
    image: Path
    path: str  # in guests
    elf_entry: int = 0  # offset, see image.py


@dataclass(frozen=True)
class Plan:
    """A run as requested on the command line."""

    kernels: list[Kernel]
    methods: list[str]
    depth: int
    program: Path
    options: str  # for each load, shell-quoted
    cmdline: str
    memory: str
    cpu: str
    forks: int
    daemon: Path | None
    crash_into: str
    build: Path
    arch: ChainArch

    def kernel(self, number: int) -> Kernel:
        """The target of hop `number`; QEMU boots number 0."""
        return self.kernels[number % len(self.kernels)]

    def method(self, number: int) -> str:
        return self.methods[(number - 1) % len(self.methods)]


class Silent:
    """Progress listener that prints nothing; see progress.py."""

    def tell(self, text: str) -> None:
        """A step begins."""

    def done(self) -> None:
        """A hop or clone has ended."""


def machine(plan: Plan, workdir: Path, incoming: Path | None = None) -> ChainGuest:
    """A guest with all files of the run; with `incoming` it resumes from a snapshot."""
    files = {k.path: k.image for k in plan.kernels} | {"/usr/sbin/kexec": plan.program}
    files |= libraries(plan.program, plan.arch.name)
    if plan.forks:
        files[PROBE] = plan.build / plan.arch.probe
        if plan.daemon:
            files |= {"/usr/sbin/kexec-seed": plan.daemon,
                      **libraries(plan.daemon, plan.arch.name)}
    cmdline = f"{CRASHKERNEL} {plan.cmdline}" if plan.forks else plan.cmdline
    return ChainGuest(kernel=plan.kernel(0).image, memory=plan.memory, cpu=plan.cpu,
                      initrd=build_initrd(files=files, name="chain", arch=plan.arch.name),
                      cmdline=cmdline, extra=list(plan.arch.devices), workdir=workdir,
                      incoming=incoming, arch=plan.arch.name)


def reason(error: BaseException) -> str:
    """The cause in one line. Of a GuestError's console lines only the panic is kept, of
    QEMU's output only the last line, which says why QEMU ended."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    lines = str(error).splitlines()
    what = [x.strip() for x in lines if not x.startswith((CONSOLE_SAYS, QEMU_SAYS))]
    panic = [hit[0].strip() for x in lines if x.startswith(CONSOLE_SAYS)
             and (hit := PANIC.search(x))]
    qemu = [x.removeprefix(QEMU_SAYS).strip() for x in lines
            if x.startswith(QEMU_SAYS) and "warning: " not in x]
    return "; ".join(x for x in what + panic[:1] + qemu[-1:] if x)


def pack(guest: ChainGuest, target: str, drop: list[str]) -> None:
    """Archives the guest's root file system, without the files in `drop`."""
    without = " ".join(f"! -path .{path}" for path in drop)
    guest.check(f"mkdir -p {ROOT} && mount --bind / {ROOT} && cd {ROOT} &&"
                f" find . -xdev {without} | cpio -o -H newc >{target} &&"
                f" cd / && umount {ROOT}", 120)


def unneeded(plan: Plan, number: int) -> list[str]:
    """Kernel files not needed after hop `number`. The last kernel may be its own crash
    kernel."""
    later = {plan.kernel(n).path for n in range(number + 1, plan.depth + 1)}
    if plan.forks and plan.crash_into == "kernel":
        later.add(plan.kernel(plan.depth).path)
    return sorted({k.path for k in plan.kernels} - later)


def seed_record(seen: Seen) -> tuple[Seed | None, bytes]:
    """The record for reports, and the seed itself, which is only searched for."""
    if seen.nodes is None:
        return None, b""
    found = seeds(seen.nodes)
    if not found:
        return Seed(), b""
    data = found[0].data
    return Seed(len(found), len(data), fingerprint(data), seen.mixed(found[0])), data


def generator(console: str) -> tuple[bool | None, float | None]:
    """Whether the seed made the generator ready at time zero (None: the kernel stopped
    before it could report that), and when the generator was ready."""
    hit, after = CRNG.search(console), AFTER.search(console)
    if not hit:
        return False if after else None, None
    ready = float(hit[1])
    return ready == 0 and (not after or hit.start() < after.start()), ready


def wait_proper(guest: ChainGuest, size: int) -> float | None:
    """When the kernel proper printed its first line, searched after `size` bytes of
    console; None after a minute without it."""
    deadline = time.monotonic() + 60 * SLOW
    while time.monotonic() < deadline:
        with open(guest.console_path, "rb") as file:
            file.seek(size)
            if PROPER.encode() in file.read():
                return time.monotonic()
        if guest.has_news():
            return None
        time.sleep(0.01)
    return None


class Chain:
    """All hops of a run. `run` holds the results, also after a failure."""

    def __init__(self, plan: Plan, guest: ChainGuest, run: Run, progress=Silent()):
        self.plan, self.guest, self.run = plan, guest, run
        self.progress, self.tell = progress, progress.tell
        self.secrets: list[bytes] = []  # of each hop

    def boot(self) -> None:
        self.tell(f"booting {self.plan.kernel(0).name}")
        self.run.first = self.guest.wait_ready(120)

    def load(self, hop: Hop) -> None:
        kernel = self.plan.kernel(hop.number)
        self.tell(f"{hop.name}: packing")
        pack(self.guest, RAMDISK, unneeded(self.plan, hop.number))
        self.tell(f"{hop.name}: loading")
        crash = f"{CRASHKERNEL} " if self.plan.forks else ""
        cmdline = shlex.quote(f"{self.plan.arch.cmdline} {crash}{self.plan.cmdline}".strip())
        begin = time.monotonic()
        self.guest.check(f"kexec {OPTION[hop.method]} -l {kernel.path} --initrd={RAMDISK}"
                         f" --command-line={cmdline} {self.plan.options}", 120)
        hop.times.load = time.monotonic() - begin
        self.guest.check(f"rm {RAMDISK}")

    def jump(self, hop: Hop) -> None:
        watch = Watch(self.guest, self.plan.arch)
        watch.arm("kexec_image", self.plan.kernel(hop.number).elf_entry)
        self.tell(f"{hop.name}: jumping")
        console, size = len(self.guest.console), self.guest.console_path.stat().st_size
        begin = time.monotonic()
        self.guest.send_and_jump("kexec -e")
        seen = watch.follow()
        self.note(hop, seen)
        self.tell(f"{hop.name}: booting")
        proper, up = wait_proper(self.guest, size), None
        try:
            hop.release = self.guest.wait_ready(120)
            up = time.monotonic()
        finally:  # keep observations of a kernel that does not come up
            set_times(hop.times, begin, seen, proper, up)
            hop.used, hop.ready_at = generator(self.guest.console[console:])

    def note(self, hop: Hop, seen: Seen) -> None:
        """Records the handover to the next kernel."""
        hop.seed, secret = seed_record(seen)
        hop.unseen = seen.why
        hop.nodes = [(n.type, len(n.data)) for n in seen.nodes or []]
        self.secrets.append(secret)
        mark_fresh(self.run)

    def hop(self, number: int) -> None:
        plan = self.plan
        hop = Hop(number, plan.kernel(number - 1).name, plan.kernel(number).name,
                  plan.method(number))
        self.run.hops.append(hop)
        try:
            self.load(hop)
            self.jump(hop)
            self.tell(f"{hop.name}: searching memory")
            self.search()
        except FAILURES as error:
            hop.error = reason(error)
            raise

    def search(self) -> None:
        """Searches all of RAM for the seeds of the last hops."""
        last = [(hop, secret) for hop, secret in
                list(zip(self.run.hops, self.secrets))[-1 - LATER:] if secret]
        counts = copies(self.guest.ram, [secret for _, secret in last])
        for (hop, _), count in zip(last, counts):
            hop.copies.append(count)

    def all_hops(self) -> None:
        for number in range(1, self.plan.depth + 1):
            self.hop(number)
            self.progress.done()


def set_times(times: Times, begin: float, seen: Seen, proper: float | None,
              up: float | None) -> None:
    """Splits a hop into its parts, without the time spent at the stops. `proper`, `up`:
    when the next kernel and its user space printed their first lines; None: never."""
    at = begin
    if seen.purgatory_from is not None:
        times.shutdown = seen.purgatory_from - at
        at = seen.purgatory_to
        if seen.kernel_from is not None:
            times.purgatory = seen.kernel_from - at
            at = seen.kernel_to
    if proper is not None:
        if seen.kernel_from is not None:
            times.decompression = proper - at
        at = proper
    times.boot = up - at if up is not None else None
