# SPDX-License-Identifier: GPL-2.0-only
"""Every load draws a fresh seed, which is in one place only."""

import mmap
import struct
from pathlib import Path

import pytest

from cache import kexec_tools
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some
from probe import parse_probe
from shapes import HALF, shapes

SETUP_RNG_SEED = 9
SEED_SIZE = 32
PAGE = 4096


def boot(build, program: Path, kernel: str) -> Guest:
    return Guest(kernel=kernel, memory="512M", initrd=build_initrd(
        programs=[program], files={"/probe": probe(build), "/ramdisk": bytes(100000)}))


# No mixing: the bytes to search for are then those that the probe is handed.
OURS = "--seed-mix=off"


def load(guest: Guest, options: str = OURS) -> None:
    guest.check(f"kexec -c -l /probe --initrd=/ramdisk --command-line=x {options}")


def seed_of_probe(guest: Guest) -> bytes:
    """Jump; the seed that the probe was handed."""
    guest.send_and_jump("kexec -e")
    guest.wait_console("PROBE END", 60)
    seeds = [n.data for n in parse_probe(guest.console).setup_data
             if n.type == SETUP_RNG_SEED]
    assert len(seeds) == 1 and len(seeds[0]) == SEED_SIZE
    return seeds[0]


def copies(memory: Path, seed: bytes) -> list[int]:
    """Where memory holds the seed or a half of it, in either byte order."""
    found = set()
    with open(memory, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        for number, shape in enumerate(shapes(seed)):
            at = m.find(shape)
            while at >= 0:
                found.add(at - HALF * (number % 2))
                at = m.find(shape, at + 1)
    return sorted(found)


def held_by_kernel(memory: Path, at: int) -> bool:
    """The kernel's own copy of the segment: a page that starts with the node's header."""
    if at % PAGE != 16:
        return False
    with open(memory, "rb") as f:
        f.seek(at - 16)
        return struct.unpack("<QII", f.read(16))[1:] == (SETUP_RNG_SEED, SEED_SIZE)


@pytest.mark.parametrize("kernel", some(KERNELS, 0, 2))
def test_no_stray_copy(build, tmp_path, kernel):
    with boot(build, kexec(build), kernel) as guest:
        load(guest)
        [(_, memory)] = guest.dump_memory(tmp_path / "memory")
        found = copies(memory, seed_of_probe(guest))
        assert len(found) == 1 and held_by_kernel(memory, found[0]), found
        memory.unlink()


def test_finds_the_stray_copy_of_kexec_tools(build, tmp_path):
    """The test above can fail: kexec-tools leaves a copy behind."""
    with boot(build, kexec_tools(), "6.1") as guest:
        load(guest, "")
        [(_, memory)] = guest.dump_memory(tmp_path / "memory")
        found = copies(memory, seed_of_probe(guest))
        assert len(found) > 1, found
        memory.unlink()


@pytest.mark.parametrize("kernel", some(KERNELS, 1))
def test_every_load_has_its_own(build, tmp_path, kernel):
    """Two loads in a row: the first seed is read from the kernel's copy in RAM, the second
    at the probe."""
    with boot(build, kexec(build), kernel) as guest:
        load(guest)
        [(_, memory)] = guest.dump_memory(tmp_path / "memory")
        first = nodes_in(memory)
        memory.unlink()
        load(guest)
        second = seed_of_probe(guest)
        assert len(first) == 1 and second not in first


def nodes_in(memory: Path) -> set[bytes]:
    """Seeds in pages that hold only a seed's node, as a load leaves them in RAM."""
    header = struct.pack("<II", SETUP_RNG_SEED, SEED_SIZE)
    found = set()
    with open(memory, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        at = m.find(header)
        while at >= 0:
            page = at - 8
            end = page + 16 + SEED_SIZE
            if page % PAGE == 0 and not any(m[end:page + PAGE]) and any(m[end - 8:end]):
                found.add(m[page + 16:end])
            at = m.find(header, at + 1)
    return found
