# SPDX-License-Identifier: GPL-2.0-only
"""Random bit flips over all of a loaded image: the purgatory catches every one.

One guest is saved before the load; for each flip it resumes from there, loads, jumps, and must
be reset before the next kernel starts. The purgatory nearly always names the damage, except
when the flip hits the code that would report it.

$KEXEC_FLIPS is their number (10; 100 for the full measure), $KEXEC_FLIPS_SEED selects them.
"""

import os
import random
import re

import pytest

from flips import Flip, segment_sizes
from guest import Guest, GuestError
from initrd import build_initrd
from places import kexec, probe

COUNT = int(os.environ.get("KEXEC_FLIPS", "10"))
SEED = int(os.environ.get("KEXEC_FLIPS_SEED", "20261122"))
LEAST_PER_SEGMENT = max(1, COUNT // 20)
MAY_BE_SILENT = max(2, COUNT * 5 // 100)  # stopped without naming the damage
IMAGE = "/probe --initrd=/ramdisk --console-serial --serial=ttyS0"
RAMDISK = (b"070701" + bytes(i * i >> 5 & 0xff for i in range(4096)) * 10
           + b"an odd size")


def choose(sizes: dict[str, int], count: int, seed: int) -> list[Flip]:
    """Segments weighted by size, but each at least LEAST_PER_SEGMENT times."""
    chance = random.Random(seed)
    names = list(sizes)
    chosen = names * LEAST_PER_SEGMENT
    chosen += chance.choices(names, list(sizes.values()), k=max(0, count - len(chosen)))
    return [Flip(names.index(name), name, chance.randrange(sizes[name]),
                 chance.randrange(8)) for name in chosen]


def outcome(guest: Guest, flip: Flip, image: str = IMAGE) -> str:
    """"reported", "stopped" with the purgatory's words, or another outcome."""
    said = guest.check(f"FLIP='{flip.segment} {flip.offset} {flip.bit}'"
                       f" LD_PRELOAD=/flip.so kexec -c -l {image}")
    assert f"flip: bit {flip.bit} of byte {flip.offset} of" in said
    guest.send_and_jump("kexec -e")
    try:
        guest.wait_exit(15)
        over = True
    except GuestError:
        over = False
    if "PROBE BEGIN" in guest.console:
        return "BOOTED"
    # The parameter block is part of the purgatory but has its own name. A flip in its
    # on-corruption field can turn a reset into a halt.
    if re.search(rf"purgatory: .*\b({flip.name}|parameter block)\b.*damaged",
                 guest.console):
        return "reported"
    words = "; ".join(re.findall("purgatory: .*", guest.console)) or "without a word"
    return f"stopped, {words}" if over else f"neither reset nor booted, {words}"


def test_random_flips(build, tmp_path):
    setup = {"kernel": "6.1", "memory": "256M", "cpu": "qemu64",
             "initrd": build_initrd(programs=[kexec(build)], files={
                 "/probe": probe(build), "/ramdisk": RAMDISK,
                 "/flip.so": build / "tests/vm/flip.so"})}
    with Guest(**setup) as guest:
        guest.wait_ready()
        sizes = segment_sizes(guest, IMAGE)
        guest.save(tmp_path / "saved")
    assert len(sizes) == 5 and all(sizes.values()), sizes

    flips = choose(sizes, COUNT, SEED)
    seen: dict[Flip, str] = {}
    for flip in flips:
        with Guest(**setup, incoming=tmp_path / "saved") as guest:
            guest.cont()
            seen[flip] = outcome(guest, flip)
    (tmp_path / "saved").unlink()

    tell(flips, seen)


def tell(flips: list[Flip], seen: dict[Flip, str]) -> None:
    results = [seen[f] for f in flips]
    reported = results.count("reported")
    stopped = sum(x.startswith("stopped") for x in results)
    print(f"{len(flips)} flips (seed {SEED}): {reported} reported, {stopped} stopped"
          " otherwise")
    unnamed = [f"{flip}: {seen[flip]}" for flip in flips if seen[flip] != "reported"]
    print("\n".join(unnamed))
    if reported + stopped < len(flips) or stopped > MAY_BE_SILENT:
        pytest.fail(f"{reported} reported and {stopped} stopped of {len(flips)}"
                    f" (KEXEC_FLIPS_SEED={SEED}): {'; '.join(unnamed)}", pytrace=False)
