# SPDX-License-Identifier: GPL-2.0-only
"""Damage to segments of a load on their way into the kernel, by flip.so: which segment has which
number is the plan's business, so it is asked."""

import json
from dataclasses import dataclass

from guest import Guest


@dataclass(frozen=True)
class Flip:
    segment: int
    name: str
    offset: int
    bit: int

    def __str__(self) -> str:
        return f"{self.name} byte {self.offset} bit {self.bit}"


def segment_sizes(guest: Guest, image: str) -> dict[str, int]:
    """Bytes loaded per segment, in the order of the call. A plan has no seed yet: a node's
    16-byte header, if the architecture has nodes, and the seed."""
    plan = json.loads(guest.check(f"kexec --dry-run --json {image} 2>/dev/null"))
    nodes = [16 + n["len"] for n in plan.get("setup_data", []) if n["name"] == "RNG_SEED"]
    node = nodes[0] if nodes else plan["seed_slot"]["len"]
    return {s["kind"]: node if s["kind"] == "seed" else s["content"]
            for s in plan["segments"]}


def load_flipped(guest: Guest, name: str, offset: int, image: str) -> None:
    """`kexec -c -l` with a bit of the segment's byte flipped (negative offset: from its end)."""
    segment = list(segment_sizes(guest, image)).index(name)
    out = guest.check(f"FLIP='{segment} {offset}' LD_PRELOAD=/flip.so kexec -c -l {image}")
    assert "flip: bit 4 of byte" in out
