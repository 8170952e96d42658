# SPDX-License-Identifier: GPL-2.0-only
"""What the tests load, on what, and where a build has it."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

KERNELS = ["6.1", "6.12", "7.3"]
ALL = os.environ.get("KEXEC_MACHINES") == "all"


def spread(first: Iterable[str], second: Iterable[str], times: int = 1) -> list:
    """Pairs for a test: all of them with KEXEC_MACHINES=all, else each of the longer list
    so many times, and each of the other one about as often."""
    a, b = list(first), list(second)
    if ALL:
        return [(x, y) for x in a for y in b]
    count = max(len(a), len(b))
    return list(dict.fromkeys((a[i % len(a)], b[(i + shift) % len(b)])
                              for shift in range(times) for i in range(count)))


def some(values: Iterable, *places: int) -> list:
    """Of a test's values only these (by their places), but all with KEXEC_MACHINES=all."""
    found: Sequence = list(values)
    return list(found) if ALL else [found[place] for place in places]


def kexec(build: Path) -> Path:
    return build / "kexec/kexec"


def probe(build: Path) -> Path:
    return build / "tests/probe/probe.bzImage"
