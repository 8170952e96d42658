# SPDX-License-Identifier: GPL-2.0-only
"""Searches all of a guest's RAM for seeds."""

from crash import Ram
from shapes import HALF, shapes

CHUNK = 16 << 20
ENOUGH = 1000  # matches; a needle with more is no seed, but zeroes, say


def places(chunks, needles: list[bytes]) -> list[set[int]]:
    """Addresses of each needle. Chunks are (address, bytes) and overlap the next one by a
    needle's length less one byte."""
    found: list[set[int]] = [set() for _ in needles]
    for start, data in chunks:
        for where, needle in zip(found, needles):
            at = data.find(needle) if len(needle) == HALF else -1
            while at >= 0 and len(where) < ENOUGH:
                where.add(start + at)
                at = data.find(needle, at + 1)
    return found


def chunks_of(ram: Ram):
    """All RAM ever written to, as chunks for places()."""
    for start, end in ram.used():
        part = max(p for p in ram.parts if p[0] <= start)
        end = min(end + HALF - 1, part[0] + part[1])
        for at in range(start, end, CHUNK):
            yield at, ram.read(at, min(CHUNK + HALF - 1, end - at))


def count(chunks, seeds: list[bytes]) -> list[int]:
    """Number of places that hold a seed or half of it, in either byte order."""
    halves = [shapes(seed) for seed in seeds]
    found = iter(places(chunks, [half for shape in halves for half in shape]))
    return [len({at - HALF * (n % 2) for n in range(len(shape)) for at in next(found)})
            for shape in halves]


def copies(ram: Ram, seeds: list[bytes]) -> list[int]:
    return count(chunks_of(ram), seeds)
