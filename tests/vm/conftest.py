# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of every guest test: the cached kernels, and a build.

$KEXEC_BUILD names the build folder (after `make check`); default: build/ in the checkout.
"""

import os
import signal
from pathlib import Path

import pytest

import cache

BUILT = ["kexec/kexec", "kexec_seed/kexec-seed", "tests/probe/probe.bzImage",
         "tests/unit/nomem.so", "tests/vm/flip.so", "tests/vm/mark.so"]
# Seconds for one test. Each wait has a limit of its own, but a loop of them may not end.
LIMIT = int(float(os.environ.get("KEXEC_TEST_LIMIT", "2400"))
            * float(os.environ.get("KEXEC_TEST_SLOW", "1")))


@pytest.fixture(autouse=True)
def limit():
    """Fails a test that does not end."""
    def too_long(*_):
        pytest.fail(f"still running after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session", autouse=True)
def kernels() -> list[str]:
    """The slots of the cache; fetches missing pieces, or fails and names them."""
    try:
        cache.ensure()
    except cache.MissingError as error:
        pytest.fail(str(error), pytrace=False)
    return cache.KERNELS


@pytest.fixture(scope="session")
def build() -> Path:
    """The build folder, the source of all files given to guests."""
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("KEXEC_BUILD") or checkout / "build").absolute()
    missing = [name for name in BUILT if not (folder / name).is_file()]
    if missing:
        pytest.fail(f"{folder} has no {', '.join(missing)}: run `make check` there, or "
                    "set KEXEC_BUILD", pytrace=False)
    return folder
