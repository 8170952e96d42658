# SPDX-License-Identifier: GPL-2.0-only
"""Client for QEMU's debug stub: the part of gdb's remote protocol needed to watch a jump.

    gdb = Gdb(path)                 # socket; the guest stops here
    gdb.read(addr, size)            # virtual address; None if not mapped
    gdb.set_bits(CR4, 1 << 6)       # in a register, by its number in target.xml
    gdb.set_breakpoint(addr)        # linear address; memory is not changed
    gdb.resume()
    stop = gdb.wait_stop(seconds)   # Stop, or None on timeout
    gdb.detach()                    # removes breakpoints; the guest runs on

Protocol: gdb manual, appendix "Remote Serial Protocol".
"""

import socket
import struct
import time
from dataclasses import dataclass

# The stub limits answers to 4096 hexadecimal digits.
PIECE = 1024
CR4 = 30  # QEMU's gdb-xml/i386-64bit.xml


class GdbError(Exception):
    """The stub does not answer, or refuses a command."""


@dataclass(frozen=True)
class Registers:
    """The start of an answer to `g`; bits of `mode` in `mode_bits` tell the CPU's mode, and are
    `user` in user space. `mode` "": no register tells."""

    names: tuple[str, ...]
    layout: struct.Struct
    pc: str
    argument: str  # a function's first
    mode: str
    mode_bits: int
    user: int


# QEMU's gdb-xml/i386-64bit.xml; cs holds the privilege level.
X86 = Registers(("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
                 *(f"r{n}" for n in range(8, 16)), "rip", "eflags", "cs"),
                struct.Struct("<17Q2I"), "rip", "rdi", "cs", 3, 3)
# QEMU's gdb-xml/aarch64-core.xml; the low bits of cpsr are the exception level and stack.
ARM64 = Registers((*(f"x{n}" for n in range(31)), "sp", "pc", "cpsr"),
                  struct.Struct("<33QI"), "pc", "x0", "cpsr", 15, 0)
# QEMU's gdb-xml/riscv-64bit-cpu.xml. No program has code at addresses of the kernel, nor at
# those of RAM: Linux starts them below, or far above.
RISCV64 = Registers(("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1",
                     *(f"a{n}" for n in range(8)), *(f"s{n}" for n in range(2, 12)),
                     "t3", "t4", "t5", "t6", "pc"),
                    struct.Struct("<33Q"), "pc", "a0", "", 0, 0)


@dataclass(frozen=True)
class Stop:
    when: float  # time.monotonic()
    registers: dict[str, int]
    kind: Registers = X86

    @property
    def pc(self) -> int:
        return self.registers[self.kind.pc]

    @property
    def argument(self) -> int:
        return self.registers[self.kind.argument]

    @property
    def in_kernel(self) -> bool:
        mode = self.kind.mode
        return not mode or self.registers[mode] & self.kind.mode_bits != self.kind.user


def packet(text: str) -> bytes:
    return b"$%s#%02x" % (text.encode(), sum(text.encode()) % 256)


def parse_registers(answer: str, kind: Registers = X86) -> dict[str, int]:
    data = bytes.fromhex(answer[:2 * kind.layout.size])
    if len(data) != kind.layout.size:
        raise GdbError(f"short register packet: {len(data)} bytes")
    return dict(zip(kind.names, kind.layout.unpack(data)))


class Gdb:
    def __init__(self, path: str, timeout: float = 30, kind: Registers = X86):
        self.timeout = timeout
        self.kind = kind
        self.received = b""
        self.stopped: str | None = None
        self.breakpoints: set[int] = set()
        self.sock = socket.socket(socket.AF_UNIX)
        try:
            self.sock.connect(path)
            self._ask("qSupported")
        except OSError as error:
            self.sock.close()
            raise GdbError(f"the debug stub: {error}") from None

    def _receive(self, deadline: float) -> str | None:
        """The next packet, which is acknowledged; None on timeout."""
        while True:
            start = self.received.find(b"$")
            end = self.received.find(b"#", start)
            if start >= 0 and end >= 0 and len(self.received) >= end + 3:
                text = self.received[start + 1:end].decode("latin-1")
                self.received = self.received[end + 3:]
                self.sock.sendall(b"+")
                return text
            self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                return None
            if not data:
                raise GdbError("the debug stub closed the connection")
            self.received += data

    def _ask(self, text: str) -> str:
        """The answer to a command. A stop packet may arrive at any time; it is kept for
        wait_stop()."""
        self.sock.settimeout(self.timeout)
        self.sock.sendall(packet(text))
        deadline = time.monotonic() + self.timeout
        while True:
            answer = self._receive(deadline)
            if answer is None:
                raise GdbError(f"no answer from the debug stub: {text[:40]}")
            if answer[:1] not in ("T", "S"):
                return answer
            self.stopped = answer

    def _must(self, text: str) -> None:
        if (answer := self._ask(text)) != "OK":
            raise GdbError(f"the debug stub refuses {text!r}: {answer!r}")

    def read(self, addr: int, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            count = min(PIECE, size - len(data))
            answer = self._ask(f"m{addr + len(data):x},{count:x}")
            if answer[:1] == "E" or len(answer) != 2 * count:
                return None
            data += bytes.fromhex(answer)
        return data

    def set_bits(self, register: int, bits: int) -> None:
        # the stub knows registers beyond those of `g` once their description was read
        self._ask("qXfer:features:read:target.xml:0,fff")
        before = self._ask(f"p{register:x}")
        value = int.from_bytes(bytes.fromhex(before), "little") | bits
        self._must(f"P{register:x}={value.to_bytes(len(before) // 2, 'little').hex()}")

    def set_breakpoint(self, addr: int) -> None:
        self._must(f"Z1,{addr:x},1")
        self.breakpoints.add(addr)

    def clear_breakpoint(self, addr: int) -> None:
        self._must(f"z1,{addr:x},1")
        self.breakpoints.discard(addr)

    def clear_all(self) -> None:
        for addr in sorted(self.breakpoints):
            self.clear_breakpoint(addr)

    def resume(self) -> None:
        self.stopped = None
        self.sock.sendall(packet("c"))

    def wait_stop(self, seconds: float) -> Stop | None:
        """The registers tell the caller why the guest stopped."""
        if self.stopped is None:
            self.stopped = self._receive(time.monotonic() + seconds)
        when = time.monotonic()
        if self.stopped is None:
            return None
        if self.stopped[:1] not in ("T", "S"):
            raise GdbError(f"the guest ended: {self.stopped}")
        return Stop(when, parse_registers(self._ask("g"), self.kind), self.kind)

    def interrupt(self) -> Stop:
        self.sock.sendall(b"\x03")
        stop = self.wait_stop(self.timeout)
        if stop is None:
            raise GdbError("the guest did not stop")
        return stop

    def step_over(self, addr: int) -> None:
        """Steps one instruction from a stop at `addr`; the breakpoint stays."""
        self.clear_breakpoint(addr)
        self.stopped = None
        self.sock.sendall(packet("s"))
        if self.wait_stop(self.timeout) is None:
            raise GdbError("the guest did not step")
        self.set_breakpoint(addr)

    def detach(self) -> None:
        """Call with the guest stopped; it then runs on."""
        try:
            self.clear_all()
            self._ask("D")
        finally:
            self.sock.close()
