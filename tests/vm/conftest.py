# SPDX-License-Identifier: GPL-2.0-only
"""What every guest test has: the kernels in the cache, and a build.

$KEXEC_BUILD names the build folder (after `make check`); by default it is build/ in the
checkout.
"""

import os
from pathlib import Path

import pytest

import cache

BUILT = ["kexec/kexec", "kexec_seed/kexec-seed", "tests/probe/probe.bzImage",
         "tests/unit/nomem.so", "tests/vm/flip.so", "tests/vm/mark.so"]


@pytest.fixture(scope="session", autouse=True)
def kernels() -> list[str]:
    """The slots of the cache. Fetches what is missing, or fails naming it."""
    try:
        cache.ensure()
    except cache.MissingError as error:
        pytest.fail(str(error), pytrace=False)
    return cache.KERNELS


@pytest.fixture(scope="session")
def build() -> Path:
    """The build folder, which holds all that guests are given."""
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("KEXEC_BUILD") or checkout / "build").absolute()
    missing = [name for name in BUILT if not (folder / name).is_file()]
    if missing:
        pytest.fail(f"{folder} has no {', '.join(missing)}: run `make check` there, or "
                    "set KEXEC_BUILD", pytrace=False)
    return folder
