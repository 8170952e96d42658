# SPDX-License-Identifier: GPL-2.0-only
"""Which images and machines the tests use, and their paths in a build."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

KERNELS = ["6.1", "6.12", "7.3"]
ALL = os.environ.get("KEXEC_MACHINES") == "all"


def spread(first: Iterable[str], second: Iterable[str], times: int = 1) -> list:
    """Pairs for a test: all with KEXEC_MACHINES=all, else each of the longer list `times`
    times, and each of the shorter about as often."""
    a, b = list(first), list(second)
    if ALL:
        return [(x, y) for x in a for y in b]
    count = max(len(a), len(b))
    return list(dict.fromkeys((a[i % len(a)], b[(i + shift) % len(b)])
                              for shift in range(times) for i in range(count)))


def some(values: Iterable, *places: int) -> list:
    """Only the values at these places, but all with KEXEC_MACHINES=all."""
    found: Sequence = list(values)
    return list(found) if ALL else [found[place] for place in places]


def kexec(build: Path) -> Path:
    return build / "kexec/kexec"


def probe(build: Path, arch: str = "x86_64") -> Path:
    return build / "tests/probe" / ("probe.bzImage" if arch == "x86_64" else "probe.Image")
