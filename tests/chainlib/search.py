# SPDX-License-Identifier: GPL-2.0-only
"""Looks for seeds in all of a guest's RAM."""

from crash import Ram
from shapes import HALF, shapes

CHUNK = 16 << 20
ENOUGH = 1000  # places of what is no seed at all, such as zeroes


def places(chunks, needles: list[bytes]) -> list[set[int]]:
    """Where each occurs in pieces of memory, of which each brings its address and
    overlaps the next by one byte less than a needle has."""
    found: list[set[int]] = [set() for _ in needles]
    for start, data in chunks:
        for where, needle in zip(found, needles):
            at = data.find(needle) if len(needle) == HALF else -1
            while at >= 0 and len(where) < ENOUGH:
                where.add(start + at)
                at = data.find(needle, at + 1)
    return found


def chunks_of(ram: Ram):
    """What has ever been written to, in pieces as places() takes them."""
    for start, end in ram.used():
        part = max(p for p in ram.parts if p[0] <= start)
        end = min(end + HALF - 1, part[0] + part[1])
        for at in range(start, end, CHUNK):
            yield at, ram.read(at, min(CHUNK + HALF - 1, end - at))


def count(chunks, seeds: list[bytes]) -> list[int]:
    """In how many places (half of) each seed lies, in one shape or the other."""
    halves = [shapes(seed) for seed in seeds]
    found = iter(places(chunks, [half for shape in halves for half in shape]))
    return [len({at - HALF * (n % 2) for n in range(len(shape)) for at in next(found)})
            for shape in halves]


def copies(ram: Ram, seeds: list[bytes]) -> list[int]:
    return count(chunks_of(ram), seeds)
