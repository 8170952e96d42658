# SPDX-License-Identifier: GPL-2.0-only
"""Watches one jump from outside: the debug stub stops the guest at the first instruction of
the purgatory and of the next kernel, where guest memory shows the handover. No program in
the guest is asked, so none can be wrong about it.

    watch = Watch(guest)            # or Watch(guest, ARCHES["arm64"])
    watch.arm("kexec_image")        # after the load
    guest.send_and_jump("kexec -e")
    seen = watch.follow()
"""

import re
import time
from dataclasses import dataclass, field

from crash import CrashGuest
from guest import ANSWER, READY, SLOW, GuestError

from .arch import ARCHES, ChainArch
from .gdb import Gdb, GdbError, Stop
from .image import POINTER, SIZE, Image, ImageError, parse_image
from .nodes import ChainError, Node

TRIES = 20
LIMIT = 120  # seconds, for each of the two stops
# Larger segments are kernel or initrd and hold no seed.
SMALL = 1 << 20


class ChainGuest(CrashGuest):
    """A guest with a debug stub, and has_news()."""

    def __init__(self, extra=(), **more):
        folder = more["workdir"]
        self.stub = str(folder / "gdb")
        super().__init__(extra=["-gdb", f"unix:{self.stub},server=on,wait=off", *extra],
                         **more)

    def has_news(self) -> bool:
        """Whether the agent of this or the next kernel has answered, or QEMU has ended;
        Guest's own functions tell which."""
        self._agent.setblocking(False)
        try:
            if not (data := self._agent.recv(1 << 16)):
                return True
            self._received += data
        except BlockingIOError:
            pass
        except OSError:
            return True
        finally:
            self._agent.setblocking(True)
        return bool(READY.search(self._received) or ANSWER.search(self._received))


@dataclass
class Seen:
    """The handover and its times (time.monotonic()): the guest stopped at ..._from and
    resumed at ..._to. None: not observed."""

    purgatory_from: float | None = None
    purgatory_to: float | None = None
    kernel_from: float | None = None
    kernel_to: float = 0
    nodes: list[Node] | None = None
    # Small segments as they were before the purgatory ran, by address.
    before: dict[int, bytes] = field(default_factory=dict)
    why: str = ""  # reason for a missing observation

    def mixed(self, node: Node) -> bool | None:
        """Whether no segment held the node's data before the purgatory ran."""
        if not any(addr <= node.addr and node.addr + len(node.data) <= addr + len(data)
                   for addr, data in self.before.items()):
            return None
        return not any(node.data in data for data in self.before.values())


class Watch:
    def __init__(self, guest: ChainGuest, arch: ChainArch = ARCHES["x86_64"]):
        self.guest = guest
        self.arch = arch
        self.elf_entry = 0
        self.jump = 0  # arch.jump's address
        self.gdb: Gdb | None = None
        self.image: Image | None = None
        self.entries: tuple[int, ...] = ()
        self.why = ""

    def arm(self, symbol: str, elf_entry: int = 0, entries: tuple[int, ...] = ()) -> None:
        """`symbol`: the kernel's pointer to the image, kexec_image or kexec_crash_image; not
        used if arch.jump is. `elf_entry`: offset from image.elf_entry(). `entries`: more
        addresses at which the next kernel may start. follow() reports errors."""
        symbol = self.arch.jump or symbol
        self.elf_entry, self.entries = elf_entry, entries
        found = self.guest.run(f"grep -w {symbol} /proc/kallsyms").output
        hit = re.match(r"([0-9a-f]+) ", found)
        if not hit or not int(hit[1], 16):
            self.why = f"/proc/kallsyms has no address of {symbol}"
            return
        try:
            self.gdb = Gdb(self.guest.stub, 30 * SLOW, self.arch.registers)
            if self.arch.jump:
                self.jump = int(hit[1], 16)
                self.gdb.set_breakpoint(self.jump)
            else:
                self._watch_image(self._read_image(int(hit[1], 16)))
            self.gdb.resume()
        except (GdbError, ImageError, OSError) as error:
            self._give_up(str(error))

    def _watch_image(self, image: Image) -> None:
        self.image = image
        self.entries = (*self.arch.entries(image, self.elf_entry), *self.entries)
        for addr in {image.start, *self.entries}:
            self.gdb.set_breakpoint(addr)

    def _read_image(self, symbol: int) -> Image:
        """Call with the guest stopped. Retries, because a stop in user space may have no
        mapping of kernel memory."""
        for _ in range(TRIES):
            pointer = self.gdb.read(symbol, POINTER.size)
            if pointer and any(pointer):
                data = self.gdb.read(POINTER.unpack(pointer)[0], SIZE)
                if data:
                    return parse_image(data)
            self.gdb.resume()
            time.sleep(0.02)
            self.gdb.interrupt()
        raise ImageError("no image is loaded, or it is not readable")

    def disarm(self) -> tuple[int, ...]:
        """Stops watching; returns the addresses at which the next kernel may start."""
        if not self.gdb:
            return ()
        self.gdb.interrupt()
        self._give_up("")
        return self.entries

    def _give_up(self, why: str) -> None:
        self.why = why
        if self.gdb:
            try:
                self.gdb.detach()
            except (GdbError, OSError):
                pass
        self.gdb = None

    def _next_stop(self) -> Stop | None:
        """A stop at a breakpoint, in kernel mode. None if an agent answers first: the next
        kernel's, or this kernel's because the jump failed."""
        deadline = time.monotonic() + LIMIT * SLOW
        while time.monotonic() < deadline:
            stop = self.gdb.wait_stop(0.1)
            if stop is None:
                if self.guest.has_news():
                    return None
            elif stop.in_kernel and stop.pc in self.gdb.breakpoints:
                return stop
            else:
                if stop.pc in self.gdb.breakpoints:
                    self.gdb.step_over(stop.pc)
                self.gdb.resume()
        return None

    def _small_segments(self) -> dict[int, bytes]:
        return {s.addr: self.guest.ram.read(s.addr, s.size)
                for s in self.image.segments if s.size <= SMALL}

    def follow(self) -> Seen:
        """Follows the jump to the next kernel's first instruction; the guest runs on."""
        seen = Seen(why=self.why)
        if not self.gdb:
            return seen
        try:
            self._follow(seen)
            if not seen.why and seen.nodes is None:
                seen.why = "the start of the next kernel was not observed"
            if seen.nodes is None:
                self.gdb.interrupt()
            self.gdb.detach()
            seen.kernel_to = time.monotonic()
        except (GdbError, ImageError, ChainError, GuestError, OSError) as error:
            seen.why = str(error)
            self._give_up(seen.why)
        return seen

    def _follow(self, seen: Seen) -> None:
        while seen.nodes is None:
            stop = self._next_stop()
            if stop is None:
                return
            if stop.pc == self.jump:
                self.gdb.clear_breakpoint(stop.pc)
                self._watch_image(parse_image(
                    self.gdb.read(stop.argument, SIZE) or b""))
            elif stop.pc == self.image.start and seen.purgatory_from is None:
                seen.purgatory_from = stop.when
                seen.before = self._small_segments()
                self.gdb.clear_breakpoint(stop.pc)
                seen.purgatory_to = time.monotonic()
            else:
                seen.nodes = self.arch.boot_data(stop.registers, self.guest.ram.read)
                if seen.nodes is not None:
                    seen.kernel_from = stop.when
                    return
                self.gdb.clear_breakpoint(stop.pc)
            self.gdb.resume()
