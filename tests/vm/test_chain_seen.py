# SPDX-License-Identifier: GPL-2.0-only
"""tests/chain without a guest: its readers of guest memory, console and debug stub."""

import gzip
import re
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from chainlib import chain, gdb, image, nodes, search, watch  # noqa: E402
from chainlib.records import Times  # noqa: E402

SEED = bytes(range(100, 132))


# Memory

def kimage(start: int, segments: list[tuple[int, int, int]], count=None) -> bytes:
    data = struct.pack("<8Q", 1, 2, 3, start, 4, 5, 6,
                       len(segments) if count is None else count)
    for addr, size, content in segments:
        data += struct.pack("<4Q", 0xffff, content, addr, size)
    return data.ljust(image.SIZE, b"\0")


def test_image():
    seen = image.parse_image(kimage(0x5100, [(0x5000, 0x1000, 0x800),
                                             (0x100000, 0x400000, 0x3fffff)]))
    assert seen.start == 0x5100 and len(seen.segments) == 2
    assert image.x86_entries(seen) == [0x100000, 0x100200]
    assert image.x86_entries(seen, 0xb53) == [0x100000, 0x100200, 0x100b53]
    assert image.x86_entries(seen, 0x400000) == image.x86_entries(seen)


def vmlinux(entry: int, *starts: int) -> bytes:
    """vmlinux headers, with a note before the PT_LOADs."""
    header = b"\x7fELF\x02".ljust(24, b"\0") + struct.pack(
        "<3QI4H", entry, 64, 0, 0, 64, 56, 1 + len(starts), 0)
    return header.ljust(64, b"\0") + b"".join(
        struct.pack("<2I6Q", kind, 0, 0, 0, start, 0, 0, 0)
        for kind, start in [(4, 0), *((1, s) for s in starts)])


def test_way_into_a_vmlinux():
    data = vmlinux(0x1000b53, 0x2000000, 0x1000000)
    assert image.elf_entry(data) == 0xb53
    for other in (b"", b"MZ" + data[2:], data[:100], vmlinux(0x1000b53),
                  vmlinux(0x1000b53, 0x2000000), data[:4] + b"\x01" + data[5:]):
        assert image.elf_entry(other) == 0


@pytest.mark.parametrize("data", [
    b"", bytes(image.SIZE), kimage(0x5100, [(0x5000, 0x1000, 0)])[:-1],
    kimage(0x5100, [(0x5000, 0x1000, 0)], count=17),
    kimage(0x5100, [(0x5001, 0x1000, 0)]), kimage(0x5100, [(0x5000, 0, 0)]),
    kimage(0x5100, [(0x5000, 0x1000, 0x1001)]), kimage(0x9000, [(0x5000, 0x1000, 0)]),
    kimage(1 << 52, [(1 << 52, 0x1000, 0)]),
])
def test_image_that_is_none(data):
    with pytest.raises(image.ImageError):
        image.parse_image(data)


class Memory:
    def __init__(self, parts: dict[int, bytes]):
        self.parts = parts

    def read(self, addr: int, size: int) -> bytes:
        for start, data in self.parts.items():
            if start <= addr and addr + size <= start + len(data):
                return data[addr - start:addr - start + size]
        raise nodes.ChainError("no memory")


def params(first: int) -> bytes:
    data = bytearray(4096)
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<Q", data, 0x250, first)
    return bytes(data)


def test_chain_of_nodes():
    memory = Memory({0x1000: struct.pack("<QII", 0x2000, 4, 4) + b"efi!",
                     0x2000: struct.pack("<QII", 0, 9, 32) + SEED})
    found = nodes.walk(params(0x1000), memory.read)
    assert [(n.addr, n.type) for n in found] == [(0x1010, 4), (0x2010, 9)]
    assert [n.data for n in nodes.seeds(found)] == [SEED]
    assert nodes.walk(params(0), memory.read) == []


@pytest.mark.parametrize("data", [
    b"", bytes(4096), params(0x1000), params(0x3000), params(0x9000),
    params(0x1000)[:-1]])
def test_chain_that_leads_nowhere(data):
    memory = Memory({0x1000: struct.pack("<QII", 0x1000, 9, 0),
                     0x3000: struct.pack("<QII", 0, 9, 0xffffffff)})
    with pytest.raises(nodes.ChainError):
        nodes.walk(data, memory.read)


def tree(chosen: dict[str, bytes], end: int = 9) -> bytes:
    strings = b"".join(name.encode() + b"\0" for name in chosen)
    body, at = struct.pack(">4I", 1, 0, 1, 0x63686f73) + b"en\0\0", 0
    for name, data in chosen.items():
        body += struct.pack(">3I", 3, len(data), at) + data.ljust((len(data) + 3) & ~3, b"\0")
        at += len(name) + 1
    body += struct.pack(">3I", 2, 2, end)
    head = struct.pack(">10I", 0xd00dfeed, 56 + len(body) + len(strings), 56, 56 + len(body),
                       40, 17, 16, 0, len(strings), len(body))
    return head + bytes(16) + body + strings


def test_seed_in_a_tree():
    data = tree({"bootargs": b"a\0", "rng-seed": SEED})
    memory = Memory({0x4000: data, 0x9000: bytes(64)})
    found = nodes.from_tree({"x0": 0x4000}, memory.read)
    assert nodes.from_tree({"x0": 0x9000, "a1": 0x4000}, memory.read, "a1") == found
    assert [n.type for n in found] == ["bootargs", "rng-seed"]
    [seed] = nodes.seeds(found)
    assert seed.data == SEED and data[seed.addr - 0x4000:].startswith(SEED)
    assert nodes.from_tree({"x0": 0x9000}, memory.read) is None
    spoilt = [data[:-1], tree({"rng-seed": SEED}, 7), data[:4] + b"\1" + data[5:]]
    for one in spoilt:
        with pytest.raises(nodes.ChainError):
            nodes.from_tree({"x0": 0}, Memory({0: one}).read)


@pytest.mark.parametrize("is_own, own, other", [
    (image.is_arm64_kernel, b"ARM\x64", b"RSC\x05"),
    (image.is_riscv64_kernel, b"RSC\x05", b"ARM\x64")])
def test_kernels_with_a_tree(is_own, own, other):
    image_, theirs = bytes(56) + own + bytes(4), bytes(56) + other + bytes(4)
    zboot = b"MZ\0\0zimg".ljust(64, b"\0")
    for good in (image_, zboot, gzip.compress(image_)):
        assert is_own(good) and not image.is_kernel(good)
    for bad in (b"", params(0), gzip.compress(b"x" * 64), b"\x1f\x8b", b"MZ" + bytes(64),
                theirs, gzip.compress(theirs)):
        assert not is_own(bad)


def test_search_across_pieces():
    """Whole, by halves, and as SHA-256 reads it; each place counts once."""
    swapped = b"".join(SEED[n:n + 4][::-1] for n in range(0, 32, 4))
    memory = b"".join([b"." * 100, SEED, b"." * 91, swapped, b"." * 20, SEED[16:],
                       b"." * 9, swapped[:16]])
    for size in (16, 17, 50, 300):
        pieces = [(at, memory[at:at + size + search.HALF - 1])
                  for at in range(0, len(memory), size)]
        assert search.count(pieces, [SEED, bytes(32)]) == [4, 0], size
    assert search.count([(0, bytes(5000))], [bytes(32), b"", b"x"])[1:] == [0, 0]


# Console lines and their times

LINES = {"mem": "BIOS-provided physical RAM map:", "crng": "random: crng init done",
         "words": "Kernel command line: quiet"}


@pytest.mark.parametrize("order, when, seen", [
    ("mem crng words", "0.000000", (True, 0)),
    ("mem words crng", "0.000000", (False, 0)),  # RDRAND, for example
    ("mem crng words", "0.250000", (False, 0.25)),
    ("mem words", "0.000000", (False, None)),
    ("mem", "0.000000", (None, None)),  # not reached yet
])
def test_seed_was_used(order, when, seen):
    console = "".join(f"[    {when}] {LINES[x]}\n" for x in order.split())
    assert chain.generator(console) == seen


def test_times():
    """Excluding the two stops."""
    times = Times(load=1)
    chain.set_times(times, 100, watch.Seen(102, 110, 113, 120), 124, 129)
    assert times == Times(1, 2, 3, 4, 5) and times.total() == 14
    times = Times()
    chain.set_times(times, 100, watch.Seen(why="nothing"), 104, 109)
    assert times.parts() == [("boot", 5)]
    times = Times()
    chain.set_times(times, 100, watch.Seen(102, 110, 113, 120), None, None)
    assert times.parts() == [("shutdown", 2), ("purgatory", 3)]


def test_whether_the_seed_was_mixed():
    node = nodes.Node(0x5010, 9, SEED)
    for before, mixed in ((SEED, False), (bytes(32), True)):
        page_before = bytes(16) + before + bytes(100)
        assert watch.Seen(before={0x5000: page_before}).mixed(node) == mixed
    assert watch.Seen(before={0x5030: bytes(100)}).mixed(node) is None
    # copied by the purgatory from a page of its own
    assert watch.Seen(before={0x5000: bytes(100), 0x9000: SEED}).mixed(node) is False


# The debug stub

def registers(rip: int, cs: int = 0x10) -> str:
    return struct.pack("<17Q2I", *range(16), rip, 2, cs).hex() + "00" * 40


class Stub:
    """Gives scripted answers after a "+"; "" means no answer for now."""

    def __init__(self, path: Path, answers: list[tuple[str, str]]):
        self.answers, self.got = answers, []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.server.accept()
        data = b""
        with connection:
            for wanted, answer in self.answers:
                while not (hit := re.match(rb"\+*\$([^#]*)#..", data)):
                    if not (more := connection.recv(4096)):
                        return
                    data += more
                data = data[hit.end():]
                self.got.append((wanted, hit[1].decode()))
                connection.sendall(b"+" + b"".join(
                    gdb.packet(x) for x in answer.split("|") if x))
            while connection.recv(4096):
                pass


def test_debug_stub(tmp_path):
    stub = Stub(tmp_path / "stub", [
        ("qSupported", "T02thread:01;|PacketSize=1000"), ("m1000,4", "01020304"),
        ("mffff0000,400", "E14"), ("qXfer:features:read:target.xml:0,fff", "lx"),
        ("p1e", "20060000"), ("P1e=60060000", "OK"), ("Z1,5100,1", "OK"), ("c", "T05thread:01;"),
        ("g", registers(0x5100)), ("z1,5100,1", "OK"), ("D", "OK")])
    link = gdb.Gdb(str(tmp_path / "stub"), 5)
    assert link.read(0x1000, 4) == b"\1\2\3\4"
    assert link.read(0xffff0000, 4096) is None
    link.set_bits(gdb.CR4, 0x40)
    link.set_breakpoint(0x5100)
    link.resume()
    stop = link.wait_stop(5)
    assert stop.pc == 0x5100 and stop.in_kernel and stop.registers["rsi"] == 4
    link.detach()
    assert all(wanted == got for wanted, got in stub.got) and len(stub.got) == 11


def test_debug_stub_refuses(tmp_path):
    Stub(tmp_path / "stub", [("qSupported", "x"), ("Z1,1,1", "E22")])
    link = gdb.Gdb(str(tmp_path / "stub"), 5)
    with pytest.raises(gdb.GdbError, match="refuses"):
        link.set_breakpoint(1)
    with pytest.raises(gdb.GdbError):
        gdb.parse_registers("00" * 20)
    with pytest.raises(gdb.GdbError):
        gdb.Gdb(str(tmp_path / "nobody"), 1)


def test_stop_in_user_space():
    assert not gdb.Stop(0, gdb.parse_registers(registers(0x400000, 0x33))).in_kernel


@pytest.mark.parametrize("cpsr, in_kernel", [(0x60000000, False), (0x3c5, True), (0x3c9, True)])
def test_registers_of_arm64(cpsr, in_kernel):
    """EL0; EL1 and EL2, each with its own stack."""
    answer = struct.pack("<33QI", *range(33), cpsr).hex()
    stop = gdb.Stop(0, gdb.parse_registers(answer, gdb.ARM64), gdb.ARM64)
    assert (stop.pc, stop.argument, stop.in_kernel) == (32, 0, in_kernel)


def test_registers_of_riscv64():
    """a0 and a1 are x10 and x11; nothing tells the mode."""
    answer = struct.pack("<33Q", *range(33)).hex()
    stop = gdb.Stop(0, gdb.parse_registers(answer, gdb.RISCV64), gdb.RISCV64)
    assert (stop.pc, stop.argument, stop.registers["a1"], stop.in_kernel) == (32, 10, 11, True)
