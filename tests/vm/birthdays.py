# SPDX-License-Identifier: GPL-2.0-only
"""Every seed that a guest test has seen and that must be the only one of its kind, of all
runs that used this cache: as digests, one a line.

    none_twice(seeds)     # AssertionError when any has been there before, or is twice here

Of tests that expect equal seeds nothing comes in here.
"""

import fcntl
import hashlib
from collections.abc import Iterable

from cache import cache_dir


def none_twice(seeds: Iterable[bytes]) -> int:
    """Remembers these seeds. How many there are now, of all runs."""
    new = [hashlib.sha256(b"kexec-seed test" + seed).hexdigest() for seed in seeds]
    with open(cache_dir() / "seeds-seen", "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        seen = set(file.read().split())
        twice = [one for i, one in enumerate(new) if one in seen or one in new[:i]]
        file.write("".join(f"{one}\n" for one in new))
    assert not twice, f"{len(twice)} of {len(new)} seeds have been there before"
    return len(seen) + len(new)
