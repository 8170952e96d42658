# SPDX-License-Identifier: GPL-2.0-only
"""arm64: random bit flips over all of a loaded image, as in test_flips.py: the purgatory names the
damage and resets the machine by PSCI."""

import struct
from dataclasses import replace
from pathlib import Path

from arm64 import build_arm64  # noqa: F401 (a fixture)
from arm64 import PLAIN
from flips import Flip, segment_sizes
from guest import Guest
from initrd import build_initrd
from places import kexec
from test_flips import RAMDISK, SEED, choose, outcome, tell
import test_flips

COUNT = max(5, test_flips.COUNT // 2) if test_flips.COUNT < 100 else test_flips.COUNT
IMAGE = "/probe --initrd=/ramdisk --console-serial"

# Of the purgatory's own memory, between its code and its page tables, it expects nothing
# (test_own_memory_is_not_trusted). On x86_64 that is not loaded at all, but zeroed by the kernel.
SIZES_AT = 20  # struct purgatory_params: file_size, mem_size


def only_loaded(flips: list[Flip], blob: Path) -> list[Flip]:
    """Moves those in that memory into the code."""
    file_size, mem_size = struct.unpack_from("<IQ", blob.read_bytes(), SIZES_AT)
    assert file_size == blob.stat().st_size < mem_size
    return [replace(f, offset=f.offset % file_size)
            if f.name == "purgatory" and file_size <= f.offset < mem_size else f
            for f in flips]


def test_random_flips(build_arm64, tmp_path):  # noqa: F811
    setup = {"kernel": "6.1", "memory": "256M", "cpu": PLAIN.cpu, "arch": "arm64",
             "initrd": build_initrd(programs=[kexec(build_arm64)], arch="arm64", files={
                 "/probe": build_arm64 / "tests/probe/probe.Image", "/ramdisk": RAMDISK,
                 "/flip.so": build_arm64 / "tests/vm/flip.so"})}
    with Guest(**setup) as guest:
        guest.wait_ready()
        sizes = segment_sizes(guest, IMAGE)
        guest.save(tmp_path / "saved")
    assert len(sizes) >= 4 and all(sizes.values()), sizes

    seen = {}
    flips = only_loaded(choose(sizes, COUNT, SEED), build_arm64 / "purgatory/purgatory.bin")
    for flip in flips:
        with Guest(**setup, incoming=tmp_path / "saved") as guest:
            guest.cont()
            seen[flip] = outcome(guest, flip, IMAGE)
    (tmp_path / "saved").unlink()
    tell(flips, seen)
