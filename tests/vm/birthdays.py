# SPDX-License-Identifier: GPL-2.0-only
"""Digests of every seed that guest tests require to be unique, over all runs with this cache.

    none_twice(seeds)     # AssertionError on a seed seen before, or twice in this list

Seeds of tests that expect equal seeds are not recorded.
"""

import fcntl
import hashlib
from collections.abc import Iterable

from cache import cache_dir


def none_twice(seeds: Iterable[bytes]) -> int:
    """Record these seeds; return how many all runs have recorded."""
    new = [hashlib.sha256(b"kexec-seed test" + seed).hexdigest() for seed in seeds]
    with open(cache_dir() / "seeds-seen", "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        seen = set(file.read().split())
        twice = [one for i, one in enumerate(new) if one in seen or one in new[:i]]
        file.write("".join(f"{one}\n" for one in new))
    assert not twice, f"{len(twice)} of {len(new)} seeds were seen before"
    return len(seen) + len(new)
