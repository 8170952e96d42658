# SPDX-License-Identifier: GPL-2.0-only
"""The kernel as oracle for crash images: the probe as crash kernel, loaded by our kexec_load(2)
and by kexec_file_load(2) in the same machine, which then crashes. The data handed over and the
ELF core headers are the same."""

import re
from dataclasses import dataclass

import pytest

import elfcore
from crash import (MIB, PAGE, PROBE, Before, Setup, crash_guest, crash_into_probe,
                   load_command, merge, read_memory, without)
from guest import Guest
from places import KERNELS, spread
from probe import Probe
from test_oracle import KERNEL_ONLY, differences, without_addresses

CMDLINE = "console=ttyS0,115200 oracle"
RAMDISK = bytes(range(256)) * 400
RAM = 1  # an E820 type
# The memory map in boot_params (asm/bootparam.h) is compared separately.
E820_ENTRIES, E820_TABLE, E820_END = 0x1e8, 0x2d0, 0xcd0

MACHINES = {
    "bios": Setup("", 2, "1G", "256M"),
    "efi": Setup("", 1, "1G", "256M", "efi"),
    "8g": Setup("", 2, "8G", "512M,high"),
    "qemu64": Setup("", 1, "1G", "256M", cpu="qemu64"),
}


@dataclass
class Seen:
    probe: Probe
    before: Before
    elfcorehdr: int
    headers: bytes
    e820: list[tuple[int, int, int]]  # as if the headers were ordinary RAM
    cmdline: str  # without elfcorehdr=


def with_headers_back(seen: Probe, before: Before, elfcorehdr: int) -> list:
    """The memory map with the ELF core headers' range returned to the crash region, because
    the loader chooses it; it must be the region's only gap."""
    ours, others = [], []
    for addr, size, kind in seen.e820:
        inside = kind == RAM and any(a <= addr < b for a, b in before.crash_regions)
        (ours if inside else others).append((addr, size, kind))
    covered = merge([(addr, addr + size) for addr, size, _ in ours])
    [(start, end)] = without(before.crash_regions, covered)
    assert start == elfcorehdr < end
    whole = merge([*covered, (start, end)])
    return [*others, *((a, b - a, RAM) for a, b in whole)]


def crash_once(guest: Guest, options: str) -> Seen:
    before = Before(guest)
    guest.check(load_command(options, PROBE, "/ramdisk", CMDLINE) + " --seed=require")
    seen = crash_into_probe(guest)
    hit = re.fullmatch(r"elfcorehdr=0x([0-9a-f]+) (.*)", seen.cmdline)
    assert hit, seen.cmdline
    at = int(hit[1], 16)
    size = elfcore.headers_size(read_memory(guest, at, PAGE))
    headers = read_memory(guest, at, size + -size % PAGE)
    assert not any(headers[size:])
    return Seen(seen, before, at, headers[:size], with_headers_back(seen, before, at),
                hit[2])


def both(build, tmp_path, setup: Setup, *ways: str) -> list[Seen]:
    """Data handed over by one machine that resumes, and crashes, twice from one moment."""
    saved, files = tmp_path / "saved", {"/ramdisk": RAMDISK}
    with crash_guest(build, setup, files, kind=Guest) as guest:
        guest.wait_ready()
        guest.save(saved)
        guest.cont()
        found = [crash_once(guest, ways[0])]
    for way in ways[1:]:
        with crash_guest(build, setup, files, kind=Guest, incoming=saved) as guest:
            guest.cont()
            found.append(crash_once(guest, way))
    saved.unlink()
    return found


def comparable(seen: Seen) -> bytes:
    page = bytearray(without_addresses(seen.probe.boot_params))
    page[E820_ENTRIES] = 0
    page[E820_TABLE:E820_END] = bytes(E820_END - E820_TABLE)
    return bytes(page)


def nodes(seen: Seen) -> list:
    return [n for n in seen.probe.setup_data if n.type not in KERNEL_ONLY]


def assert_same(ours: Seen, kernels: Seen) -> None:
    assert differences(comparable(ours), comparable(kernels)) == []
    assert ours.e820 == kernels.e820
    assert ours.cmdline == kernels.cmdline == CMDLINE
    assert elfcore.segments(ours.headers) == elfcore.segments(kernels.headers)
    assert ours.headers == kernels.headers


@pytest.mark.parametrize("kernel, machine", spread(KERNELS, MACHINES))
def test_like_the_kernel(build, tmp_path, kernel, machine):
    setup = Setup(**{**vars(MACHINES[machine]), "kernel": kernel})
    ours, kernels = both(build, tmp_path, setup, "-c", "-s")
    assert_same(ours, kernels)
    assert [(n.type, n.len) for n in nodes(ours)] == [(n.type, n.len) for n in
                                                      nodes(kernels)]
    for a, b in zip(nodes(ours), nodes(kernels)):
        assert a.data != b.data if a.type == 9 else a.data == b.data
    assert nodes(ours)[0].type == 9 and nodes(ours)[0].len == 32
    if setup.firmware == "efi":
        assert 4 in [n.type for n in nodes(ours)]
        assert ours.probe.efi_map and ours.probe.efi_map == kernels.probe.efi_map


def test_lent_memory(build, tmp_path):
    """crashkernel=X,cma: memory that the running kernel keeps using until it crashes."""
    setup = Setup("7.3", 1, "1G", "128M crashkernel=128M,cma")
    ours, kernels = both(build, tmp_path, setup, "-c", "-s")
    ram = sum(size for addr, size, kind in kernels.e820 if kind == RAM and addr >= MIB)
    assert ram == 256 * MIB
    assert_same(ours, kernels)


def test_sees_a_difference(build, tmp_path):
    """The comparison can fail: without EFI an EFI machine's boot_params differ."""
    setup = Setup(**{**vars(MACHINES["efi"]), "kernel": "6.12"})
    ours, kernels = both(build, tmp_path, setup, "-c --noefi", "-s")
    assert differences(comparable(ours), comparable(kernels))
    assert ours.headers == kernels.headers
